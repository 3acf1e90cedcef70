"""Evidence that looks alike: which of two causes is told, and told first."""

from pathlib import Path

import pytest
from captures import capture
from reading import ids, options, report

from surehop.doctor import examine
from surehop.doctor.log_views import line

CLOSED = "upstream prematurely closed connection"
RESET = "recv() failed (104: Connection reset by peer)"
REFUSED = "connect() failed (111: Connection refused)"
SLOW = "upstream timed out (110: Connection timed out)"
NOBODY = "no live upstreams"
A, B, C = (f"192.0.2.{number}:80" for number in (1, 2, 3))


def said(
    message: str, action: str, peer: str, path: str = "/", *, client: int = 7, at: int = 0
) -> str:
    """A line of nginx's error log, `at` seconds after the others."""
    minutes, seconds = divmod(at, 60)
    told = line(message, action, peer).replace("10:00:00", f"10:{minutes:02}:{seconds:02}")
    return told.replace(f"{peer}/", f"{peer}{path}").replace("*7", f"*{client}")


def nobody(*paths: str) -> str:
    """Others, for whom nobody is left."""
    lines = (
        said(NOBODY, "connecting", "app", path, client=client)
        for client, path in enumerate(paths, 20)
    )
    return "".join(lines)


def both(path: str, *peers: str) -> str:
    """One request goes from server to server, and each closes the connection."""
    return "".join(said(CLOSED, "reading", peer, path) for peer in peers or (A, B))


ALL_ALIKE, ALL_APART = ["/"] * 10, [f"/item/{number}" for number in range(10)]
LOGS = {
    "one request kills both, the others ask for something else": (
        both("/poison") + nobody(*ALL_ALIKE),
        "SH051",
    ),
    "two stale connections, and everybody asks for the same": (
        both("/") + nobody(*ALL_ALIKE),
        "SH006",
    ),
    "three stale connections, and the front page": (both("/", A, B, C), "SH004"),
    "two stale connections, and everybody asks for something of his own": (
        both("/item/77") + nobody(*ALL_APART),
        "SH006",
    ),
    "three servers, and nobody else was in trouble": (both("/poison", A, B, C), "SH051"),
    "one race": (both("/a", A), "SH004"),
    "a queue is full, so nobody is left": (
        said(SLOW, "connecting", A) + said(SLOW, "connecting", B) + nobody(*ALL_ALIKE),
        "SH014",
    ),
    "all are slow, so nobody is left": (
        said(SLOW, "reading", A) + said(SLOW, "reading", B) + nobody(*ALL_ALIKE),
        "SH045",
    ),
    "several servers have too many at once": (
        "".join(said(RESET, "reading", A if n % 2 else B, client=n) for n in range(20))
        + nobody(*ALL_ALIKE),
        "SH026",
    ),
    "a slow server that is always asked is not found dead now and then": (
        "".join(said(SLOW, "reading", A, at=at) for at in range(60)),
        "SH045",
    ),
    "refused, there, refused": (
        said(REFUSED, "connecting", A)
        + said(RESET, "reading", A, at=3)
        + said(REFUSED, "connecting", A, at=9),
        "SH052",
    ),
    "refused again an hour later: two restarts": (
        said(REFUSED, "connecting", A)
        + said(RESET, "reading", A, at=3)
        + said(REFUSED, "connecting", A, at=59 * 60),
        "SH044",
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_an_error_log(name: str, tmp_path: Path) -> None:
    text, expected = LOGS[name]

    assert ids(report(tmp_path, text, file="error.log"))[0] == expected


def test_an_access_log_without_times_beside_an_error_log(tmp_path: Path) -> None:
    six, four = "[::1]:3000", "127.0.0.1:3000"
    refused = said(REFUSED, "connecting", six)
    (tmp_path / "nginx.conf").write_text(
        "http { log_format short '$request_uri $status $upstream_addr [$upstream_status] $pipe';\n"
        "upstream app { server localhost:3000; } }\n"
    )
    (tmp_path / "error.log").write_text(refused + said(CLOSED, "reading", four) + nobody("/"))
    (tmp_path / "access.log").write_text(
        f"/ 200 {six}, {four} [502, 200] .\n/ 502 {four} [502] .\n/ 502 app [502] .\n"
    )
    found = examine([str(tmp_path)], options({"localhost": "127.0.0.1,[::1]"})).findings

    assert [each.id for each in found][:2] == ["SH001", "SH006"]
    assert f"`{four}`" in found[1].title


def check(word: str, reason: str, at: str = "Jan  5 10:00:00") -> str:
    head = f"{at} lb haproxy[7]: " if at else ""
    return f"{head}Server app/a is {word}, reason: {reason}, check duration: 0ms.\n"


SAYS = 'Layer4 connection problem, info: "Connection refused"'
FAILS = (
    "192.0.2.9:3317 [05/Jan/2026:10:00:00.655] web app/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- 1/1/0"
    '/0/0 0/0 "GET / HTTP/1.1"\n'
)
RETRIED = (
    FAILS.replace("<NOSRV>", "a").replace("503", "200").replace("SC-- 1/1/0/0/0", "---- 1/1/0/0/+1")
)
LATER = "Jan  5 10:00:05"
NOTICES = {
    "a server is down": (check("DOWN", SAYS) + FAILS, "SH044"),
    "its queue is full": (check("DOWN", "Layer4 timeout") + FAILS, "SH014"),
    "it comes and goes": (
        check("DOWN", SAYS) + check("UP", "Layer4 check passed") + check("DOWN", SAYS, LATER),
        "SH052",
    ),
    "it comes and goes, and nobody says when": (
        3 * (check("DOWN", SAYS, "") + check("UP", "Layer4 check passed", "")),
        "SH052",
    ),
    "it was restarted": (check("DOWN", SAYS, "") + check("UP", "Layer4 check passed", ""), "SH044"),
    "others are asked in its stead": (RETRIED * 5, "SH050"),
    "no port is left": ("Connect() failed for backend app: no free ports.\n" + FAILS, "SH012"),
    "it is reloaded all the time": (
        "".join(
            f"Jan  5 10:00:0{second} lb haproxy[7]: Proxy {name} stopped (cumulated conns: FE: 1,"
            " BE: 0).\n"
            for second in range(6)
            for name in ("web", "app")
        ),
        "SH034",
    ),
}


def test_what_happened_is_told_before_what_may(tmp_path: Path) -> None:
    (tmp_path / "haproxy.cfg").write_text(
        "backend app\n  timeout connect 5s\n  timeout server 9s\n"
        "  retry-on all-retryable-errors\n  server a 192.0.2.1:80 check\n"
    )
    (tmp_path / "haproxy.log").write_text(FAILS.replace("SC--", "sC--"))
    found = examine([str(tmp_path)], options()).findings

    assert [(each.id, each.confidence) for each in found] == [
        ("SH031", "medium"),
        ("SH008", "high"),
    ]


def test_a_name_of_two_addresses_that_haproxy_finds_down(tmp_path: Path) -> None:
    (tmp_path / "haproxy.cfg").write_text(
        "backend app\n  timeout connect 5s\n  timeout server 9s\n  server a localhost:80 check\n"
    )
    (tmp_path / "haproxy.log").write_text(check("DOWN", SAYS) + FAILS)
    first, *_ = examine([str(tmp_path)], options({"localhost": "127.0.0.1,[::1]"})).findings

    assert (first.id, first.fix) == ("SH001", ())


@pytest.mark.parametrize("name", NOTICES)
def test_what_haproxy_says_of_itself(name: str, tmp_path: Path) -> None:
    text, expected = NOTICES[name]
    told = report(tmp_path, text, file="haproxy.log")

    assert ids(told)[0] == expected
    assert told.logs.unknown == 0


def connection(number: int, *steps: str) -> str:
    return "\n".join((f"192.0.2.1:{40000 + number} > {A}", *steps, ""))


def rested(number: int, *steps: str) -> str:
    """One that is closed after five seconds, and the client's kernel says that it knows."""
    begun = ("0.000 > open", "0.001 > GET /", "0.010 < 200", "5.010 < FIN", "5.011 > ACK")
    return connection(number, *begun, *steps)


def ended(number: int, rest: float) -> str:
    """One that is closed at ten seconds, whatever its rest, and a request meets that."""
    begun = ("0.000 > open", f"{9.9 - rest:.3f} > GET /", f"{10 - rest:.3f} < 200")
    return connection(number, *begun, "10.000 < FIN", "10.001 > GET / unseen", "10.002 < RST")


def died(number: int, server: str, path: str) -> str:
    told = connection(
        number,
        "0.000 > open",
        "0.010 > GET /ok",
        "0.020 < 200",
        f"0.1{number} > GET {path}",
        f"0.1{number}5 < FIN",
    )
    return told.replace(A, server)


def left(number: int, wait: float) -> str:
    return connection(number, "0.000 > open", "0.001 > GET /", f"{0.001 + wait:.3f} > FIN")


CAPTURES = {
    "a short time-out": (left(1, 0.3) + left(2, 0.301) + left(3, 0.299) + left(4, 0.7), "SH045"),
    "a process was frozen": (
        "".join(rested(n, f"9.01{n} > GET /", f"9.02{n} < RST") for n in range(4)),
        "SH042",
    ),
    "a client that never looks": (
        "".join(rested(n, f"{9 + 2 * n}.010 > GET /", f"{9 + 2 * n}.011 < RST") for n in range(4)),
        "SH004",
    ),
    "a reload under load": ("".join(ended(n, 0.01 + 0.02 * n) for n in range(4)), "SH034"),
    "an idle time-out met by several": ("".join(ended(n, 5 + n / 1000) for n in range(4)), "SH004"),
    "one request kills both": (died(1, A, "/poison") + died(2, B, "/poison"), "SH051"),
    "what is answered elsewhere kills both": (died(1, A, "/ok") + died(2, B, "/ok"), "SH049"),
}


def test_a_kept_connection_that_ends_may_be_given_up(tmp_path: Path) -> None:
    for path, expected in (("/ok", True), ("/report", False)):
        (found,) = report(tmp_path, capture(died(1, A, path)), file="a.pcap").findings
        assert (found.id, "kept connection" in found.title) == ("SH049", expected)


def test_who_refuses_after_having_answered_has_ended_or_moved(tmp_path: Path) -> None:
    there = connection(1, "0.000 > open", "0.001 > GET /", "0.002 < 200", "0.003 > FIN")
    gone = connection(2, "5.000 > SYN", "5.001 < RST")
    for text, expected in ((there + gone, True), (gone, False)):
        (found,) = report(tmp_path, capture(text), file="a.pcap").findings
        assert (found.id, "SH015" in found.text) == ("SH044", expected)


def test_people_go_when_they_like(tmp_path: Path) -> None:
    text = "".join(left(n, wait) for n, wait in enumerate((0.2, 0.3, 0.5, 0.9)))

    assert ids(report(tmp_path, capture(text), file="a.pcap")) == []


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture(name: str, tmp_path: Path) -> None:
    text, expected = CAPTURES[name]

    assert ids(report(tmp_path, capture(text), file="a.pcap"))[0] == expected


def hung_up(second: int, millis: int) -> str:
    return f"2026-01-05T10:00:0{second}.{millis:03}Z Error: socket hang up\n"


RACES = "".join(
    hung_up(second, millis)
    for second in range(8)
    for millis in ((1, 2, 3, 400) if second % 2 else (1,))
)
AIOHTTP = """\
2026-01-05T10:00:00.1+00:00 ERROR request failed
OSError: [Errno 99] Cannot assign requested address

The above exception was the direct cause of the following exception:

aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host 192.0.2.1:80 ssl:default
"""
SUREHOP = """\
2026-01-05T10:00:00.1+00:00 ERROR request failed
surehop.errors.ConnectError: GET http://192.0.2.1/: no connection: 192.0.2.1:80 no ports
"""


def kept(second: int, millis: int) -> str:
    """A dump of Node's error, which tells that the connection was kept."""
    return hung_up(second, millis) + "    reusedSocket: true,\n"


def retry(second: int, millis: int, count: int) -> str:
    return (
        f'{{"time":{1767607200000 + second * 1000 + millis},"err":{{"code":"ECONNRESET","config":'
        f'{{"axios-retry":{{"retryCount":{count}}},"url":"http://192.0.2.1/"}},"message":'
        '"socket hang up","request":{"reusedSocket":true}},"msg":"again"}\n'
    )


STALE_AGAIN = "".join(retry(n, 0, 1) for n in range(8)) + retry(3, 4, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("".join(kept(1, n) for n in range(8)), "SH042", id="kept, all together"),
        pytest.param("".join(kept(n, 1) for n in range(8)), "SH022", id="kept, one by one"),
        pytest.param(STALE_AGAIN, "SH022", id="the second try is quick, and mostly answered"),
        pytest.param(AIOHTTP, "SH012", id="aiohttp has no ports"),
        pytest.param(SUREHOP, "SH012", id="surehop has no ports"),
        pytest.param(RACES, "SH022", id="some races come together"),
        pytest.param("".join(hung_up(1, n) for n in range(8)), "SH026", id="all come together"),
    ],
)
def test_an_applications_log(text: str, expected: str, tmp_path: Path) -> None:
    assert ids(report(tmp_path, text, file="app.log"))[0] == expected
