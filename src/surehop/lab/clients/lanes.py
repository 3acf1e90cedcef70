"""What a client is asked, and what became of each request: plain data that crosses a pipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIED = 0
_FAILED = 500


@dataclass(frozen=True, slots=True)
class Lane:
    """One user with a client, a pool and connections of its own. Times are seconds.

    It asks `times` times, `every` seconds after it asked last, or when the last answer has come if
    that is later; each time `at_once` requests together. after: it begins so late. options: what
    the client is told, where it has it: `retries`, `delay` (`none`, `exponential`, `jitter`) and
    its `factor` in seconds. fresh: a client is made for each request, and closed. label: what tells
    it from the other lanes of a run. paths: asked in turn, if they differ.
    """

    url: str
    label: str = ""
    method: str = "GET"
    times: int = 1
    every: float = 0.0
    at_once: int = 1
    after: float = 0.0
    timeout: float = 10.0
    body: str | None = None
    fresh: bool = False
    paths: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return self.times * self.at_once

    @property
    def seconds(self) -> float:
        """How long it takes when each answer comes at once."""
        return self.after + (self.times - 1) * self.every


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request. `at` is Unix time, `took` seconds, `status` 0 where there was no answer.

    id: its X-Request-Id. code, message: what the client says of the failure, empty where none.
    """

    id: str
    lane: int
    at: float
    took: float
    status: int
    code: str = ""
    message: str = ""
    size: int = 0  # bytes of the answer's body

    @property
    def failed(self) -> bool:
        return self.status == DIED or self.status >= _FAILED


def read_outcome(told: Mapping[str, Any]) -> Outcome:
    """One line of a driver."""
    return Outcome(**told)
