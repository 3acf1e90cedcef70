"""One client, asked over and over: `driver.py CLIENT AT_ONCE SECONDS URL` prints one line of JSON.

It stands alone, since it runs in the environment of the clients: what a client needs is imported by
name, so that types can be checked where none of them is installed. CPU is the process's own, of all
its threads, told by the kernel.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from importlib import import_module, metadata
from threading import Thread
from typing import Any, NoReturn
from urllib.parse import urlsplit

WARM_UP = 1.0  # seconds
OK = 200

Get = Callable[[], None]
AsyncGet = Callable[[], Awaitable[None]]


def need(good: bool) -> None:
    if not good:
        raise SystemExit("an answer was not what the server says")


def head_of(url: str) -> tuple[str, int, bytes]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    return host, port, f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()


def length_in(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


async def streams(url: str) -> AsyncGet:
    """The floor: asyncio's streams, and no HTTP but what is in the way."""
    host, port, request = head_of(url)
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get() -> None:
        reader, writer = idle.pop() if idle else await asyncio.open_connection(host, port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(length_in(head))
        need(b" 200 " in head)
        idle.append((reader, writer))

    return get


async def surehop(url: str) -> AsyncGet:
    client = import_module("surehop").AsyncClient()

    async def get() -> None:
        answer = await client.get(url)
        need(answer.status_code == OK and bool(answer.content))

    return get


async def wreq(url: str) -> AsyncGet:
    client = import_module("wreq").Client()

    async def get() -> None:
        answer = await client.get(url)
        body = await answer.bytes()
        need(answer.status.as_int() == OK and bool(body))

    return get


async def pyreqwest(url: str) -> AsyncGet:
    client = await import_module("pyreqwest.client").ClientBuilder().build().__aenter__()

    async def get() -> None:
        answer = await client.get(url).build().send()
        body = await answer.bytes()
        need(answer.status == OK and bool(body))

    return get


async def aiohttp(url: str) -> AsyncGet:
    session = import_module("aiohttp").ClientSession()

    async def get() -> None:
        async with session.get(url) as answer:
            body = await answer.read()
        need(answer.status == OK and bool(body))

    return get


async def httpx(url: str) -> AsyncGet:
    client = import_module("httpx").AsyncClient()

    async def get() -> None:
        answer = await client.get(url)
        need(answer.status_code == OK and bool(answer.content))

    return get


def socket_sync(url: str) -> Get:
    """The floor: a blocking socket, and no HTTP but what is in the way."""
    host, port, request = head_of(url)
    idle: list[socket.socket] = []

    def get() -> None:
        connection = idle.pop() if idle else socket.create_connection((host, port))
        connection.sendall(request)
        data = b""
        while (end := data.find(b"\r\n\r\n") + 4) < 4 or len(data) < end + length_in(data[:end]):
            data += connection.recv(65536)
        need(b" 200 " in data)
        idle.append(connection)

    return get


def surehop_sync(url: str) -> Get:
    client = import_module("surehop").Client()

    def get() -> None:
        answer = client.get(url)
        need(answer.status_code == OK and bool(answer.content))

    return get


def wreq_sync(url: str) -> Get:
    client = import_module("wreq").blocking.Client()

    def get() -> None:
        answer = client.get(url)
        body = answer.bytes()
        need(answer.status.as_int() == OK and bool(body))

    return get


def pyreqwest_sync(url: str) -> Get:
    client = import_module("pyreqwest.client").SyncClientBuilder().build().__enter__()

    def get() -> None:
        answer = client.get(url).build().send()
        body = answer.bytes()
        need(answer.status == OK and bool(body))

    return get


def urllib3_sync(url: str) -> Get:
    pool = import_module("urllib3").PoolManager(maxsize=50)

    def get() -> None:
        answer = pool.request("GET", url)
        need(answer.status == OK and bool(answer.data))

    return get


def requests_sync(url: str) -> Get:
    module = import_module("requests")
    session = module.Session()
    session.mount("http://", module.adapters.HTTPAdapter(pool_maxsize=50))

    def get() -> None:
        answer = session.get(url)
        need(answer.status_code == OK and bool(answer.content))

    return get


def httpx_sync(url: str) -> Get:
    client = import_module("httpx").Client()

    def get() -> None:
        answer = client.get(url)
        need(answer.status_code == OK and bool(answer.content))

    return get


ASYNC: dict[str, Callable[[str], Coroutine[Any, Any, AsyncGet]]] = {
    "streams": streams,
    "surehop": surehop,
    "wreq": wreq,
    "pyreqwest": pyreqwest,
    "aiohttp": aiohttp,
    "httpx": httpx,
}
SYNC: dict[str, Callable[[str], Get]] = {
    "socket": socket_sync,
    "surehop": surehop_sync,
    "wreq": wreq_sync,
    "pyreqwest": pyreqwest_sync,
    "urllib3": urllib3_sync,
    "requests": requests_sync,
    "httpx": httpx_sync,
}


def cost(requests: int, since: tuple[float, resource.struct_rusage]) -> dict[str, float]:
    clock, before = since
    seconds, after = time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "requests": requests,
        "seconds": seconds,
        "user": after.ru_utime - before.ru_utime,
        "system": after.ru_stime - before.ru_stime,
    }


def now() -> tuple[float, resource.struct_rusage]:
    return time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)


async def ask(get: AsyncGet, at_once: int, seconds: float) -> dict[str, float]:
    clock = time.perf_counter

    async def work(until: float) -> int:
        count = 0
        while clock() < until:
            await get()
            count += 1
        return count

    since = now()
    until = clock() + seconds
    if at_once == 1:
        return cost(await work(until), since)
    return cost(sum(await asyncio.gather(*(work(until) for _ in range(at_once)))), since)


def ask_sync(get: Get, at_once: int, seconds: float) -> dict[str, float]:
    clock = time.perf_counter
    counts: list[int] = []

    def work(until: float) -> None:
        count = 0
        while clock() < until:
            get()
            count += 1
        counts.append(count)

    since = now()
    until = clock() + seconds
    if at_once == 1:
        work(until)
    else:
        threads = [Thread(target=work, args=(until,)) for _ in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return cost(sum(counts), since)


def measured(client: str, at_once: int, seconds: float, url: str) -> None:
    """Tells what the client costs; `client` is NAME-uvloop, NAME-asyncio or NAME-sync."""
    name, _, manner = client.rpartition("-")
    if manner == "sync":
        get = SYNC[name](url)
        ask_sync(get, at_once, WARM_UP)
        tell(name, ask_sync(get, at_once, seconds))

    async def run() -> None:
        get = await ASYNC[name](url)
        await ask(get, at_once, WARM_UP)
        tell(name, await ask(get, at_once, seconds))

    loop = import_module("uvloop").new_event_loop if manner == "uvloop" else None
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


def tell(name: str, figures: dict[str, float]) -> NoReturn:
    """Prints and ends at once: some clients that are left open hang or abort at the end."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        version = f"Python {sys.version.split()[0]}"
    print(json.dumps({**figures, "version": version}), flush=True)
    os._exit(0)


def main() -> None:
    client, at_once, seconds, url = sys.argv[1:]
    # Behind what the clients have: Surehop's own source and what it needs.
    sys.path += filter(None, os.environ.get("BENCH_PATH", "").split(os.pathsep))
    measured(client, int(at_once), float(seconds), url)


if __name__ == "__main__":
    main()
