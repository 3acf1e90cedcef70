"""Error logs: what each message means, and lines that nobody should have to read."""

import bz2
import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from reading import BOTH, ids, options, report

from surehop._core import Digest
from surehop.doctor import Confidence, Severity, examine
from surehop.doctor.attempts import LogFacts, Tally, read_facts
from surehop.doctor.log_views import version_of
from surehop.errors import OptionError
from surehop.events import Family, Phase, Reason

TAIL = ', client: 192.0.2.1, server: example.com, request: "POST /a HTTP/1.1", upstream: "{}"'
PEER = TAIL.format("http://127.0.0.1:3000/a")


def line(message: str, *, at: str = "10:00:00", level: str = "error", tail: str = PEER) -> str:
    return f"2026/01/05 {at} [{level}] 11#11: *7 {message}{tail}\n"


def facts(text: str | bytes) -> LogFacts:
    digest = Digest()
    digest.begin("error.log", line("").encode(), [])
    digest.feed(text if isinstance(text, bytes) else text.encode())
    digest.end()
    return read_facts(digest.json())


def tries(found: LogFacts) -> list[Tally]:
    return [each for each in found.tallies if each.reason]


HEAD = "while reading response header from upstream"
MESSAGES = [
    (
        "connect() failed (111: Connection refused) while connecting to upstream",
        Phase.CONNECT,
        Reason.REFUSED,
    ),
    (
        (
            "connect() to 127.0.0.1:3000 failed (101: Network is unreachable)"
            " while connecting to upstream"
        ),
        Phase.CONNECT,
        Reason.UNREACHABLE,
    ),
    (
        (
            "connect() to 127.0.0.1:3000 failed (99: Cannot assign requested address)"
            " while connecting to upstream"
        ),
        Phase.CONNECT,
        Reason.NO_PORTS,
    ),
    (
        "upstream timed out (110: Connection timed out) while connecting to upstream",
        Phase.CONNECT,
        Reason.CONNECT_TIMED_OUT,
    ),
    (f"upstream timed out (110: Connection timed out) {HEAD}", Phase.HEAD, Reason.TIMED_OUT),
    (
        "upstream timed out (110: Connection timed out) while reading upstream",
        Phase.BODY,
        Reason.BODY_TIMED_OUT,
    ),
    (f"upstream prematurely closed connection {HEAD}", Phase.HEAD, Reason.CLOSED),
    (
        "upstream prematurely closed connection while reading upstream",
        Phase.BODY,
        Reason.TRUNCATED,
    ),
    (f"recv() failed (104: Connection reset by peer) {HEAD}", Phase.HEAD, Reason.RESET),
    (
        "writev() failed (104: Connection reset by peer) while sending request to upstream",
        Phase.SEND,
        Reason.RESET,
    ),
    (f"upstream sent too big header {HEAD}", Phase.HEAD, Reason.TOO_BIG),
    (f"upstream sent no valid HTTP/1.0 header {HEAD}", Phase.HEAD, Reason.INVALID),
    (f'upstream sent invalid header: "a b: c\\x0d..." {HEAD}', Phase.HEAD, Reason.INVALID),
    ("upstream sent invalid chunked response while reading upstream", Phase.BODY, Reason.INVALID),
    (f'upstream sent invalid "Content-Length" header: "x" {HEAD}', Phase.HEAD, Reason.INVALID),
    (
        'upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time ' + HEAD,
        Phase.HEAD,
        Reason.INVALID,
    ),
    (f'upstream sent unknown "Transfer-Encoding": "x" {HEAD}', Phase.HEAD, Reason.INVALID),
    (
        (
            "upstream SSL certificate verify error: (18:self-signed certificate)"
            " while SSL handshaking to upstream"
        ),
        Phase.TLS,
        Reason.UNTRUSTED,
    ),
    (
        'upstream SSL certificate does not match "app" while SSL handshaking to upstream',
        Phase.TLS,
        Reason.UNTRUSTED,
    ),
]
OTHERS = [
    ("upstream server temporarily disabled while connecting to upstream", "warn"),
    ('upstream sent more data than specified in "Content-Length" header ' + HEAD, "warn"),
    (
        f'upstream sent duplicate header line: "A: b", previous value: "A: c", ignored {HEAD}',
        "warn",
    ),
    ("client prematurely closed connection, so upstream connection is closed too", "info"),
    ("app could not be resolved (3: Host not found)", "error"),
    ("no resolver defined to resolve app", "error"),
    ('no port in upstream "app"', "error"),
    ('host not found in upstream "app:3000" in /etc/nginx/nginx.conf:3', "emerg"),
    ("no servers are inside upstream in /etc/nginx/nginx.conf:3", "emerg"),
    ('no port in upstream "app" in /etc/nginx/nginx.conf:3', "emerg"),
    ('invalid parameter "wait=3" in /etc/nginx/nginx.conf:3', "emerg"),
    ('unknown directive "sever" in /etc/nginx/nginx.conf:3', "emerg"),
    ('"server" directive is not allowed here in /etc/nginx/nginx.conf:3', "emerg"),
    ('invalid number of arguments in "listen" directive in /etc/nginx/nginx.conf:3', "emerg"),
    ('duplicate upstream "app" in /etc/nginx/nginx.conf:3', "emerg"),
    ("accept4() failed (24: Too many open files)", "crit"),
    ("512 worker_connections are not enough while connecting to upstream", "alert"),
]


@pytest.mark.parametrize(("message", "phase", "reason"), MESSAGES)
def test_what_a_message_means(message: str, phase: Phase, reason: Reason) -> None:
    found = facts(line(message))

    (told,) = tries(found)
    assert (told.phase, told.reason) == (phase, reason)
    assert (told.peer, told.family) == ("127.0.0.1:3000", Family.IPV4)
    (kept,) = told.kept
    assert (kept.method, kept.connection) == ("POST", 7)
    assert (found.understood, found.unknown) == (1, 0)


@pytest.mark.parametrize(("message", "level"), OTHERS)
def test_other_messages_are_understood(message: str, level: str) -> None:
    for tail in ("", PEER):
        found = facts(line(message, level=level, tail=tail))
        assert (found.understood, found.unknown) == (1, 0)


def test_the_version_that_started_last() -> None:
    said = [
        line(text, at=at, level="notice", tail="").replace("*7 ", "")
        for at, text in (("10:00:00", "nginx/1.25.3"), ("11:00:00", "nginx/1.29.7"))
    ]

    assert version_of(facts("".join(said))) == (1, 29, 7)
    assert version_of(facts(said[1] + said[0])) == (1, 29, 7)
    assert version_of(facts(ONE)) is None


def test_groups_and_sockets_and_six() -> None:
    found = facts(
        line("no live upstreams while connecting to upstream", tail=TAIL.format("http://app/a"))
        + line(
            f"upstream prematurely closed connection {HEAD}", tail=TAIL.format("http://unix:/s:/a")
        )
        + line(
            f"upstream prematurely closed connection {HEAD}", tail=TAIL.format("http://[::1]:3/a")
        )
    )

    assert {each.peer: each.family for each in tries(found)} == {
        "app": None,
        "unix:/s": Family.UNIX,
        "[::1]:3": Family.IPV6,
    }


def test_lines_that_are_cut_interleaved_or_strange_are_counted() -> None:
    whole = line(f"upstream prematurely closed connection {HEAD}").rstrip()
    raw = b"\n".join(
        [
            whole.encode(),
            whole[:80].encode(),  # cut: its message is there
            (whole[:90] + whole).encode(),  # two writers, one line
            whole[30:].encode(),  # its beginning is lost
            whole.replace("/a", "/\xe9").encode("latin-1"),
            whole.replace("/a", "/" + "a" * (1 << 20)).encode(),
            b"\0\xff\xfe",
            b"",
            b"2026/99/99 99:99:99 [error] 1#1: *99999999999999999999 nonsense",
        ]
    )
    found = facts(raw)

    assert found.understood + found.unknown == 9
    assert found.understood == 5
    assert sum(each.count for each in tries(found)) == 3  # those in which the upstream can be read


@given(st.binary(max_size=300))
def test_any_bytes_are_counted(raw: bytes) -> None:
    found = facts(b"2026/01/05 10:00:00 [error] 1#1: *1 " + raw)

    assert found.understood + found.unknown == (b"x" + raw.removesuffix(b"\n")).count(b"\n") + 1


ONE = "".join(
    line(
        f"{message} while connecting to upstream",
        at=f"10:00:{second:02}",
        level=level,
        tail=TAIL.format("http://[::1]:3000/a"),
    )
    for second in (0, 11, 22)
    for message, level in (
        ("connect() failed (111: Connection refused)", "error"),
        ("upstream server temporarily disabled", "warn"),
    )
)
THREE = (
    ONE
    + line(f"upstream prematurely closed connection {HEAD}", at="10:00:23")
    + "".join(
        line(
            "no live upstreams while connecting to upstream",
            at=f"10:00:{second}",
            tail=TAIL.format("http://app/a"),
        )
        for second in range(23, 33)
    )
)
CONF = "events {}\nhttp { upstream app { server localhost:3000; } }\n"


def test_the_first_incident_in_a_log(tmp_path: Path) -> None:
    told = report(tmp_path, ONE, file="error.log")

    (found,) = told.findings
    assert (found.id, found.severity, found.confidence) == (
        "SH001",
        Severity.ERROR,
        Confidence.HIGH,
    )
    assert [quote.line for quote in found.quotes][:2] == [1, 2]


def test_log_and_configuration_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "error.log").write_text(ONE.replace("[::1]", "127.0.0.1"))
    (tmp_path / "nginx.conf").write_text(CONF)

    told = examine([str(tmp_path / "nginx.conf"), str(tmp_path / "error.log")], options(BOTH))

    (found,) = told.findings
    assert (found.id, found.severity) == ("SH001", Severity.ERROR)
    assert [edit.text for edit in found.fix] == ["[::1]"]  # the one that nobody saw refusing


def test_the_second_incident_in_a_log(tmp_path: Path) -> None:
    told = report(
        tmp_path,
        line(f"recv() failed (104: Connection reset by peer) {HEAD}").replace("POST", "GET"),
        file="error.log",
    )

    assert ids(told) == ["SH005"]


def test_the_third_incident_names_both_causes_and_their_product(tmp_path: Path) -> None:
    lines = THREE.splitlines(keepends=True)
    for order in (lines, lines[::-1]):
        told = report(tmp_path, "".join(order), file="error.log")

        assert ids(told)[:2] == ["SH001", "SH006"]
        assert {"SH002", "SH004"} <= set(ids(told))
        product = told.findings[1]
        assert product.confidence is Confidence.HIGH
        assert "10 requests" in product.title


def test_a_server_that_is_down_is_no_second_family(tmp_path: Path) -> None:
    both = ONE + ONE.replace("[::1]", "127.0.0.1")

    assert set(ids(report(tmp_path, both, file="error.log"))) == {"SH039", "SH044"}


def test_a_clean_log_is_nothing(tmp_path: Path) -> None:
    clean = line("signal 1 (SIGHUP) received, reconfiguring", level="notice", tail="") + line(
        "client closed connection while waiting for request", level="info", tail=""
    )

    told = report(tmp_path, clean, file="error.log")

    assert ids(told) == []
    assert told.notes == ("2 lines of logs were understood, 0 were not",)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_logs(tmp_path: Path, pack: "type[bytes]") -> None:
    packed = pack((THREE * 400).encode())

    told = report(tmp_path, packed, file="error.log.1")
    assert ids(told)[:2] == ["SH001", "SH006"]
    assert told.logs.understood == 17 * 400

    with pytest.raises(OptionError, match="can't be read"):
        report(tmp_path, packed[:6], file="cut")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(THREE.encode())))

    assert ids(examine(["-"], options()))[0] == "SH001"
