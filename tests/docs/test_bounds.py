"""The page of limits says what the code does."""

import re

import pytest
from pages import ROOT

from surehop.proxy import control, data, listeners

PAGE = (ROOT / "docs" / "limits.md").read_text("utf-8")

# A constant of the data plane, and the words of the page that it stands behind.
CONSTANTS = [
    ("wire/src/chunked.rs", "EXTENSION_LIMIT", "4096", "extensions of one chunk | 4096 bytes"),
    ("wire/src/chunked.rs", "TRAILER_LIMIT", "32 * 1024", "trailers | 32768 bytes"),
    ("hop/src/drive.rs", "INTERIM_LIMIT", "16 << 20", "together | 16 MiB"),
    ("hop/src/buffer.rs", "SMALL", "16 * 1024", "one buffer of 16k"),
    ("hop/src/buffer.rs", "LARGE", "128 * 1024", "128k in each direction"),
    ("hop/src/buffer.rs", "KEPT_SMALL", "256", "256 of 16k"),
    ("hop/src/buffer.rs", "KEPT_LARGE", "32", "32 of 128k"),
    ("proxy/src/client.rs", "IN_A_ROW", "16", "requests in a row | 16 |"),
    ("proxy/src/client.rs", "COURTESY", "1_000", "last before QUIT | 1s, "),
    ("proxy/src/crowd.rs", "AT_ONCE", "32", "32 at most at a time"),
    ("proxy/src/crowd.rs", "RESERVE", "64", "64 are kept for upstreams"),
    ("proxy/src/worker.rs", "ACCEPTS", "32", "accepted in a row | 32 |"),
    ("proxy/src/sink.rs", "FLUSH_AT", "64 * 1024", "64k of lines"),
    ("proxy/src/sink.rs", "TELL_EVERY", "60_000", "once a minute"),
    ("engine/src/health.rs", "PROBES_UNDER_WAY", "16", "peers that are out | 16 |"),
]


@pytest.mark.parametrize(
    ("file", "name", "value", "words"), CONSTANTS, ids=[name for _, name, _, _ in CONSTANTS]
)
def test_what_the_data_plane_does(file: str, name: str, value: str, words: str) -> None:
    code = (ROOT / "crates" / file).read_text("utf-8")
    found = re.search(rf"const {name}: \w+ = ([^;]+);", code)
    assert found is not None
    assert found[1] == value, f"`{name}` has changed: say so in docs/limits.md"
    assert words in PAGE


def test_what_the_control_process_does() -> None:
    assert f"take a configuration | {data._ANSWER_WITHIN:.0f}s" in PAGE
    assert f"stop at once | {control._ENDS_WITHIN:.0f}s" in PAGE
    assert f"after {control._PAUSE}s" in PAGE
    assert f"to be accepted | {listeners._BACKLOG} " in PAGE
