"""The sequence diagram, as text and as SVG."""

from xml.etree import ElementTree as ET

from surehop.lab.tap.drawing import drawn
from surehop.lab.tap.record import Connection, Ending, Exchange, How, Moment, Side, Try
from surehop.lab.tap.sequence import Pause, of_record
from surehop.lab.tap.svg import svg

RACE = """\
connection #1: 2 requests, 1 answer
            client                       tap                     upstream
            127.0.0.1:50000        127.0.0.1:8000          127.0.0.1:3000
0.000000    ├── connect ──────────────────▶                             │
0.000000    │                             ├── connect [::1]:3000 ───────▶
0.000100    │                             ◀━━━━━━━━━━━━━ ECONNREFUSED ━━┤
0.000100    │                             ├── connect 127.0.0.1:3000 ───▶
0.000300    │                             ◀──────────────── connected ──┤
0.000400    ├── GET / ────────────────────┼─────────────────────────────▶
0.001400    ◀─────────────────────────────┼────────── 200 (140 bytes) ──┤
            ┊                    4.999 s of nothing                     ┊
5.000000    ◀─────────────────────────────┼────────────────────── FIN ──┤
5.000500    ├── GET / ────────────────────┼─────────────────────────────▶
5.000700    ◀━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┿━━━━━━━━━━━━━━━━━━━━━━ RST ━━┤"""


def race() -> Connection:
    record = Connection(1, "127.0.0.1:50000", 0.0, upstream="127.0.0.1:3000", connected=0.0003)
    record.client_local = "127.0.0.1:8000"
    record.tries = [Try("[::1]:3000", "ECONNREFUSED", 0.0001), Try("127.0.0.1:3000", None, 0.0002)]
    record.requests, record.responses = 2, 1
    record.exchanges.append(
        Exchange(1, "GET", "/", 0.0004, sent=0.0004, head=0.0014, ended=0.0014, status=200)
    )
    record.exchanges[0].response_bytes = 140
    record.exchanges.append(Exchange(2, "GET", "/", 5.0005, idle=4.9991, late=True, sent=5.0005))
    record.endings = [
        Ending(Side.UPSTREAM, How.FIN, 5.0, Moment.IDLE, 1, 4.9986, 30, 140),
        Ending(Side.UPSTREAM, How.RST, 5.0007, Moment.WAITING, 2, None, 60, 140, "EPIPE"),
    ]
    return record


def test_the_race_as_text() -> None:
    assert drawn(of_record(race())) == RACE


def test_colours_are_asked_for() -> None:
    assert "\x1b[1;31m5.000700" in drawn(of_record(race()), colour=True)


def test_the_race_as_svg() -> None:
    text = svg(of_record(race()))
    root = ET.fromstring(text)  # noqa: S314 (ours)
    names = {"s": "http://www.w3.org/2000/svg"}
    lines = [line for line in root.findall("s:line", names) if line.get("marker-end")]
    heads = [line.get("marker-end") for line in lines]
    assert heads.count("url(#rst)") == 1
    assert heads.count("url(#fin)") == 1
    assert heads.count("url(#failed)") == 1
    texts = [found.text for found in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "4.999 s of nothing" in texts
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_what_people_send_is_escaped() -> None:
    record = race()
    record.exchanges[0].target = "/<script>&"
    assert "/&lt;script&gt;&amp;" in svg(of_record(record))


def test_a_long_connection_is_cut_in_the_middle() -> None:
    record = race()
    for number in range(100):
        record.exchanges.append(Exchange(3 + number, "GET", f"/{number}", 6.0 + number / 1000))
    record.requests = 102
    diagram = of_record(record, most=12)
    told = [str(step) for step in diagram.steps if isinstance(step, Pause)]
    assert any(text.startswith("… ") and text.endswith(" more …") for text in told)
    assert diagram.note == "the first 2 requests are not kept"
    assert diagram.steps[-1].at > 6  # type: ignore[union-attr]


def test_a_refusal_is_made_a_reset() -> None:
    record = Connection(7, "127.0.0.1:50000", 0.0)
    record.tries = [Try("127.0.0.1:3000", "ECONNREFUSED", 0.0001)]
    record.endings = [
        Ending(Side.UPSTREAM, How.FAILED, 0.001, Moment.CONNECTING, 0, None, 0, 0, "ECONNREFUSED")
    ]
    assert drawn(of_record(record)).splitlines()[-1] == (
        "0.001000    ◀━ RST, made of the failure ━━┤                             │"
    )
