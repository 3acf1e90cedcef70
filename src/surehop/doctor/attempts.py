"""What logs told: one `Logged` a try at an upstream that failed."""

from dataclasses import dataclass, field

from surehop.events import Attempt


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of a log. `seconds` is the log's own clock, from any beginning.

    `connection` is the client connection's number, `method` the request's, "" where cut off;
    `upstream` is the peer's URL as it stands in the log, `word` the kind of message.
    """

    attempt: Attempt
    file: str
    line: int
    text: str
    seconds: int
    connection: int
    method: str = ""
    upstream: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class LogFacts:
    """Everything that was read of logs, in the order of time.

    `tries` failed; `ejections` are the lines that took a peer out; `others` are all the rest, by
    the kind of message. Lines are counted as understood or not.
    """

    tries: tuple[Logged, ...] = ()
    ejections: tuple[Logged, ...] = ()
    others: dict[str, tuple[Logged, ...]] = field(default_factory=dict)
    understood: int = 0
    unknown: int = 0
    counts: dict[str, int] = field(default_factory=dict)
