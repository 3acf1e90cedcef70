"""Two thousand connections at once through a tap: nothing is lost, byte for byte."""

import asyncio
import contextlib
import hashlib
import random
import re
import resource
import signal
import subprocess
import sys

import pytest

from surehop.lab.tap.relay import raise_limit

CONNECTIONS = 2000
ROUNDS = 3
LARGEST = 20_000


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _client(port: int, seed: int, ready: asyncio.Barrier) -> bool:
    chance = random.Random(seed)  # noqa: S311 (bytes that differ)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await ready.wait()
    same = True
    for _ in range(ROUNDS):
        sent = chance.randbytes(chance.randint(1, LARGEST))
        writer.write(sent)
        got = await reader.readexactly(len(sent))
        same &= hashlib.sha256(got).digest() == hashlib.sha256(sent).digest()
    writer.close()
    await writer.wait_closed()
    return same


async def _crowd(tap_of: "list[subprocess.Popen[str]]") -> list[bool]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0, backlog=CONNECTIONS)
    upstream = server.sockets[0].getsockname()[1]
    argv = [sys.executable, "-m", "surehop.lab.tap", ":0", f"127.0.0.1:{upstream}"]
    process = subprocess.Popen(  # noqa: ASYNC220 (nothing else is to be done meanwhile)
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    tap_of.append(process)
    assert process.stderr
    found = re.search(r":(\d+) → ", process.stderr.readline())
    assert found
    ready = asyncio.Barrier(CONNECTIONS)
    clients = (_client(int(found[1]), seed, ready) for seed in range(CONNECTIONS))
    same = await asyncio.gather(*clients)
    server.close()
    return same


def test_nothing_is_lost() -> None:
    if raise_limit() < 2 * CONNECTIONS + 100:
        pytest.skip(f"too few descriptors: {resource.getrlimit(resource.RLIMIT_NOFILE)}")
    started: list[subprocess.Popen[str]] = []
    try:
        same = asyncio.run(asyncio.wait_for(_crowd(started), 120))
        started[0].send_signal(signal.SIGINT)
        out, err = started[0].communicate(timeout=20)
    finally:
        for process in started:
            process.kill()
    assert same == [True] * CONNECTIONS
    assert out.splitlines()[0] == f"{CONNECTIONS} connections · 0 requests", err
    assert "descriptors ran out" not in out
    (up, down) = re.findall(r"(\d+) (?:up|down)", out)
    assert up == down
