"""Any bytes make a plan that can be run, or are refused with a reason and a place."""

from pathlib import Path

from any_bytes import check
from hypothesis import HealthCheck, given, settings, strategies as st

from surehop.conf.table import TABLE

FUZZ = Path(__file__).parents[2] / "fuzz"
KEPT = sorted((FUZZ / "corpus/conf").iterdir()) + sorted((FUZZ / "crashes/conf").glob("*"))
_WORDS = (
    *("{", "}", ";", " ", "\n", '"', "'", "\\", "#", "$", "${", "\r\n", "\0", "\ufeff", "~", "="),
    *("on", "off", "0", "1", "-1", "10m", "1s", "99999999999999999999", "127.0.0.1:80", "[::1]:80"),
    *("unix:/x", "http://app", "http://localhost/x", "$uri", "$1", "^/(a)$", "(", "/", "@a", "a"),
    *("events {}", "http {", "server {", "location / {", "upstream app {", "include good.inc;"),
    *("include bad.inc;", "include self.inc;", "include *;", "# surehop: resilience off;"),
)
_TEXT = st.lists(st.sampled_from([*_WORDS, *sorted(TABLE)]), max_size=30).map(" ".join)


def test_what_is_kept() -> None:
    assert sum(check(path.read_bytes()) for path in KEPT) >= 5
    assert len(KEPT) >= 100


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_TEXT)
def test_words(text: str) -> None:
    check(text.encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_bytes(raw: bytes) -> None:
    check(raw)
    check(b"events {}\nhttp {\nserver {\n" + raw + b"\n}\n}\n")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(KEPT), st.data())
def test_kept_ones_changed(path: Path, data: st.DataObject) -> None:
    raw = path.read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(start + 12, len(raw))))
    check(raw[:start] + data.draw(_TEXT).encode() + raw[end:])
