"""Connections that are left alone, until the server closes them or a request meets the close."""

import selectors
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from surehop.doctor.probing.pace import Pace, Stopped, clock
from surehop.doctor.probing.sheet import End, Fate, Met, Rested
from surehop.doctor.probing.wire import Silent, Wire

_PATIENCE_S = 5.0  # for an answer to a request that met the close
_SHOWN = 40


@dataclass(slots=True)
class Idle:
    """A connection whose last answer had come whole at `since`, by `clock`."""

    wire: Wire
    since: float
    said: bytes = b""
    due: float = 0.0
    sent: float | None = None
    ended: float | None = None
    how: End | None = None
    answered: bool = False

    def look(self, now: float) -> bool:
        """Take what is there; true where the connection has ended, or a request was answered."""
        try:
            found = self.wire.take()
        except OSError:
            self.end(End.RST, now)
            return True
        if found is None:
            return False
        if not found:
            self.end(End.FIN, now)
            return True
        self.answered = self.sent is not None
        self.said = (self.said + found)[:_SHOWN]
        return self.answered

    def end(self, how: End, now: float) -> None:
        self.ended, self.how = now, how


def rest(idle: Sequence[Idle], seconds: float, pace: Pace) -> tuple[Rested, ...]:
    """Watch them for so long, or until all have been closed; what is known if that is cut short."""
    first = min(each.since for each in idle)
    until = max(each.since for each in idle) + seconds
    now = clock()
    try:
        with _Watch(idle) as watch:
            while watch.left and now < until:
                pace.tell(f"an idle connection is left alone: {now - first:.0f} of {seconds:.0f} s")
                now = watch.wait(pace.pause(until, now))
    except Stopped:
        pass  # who called asks the pace again
    return tuple(
        Rested(round(((each.ended or now) - each.since) * 1000, 1), each.how, _shown(each.said))
        for each in idle
    )


def meet(
    idle: Sequence[Idle], dues: Sequence[float], send: Callable[[Wire], None], pace: Pace
) -> tuple[Met, ...]:
    """Send a request on each when its due has come, in seconds of rest; see what becomes of it."""
    for each, due in zip(idle, dues, strict=True):
        each.due = each.since + due
    until = max(each.due for each in idle) + _PATIENCE_S
    now = clock()
    with _Watch(idle) as watch:
        while watch.left and now < until:
            waiting = [each for each in watch.left if each.sent is None]
            for each in waiting:
                if each.due <= now:
                    _send(each, now, send, watch)
            coming = min((each.due for each in waiting if each.sent is None), default=until)
            left = coming - now
            pace.tell(f"requests meet the close: in {max(left, 0):.0f} s")
            now = watch.wait(pace.pause(coming, now))
    return tuple(_met(each) for each in idle)


def _send(each: Idle, now: float, send: Callable[[Wire], None], watch: "_Watch") -> None:
    if each.look(now):  # a close that came in this very moment
        watch.drop(each)
        return
    each.sent = now
    try:
        send(each.wire)
    except Silent:
        watch.drop(each)  # nobody takes it
    except OSError:
        each.end(End.RST, now)
        watch.drop(each)


def _met(each: Idle) -> Met:
    ms = round(((each.sent or each.ended or each.due) - each.since) * 1000, 1)
    if each.sent is None:
        return Met(ms, Fate.TOO_LATE if each.how else Fate.SILENT)
    if each.answered:
        return Met(ms, Fate.ANSWERED)
    fates = {End.FIN: Fate.CLOSED, End.RST: Fate.RESET, None: Fate.SILENT}
    return Met(ms, fates[each.how])


def _shown(said: bytes) -> str:
    return said.partition(b"\r\n")[0].decode("latin-1").encode("unicode_escape").decode()


@dataclass(slots=True)
class _Watch:
    """Readiness of those that are left; the clock is read once for all that a wait brings."""

    idle: Sequence[Idle]
    left: list[Idle] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __enter__(self) -> Self:
        for each in self.idle:
            self._selector.register(each.wire, selectors.EVENT_READ, each)
            self.left.append(each)
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def wait(self, seconds: float) -> float:
        """Give the time at which something had come, or the wait was over."""
        ready = self._selector.select(seconds)
        now = clock()
        for key, _ in ready:
            if key.data.look(now):
                self.drop(key.data)
        return now

    def drop(self, each: Idle) -> None:
        self._selector.unregister(each.wire)
        self.left.remove(each)
