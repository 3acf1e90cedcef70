"""Connections die at random under a thousand requests at once."""

import asyncio
import gc
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from killing import Killing

import surehop

MANY = 1000


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def all_at_once(url: str) -> Counter[int]:
    limits = surehop.Limits(max_connections=100)
    async with surehop.AsyncClient(retries=3, limits=limits, timeout=surehop.Timeout(30)) as client:
        answers = await asyncio.gather(*(client.get(url) for _ in range(MANY)))
    assert len(asyncio.all_tasks()) == 1, "no task is left"
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_get_succeeds(seed: int) -> None:
    with Killing(share=0.05, seed=seed) as server:
        assert asyncio.run(all_at_once(server.url)) == {200: MANY}
        assert server.killed > 0
        assert server.most <= 100


def test_every_get_of_threads_succeeds() -> None:
    limits = surehop.Limits(max_connections=100)
    with (
        Killing(share=0.05, seed=4) as server,
        surehop.Client(retries=3, limits=limits, timeout=surehop.Timeout(30)) as client,
        ThreadPoolExecutor(100) as pool,
    ):
        came = Counter(pool.map(lambda _: client.get(server.url).status_code, range(MANY)))
        assert came == {200: MANY}
        assert server.killed > 0
        assert server.most <= 100


def test_nothing_is_left_behind() -> None:
    with Killing(share=0.05, seed=5) as server:
        asyncio.run(all_at_once(server.url))
        gc.collect()
        before, threads = descriptors(), threading.active_count()
        for _ in range(3):
            asyncio.run(all_at_once(server.url))
        gc.collect()
        # The server's end of a connection may take a moment more: both ends are of this process.
        assert descriptors() <= before + 100
        assert threading.active_count() == threads
    gc.collect()
    assert descriptors() < before
