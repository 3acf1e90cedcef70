"""A tap for a test or a report: in a thread of this process."""

import threading
from collections import deque
from types import TracebackType
from typing import Self

from surehop.lab.tap.address import Place
from surehop.lab.tap.link import Watcher
from surehop.lab.tap.record import Connection, Ending, Exchange
from surehop.lab.tap.relay import CONNECT_TIMEOUT, Relay

_PATIENCE = 10.0


class Tap:
    """A relay in a thread: to `upstream` (`localhost:3000`), from any free loopback port.

    `connections` are those that are over, in the order they ended; `wait` waits for them.
    StartError where it can't listen, OptionError where a place is none.
    """

    def __init__(
        self,
        upstream: str,
        listen: str = ":0",
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        keep: int | None = 10_000,
    ) -> None:
        self._seen = _Seen(keep)
        self._relay = Relay(
            Place.parse(listen),
            Place.parse(upstream, connect=True),
            self._seen,
            connect_timeout=connect_timeout,
        )
        self._thread = threading.Thread(target=self._relay.run, name="tap", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._relay.stop()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._relay.port

    @property
    def addresses(self) -> list[str]:
        """Where it listens: `127.0.0.1:PORT`, `[::1]:PORT`, `unix:PATH`."""
        return self._relay.addresses

    @property
    def url(self) -> str:
        return f"http://{self.addresses[0]}"

    @property
    def connections(self) -> list[Connection]:
        return self._seen.all()

    def wait(self, connections: int = 1, timeout: float = _PATIENCE) -> list[Connection]:
        """Those that are over, at least so many. TimeoutError if they do not come."""
        return self._seen.wait(connections, timeout)


class _Seen(Watcher):
    def __init__(self, keep: int | None) -> None:
        self._closed: deque[Connection] = deque(maxlen=keep)
        self._count = 0
        self._changed = threading.Condition()

    def all(self) -> list[Connection]:
        with self._changed:
            return list(self._closed)

    def wait(self, connections: int, timeout: float) -> list[Connection]:
        with self._changed:
            if not self._changed.wait_for(lambda: self._count >= connections, timeout):
                raise TimeoutError(f"{self._count} of {connections} connections are over")
            return list(self._closed)

    def closed(self, record: Connection) -> None:
        with self._changed:
            self._closed.append(record)
            self._count += 1
            self._changed.notify_all()


class Watchers(Watcher):
    """Several that hear the same."""

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = watchers

    def connected(self, record: Connection) -> None:
        for watcher in self._watchers:
            watcher.connected(record)

    def exchanged(self, record: Connection, exchange: Exchange) -> None:
        for watcher in self._watchers:
            watcher.exchanged(record, exchange)

    def ended(self, record: Connection, ending: Ending) -> None:
        for watcher in self._watchers:
            watcher.ended(record, ending)

    def closed(self, record: Connection) -> None:
        for watcher in self._watchers:
            watcher.closed(record)
