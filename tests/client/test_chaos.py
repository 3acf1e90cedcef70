"""Everything at once: failing servers, few connections, cancelling, streams left half read."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from surehop import AsyncClient, HTTPError, Limits, Retry, Timeout
from surehop.lab.origins import Fault, Origin

KINDS = ("fin", "rst", "hang", "half_head", "half_body", "garbage")
FEW = 8


class OwnError(Exception):
    """Raised by what the client is fed with."""


class Chaos:
    def __init__(self, seed: int, client: AsyncClient, urls: list[str]) -> None:
        self.random = random.Random(seed)  # noqa: S311  the same each time
        self.client = client
        self.urls = urls

    async def body(self) -> AsyncIterator[bytes]:
        for _ in range(self.random.randrange(4)):
            if self.random.random() < 0.1:
                raise OwnError
            yield b"x" * self.random.choice([0, 10, 100_000])

    async def stream(self, url: str) -> None:
        async with self.client.stream("GET", url) as response:
            if self.random.random() < 0.5:
                await response.aread()

    async def ask(self) -> None:
        url = self.random.choice(self.urls)
        own = Retry(3, when=lambda _: self.random.random() < 0.5, delay=lambda *_: 0.001)
        ways: list[Any] = [
            lambda: asyncio.wait_for(self.client.get(url), self.random.random() * 0.1),
            lambda: self.stream(url),
            lambda: self.client.post(url, content=self.body()),
            lambda: self.client.post(url, data={"a": "b" * self.random.choice([1, 100_000])}),
            lambda: self.client.get(url, retry=own),
        ]
        with contextlib.suppress(HTTPError, TimeoutError, OwnError):
            await self.random.choice(ways)()

    async def round(self) -> None:
        tasks = [asyncio.create_task(self.ask()) for _ in range(60)]
        await asyncio.sleep(self.random.random() * 0.02)
        for task in tasks:
            if self.random.random() < 0.1:
                task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)
        wrong = [one for one in done if isinstance(one, Exception)]
        assert not wrong


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_left_behind(seed: int) -> None:
    async def script() -> None:
        faults = [Fault(kind, path=f"/{kind}") for kind in KINDS]
        with (
            Origin(faults=faults, keepalive_timeout=0.3) as failing,
            Origin(max_connections=3, delay=0.005) as narrow,
            Origin() as plain,
        ):
            urls = [f"http://127.0.0.1:{failing.port}/{kind}" for kind in (*KINDS, "ok", "fine")]
            urls += [f"http://127.0.0.1:{narrow.port}/", f"http://localhost:{plain.port}/"]
            limits = Limits(max_connections=FEW, max_keepalive_connections=4)
            times = Timeout(2, read=0.1, pool=30)
            async with AsyncClient(limits=limits, retries=1, timeout=times) as client:
                chaos = Chaos(seed, client, urls)
                for _ in range(4):
                    await chaos.round()
                stats = client.stats()
                assert (stats["requests"], stats["waiting"]) == (0, 0)
                assert stats["connections"] == stats["idle"] <= FEW
                # Every place is free again.
                calls = [client.get(f"http://127.0.0.1:{plain.port}/") for _ in range(5 * FEW)]
                for response in await asyncio.gather(*calls):
                    assert response.status_code == 200

    asyncio.run(script())
