"""The origins of a soak, some of which fail at random, and what that excuses."""

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from surehop.lab.origins import OriginProcess

# Seconds after its end for which a fault still excuses what it leads to: peers stay out a while.
_AFTERMATH = 4.0
_NO_ANSWER = frozenset({502, 504})

# A fault: its name, what an origin is told, and what clients may see of it.
Fault = tuple[str, dict[str, Any], frozenset[int | str]]
FAULTS: tuple[Fault, ...] = (
    ("fin", {"faults": ["fin"]}, _NO_ANSWER),
    ("rst", {"faults": ["rst"]}, _NO_ANSWER),
    ("rst on reuse", {"faults": ["rst,reused"]}, _NO_ANSWER),
    ("hang", {"faults": ["hang,times=5"]}, _NO_ANSWER),
    ("half a head", {"faults": ["half_head"]}, _NO_ANSWER),
    ("half a body", {"body": 40, "faults": ["half_body"]}, _NO_ANSWER | {"cut"}),
    ("garbage", {"faults": ["garbage"]}, _NO_ANSWER),
    ("refuses", {"listen": "none"}, _NO_ANSWER),
    ("one connection", {"max_connections": 1}, _NO_ANSWER),
    ("short keep-alive", {"keepalive_timeout": 0.05, "idle_close": "rst"}, _NO_ANSWER),
    ("slow", {"delay": 0.2}, frozenset()),
    ("HTTP/1.0", {"http10": True}, frozenset()),
)
_KILLED: Fault = ("killed", {}, _NO_ANSWER | {"cut"})


class Origins:
    """Origins of two groups: `steady` ones, which never fail, and `faulty` ones."""

    def __init__(self, seed: int, *, steady: int = 3, faulty: int = 3) -> None:
        self._random = random.Random(seed)  # noqa: S311  a soak is to be repeated
        # A connection is never closed for being idle: that would be a fault of its own.
        self.steady = [OriginProcess(keepalive_timeout=0.0) for _ in range(steady)]
        self.faulty = [OriginProcess() for _ in range(faulty)]
        self._history: list[list[Any]] = []
        self.told: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for origin in (*self.steady, *self.faulty):
                stack.enter_context(origin)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def allowed(self, begun: float, ended: float) -> frozenset[int | str]:
        """What the faults that were on between two times excuse."""
        found: frozenset[int | str] = frozenset()
        for start, end, excuses in self._history:
            if start <= ended and begun <= (end or ended) + _AFTERMATH:
                found |= excuses
        return found

    def trouble(self) -> Callable[[], None]:
        """Give one origin a fault; what is returned takes it away again."""
        index = self._random.randrange(len(self.faulty))
        origin = self.faulty[index]
        name, changes, excuses = self._random.choice((*FAULTS, _KILLED))
        entry: list[Any] = [time.monotonic(), 0.0, excuses]
        self._history.append(entry)
        self.told.append(f"origin {index}: {name}")
        if name == "killed":
            origin.kill()
        else:
            origin.set(**changes)

        def heal() -> None:
            if name == "killed":
                origin.restart()
            else:
                origin.reset()
            entry[1] = time.monotonic()

        return heal
