"""What the doctor says: one finding, where it stands, how sure it is, what to change."""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Severity(IntEnum):
    """How bad it is. `info` asks for nothing."""

    INFO = 0
    WARNING = 1
    ERROR = 2

    @property
    def word(self) -> str:
        return self.name.lower()


class Confidence(StrEnum):
    """How sure a finding is. `--fix` writes nothing below `high`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Place(NamedTuple):
    """A word in a file: line and column count from 1, `start` and `end` are bytes."""

    file: str
    line: int
    column: int
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Edit(NamedTuple):
    """Bytes from `start` up to `end` of a file become `text`."""

    file: str
    start: int
    end: int
    text: str


class Quote(NamedTuple):
    """A line of a log, as evidence; `line` counts from 1. What a probe saw has the line 0."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.text}"


class Finding(NamedTuple):
    """One thing that is wrong. `because` is the reason of the confidence.

    `title` is one line, `text` a few sentences, `advice` what to change, `proof` how to see that it
    is so. `subject` names what it is about in words that outlive a moved line: a baseline knows a
    finding by it.
    """

    id: str
    name: str
    severity: Severity
    confidence: Confidence
    because: str
    title: str
    text: str
    advice: str
    subject: str
    place: Place | None = None
    quotes: tuple[Quote, ...] = ()
    fix: tuple[Edit, ...] = ()
    proof: tuple[str, ...] = ()
    page: str = ""

    @property
    def order(self) -> tuple[int, bool, int, str, int, str]:
        """The worst first; what is seen to have happened before what may; the surest; by place."""
        sure = list(Confidence).index(self.confidence)
        happened = bool(self.quotes) and self.confidence is not Confidence.LOW
        place = self.place or Place("", 0, 0)
        return (-self.severity, not happened, -sure, place.file, place.line, self.id)
