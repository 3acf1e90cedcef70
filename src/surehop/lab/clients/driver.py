"""A client of Python's, or curl, that asks as it is told: `-m surehop.lab.clients.driver CLIENT`.

It prints `{"version": …}` when it is ready, reads a line with the lanes, and prints one line a
request. What a client needs is imported by name, since none of them need be installed.
"""

import asyncio
import errno
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib import import_module, metadata
from typing import Any

from surehop.lab.clients.curl import ask_curl, curl_version

Answer = tuple[int, int]
# How one asks with a client, and how it is closed.
Ask = tuple[Callable[[dict[str, Any], str, dict[str, str]], Answer], Callable[[], object]]
AsyncAsk = tuple[
    Callable[[dict[str, Any], str, dict[str, str]], Awaitable[Answer]],
    Callable[[], Awaitable[object]],
]
_lock = threading.Lock()


def surehop_options(lane: Mapping[str, Any]) -> dict[str, Any]:
    """The retries that a lane asks for."""
    told = lane["options"]
    if "retries" not in told:
        return {}
    retry = import_module("surehop.retry")
    factor = told.get("factor", 0.1)
    delays = {
        "none": retry.no_delay,
        "exponential": partial(retry.exponential_delay, factor=factor),
        "jitter": retry.FullJitter(base=factor),
    }
    delay = {"delay": delays[told["delay"]]} if "delay" in told else {}
    return {"retry": retry.Retry(attempts=told["retries"], **delay)}


def surehop_sync(lane: Mapping[str, Any]) -> Ask:
    client = import_module("surehop").Client(timeout=lane["timeout"], **surehop_options(lane))

    def ask(lane: dict[str, Any], url: str, headers: dict[str, str]) -> Answer:
        answer = client.request(lane["method"], url, content=lane["body"], headers=headers)
        return answer.status_code, len(answer.content)

    return ask, client.close


def requests(_: Mapping[str, Any]) -> Ask:
    module = import_module("requests")
    session = module.Session()
    session.mount("http://", module.adapters.HTTPAdapter(pool_maxsize=50))

    def ask(lane: dict[str, Any], url: str, headers: dict[str, str]) -> Answer:
        answer = session.request(
            lane["method"], url, data=lane["body"], headers=headers, timeout=lane["timeout"]
        )
        return answer.status_code, len(answer.content)

    return ask, session.close


def urllib3(lane: Mapping[str, Any]) -> Ask:
    module = import_module("urllib3")
    told = lane["options"]
    # The plain client does not try again; its Retry is had where a lane asks for retries.
    retries: Any = False
    if "retries" in told:
        factor = told.get("factor", 0.1) if told.get("delay") == "exponential" else 0
        retries = module.Retry(told["retries"], backoff_factor=factor)
    pool = module.PoolManager(maxsize=50, retries=retries)

    def ask(lane: dict[str, Any], url: str, headers: dict[str, str]) -> Answer:
        answer = pool.request(
            lane["method"], url, body=lane["body"], headers=headers, timeout=lane["timeout"]
        )
        return answer.status, len(answer.data)

    return ask, pool.clear


async def surehop(lane: Mapping[str, Any]) -> AsyncAsk:
    client = import_module("surehop").AsyncClient(timeout=lane["timeout"], **surehop_options(lane))

    async def ask(lane: dict[str, Any], url: str, headers: dict[str, str]) -> Answer:
        answer = await client.request(lane["method"], url, content=lane["body"], headers=headers)
        return answer.status_code, len(answer.content)

    return ask, client.aclose


async def httpx(lane: Mapping[str, Any]) -> AsyncAsk:
    client = import_module("httpx").AsyncClient(timeout=lane["timeout"])

    async def ask(lane: dict[str, Any], url: str, headers: dict[str, str]) -> Answer:
        answer = await client.request(lane["method"], url, content=lane["body"], headers=headers)
        return answer.status_code, len(answer.content)

    return ask, client.aclose


async def aiohttp(lane: Mapping[str, Any]) -> AsyncAsk:
    module = import_module("aiohttp")
    session = module.ClientSession(timeout=module.ClientTimeout(total=lane["timeout"]))

    async def ask(lane: dict[str, Any], url: str, headers: dict[str, str]) -> Answer:
        async with session.request(
            lane["method"], url, data=lane["body"], headers=headers
        ) as answer:
            return answer.status, len(await answer.read())

    return ask, session.close


SYNC: dict[str, Callable[[Mapping[str, Any]], Ask]] = {
    "surehop-sync": surehop_sync,
    "requests": requests,
    "urllib3": urllib3,
}
ASYNC: dict[str, Callable[[Mapping[str, Any]], Awaitable[AsyncAsk]]] = {
    "surehop": surehop,
    "httpx": httpx,
    "aiohttp": aiohttp,
}


def tell(line: Mapping[str, Any]) -> None:
    with _lock:
        print(json.dumps(line), flush=True)


def log(error: BaseException) -> None:
    """As an application that uses the client would: what was raised, and by what it was caused."""
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    told = "".join(traceback.format_exception(error, limit=0)).rstrip()
    with _lock:
        print(f"{when} ERROR request failed\n{told}", file=sys.stderr, flush=True)


def named(error: BaseException) -> tuple[str, str]:
    """A failure's code and words: the client's own code, the system's, or the exception's name."""
    words = str(error)
    code = getattr(error, "code", None)
    if isinstance(code, str):
        return code, words
    for cause in chain(error):
        if isinstance(cause, OSError) and cause.errno:
            return errno.errorcode.get(cause.errno, str(cause.errno)), words or str(cause)
    return type(error).__name__, words or repr(error)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = [one for one in error.args if isinstance(one, BaseException)]
        error = error.__cause__ or error.__context__ or next(iter(inner), None)


def asked(lane: Mapping[str, Any], turn: int, place: int) -> tuple[str, str, dict[str, str]]:
    """The id, the URL and the headers of one request."""
    paths = lane["paths"]
    url = lane["url"] + (paths[turn % len(paths)] if paths else "")
    name = f"{lane['prefix']}-{turn}" + (f"-{place}" if lane["at_once"] > 1 else "")
    return name, url, {**lane["headers"], "X-Request-Id": name}


def outcome(name: str, lane: int, at: float, found: Answer | BaseException) -> None:
    line: dict[str, Any] = {"id": name, "lane": lane, "at": at, "took": time.time() - at}
    if isinstance(found, BaseException):
        log(found)
        code, message = named(found)
        tell({**line, "status": 0, "code": code, "message": message})
    else:
        tell({**line, "status": found[0], "size": found[1]})


def play_sync(make: Callable[[Mapping[str, Any]], Ask], lanes: list[dict[str, Any]]) -> None:
    kept = [None if lane["fresh"] else make(lane) for lane in lanes]

    def one(index: int, turn: int, place: int) -> None:
        name, url, headers = asked(lanes[index], turn, place)
        at = time.time()
        ask, close = kept[index] or make(lanes[index])
        try:
            found: Answer | BaseException = ask(lanes[index], url, headers)
        except Exception as error:  # noqa: BLE001  what it says is the result
            found = error
        if not kept[index]:
            close()
        outcome(name, index, at, found)

    def play(index: int) -> None:
        lane = lanes[index]
        due = start + lane["after"]
        for turn in range(lane["times"]):
            time.sleep(max(0.0, due - time.monotonic()))
            due = time.monotonic() + lane["every"]
            if lane["at_once"] == 1:
                one(index, turn, 0)
            else:
                together(lambda place: one(index, turn, place), lane["at_once"])  # noqa: B023

    start = time.monotonic()
    together(play, len(lanes))


def together(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(at,), daemon=True) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def play_async(
    make: Callable[[Mapping[str, Any]], Awaitable[AsyncAsk]], lanes: list[dict[str, Any]]
) -> None:
    kept = [None if lane["fresh"] else await make(lane) for lane in lanes]
    clock = asyncio.get_running_loop().time

    async def one(index: int, turn: int, place: int) -> None:
        name, url, headers = asked(lanes[index], turn, place)
        at = time.time()
        ask, close = kept[index] or await make(lanes[index])
        try:
            found: Answer | BaseException = await ask(lanes[index], url, headers)
        except Exception as error:  # noqa: BLE001  what it says is the result
            found = error
        if not kept[index]:
            await close()
        outcome(name, index, at, found)

    async def play(index: int) -> None:
        lane = lanes[index]
        due = start + lane["after"]
        for turn in range(lane["times"]):
            await asyncio.sleep(max(0.0, due - clock()))
            due = clock() + lane["every"]
            await asyncio.gather(*(one(index, turn, n) for n in range(lane["at_once"])))

    start = clock()
    await asyncio.gather(*(play(index) for index in range(len(lanes))))


def version(client: str) -> str:
    if client == "curl":
        return curl_version()
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(client.removesuffix("-sync"))
    return "?"


def main() -> None:
    client = sys.argv[1]
    if client != "curl":
        import_module(client.removesuffix("-sync"))
    tell({"version": version(client)})
    lanes = json.loads(sys.stdin.readline() or "[]")
    if client == "curl":
        together(lambda index: ask_curl(lanes[index], index, asked, tell), len(lanes))
    elif client in SYNC:
        play_sync(SYNC[client], lanes)
    else:
        asyncio.run(play_async(ASYNC[client], lanes))
    tell({"done": True})
    # Clients that are left open complain, or hang, at the end.
    os._exit(0)


if __name__ == "__main__":
    main()
