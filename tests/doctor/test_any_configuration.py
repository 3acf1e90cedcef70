"""Any bytes are judged or refused, and no finding lies outside of its file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from any_configuration import check
from hypothesis import given, settings, strategies as st

from surehop.doctor import RULES

FUZZ = Path(__file__).parents[2] / "fuzz"
KEPT = sorted((FUZZ / "corpus/conf").iterdir()) + sorted((FUZZ / "crashes/doctor").glob("*"))
TEXTS = [
    *(path.read_bytes() for path in sorted((Path(__file__).parent / "healthy").iterdir())),
    *(each.fires.encode() for rule in RULES for each in rule.about.examples),
]
_WORDS = st.sampled_from([
    *(b"{", b"}", b";", b"\n", b"\r\n", b'"', b"'", b"\\", b"#", b"$", b"\0", b"\xff", b"="),
    *(b"server localhost:1;", b"include made-up;", b"include /dev/zero;", b"# surehop: ignore"),
    *(b"keepalive 8;", b"max_fails=0", b"check", b"backup", b"listen x", b"99999999999999999999"),
])  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_what_is_kept(folder: Path) -> None:
    assert sum(check(path.read_bytes(), folder) for path in KEPT) >= 100


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(TEXTS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), _WORDS | st.binary(max_size=3))),
)
def test_what_is_changed_at_random(
    folder: Path, raw: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    for where, length, text in changes:
        at = int(where * len(raw))
        raw = raw[:at] + text + raw[at + length :]

    check(raw, folder)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=80))
def test_bytes(folder: Path, raw: bytes) -> None:
    check(raw, folder)
    check(b"http {\n" + raw + b"\n}\n", folder)
    check(b"backend app\n    " + raw + b"\n    server a localhost:80\n", folder)
