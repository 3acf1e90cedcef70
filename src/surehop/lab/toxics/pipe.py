"""One direction of one connection, with what its toxics do to it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Protocol

from surehop.lab.toxics.toxic import FLOWS, Toxic

_INTERVAL = 0.1  # seconds between two pieces of a narrow bandwidth
_Pieces = list[tuple[bytes, float]]  # each with the seconds to wait before it


class Toxics(Protocol):
    """Whose connection it is."""

    random: Random
    changed: asyncio.Event  # set, and a new one in its place, when toxics change

    @property
    def toxics(self) -> Sequence[Toxic]: ...


class CutError(Exception):
    """The connection ends here; `how` is `fin` or `rst`."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Pipe:
    """What is sent in one end comes out of the other later, narrower, in pieces, or not at all."""

    def __init__(self, owner: Toxics, stream: str) -> None:
        self._owner = owner
        self._stream = stream
        self._drawn: dict[str, bool] = {}
        self._passed: dict[str, int] = {}
        self._swallowed = False

    @property
    def clear(self) -> bool:
        """Nothing is done to what passes."""
        return not self._swallowed and not self._active()

    @property
    def patience(self) -> float | None:
        """Seconds after which the connection ends if nothing comes; None: it does not."""
        times = [t.attributes["timeout"] for t in self._active() if t.type == "timeout"]
        return min((t / 1000 for t in times if t), default=None)

    @property
    def swallowed(self) -> bool:
        """Something has gone into a `timeout`."""
        return self._swallowed

    async def wait_out(self) -> None:
        """Until a `timeout` is over or gone: CutError then."""
        while True:
            self.check()
            try:
                async with asyncio.timeout(self.patience):
                    await self._owner.changed.wait()
            except TimeoutError:
                raise CutError("fin") from None

    def check(self) -> None:
        """CutError once a `timeout` that has swallowed something is gone."""
        if self._swallowed and not any(t.type == "timeout" for t in self._active()):
            raise CutError("fin")

    async def passed(self, data: bytes, arrived: float) -> AsyncIterator[bytes]:
        """Pieces of the data, each when it is its time. arrived: when it came, by the loop's clock.

        CutError behind the last piece where a toxic ends the connection.
        """
        self.check()
        pieces: _Pieces = [(data, 0.0)]
        over = False
        for toxic in self._active():
            await self._hold(toxic, arrived)
            pieces = self._cut_up(pieces, toxic)
            over = over or self._spent(toxic)
        for piece, wait in pieces:
            if wait:
                await asyncio.sleep(wait)
            if piece:
                yield piece
        if over:
            raise CutError("fin")

    async def ended(self) -> None:
        """Wait as long as the end is held back; CutError where it is a reset."""
        for toxic in self._active():
            if toxic.type == "slow_close":
                await asyncio.sleep(toxic.attributes["delay"] / 1000)
            elif toxic.type == "reset_peer":
                await asyncio.sleep(toxic.attributes["timeout"] / 1000)
                raise CutError("rst")

    def _active(self) -> list[Toxic]:
        return [
            toxic
            for toxic in self._owner.toxics
            if toxic.stream == self._stream and toxic.type in FLOWS and self._hit(toxic)
        ]

    def _hit(self, toxic: Toxic) -> bool:
        """Whether the toxic is for this connection, which is drawn once."""
        if toxic.name not in self._drawn:
            self._drawn[toxic.name] = self._owner.random.random() < toxic.toxicity
        return self._drawn[toxic.name]

    async def _hold(self, toxic: Toxic, arrived: float) -> None:
        """Wait where the whole is held back; CutError where that is all that happens."""
        if toxic.type == "latency":
            jitter = self._owner.random.uniform(-1, 1) * toxic.attributes["jitter"]
            due = arrived + (toxic.attributes["latency"] + jitter) / 1000
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        elif toxic.type == "reset_peer":
            await asyncio.sleep(toxic.attributes["timeout"] / 1000)
            raise CutError("rst")

    def _cut_up(self, pieces: _Pieces, toxic: Toxic) -> _Pieces:
        match toxic.type:
            case "bandwidth":
                return _narrowed(pieces, toxic.attributes["rate"])
            case "slicer":
                return self._sliced(pieces, toxic)
            case "limit_data":
                return self._limited(pieces, toxic)
            case "timeout":
                self._swallowed = True
                return []
        return pieces

    def _sliced(self, pieces: _Pieces, toxic: Toxic) -> _Pieces:
        average, spread = toxic.attributes["average_size"], toxic.attributes["size_variation"]
        found: _Pieces = []
        for data, first in pieces:
            start, wait = 0, first
            while start < len(data):
                size = max(1, average + self._owner.random.randint(-spread, spread))
                found.append((data[start : start + size], wait))
                start, wait = start + size, toxic.attributes["delay"] / 1_000_000
        return found

    def _limited(self, pieces: _Pieces, toxic: Toxic) -> _Pieces:
        found: _Pieces = []
        for data, wait in pieces:
            left = max(0, toxic.attributes["bytes"] - self._passed.get(toxic.name, 0))
            found.append((data[:left], wait))
            self._passed[toxic.name] = self._passed.get(toxic.name, 0) + len(found[-1][0])
        return found

    def _spent(self, toxic: Toxic) -> bool:
        """Nothing more may pass."""
        limited = toxic.type == "limit_data"
        return limited and self._passed.get(toxic.name, 0) >= toxic.attributes["bytes"]


def _narrowed(pieces: _Pieces, rate: int) -> _Pieces:
    """Pieces that go no faster than so many KB/s, each after the time that it takes."""
    if not rate:
        return pieces
    step = max(1, int(rate * 1000 * _INTERVAL))
    found = []
    for data, wait in pieces:
        for start in range(0, len(data), step):
            part = data[start : start + step]
            found.append((part, (0.0 if start else wait) + len(part) / (rate * 1000)))
    return found
