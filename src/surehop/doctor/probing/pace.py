"""When a probe must end: its time is over, or somebody has had enough."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

clock = time.monotonic
_SLICE = 0.1  # seconds: how soon a wait hears that it should stop


class Stopped(Exception):  # noqa: N818 (nothing has gone wrong)
    """The probe ends here; what is known stays known."""


@dataclass(slots=True)
class Pace:
    """`end` is when all must be over, by `clock`. `tell` is given what is being waited for."""

    end: float
    stop: threading.Event = field(default_factory=threading.Event)
    tell: Callable[[str], None] = lambda _: None

    def check(self, now: float) -> None:
        """Raises Stopped."""
        if self.stop.is_set() or now >= self.end:
            raise Stopped

    def pause(self, until: float, now: float) -> float:
        """How many seconds to wait now; 0 where `until` has come. Raises Stopped."""
        self.check(now)
        return max(0.0, min(until - now, self.end - now, _SLICE))
