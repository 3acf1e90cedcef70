"""What logs of many machines told is put together, in any order."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from log_lines import NGINX, OUTAGE, SAMPLES
from reading import ids, options

from surehop._core import Digest
from surehop.cli.main import main
from surehop.doctor import examine
from surehop.doctor.attempts import LogFacts, read_facts
from surehop.errors import OptionError

HEAD = NGINX.format("", "").encode()
LINES = [
    NGINX.format(*each).replace("10:00:00", f"10:0{minute}:{second:02}").encode()
    for each in OUTAGE
    for minute in (0, 1, 5)
    for second in (0, 7, 31)
]
PARTS = st.lists(st.lists(st.sampled_from(LINES)).map(b"".join), min_size=3, max_size=3)


def digest(log: bytes, name: str = "error.log") -> bytes:
    made = Digest()
    made.begin(name, HEAD, [])
    made.feed(log)
    made.end()
    return made.json()


def merged(*parts: bytes) -> bytes:
    made = Digest()
    for part in parts:
        made.merge(part)
    return made.json()


def counted(facts: LogFacts) -> set[tuple[object, ...]]:
    return {(each.word, each.peer, each.count, each.times) for each in facts.tallies}


@given(PARTS)
def test_neither_order_nor_grouping_matter(parts: list[bytes]) -> None:
    a, b, c = (digest(log, f"{number}.log") for number, log in enumerate(parts))

    assert merged(a, b, c) == merged(c, a, b) == merged(merged(a, b), c) == merged(a, merged(c, b))


@given(PARTS)
def test_nothing_is_lost(parts: list[bytes]) -> None:
    whole = read_facts(digest(b"".join(parts)))
    pieces = read_facts(merged(*map(digest, parts)))

    assert counted(pieces) == counted(whole)
    assert pieces.understood == whole.understood


def test_two_machines_are_judged_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        Path("error.log").write_bytes(SAMPLES[0])
        assert main(["doctor", "--partial", f"{number}.json", "error.log"]) == 0
        Path("error.log").unlink()
    assert main(["doctor", "merge", "0.json", "1.json", "--partial", "both.json"]) == 0

    told = examine(["both.json"], options())

    assert [each.kind for each in told.targets] == ["digest of logs"]
    assert "SH002" in ids(told)
    assert told.logs.understood == 8
    assert examine(["0.json", "1.json"], options()).findings == told.findings
    assert "wrote both.json" in capsys.readouterr().err


@pytest.mark.parametrize("rest", [b"", b"}", b'"version":99}', b'"version":1,"files":[{}]}'])
def test_what_is_no_digest(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "a.json").write_bytes(b'{"surehop":"digest of logs",' + rest)

    with pytest.raises(OptionError, match="no digest that can be read"):
        examine([str(tmp_path / "a.json")], options())
