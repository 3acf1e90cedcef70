"""What has changed from one report to the next: pure, the time is told."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from surehop.doctor.baseline import fingerprint
from surehop.doctor.finding import Confidence, Finding

QUIET_S = 60.0


class Event(StrEnum):
    """What became of a finding."""

    KNOWN = "known"
    NEW = "new"
    WORSE = "worse"
    AGAIN = "again"
    QUIET = "quiet"


class Change(NamedTuple):
    event: Event
    finding: Finding


class _Known:
    def __init__(self, finding: Finding, moved: float, *, quiet: bool) -> None:
        self.finding = finding
        self.moved = moved
        self.quiet = quiet


class Watch:
    """Compares reports. A finding that goes on is told again once it has been quiet."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def begin(self, findings: Iterable[Finding]) -> Iterator[Change]:
        """Take the first report: what it says is past, and quiet."""
        for each in findings:
            self._known[fingerprint(each)] = _Known(each, 0.0, quiet=True)
            yield Change(Event.KNOWN, each)

    def take(self, findings: Iterable[Finding], now: float) -> Iterator[Change]:
        """Tell what is new, worse, or there again."""
        for each in findings:
            known = self._known.get(fingerprint(each))
            if known is None:
                self._known[fingerprint(each)] = _Known(each, now, quiet=False)
                yield Change(Event.NEW, each)
            elif _told(each) != _told(known.finding):
                if _weight(each) > _weight(known.finding):
                    yield Change(Event.WORSE, each)
                elif known.quiet:
                    yield Change(Event.AGAIN, each)
                known.finding, known.moved, known.quiet = each, now, False

    def rest(self, now: float) -> Iterator[Change]:
        """Tell which have gone quiet."""
        for known in self._known.values():
            if not known.quiet and now - known.moved >= QUIET_S:
                known.quiet = True
                yield Change(Event.QUIET, known.finding)


def _told(finding: Finding) -> tuple[object, ...]:
    return finding.severity, finding.confidence, finding.title, finding.text, finding.quotes


def _weight(finding: Finding) -> tuple[int, int]:
    return finding.severity, list(Confidence).index(finding.confidence)
