"""The keep-alive race and `maxConnections`, against real Node; retries only where asked for."""

import asyncio
import socket
import time

import pytest
from node import Node

import surehop

pytestmark = pytest.mark.peers

KEPT = 1000  # ms; Node 20.20 and later closes a second after that
TIMES = 10
# Around both moments at which a server that says `timeout=1` may close, in ms.
OFFSETS = (-100, -50, -20, -15, -10, -5, -2, 0, 2, 5, 10, 20, 50)
LANES = 3  # clients at each interval


def closes_after(port: int) -> float:
    """How long this Node really keeps an idle connection, in seconds."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok\n"):
            piece = connection.recv(65536)
            assert piece
            answer += piece
        since = time.monotonic()
        assert connection.recv(1) == b""
        return time.monotonic() - since


async def steadily(url: str, every: float) -> list[int | str]:
    """Ten requests, one every so many seconds: statuses, or errors' codes."""
    came: list[int | str] = []
    clock = asyncio.get_running_loop().time
    async with surehop.AsyncClient() as client:
        next_at = clock()
        for _ in range(TIMES):
            await asyncio.sleep(next_at - clock())
            next_at = clock() + every
            try:
                came.append((await client.get(url)).status_code)
            except surehop.TransportError as error:
                came.append(str(error))
    return came


@pytest.mark.parametrize("silent", [False, True], ids=["hint", "silent"])
def test_every_interval_around_the_close(silent: bool) -> None:
    async def sweep(url: str, intervals: list[float]) -> dict[float, list[int | str]]:
        lanes = [steadily(url, every) for every in intervals for _ in range(LANES)]
        came = iter(await asyncio.gather(*lanes))
        return {every: [one for _ in range(LANES) for one in next(came)] for every in intervals}

    with Node(keepAliveTimeout=KEPT, silent=silent) as node:
        moments = {KEPT / 1000, closes_after(node.port)}
        intervals = sorted(moment + offset / 1000 for moment in moments for offset in OFFSETS)
        came = asyncio.run(sweep(node.url, intervals))
        seen = node.seen()

    assert came == {every: [200] * TIMES * LANES for every in intervals}
    assert seen.requests - 1 == TIMES * LANES * len(intervals), "no request was delivered twice"
    if silent:
        assert seen.connections - 1 > LANES * len(intervals), "the server did close connections"


async def ten_at_once(url: str, retries: int = 0) -> list[int | surehop.TransportError]:
    async with surehop.AsyncClient(retries=retries) as client:

        async def one() -> int | surehop.TransportError:
            try:
                return int((await client.get(url)).status_code)
            except surehop.TransportError as error:
                return error

        return await asyncio.gather(*(one() for _ in range(10)))


def test_too_many_connections_without_retries() -> None:
    with Node(maxConnections=2, hold=300) as node:
        came = asyncio.run(ten_at_once(node.url))

    errors = [error for error in came if isinstance(error, surehop.TransportError)]
    assert errors
    assert {error.code for error in errors} == {"ECONNRESET"}
    assert {error.response for error in errors} == {None}


def test_too_many_connections_with_retries() -> None:
    """axios-retry with eight exponential retries gives 10 of 10 for 28 wasted tries."""
    with Node(maxConnections=2, hold=300) as node:
        came = asyncio.run(ten_at_once(node.url, retries=8))
        seen = node.seen()

    assert came == [200] * 10
    assert seen.requests == 10
    assert seen.dropped < 14
