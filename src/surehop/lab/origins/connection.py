"""One connection of an origin: requests in, answers or faults out."""

import asyncio
import contextlib
import socket
import struct
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.pages import Page, page, plain
from surehop.lab.origins.request import (
    Body,
    ClientGoneError,
    Inbox,
    InvalidRequestError,
    Request,
)

_RESET = struct.pack("ii", 1, 0)
_GARBAGE = b"\x15\x03\x01 this is not HTTP\r\n\r\n"


class House(Protocol):
    """What a connection needs of its origin."""

    @property
    def behaviour(self) -> Behaviour: ...

    def arrived(self, connection: "Connection", request: Request) -> str | None:
        """Count the request; the kind of the fault that meets it."""


class Connection:
    """A client's connection, served until one side has had enough."""

    def __init__(
        self, house: House, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self.requests = 0
        self.idle = True
        self._house = house
        self._inbox = Inbox(reader)
        self._writer = writer
        # drain() then means that the kernel has everything, so a reset cuts where it is meant to.
        writer.transport.set_write_buffer_limits(high=0)

    def close(self, how: str) -> None:
        """End the connection now: `fin` sends what is pending first, `rst` forgets it."""
        if how == "rst":
            sock = self._writer.get_extra_info("socket")
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._writer.transport.abort()
        else:
            self._writer.close()

    async def serve(self) -> None:
        try:
            while await self._waits() and await self._exchange():
                pass
        except InvalidRequestError as error:
            with contextlib.suppress(ConnectionError):
                refusal = plain(error.status, f"{error}\n".encode())
                await self._answer(refusal, None, self._house.behaviour, keep=False)
        except (ClientGoneError, ConnectionError):
            pass
        finally:
            self._writer.close()

    async def _waits(self) -> bool:
        """Wait for the next request; False when the connection ends instead."""
        behaviour = self._house.behaviour
        # The clock starts when a response is finished, as Node's does, so not before the first.
        limited = self.requests and behaviour.keepalive_timeout
        self.idle = True
        try:
            async with asyncio.timeout(
                behaviour.keepalive_timeout + behaviour.buffer if limited else None
            ):
                return await self._inbox.begins()
        except TimeoutError:
            self.close(self._house.behaviour.idle_close)
            return False
        finally:
            self.idle = False

    async def _exchange(self) -> bool:
        """One request and its answer; whether the connection goes on."""
        request = await self._inbox.head()
        self.requests += 1
        fault = self._house.arrived(self, request)
        behaviour = self._house.behaviour
        body = Body()
        if not (fault and request.expects_continue):
            if request.expects_continue:
                self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await self._inbox.body(request)
        if fault:
            await self._fail(fault, behaviour)
            return False
        if behaviour.delay:
            await asyncio.sleep(behaviour.delay)
        keep = request.keeps_alive and not behaviour.http10
        if behaviour.max_requests and self.requests >= behaviour.max_requests:
            keep = False
        answer = page(request, body, behaviour)
        return await self._answer(answer, request, behaviour, keep=keep)

    async def _fail(self, kind: str, behaviour: Behaviour) -> None:
        match kind:
            case "fin" | "rst":
                self.close(kind)
            case "hang":
                await self._inbox.end()
            case "garbage":
                await self._send(_GARBAGE)
            case "half_head":
                await self._send(b"HTTP/1.1 200 OK\r\nContent-Ty")
            case "half_body":
                size = max(behaviour.body, 2)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
                await self._send(head + bytes(size // 2))

    async def _answer(
        self, page: Page, request: Request | None, behaviour: Behaviour, *, keep: bool
    ) -> bool:
        """Send a page; whether the connection goes on. One answer is of one behaviour."""
        if page.wait:
            await asyncio.sleep(page.wait)
        modern = request is None or (request.version == 1 and not behaviour.http10)
        if page.early and modern:
            link = (
                b"Link: </style.css>; rel=preload\r\n"
                if page.early == HTTPStatus.EARLY_HINTS
                else b""
            )
            await self._send(_status_line(page.early) + link + b"\r\n")
        chunked = page.length is None and modern
        keep = keep and (chunked or page.length is not None)
        head = self._head(page, request, behaviour, keep=keep, chunked=chunked)
        if page.bodiless or (request is not None and request.method == "HEAD"):
            await self._send(head)
            return keep
        # The head goes out with the first piece, as one segment where it fits.
        pending = head
        for piece in page.content:
            await self._send(pending + (_chunk(piece) if chunked else piece))
            pending = b""
            if page.pace:
                await asyncio.sleep(page.pace)
        await self._send(pending + (b"0\r\n\r\n" if chunked else b""))
        return keep

    def _head(
        self,
        page: Page,
        request: Request | None,
        behaviour: Behaviour,
        *,
        keep: bool,
        chunked: bool,
    ) -> bytes:
        lines = [f"Date: {formatdate(usegmt=True)}", "Server: surehop-lab"]
        if not page.bodiless:
            lines.append(f"Content-Type: {page.kind}")
            if chunked:
                lines.append("Transfer-Encoding: chunked")
            elif page.length is not None and not behaviour.http10:
                lines.append(f"Content-Length: {page.length}")
        if request:
            lines += [f"X-Request-Id: {name}" for name in request.values("x-request-id")]
        lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
        if keep and behaviour.hint and behaviour.keepalive_timeout:
            hint = f"Keep-Alive: timeout={behaviour.keepalive_timeout:g}"
            left = behaviour.max_requests
            lines.append(hint + (f", max={left}" if left else ""))
        first = _status_line(page.status, 0 if behaviour.http10 else 1)
        return first + "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n"

    async def _send(self, data: bytes) -> None:
        if data:
            self._writer.write(data)
        await self._writer.drain()


def _status_line(status: int, version: int = 1) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.{version} {status} {phrase}\r\n".encode()


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)
