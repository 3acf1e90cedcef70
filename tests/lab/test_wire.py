"""A run's connections: who closed first, and the first failure, by packets and by the origins."""

from pathlib import Path

import pytest

from missing import missing
from surehop.errors import StartError
from surehop.lab.report import Bars, Report
from surehop.lab.report.page import page
from surehop.lab.scenarios import SCENARIOS
from surehop.lab.scenarios.frame import Silent
from surehop.lab.scenarios.running import Asked, perform
from surehop.lab.tap.packets import Segment
from surehop.lab.tap.sequence import Arrow, Kind
from surehop.lab.wire import ENDS, of_packets, watching

FIN, SYN, RST, ACK = 1, 2, 4, 16


def closed(report: Report, name: str) -> dict[str, int]:
    (bars,) = [plot for plot in report.plots if isinstance(plot, Bars)]
    return {part: n for part, n in zip(bars.parts, bars.rows[name], strict=True) if n}


def arrows(report: Report, number: int = 0) -> list[Arrow]:
    return [step for step in report.diagrams[number].steps if isinstance(step, Arrow)]


@pytest.fixture
def privileged(tmp_path: Path) -> None:
    watch = watching.Watch(tmp_path)
    watch.on({1: watching.Watched()})
    watch.stop()
    if watch.why_not:
        missing("CAP_NET_RAW")


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StartError("can't capture packets: Operation not permitted")

    monkeypatch.setattr(watching, "Capture", refuse)


@pytest.mark.peers
@pytest.mark.usefixtures("privileged")
def test_packets_show_who_was_turned_away() -> None:
    report = perform(SCENARIOS["max-connections"], Asked(("httpx",), 0.2))
    ends = closed(report, "httpx")
    assert sum(n for end, n in ends.items() if end.startswith("server")) == 8
    assert ends["client, FIN"] == 2
    seen = arrows(report)
    assert seen[0].text == "SYN"
    assert [one for one in seen if one.source == 1 and one.kind in {Kind.FIN, Kind.RST}]
    assert seen[-1].kind is Kind.FAILED
    assert "packets that the kernel captured" in report.diagrams[0].note


@pytest.mark.usefixtures("unprivileged")
def test_without_privilege_the_origin_tells_as_much() -> None:
    report = perform(SCENARIOS["max-connections"], Asked(("httpx",), 0.2))
    assert closed(report, "httpx")["server, FIN"] == 8
    scenario = SCENARIOS["two-stale-connections"]
    ours = scenario.only[0]
    report = perform(scenario, Asked((ours, "surehop-nginx"), 0.1))
    assert closed(report, "surehop-nginx, to backends")["server, FIN"] == 2
    told = arrows(report)
    assert [one.text for one in told if one.kind is Kind.FIN]
    assert told[-1].text == "502"
    assert report.diagrams[1].title == f"{ours}: a GET went through"
    for diagram in report.diagrams:
        assert "what the origins saw (can't capture packets" in diagram.note


@pytest.mark.peers
@pytest.mark.usefixtures("privileged")
def test_a_refused_address_is_part_of_the_story() -> None:
    report = perform(SCENARIOS["two-stacks"], Asked(("surehop-nginx",), 0.1))
    assert closed(report, "surehop-nginx, to backends")["refused"] > 1


def segment(at: int, source: str, flags: int, payload: bytes = b"") -> Segment:
    target = "b:80" if source != "b:80" else "a:1"
    return Segment(at, source, target, flags, 0, 0, payload)


HELLO = [segment(1, "a:1", SYN), segment(2, "b:80", SYN | ACK)]
ASK = segment(3, "a:1", ACK, b"GET / HTTP/1.1\r\nHost: x\r\nx-request-ID: one-1\r\n\r\n")


@pytest.mark.parametrize(
    ("rest", "end"),
    [
        ([], None),
        ([segment(9, "a:1", FIN | ACK), segment(10, "b:80", RST)], "client, FIN"),
        ([segment(9, "b:80", FIN | ACK), segment(10, "a:1", RST)], "server, FIN"),
        ([segment(9, "b:80", RST)], "server, RST"),
        ([segment(9, "a:1", RST)], "client, RST"),
    ],
)
def test_the_first_end_counts(rest: list[Segment], end: str | None) -> None:
    (flow,) = of_packets([*HELLO, ASK, *rest], {80})
    assert flow.end == end
    assert end is None or end in ENDS
    assert flow.ids == ["one-1"]


def test_ports_are_used_again_and_others_are_left_out() -> None:
    refused = [segment(1, "a:1", SYN), segment(2, "b:80", RST | ACK)]
    flows = of_packets([*refused, *HELLO, ASK], {80})
    assert [flow.end for flow in flows] == ["refused", None]
    assert of_packets([*HELLO, ASK], {81}) == []
    assert of_packets([ASK], {80}) == [], "it began before anybody looked"
    assert len(of_packets([HELLO[0], *HELLO], {80})) == 1, "a SYN that is sent again"


class Impatient(Silent):
    """Ctrl-C when some answers have come."""

    def __init__(self, left: int) -> None:
        self.left = left

    def step(self, steps: float = 1) -> None:
        self.left -= int(steps)
        if self.left <= 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "subject"), [("keepalive-race", "surehop"), ("two-stacks", "surehop-nginx")]
)
def test_ctrl_c_before_anything_was_seen(name: str, subject: str) -> None:
    report = perform(SCENARIOS[name], Asked((subject,), 0.05, bar=Impatient(1)))
    assert report.partial
    assert not report.requests
    assert "This report is partial" in page(report)


def test_ctrl_c_leaves_all_that_was_seen_until_then() -> None:
    asked = Asked(("urllib3",), 0.05, bar=Impatient(120))
    report = perform(SCENARIOS["keepalive-race"], asked)
    assert report.partial
    assert sum(closed(report, "urllib3").values()) > 0
    assert "who closed first" in page(report)
