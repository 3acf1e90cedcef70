"""What logs told: one `Logged` a try at an upstream that failed."""

from dataclasses import dataclass, field

from surehop.events import Attempt


@dataclass(frozen=True, slots=True)
class Logged:
    """A try that a log tells of. `seconds` is the log's own clock, from any beginning.

    `connection` is the client connection's number, `method` the request's, "" where cut off;
    `upstream` is the peer's URL as it stands in the log, `ejected`: the line that took it out.
    """

    attempt: Attempt
    file: str
    line: int
    text: str
    seconds: int
    connection: int
    method: str = ""
    upstream: str = ""
    ejected: bool = False


@dataclass(frozen=True, slots=True)
class LogFacts:
    """Everything that was read of logs. Lines are counted as understood or not."""

    tries: tuple[Logged, ...] = ()
    ejections: tuple[Logged, ...] = ()
    understood: int = 0
    unknown: int = 0
    counts: dict[str, int] = field(default_factory=dict)
