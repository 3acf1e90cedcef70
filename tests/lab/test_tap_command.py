"""`surehop lab tap` as people run it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

import pytest
from test_tap_drawing import race

from raw import GET, Raw, untouched
from surehop.lab.origins import Fault, Origin
from surehop.lab.ports import Port
from surehop.lab.tap import main as tap
from surehop.lab.tap.counters import MEANINGS


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The program and the port that it listens on."""
    argv = [sys.executable, "-m", "surehop.lab.tap", *arguments]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, _port(process.stderr)
        finally:
            if process.poll() is None:
                process.kill()


def _port(stderr: IO[str] | None) -> int:
    assert stderr
    line = stderr.readline()
    found = re.match(r"tap: 127\.0\.0\.1:(\d+) → ", line)
    assert found, line + stderr.read()
    return int(found[1])


def ended(process: "subprocess.Popen[str]", by: int = signal.SIGINT) -> tuple[str, str]:
    process.send_signal(by)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return out, err


def test_the_tables_at_the_end(origin: Origin, tmp_path: Path) -> None:
    origin.set(faults=[Fault("rst", nth=2)])
    picture = tmp_path / "x.svg"
    with running(":0", f"127.0.0.1:{origin.port}", "--svg", str(picture)) as (process, port):
        with Raw(port) as raw:
            raw.answer()
            assert raw.send(GET).end() == "rst"
        out, err = ended(process)
    assert "1 connection · 2 requests · 1 unanswered · 1 connection failed" in out
    assert re.search(r"1 +upstream RST before the answer +2 +#1", out)
    assert re.search(r"━ RST ━━┤$", out, re.MULTILINE)
    assert "connection 1 is drawn" in err
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")  # noqa: S314 (ours)


def test_lines_of_json(origin: Origin) -> None:
    with running(":0", f"127.0.0.1:{origin.port}", "--json") as (process, port):
        with Raw(port) as raw:
            raw.answer()
        assert process.stdout
        told = [json.loads(process.stdout.readline()) for _ in range(6)]
        out, err = ended(process, signal.SIGTERM)
    assert [line["event"] for line in told] == [
        "listening",
        "connect",
        "exchange",
        "end",
        "end",
        "connection",
    ]
    assert {line["connection"] for line in told[1:]} == {1}
    assert told[2]["status"] == 200
    assert [(line["side"], line["how"]) for line in told[3:5]] == [
        ("client", "fin"),
        ("upstream", "fin"),
    ]
    assert told[5]["bytes_up"] == len(GET)
    summary = json.loads(out)
    assert set(summary.pop("counters")) <= MEANINGS.keys()
    assert summary == {
        "event": "summary",
        "connections": 1,
        "requests": 1,
        "unanswered": 0,
        "late": 0,
        "failed": 0,
        "bytes_up": len(GET),
        "bytes_down": told[5]["bytes_down"],
        "lost": 0,
    }
    assert "How connections ended" in err


def test_a_reader_that_has_seen_enough(origin: Origin) -> None:
    with running(":0", f"127.0.0.1:{origin.port}", "--json") as (process, port):
        assert process.stdout
        process.stdout.close()
        process.stdout = None
        with Raw(port) as raw:
            raw.send(GET).end()
        assert process.wait(20) == 0
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_refusals_are_counted_by_address() -> None:
    with Port() as closed, running(":0", closed.address("ipv4")) as (process, port):
        for _ in range(2):
            assert untouched(port) == "rst"
        out, _ = ended(process)
    assert re.search(re.escape(closed.address("ipv4")) + r" +ECONNREFUSED +2 ", out)
    assert "a client of the tap sees its own connection made, then reset" in out


def test_nothing_came() -> None:
    with running(":0", "127.0.0.1:1") as (process, _):
        out, _ = ended(process)
    assert out.splitlines()[0] == "0 connections · 0 requests"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["localhost", ":1"], "`localhost` names no port"),
        ([":0", "::1:80"], "hint: `[::1]:80`"),
        ([":0", "localhost:1", "--pcap", "/nowhere/x"], "can't write `/nowhere/x`"),
        ([":0", "localhost:1", "--svg", "/nowhere/x.svg"], "can't write `/nowhere/x.svg`"),
    ],
)
def test_what_it_can_not_do(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tap(arguments) == 1
    assert told in capsys.readouterr().err


def test_unix_sockets_have_no_packets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tap([f"unix:{tmp_path}/a", "unix:/b", "--pcap", str(tmp_path / "x")]) == 1
    assert "can't capture packets: unix sockets have none" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_a_port_in_use(capsys: pytest.CaptureFixture[str], origin: Origin) -> None:
    assert tap([f":{origin.port}", "127.0.0.1:1"]) == 1
    told = capsys.readouterr().err
    assert "Address already in use\nhint: choose another port, or `:0` for any" in told


def test_the_view_shows_what_happens(origin: Origin) -> None:
    rich = pytest.importorskip("rich.console")
    from surehop.lab.tap.tally import Tally  # noqa: PLC0415  it wants rich
    from surehop.lab.tap.view import View  # noqa: PLC0415  the same

    with Path(os.devnull).open("w") as nowhere:
        console = rich.Console(file=nowhere, force_terminal=True, width=100, record=True)
        tally = Tally()
        with View(tally, "here → there", console) as view:
            record = race()
            for watcher in (tally, view):
                watcher.connected(record)
                watcher.closed(record)
            view.refresh(3)
            console.print(view._seen(3))
    told = console.export_text()
    assert "here → there" in told
    assert "1 connection · 3 open" in told
    assert "upstream FIN idle" in told
