"""The control API of a running origin: a second loopback port that speaks JSON over HTTP.

`/version`, `/proxies`, `/populate` and `/reset` are toxiproxy's; `/state` and `/close_idle` are of
the origin alone.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from surehop.lab.origins.inbox import ClientGoneError, Inbox
from surehop.lab.origins.proxies import Proxies
from surehop.lab.origins.request import InvalidRequestError, Request
from surehop.lab.origins.server import Server
from surehop.lab.toxics import Toxic, ToxicError

# The toxiproxy whose API this is; its clients ask.
VERSION = "2.5.0"
_LARGEST = 1 << 20
_Answer = tuple[HTTPStatus, Any]
_NO_CONTENT = (HTTPStatus.NO_CONTENT, None)


class Control:
    """Answers for one origin and the proxies that were made beside it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._proxies = Proxies(server)

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1; the port."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more, and end everything that was made here."""
        self._listener.close()
        await self._proxies.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ClientGoneError):
            status, value = await self._answer(Inbox(reader))
            text, kind = json.dumps(value).encode(), "application/json"
            if isinstance(value, str):
                text, kind = value.encode(), "text/plain;charset=utf-8"
            body = f"Content-Type: {kind}\r\nContent-Length: {len(text)}\r\n"
            if status is HTTPStatus.NO_CONTENT:
                body, text = "", b""
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{body}Connection: close\r\n\r\n"
            writer.write(head.encode() + text)
            await writer.drain()
        writer.close()

    async def _answer(self, inbox: Inbox) -> _Answer:
        try:
            request = await inbox.head()
            return await self._routed(request, await inbox.content(_length(request)))
        except (ValueError, InvalidRequestError) as error:
            return _refusal(HTTPStatus.BAD_REQUEST, str(error))
        except ToxicError as error:
            return _refusal(HTTPStatus(error.status), str(error))
        except OSError as error:
            return _refusal(HTTPStatus.CONFLICT, str(error))

    async def _routed(self, request: Request, text: bytes) -> _Answer:
        words = [unquote(word) for word in request.target.partition("?")[0].split("/")[1:]]
        if words[0] in ("state", "close_idle"):
            return await self._own(request.method, words, text)
        match words, request.method:
            case ["proxies", *rest], method:
                return await self._proxy(method, rest, text)
            case ["version"], "GET":
                return HTTPStatus.OK, VERSION
            case ["populate"], "POST":
                made = await self._proxies.populate(_list(text))
                return HTTPStatus.CREATED, {"proxies": [proxy.told() for proxy in made]}
            case ["reset"], "POST":
                await self._proxies.reset()
                return _NO_CONTENT
            case ["version" | "populate" | "reset"], method:
                raise ToxicError(f"{method} is not for this", 405)
        raise ToxicError(f"no {request.path}", 404)

    async def _own(self, method: str, words: list[str], text: bytes) -> _Answer:
        """What toxiproxy does not have."""
        match words, method:
            case ["state"], "GET":
                pass
            case ["state"], "POST":
                await self._server.change(_object(text))
            case ["close_idle"], "POST":
                how = str(_object(text).get("how", "fin"))
                return HTTPStatus.OK, {"closed": self._server.close_idle(how)}
            case _:
                raise ToxicError(f"{method} is not for this", 405)
        return HTTPStatus.OK, state(self._server)

    async def _proxy(self, method: str, words: list[str], text: bytes) -> _Answer:
        match words, method:
            case [], "GET":
                return HTTPStatus.OK, self._proxies.told()
            case [], "POST":
                return HTTPStatus.CREATED, (await self._proxies.create(_object(text))).told()
            case [name], "GET":
                return HTTPStatus.OK, self._proxies.named(name).told()
            case [name], "POST" | "PATCH":
                return HTTPStatus.OK, (await self._proxies.update(name, _object(text))).told()
            case [name], "DELETE":
                await self._proxies.remove(name)
                return _NO_CONTENT
            case [name, "toxics", *rest], _:
                return self._toxic(method, name, rest, text)
        raise ToxicError(f"{method} is not for this", 405)

    def _toxic(self, method: str, name: str, words: list[str], text: bytes) -> _Answer:
        proxy = self._proxies.named(name)
        match words, method:
            case [], "GET":
                return HTTPStatus.OK, [toxic.told() for toxic in proxy.toxics]
            case [], "POST":
                return HTTPStatus.OK, proxy.add(Toxic.made(_object(text))).told()
            case [toxic], "GET":
                return HTTPStatus.OK, proxy.toxic(toxic).told()
            case [toxic], "POST" | "PATCH":
                return HTTPStatus.OK, proxy.put(proxy.toxic(toxic).changed(_object(text))).told()
            case [toxic], "DELETE":
                proxy.remove(toxic)
                return _NO_CONTENT
        raise ToxicError(f"{method} is not for this", 405)


def state(server: Server) -> dict[str, Any]:
    """Everything there is to know about an origin."""
    return {
        "behaviour": asdict(server.behaviour),
        "stats": asdict(server.stats()),
        "port": server.port,
        "addresses": server.addresses,
    }


def _length(request: Request) -> int:
    """The body's length; ToxicError if the request is not to be listened to."""
    if request.length is None or request.length > _LARGEST:
        raise ToxicError("a body of known, small length is needed", 411)
    # A page in a browser may not reach what listens on loopback.
    if any(agent.startswith("Mozilla/") for agent in request.values("user-agent")):
        raise ToxicError("this is not for browsers", 403)
    return request.length


def _refusal(status: HTTPStatus, text: str) -> _Answer:
    return status, {"error": text, "status": status.value}


def _object(text: bytes) -> Mapping[str, Any]:
    value = json.loads(text or b"{}")
    if not isinstance(value, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004  400 is the answer
    return value


def _list(text: bytes) -> list[Mapping[str, Any]]:
    value = json.loads(text or b"[]")
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise ValueError("the body is not a list of JSON objects")
    return value
