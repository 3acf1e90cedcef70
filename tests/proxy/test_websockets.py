"""WebSockets of a library that people use, through the configuration that people have."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from front import logged, running
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from surehop.lab.subjects import Program
from waiting import PATIENCE

HTTP = """
map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
upstream app {{ server 127.0.0.1:{}; }}
server {{
    listen 127.0.0.1:@PORT@;
    location / {{
        proxy_pass http://app;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header Host $host;
    }}
    location /plain/ {{ proxy_pass http://app; }}
}}
"""
LARGE = bytes(range(256)) * (1 << 14)


async def echo(connection: ServerConnection) -> None:
    await connection.send("welcome")
    async for message in connection:
        if message == "bye":
            await connection.close(4001, "as you wish")
        else:
            await connection.send(message)


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@pytest.fixture(params=["surehop", "surehop_nginx"])
def program(request: pytest.FixtureRequest) -> Program:
    found: Program = request.getfixturevalue(request.param)
    return found


def test_messages_go_both_ways(program: Program) -> None:
    async def spoken() -> None:
        async with echoing() as port:
            with running(program, HTTP.format(port)) as subject:
                url = f"ws://127.0.0.1:{subject.port}/"
                async with connect(url, max_size=None, proxy=None) as one:
                    assert await one.recv() == "welcome"
                    for message in ("text", b"bytes", "", LARGE):
                        await one.send(message)
                        assert await one.recv() == message
                    # Compressed frames, pings and pongs are nothing to a tunnel.
                    await asyncio.wait_for(await one.ping(b"there?"), PATIENCE)
                    async with connect(url, compression=None, proxy=None) as other:
                        assert await other.recv() == "welcome"
                        await asyncio.gather(one.send("a"), other.send("b"))
                        assert [await one.recv(), await other.recv()] == ["a", "b"]
                assert all(line.startswith("GET / 101") for line in logged(subject, 2))

    asyncio.run(asyncio.wait_for(spoken(), 3 * PATIENCE))


def test_closing_words_arrive(program: Program) -> None:
    async def spoken() -> None:
        async with echoing() as port:
            with running(program, HTTP.format(port)) as subject:
                url = f"ws://127.0.0.1:{subject.port}/"
                async with connect(url, proxy=None) as client:
                    await client.recv()
                    await client.close(1000)
                    assert client.close_code == 1000
                async with connect(url, proxy=None) as client:
                    await client.recv()
                    await client.send("bye")
                    with pytest.raises(Exception, match="as you wish"):
                        await client.recv()
                    assert client.close_code == 4001

    asyncio.run(asyncio.wait_for(spoken(), 3 * PATIENCE))


def test_a_location_that_passes_no_upgrade_on_gives_none(program: Program) -> None:
    async def refused() -> None:
        async with echoing() as port:
            with running(program, HTTP.format(port)) as subject:
                with pytest.raises(InvalidStatus) as caught:
                    await connect(f"ws://127.0.0.1:{subject.port}/plain/", proxy=None)
                assert caught.value.response.status_code == 426

    asyncio.run(asyncio.wait_for(refused(), PATIENCE))
