"""What every proxy of a scenario is told of its upstream."""

from dataclasses import dataclass

Line = tuple[str, str, str, str]  # of an error log: level, message, upstream, all of it


@dataclass(frozen=True, slots=True)
class Upstream:
    """A group of servers behind `location /`. Times are seconds.

    servers: `HOST:PORT`; `@ORIGIN0@` … stand for the origins' ports. read_timeout: 0 is the
    program's own. resolver: the port of a DNS server on 127.0.0.1 which is asked for the servers'
    names all the time; 0: names are resolved at the start, by the system.
    """

    servers: tuple[str, ...]
    fail_timeout: int = 10
    read_timeout: float = 0.0
    resolver: int = 0
