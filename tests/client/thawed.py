"""A client that is frozen: `thawed.py MANNER METHOD URL READ_TIMEOUT`; it asks for each line."""

import asyncio
import sys
from collections.abc import Iterator

import surehop


def lines() -> Iterator[str]:
    """Say that the last request is answered; then wait."""
    print("ok", flush=True)
    for line in sys.stdin:
        yield line
        print("ok", flush=True)


def ask(method: str, url: str, timeout: surehop.Timeout) -> None:
    with surehop.Client(timeout=timeout) as client:
        client.request(method, url).raise_for_status()
        for _ in lines():
            client.request(method, url).raise_for_status()


async def ask_async(method: str, url: str, limits: surehop.Timeout) -> None:
    async with surehop.AsyncClient(timeout=limits) as client:
        (await client.request(method, url)).raise_for_status()
        again = lines()
        # In a thread, so that the loop turns as in a program that does something else meanwhile.
        while await asyncio.to_thread(next, again, None) is not None:
            (await client.request(method, url)).raise_for_status()


if __name__ == "__main__":
    manner, method, url, read = sys.argv[1:]
    timeout = surehop.Timeout(5, read=float(read))
    if manner == "sync":
        ask(method, url, timeout)
    else:
        asyncio.run(ask_async(method, url, timeout))
