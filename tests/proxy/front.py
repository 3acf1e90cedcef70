"""Surehop in front of a scripted origin, for tests that look at bytes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject
from waiting import eventually

LIFE = re.compile(
    r'\[notice\] (using the "epoll"|surehop/|OS: |getrlimit\(|start worker|signal |exit)'
)
# Bodies go upstream as they come.
STREAMED = "proxy_request_buffering off;"
ATTEMPTS = " $upstream_reason $upstream_reused"


def server(inner: str = "", *, upstream: str = "", http: str = "") -> str:
    """A server that passes all to the upstream `app` of these lines, or has these locations."""
    group = f"upstream app {{ {upstream} }}" if upstream else ""
    location = inner if "location" in inner else f"location / {{ proxy_pass http://app; {inner} }}"
    return f"{http}\n{group}\nserver {{ listen 127.0.0.1:@PORT@; {location} }}"


def servers(*origins: Scripted | Port) -> str:
    """The lines of an upstream for these, in this order."""
    numbers = (origin.port if isinstance(origin, Scripted) else origin.number for origin in origins)
    return " ".join(f"server 127.0.0.1:{number};" for number in numbers)


@contextmanager
def running(program: Program, http: str, *, workers: int = 1) -> Iterator[Subject]:
    """The program; an access-log line ends in the attempts' reasons and their `reused`."""
    with Subject(program, http, workers=workers, variables=ATTEMPTS) as subject:
        yield subject


def logged(subject: Subject, count: int = 1) -> list[str]:
    """The access log, once that many lines are in it."""
    eventually(lambda: len(subject.access_log()) >= count)
    return subject.access_log()


def told(subject: Subject, count: int = 1, level: str = "warn") -> list[str]:
    """The error log of this level and above, once that many lines are in it.

    What is said of the processes themselves is left out.
    """

    def lines() -> list[str]:
        found = subject.error_log(level, normal=True)
        return [line for line in found if not LIFE.match(line)]

    eventually(lambda: len(lines()) >= count)
    return lines()


def data_process(subject: Subject) -> int:
    """The number of the process that serves."""
    children = Path(f"/proc/{subject.pid}/task/{subject.pid}/children").read_text("ascii")
    return int(children.split()[0])


def memory(pid: int) -> int:
    """Resident bytes of a process, less the pages of its program: those come as they are used."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("a process without RssAnon")
