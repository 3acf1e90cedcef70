"""Lines of JSON: one for everything that happens."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from surehop.lab.tap.link import Watcher
from surehop.lab.tap.record import Connection, Ending, Exchange

_DIGITS = 6


class Lines(Watcher):
    """Writes objects with `event` and `connection`. Times are seconds since its connection began.

    `connect` and `connection` also have `time`, the date of that beginning.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        # Lines of one connection must agree, whatever becomes of the system's date.
        self._date = time.time() - time.monotonic()

    def tell(self, event: str, **told: Any) -> None:
        self._write(json.dumps({"event": event, **_rounded(told)}, ensure_ascii=False) + "\n")

    def connected(self, record: Connection) -> None:
        self.tell(
            "connect",
            connection=record.number,
            time=self._when(record),
            client=record.client,
            upstream=record.upstream,
            took=record.connected,
            tries=[asdict(one) for one in record.tries],
            resolve_error=record.resolve_error,
        )

    def exchanged(self, record: Connection, exchange: Exchange) -> None:
        self.tell("exchange", connection=record.number, **asdict(exchange))

    def ended(self, record: Connection, ending: Ending) -> None:
        self.tell("end", connection=record.number, **asdict(ending))

    def closed(self, record: Connection) -> None:
        told = record.as_json()
        number = told.pop("number")
        self.tell("connection", connection=number, time=self._when(record), **told)

    def _when(self, record: Connection) -> str:
        return datetime.fromtimestamp(self._date + record.started, UTC).isoformat()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return value
