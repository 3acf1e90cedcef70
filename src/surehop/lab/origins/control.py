"""The control API of a running origin: a second loopback port that speaks JSON over HTTP."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from surehop.lab.origins.request import ClientGoneError, Inbox, InvalidRequestError
from surehop.lab.origins.server import Server

_LARGEST = 1 << 20


async def start_control(server: Server, port: int = 0) -> asyncio.Server:
    """Serve GET /state, POST /state, POST /reset and POST /close_idle on 127.0.0.1."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ClientGoneError):
            status, value = await _answer(server, Inbox(reader))
            text = json.dumps(value).encode()
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + text)
            await writer.drain()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", port)


def state(server: Server) -> dict[str, Any]:
    """Everything there is to know about an origin."""
    return {
        "behaviour": asdict(server.behaviour),
        "stats": asdict(server.stats()),
        "port": server.port,
        "addresses": server.addresses,
    }


async def _answer(server: Server, inbox: Inbox) -> tuple[HTTPStatus, Any]:  # noqa: PLR0911  a table
    try:
        request = await inbox.head()
        if request.length is None or request.length > _LARGEST:
            return HTTPStatus.LENGTH_REQUIRED, {"error": "a body of known, small length is needed"}
        text = await inbox.content(request.length)
        match request.method, request.path:
            case "GET", "/state":
                pass
            case "POST", "/state":
                await server.change(_object(text))
            case "POST", "/reset":
                await server.reset()
            case "POST", "/close_idle":
                how = _object(text).get("how", "fin")
                return HTTPStatus.OK, {"closed": server.close_idle(str(how))}
            case _, "/state" | "/reset" | "/close_idle":
                return HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"{request.method} is not for this"}
            case _:
                return HTTPStatus.NOT_FOUND, {"error": f"no {request.path}"}
    except (ValueError, InvalidRequestError) as error:
        return HTTPStatus.BAD_REQUEST, {"error": str(error)}
    except OSError as error:
        return HTTPStatus.CONFLICT, {"error": str(error)}
    return HTTPStatus.OK, state(server)


def _object(text: bytes) -> Mapping[str, Any]:
    value = json.loads(text or b"{}")
    if not isinstance(value, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004  400 is the answer
    return value
