"""Logs as long as is wanted, always the same: one of requests, one of failures."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

SEED = 5
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
LINES = 20_000  # are made at once
PATHS = ("/", "/api/orders", "/api/orders/42?expand=lines", "/static/app.3f2a.js", "/login")
AGENTS = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/126.0.0.0 Safari/537.36"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "okhttp/4.12.0",
)
# One request in a hundred or so fails, as on a bad day.
STATUSES = (200,) * 90 + (304,) * 4 + (404,) * 3 + (499, 502, 504)
FAILURES = (
    ("error", "connect() failed (111: Connection refused) while connecting to upstream"),
    ("error", "upstream timed out (110: Connection timed out) while connecting to upstream"),
    (
        "error",
        "upstream prematurely closed connection while reading response header from upstream",
    ),
    (
        "error",
        "recv() failed (104: Connection reset by peer) while reading response header from upstream",
    ),
    ("warn", "upstream server temporarily disabled while connecting to upstream"),
    ("error", "no live upstreams while connecting to upstream"),
)


def write(path: Path, kind: str, size: int) -> None:
    """Write `access` or `error`, about `size` bytes."""
    if path.exists() and abs(path.stat().st_size - size) < size // 100 + (8 << 20):
        return
    lines = {"access": access, "error": errors}[kind]()
    with path.open("w", encoding="ascii") as file:
        while file.tell() < size:
            file.write("".join(next(lines) for _ in range(LINES)))


def access() -> Iterator[str]:
    dice = random.Random(SEED)  # noqa: S311 (not for secrets)
    for second in range(1 << 30):
        at = (BEGIN + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        for _ in range(200):
            path, agent = dice.choice(PATHS), dice.choice(AGENTS)
            yield (
                f'198.51.100.{dice.randrange(256)} - - [{at}] "GET {path} HTTP/1.1"'
                f' {dice.choice(STATUSES)} {dice.randrange(40000)} "https://example.com/"'
                f' "{agent}"\n'
            )


def errors() -> Iterator[str]:
    dice = random.Random(SEED)  # noqa: S311 (not for secrets)
    connection = 0
    for second in range(1 << 30):
        at = (BEGIN + timedelta(seconds=second)).strftime("%Y/%m/%d %H:%M:%S")
        for _ in range(50):
            connection += 1
            level, message = dice.choice(FAILURES)
            peer = "app" if message.startswith("no live") else f"10.0.0.{dice.randrange(8)}:8080"
            path = dice.choice(PATHS)
            yield (
                f"{at} [{level}] 4711#4711: *{connection} {message}, client:"
                f" 198.51.100.{dice.randrange(256)}, server: example.com, request:"
                f' "GET {path} HTTP/1.1", upstream: "http://{peer}{path}", host: "example.com"\n'
            )
