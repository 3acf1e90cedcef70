"""Whoever sets the date changes nothing: only what is shown to people reads the wall clock."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Whoever reads it, and why that can be no deadline.
MAY: dict[str, str] = {
    "crates/hop/src/clock.rs": "the one place that reads clocks",
    "crates/proxy/src/log.rs": "times in log lines and the Date header",
    "crates/proxy/src/binding.rs": "the date until which a cookie lasts",
    "src/surehop/proxy/journal.py": "times in log lines",
}
WALL = {
    ".rs": re.compile(
        r"\bSystemTime\b|\bInstant::now\b|ClockId::Realtime\b|clock::wall\(|Timestamp::now|Zoned::now"
    ),
    ".py": re.compile(
        r"\btime\.(time|time_ns|localtime|gmtime|ctime|strftime)\(|\bdate(time)?\.(now|today|utcnow)\("
    ),
}


def readers(*folders: str, suffix: str) -> set[str]:
    found = set()
    for folder in folders:
        for file in (ROOT / folder).rglob(f"*{suffix}"):
            code = file.read_text("utf-8").partition("#[cfg(test)]")[0]
            if not file.stem.endswith("_tests") and WALL[suffix].search(code):
                found.add(str(file.relative_to(ROOT)))
    return found


def test_who_reads_the_wall_clock() -> None:
    rust = readers(
        "crates/engine/src", "crates/hop/src", "crates/wire/src", "crates/proxy/src", suffix=".rs"
    )
    python = readers("src/surehop/proxy", "src/surehop/plan", "src/surehop/conf", suffix=".py")
    assert rust | python == set(MAY)


@pytest.mark.parametrize(
    ("suffix", "line"),
    [
        (".rs", "let now = std::time::SystemTime::now();"),
        (".rs", "let t = clock_gettime(ClockId::Realtime);"),
        (".py", "deadline = time.time() + 5"),
        (".py", "datetime.now()"),
    ],
)
def test_it_is_noticed(suffix: str, line: str) -> None:
    assert WALL[suffix].search(line)
