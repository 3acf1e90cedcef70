"""The clients of a soak: each kind asks in its own way and checks every answer that it gets."""

import asyncio
import contextlib
import hashlib
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache

from surehop.lab.origins.pages import pattern
from surehop.lab.soak.asking import Answer, BrokenError, Connection

_OK = 200
_SIZES = (0, 1, 3, 1000, 16_384, 70_000)
_LARGE = 3_000_000
_SHOWN = 20

# What may go wrong with a request that was under way from one time to another: statuses, and
# `cut` for an answer that breaks off.
Allowed = Callable[[float, float], frozenset[int | str]]


@dataclass(slots=True)
class Ledger:
    """What became of every request. `answered`: numbers of those that were answered whole."""

    good: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    answered: set[int] = field(default_factory=set)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def number(self) -> int:
        return next(self._numbers)

    def lose(self, kind: str, what: str, at: str) -> None:
        self.lost[f"{kind}: {what}"] += 1
        if len(self.examples) < _SHOWN:
            self.examples.append(f"{kind}: {what} ({at})")

    @property
    def total(self) -> int:
        return self.good.total() + self.excused.total() + self.lost.total()


def nothing(_from: float, _until: float) -> frozenset[int | str]:
    """No excuse."""
    return frozenset()


@cache
def _page(size: int) -> bytes:
    return b"".join(pattern(size))


class Clients:
    """Clients of a port, until they are told to stop. `steady` and `faulty` are paths to groups."""

    def __init__(self, port: int, ledger: Ledger, seed: int, allowed: Allowed = nothing) -> None:
        self._port = port
        self._ledger = ledger
        self._random = random.Random(seed)  # noqa: S311  a soak is to be repeated, not to be secret
        self._allowed = allowed
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, faulty: bool = True, each: int = 2) -> None:
        """Begin: `each` clients of every kind."""
        kinds: list[Callable[[random.Random], Awaitable[None]]] = [
            self._kept,
            self._closing,
            self._large,
            self._upload,
            self._slow,
            self._resting,
            self._aborting,
        ]
        kinds += [self._faulty] * 2 if faulty else []
        for kind in kinds * each:
            own = random.Random(self._random.random())  # noqa: S311
            self._tasks.append(asyncio.create_task(self._repeat(kind, own)))

    async def stop(self) -> None:
        """Have all end with the request that is under way, and wait for them."""
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _repeat(
        self, kind: Callable[[random.Random], Awaitable[None]], rng: random.Random
    ) -> None:
        while not self._stop.is_set():
            await kind(rng)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _kept(self, rng: random.Random) -> None:
        """Many small requests on one connection."""
        await self._converse("kept", rng, rng.randint(1, 200), 0.01)

    async def _resting(self, rng: random.Random) -> None:
        """Few requests, with rests between them that are shorter than any time-out."""
        await self._converse("resting", rng, rng.randint(2, 8), 0.7)

    async def _closing(self, rng: random.Random) -> None:
        size = rng.choice(_SIZES)
        head, number = self._head(f"/steady/bytes/{size}", "Connection: close")
        if rng.random() < 0.3:  # noqa: PLR2004
            head = head.replace(b"HTTP/1.1", b"HTTP/1.0")
        async with self._connected("closing") as connection:
            if connection:
                await self._exchange("closing", connection, number, [head], _page(size))

    async def _large(self, rng: random.Random) -> None:
        target = rng.choice((f"/steady/bytes/{_LARGE}", "/steady/chunked/50000"))
        head, number = self._head(target)
        want = _page(int(target.rpartition("/")[2]))
        async with self._connected("large") as connection:
            if connection:
                await self._exchange("large", connection, number, [head], want)
        await self._pause(0.05)

    async def _upload(self, rng: random.Random) -> None:
        """A body with its length, or in chunks, whose digest comes back."""
        async with self._connected("upload") as connection:
            for _ in range(5):
                if not connection or self._stop.is_set():
                    return
                body = rng.randbytes(rng.choice((1, 1000, 20_000, 400_000)))
                answer = await self._send_up("upload", "steady", connection, body, rng)
                if not answer or not answer.keeps:
                    return

    async def _slow(self, rng: random.Random) -> None:
        """A head that comes in pieces, and an answer that is taken in slowly."""
        head, number = self._head("/steady/bytes/70000")
        cuts = sorted(rng.sample(range(1, len(head)), 5))
        pieces = [head[a:b] for a, b in itertools.pairwise([0, *cuts, len(head)])]
        async with self._connected("slow") as connection:
            if connection:
                want = _page(70_000)
                await self._exchange("slow", connection, number, pieces, want, pace=0.05)

    async def _aborting(self, rng: random.Random) -> None:
        """A client that goes away at some point, by FIN or by RST; nobody hears what it missed."""
        head, _ = self._head("/steady/bytes/3000000")
        post = self._head("/steady/echo", "Content-Length: 100000", method="POST")[0] + bytes(
            50_000
        )
        data = rng.choice((head[: rng.randint(1, len(head))], head, post))
        with contextlib.suppress(BrokenError):
            connection = await Connection.open(self._port)
            await connection.send(data)
            await self._pause(rng.choice((0.0, 0.01, 0.1)))
            if rng.random() < 0.5:  # noqa: PLR2004
                connection.abort()
            connection.close()
        self._ledger.good["aborting"] += 1
        await self._pause(0.05)

    async def _faulty(self, rng: random.Random) -> None:
        """Requests to origins that fail, now and then."""
        async with self._connected("faulty") as connection:
            for _ in range(rng.randint(1, 20)):
                if not connection or self._stop.is_set():
                    return
                if rng.random() < 0.3:  # noqa: PLR2004
                    body = rng.randbytes(2000)
                    answer = await self._send_up("faulty", "faulty", connection, body, rng)
                else:
                    size = rng.choice(_SIZES)
                    head, number = self._head(f"/faulty/bytes/{size}")
                    answer = await self._exchange("faulty", connection, number, [head], _page(size))
                if not answer or not answer.keeps:
                    return
                await self._pause(0.01)

    async def _converse(self, kind: str, rng: random.Random, count: int, pause: float) -> None:
        async with self._connected(kind) as connection:
            for _ in range(count):
                if not connection or self._stop.is_set():
                    return
                size = rng.choice(_SIZES)
                head, number = self._head(f"/steady/bytes/{size}")
                answer = await self._exchange(kind, connection, number, [head], _page(size))
                if not answer or not answer.keeps:
                    return
                await self._pause(rng.random() * pause)

    async def _send_up(
        self, kind: str, group: str, connection: Connection, body: bytes, rng: random.Random
    ) -> Answer | None:
        framing = f"Content-Length: {len(body)}"
        pieces = [body]
        if rng.random() < 0.5:  # noqa: PLR2004
            framing = "Transfer-Encoding: chunked"
            half = len(body) // 2
            parts = [part for part in (body[:half], body[half:]) if part]
            pieces = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts] + [b"0\r\n\r\n"]
        head, number = self._head(f"/{group}/echo", framing, method="POST")
        want = hashlib.sha256(body).hexdigest()
        return await self._exchange(kind, connection, number, [head, *pieces], digest=want)

    def _head(self, target: str, *lines: str, method: str = "GET") -> tuple[bytes, int]:
        number = self._ledger.number()
        told = [f"{method} {target} HTTP/1.1", "Host: soak", f"X-Number: {number}", *lines]
        return "".join(line + "\r\n" for line in told).encode() + b"\r\n", number

    @contextlib.asynccontextmanager
    async def _connected(self, kind: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
        connection = None
        try:
            connection = await Connection.open(self._port)
        except BrokenError as e:
            self._ledger.lose(kind, str(e), "connecting")
            await self._pause(0.1)
        try:
            yield connection
        finally:
            if connection:
                connection.close()

    async def _exchange(
        self,
        kind: str,
        connection: Connection,
        number: int,
        pieces: list[bytes],
        want: bytes | None = None,
        *,
        digest: str = "",
        pace: float = 0.0,
    ) -> Answer | None:
        """Ask and check: what came, or None if nothing did."""
        begun = time.monotonic()
        at = pieces[0].split(b"\r\n", 1)[0].decode()
        answer = None
        what: int | str = "cut"
        try:
            for piece in pieces:
                await connection.send(piece)
                if pace:
                    await asyncio.sleep(pace)
            answer = await connection.answer(pace=pace)
            what = answer.status
        except BrokenError as e:
            at = f"{at}: {e}, status {e.status}"
        if answer and answer.status == _OK and _right(answer, want, digest):
            self._ledger.good[kind] += 1
            self._ledger.answered.add(number)
        elif answer and answer.status == _OK:
            self._ledger.lose(kind, "a wrong body", at)
        elif what in self._allowed(begun, time.monotonic()):
            self._ledger.excused[f"{kind}: {what}"] += 1
        else:
            self._ledger.lose(kind, str(what), at)
        return answer


def _right(answer: Answer, want: bytes | None, digest: str) -> bool:
    if want is not None:
        return answer.body == want
    try:
        return bool(json.loads(answer.body)["body"]["sha256"] == digest)
    except (ValueError, KeyError, TypeError):
        return False
