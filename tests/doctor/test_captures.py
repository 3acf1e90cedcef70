"""Captures as targets: what is told of them, however they are packed; healthy ones are silent."""

import gzip
from pathlib import Path

import pytest
from captures import capture
from reading import ids, options, report

from surehop.doctor import Report, Severity, examine

ENDS = "192.0.2.1:40000 > 192.0.2.9:3000\n"
RACE = """\
0.000 > open
0.001 > GET /x
0.010 < 200
5.010 < FIN
5.011 > GET /y unseen
5.011 < RST
"""
HEALTHY = {
    "the client closes": "0 > open\n1 > GET /\n2 < 200\n3 > POST /\n4 < 200\n9 > FIN\n9 < FIN\n",
    "the server closes at rest": "0 > open\n1 > GET /\n2 < 200\n7 < FIN\n7.1 > FIN\n",
    "nothing was asked": "0 > open\n60 < FIN\n60.1 > FIN\n",
    "no HTTP": "0 > open\n0.1 < 220\n0.2 > ACK\n9 < RST\n",
    "the client changed its mind": "0 > open\n1 > GET /\n1.2 > RST\n",
    "still under way": "0 > open\n1 > GET /\n",
    "begun before the capture": "0 > GET /\n0.1 < 200\n0.2 > FIN\n0.3 < FIN\n",
}


def told(folder: Path, text: str, *, file: str = "x.pcap") -> Report:
    return report(folder, capture(text), file=file)


def test_a_finding_quotes_its_packets(tmp_path: Path) -> None:
    (found,) = told(tmp_path, ENDS + RACE).findings

    assert found.id == "SH004"
    assert "closes connections at rest, 5s after its last answer" in found.title
    (quote,) = found.quotes
    assert quote.line == 6
    assert quote.text.startswith("packets 6-7: 192.0.2.1:40000 > 192.0.2.9:3000: GET /y: ")


@pytest.mark.parametrize("packed", [False, True])
def test_what_it_is_and_how_much_was_read(packed: bool, tmp_path: Path) -> None:
    raw = capture(ENDS + RACE)
    found = report(tmp_path, gzip.compress(raw) if packed else raw, file="x.bin")

    assert [target.kind for target in found.targets] == ["packet capture"]
    assert found.notes == (f"`{tmp_path / 'x.bin'}`: 8 packets were read",)
    assert ids(found) == ["SH004"]


def test_what_was_cut_off_is_said_and_the_rest_judged(tmp_path: Path) -> None:
    found = report(tmp_path, capture(ENDS + RACE)[:-1], file="x.pcap")

    assert "7 packets were read; the file is damaged or cut off" in found.notes[0]
    assert ids(found) == ["SH004"]


def test_a_capture_and_a_configuration_are_put_together(tmp_path: Path) -> None:
    refused = "[::1]:40000 > [::1]:3000\n0 > SYN\n0.001 < RST\n"
    (tmp_path / "x.pcap").write_bytes(capture(refused))
    (tmp_path / "nginx.conf").write_text("upstream app { server localhost:3000; }")
    found = examine([str(tmp_path)], options({"localhost": "127.0.0.1,[::1]"}))

    first = found.findings[0]
    assert (first.id, first.severity) == ("SH001", Severity.ERROR)
    assert first.quotes
    assert first.fix


@pytest.mark.parametrize("text", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_connection_is_left_alone(text: str, tmp_path: Path) -> None:
    assert told(tmp_path, ENDS + text).findings == ()
