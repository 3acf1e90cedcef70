"""The control process's own lines: in the error log, and to people while they look on."""

import os
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from surehop.conf.logs import LEVELS
from surehop.errors import ConfigError, SurehopError
from surehop.plan.recording import Syslog

_SEVEREST_FIRST = tuple(reversed(LEVELS))
_SAID_ALOUD = _SEVEREST_FIRST.index("warn")
_STDERR = 2
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Sink:
    """`level` and what is worse is written."""

    descriptor: int
    level: str
    stderr: bool = False
    syslog: Syslog | None = None


class Journal:
    """`sinks` are error logs; `name` begins the lines for people, of level warn and worse."""

    def __init__(self, sinks: Sequence[Sink] = (), *, name: str = "nginx") -> None:
        self.sinks = tuple(sinks)
        self.name = name

    def write(self, level: str, text: str, *, hint: str | None = None) -> None:
        rank = _SEVEREST_FIRST.index(level)
        now = time.strftime("%Y/%m/%d %H:%M:%S")
        line = f"{now} [{level}] {os.getpid()}#{os.getpid()}: {text}\n"
        advice = f"hint: {hint}\n" if hint else ""
        for sink in self.sinks:
            if rank <= _SEVEREST_FIRST.index(sink.level):
                if sink.syslog:
                    _send(sink.descriptor, sink.syslog, rank, line.removesuffix("\n"))
                else:
                    # a log has nginx's lines alone; who reads along is helped
                    _put(sink.descriptor, line + (advice if sink.stderr else ""))
        if rank <= _SAID_ALOUD and not any(sink.stderr for sink in self.sinks):
            _put(_STDERR, f"{self.name}: [{level}] {text}\n{advice}")

    def complain(self, error: SurehopError) -> None:
        """Write all that an error has to say."""
        errors: Sequence[SurehopError] = (
            error.errors if isinstance(error, ConfigError) else (error,)
        )
        for one in errors:
            self.write("emerg", str(one), hint=one.hint)


def _send(descriptor: int, syslog: Syslog, severity: int, line: str) -> None:
    """One datagram. What can't be sent is lost, as datagrams may be."""
    now = time.localtime()
    stamp = f"{_MONTHS[now.tm_mon - 1]} {now.tm_mday:2} {time.strftime('%H:%M:%S', now)}"
    host = f"{os.uname().nodename.lower()} " if syslog.hostname else ""
    priority = syslog.priority // 8 * 8 + severity
    text = f"<{priority}>{stamp} {host}{syslog.tag}: {line}"
    with socket.socket(fileno=os.dup(descriptor)) as sock:
        try:
            sock.connect(_address(syslog.address))
            sock.send(text.encode(errors="surrogateescape"))
        except OSError:
            return


def _address(text: str) -> str | tuple[str, int]:
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _put(descriptor: int, line: str) -> None:
    """A log that can't be written, or a terminal that is gone, stops nothing."""
    sys.stderr.flush()
    try:
        os.write(descriptor, line.encode(errors="surrogateescape"))
    except OSError:
        return
