"""The demo's parts that can be shown without half a minute of incidents."""

import io
import threading
from pathlib import Path

import pytest

pytest.importorskip("rich")
pytest.importorskip("matplotlib")

from rich.console import Console

from surehop.lab.demo import console as terminal
from surehop.lab.demo.command import main
from surehop.lab.demo.incidents import BOTH_AT_ONCE, Rival, Run
from surehop.lab.demo.picture import draw
from surehop.lab.log_lines import LogLine, read_line
from surehop.lab.measure import Answer
from surehop.lab.subjects import Program

STAMP = "2026/01/02 03:04:05"
REFUSED = LogLine(0.05, "error", "connect() failed (111: Connection refused)", "[::1]:1", "")
NONE_LIVE = LogLine(0.2, "error", "no live upstreams while connecting to upstream", "app", "")


def a_run(name: str, statuses: list[int], log: list[LogLine]) -> Run:
    run = Run(Rival(name, name, Program(name, (), "1.0", resolves=False)), BOTH_AT_ONCE)
    run.answers = [Answer(index * 4.0, 0.001, status) for index, status in enumerate(statuses)]
    run.tried = [1] * len(statuses)
    run.log = log
    return run


OUTAGE = a_run("one", [200, 502, 502, 200], [REFUSED, NONE_LIVE, NONE_LIVE])
NONE = a_run("two", [200, 200, 200, 200], [REFUSED])


def test_an_outage_lasts_until_the_next_success() -> None:
    assert (OUTAGE.failed, OUTAGE.outage) == (2, 8.0)
    assert (NONE.failed, NONE.outage) == (0, 0.0)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (
            STAMP + " [error] 7#7: *1 connect() failed (111: Connection refused) while "
            'connecting to upstream, client: 127.0.0.1, server: , request: "GET /a/b HTTP/1.1", '
            'upstream: "http://[::1]:3000/a/b", host: "h"',
            (
                "error",
                "connect() failed (111: Connection refused) while connecting to upstream",
                "[::1]:3000",
            ),
        ),
        (
            STAMP + " [error] 7#7: *1 no live upstreams while connecting to upstream, "
            'client: 127.0.0.1, server: , request: "GET / HTTP/1.1", upstream: "http://app/"',
            ("error", "no live upstreams while connecting to upstream", "app"),
        ),
        ("2026/01/02 03:04:05 [warn] 7#7: a name in x.conf:3", ("warn", "a name in x.conf:3", "")),
        (
            "2026/01/02 03:04:05 [warn] 7#7: two servers in /tmp/x-1/nginx.conf:3",
            ("warn", "two servers in nginx.conf:3", ""),
        ),
        ("2026/01/02 03:04:05 [notice] 7#7: start worker processes", None),
        ("2026/01/02 03:04:05 [info] 7#7: *1 client 127.0.0.1 closed keepalive connection", None),
        ("half a li", None),
    ],
)
def test_log_lines_are_read(line: str, read: tuple[str, str, str] | None) -> None:
    found = read_line(line)
    assert (found and found[:3]) == read


def test_the_terminal_shows_failures_and_counts_repeats() -> None:
    console = Console(file=io.StringIO(), width=90)
    done = threading.Event()
    done.set()
    terminal.follow(console, [OUTAGE, NONE], done)
    terminal.log(console, OUTAGE)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "2 of 4 failed" in text
    assert "0 of 4 failed" in text
    assert "2 times no live upstreams" in text
    assert "connect() failed (111: Connection refused) [::1]:1" in text


def test_the_picture_is_written_twice(tmp_path: Path) -> None:
    png, svg = draw([OUTAGE, NONE], 0.15, tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    text = svg.read_text()
    for told in ("the race", "an outage, and none", "2 times [error] no live upstreams", "of 4"):
        assert told in text


def test_a_wrong_nginx_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nginx", str(tmp_path / "nothing"), "--out", str(tmp_path)]) == 2
    assert "hint: " in capsys.readouterr().err
