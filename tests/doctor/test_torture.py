"""A log with every message of nginx's, whole and mangled: nothing crashes, every line counts."""

import random
from pathlib import Path

import pytest
from reading import report

from surehop.doctor import FORMATS, render

SEED = 5
ACTIONS = (
    *("connecting to upstream", "SSL handshaking to upstream", "sending request to upstream"),
    *("reading response header from upstream", "reading upstream", "sending to client"),
    "proxying upgraded connection",
)
UPSTREAM = (
    *(f"connect() failed ({e})" for e in ("111: Connection refused", "113: No route to host")),
    *("connect() failed (101: Network is unreachable)", "no live upstreams"),
    "connect() to [::1]:3000 failed (99: Cannot assign requested address)",
    *("upstream timed out (110: Connection timed out)", "upstream prematurely closed connection"),
    *(f"{call}() failed (104: Connection reset by peer)" for call in ("recv", "send", "writev")),
    *("readv() failed (104: Connection reset by peer)", "send() failed (32: Broken pipe)"),
    *("upstream server temporarily disabled", "upstream sent too big header"),
    'upstream sent more data than specified in "Content-Length" header',
    'upstream sent duplicate header line: "Date: a", previous value: "Date: b", ignored',
    *("upstream sent no valid HTTP/1.0 header", 'upstream sent invalid header: "x\\x00"'),
    "upstream sent invalid chunked response",
    'upstream sent invalid "Content-Length" header: "x"',
    'upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time',
    *('upstream sent unknown "Transfer-Encoding": "gzip"', 'no port in upstream "app.internal"'),
    *(f"app.internal could not be resolved ({n}: {why})" for n, why in (
        (1, "Format error"), (2, "Server failure"), (3, "Host not found"), (5, "Refused"),
        (110, "Operation timed out"),
    )),
    *("no resolver defined to resolve app.internal", 'upstream SSL certificate does not match "a"'),
    "upstream SSL certificate verify error: (18:self-signed certificate)",
    "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)",
    "client prematurely closed connection, so upstream connection is closed too",
    "client prematurely closed connection",
)  # fmt: skip
AT_LOAD = (
    *('host not found in upstream "app.internal:3000"', 'no servers are inside upstream "app"'),
    *('no port in upstream "app"', 'invalid parameter "max_fail=3"', 'unknown directive "upsteam"'),
    *(
        '"server" directive is not allowed here',
        'invalid number of arguments in "listen" directive',
    ),
    *('duplicate upstream "app"', 'duplicate "log_format" name "main"'),
)
ELSE = (
    "accept4() failed (24: Too many open files)",
    *("1024 worker_connections are not enough", "client 192.0.2.1 closed keepalive connection"),
)


def lines() -> list[bytes]:
    """A line of each, with all that may stand in its tail."""
    at = "2026/01/05 10:00:{:02} [{}] 11#11: "
    tail = (
        ', client: 192.0.2.1, server: {}, request: "GET /hogehoge HTTP/2.0", upstream: "{}",'
        ' host: "example.com", referrer: "https://example.com/?q=a,b: c"'
    )
    peers = (
        "http://[::1]:3000/a",
        "http://app/a",
        "http://unix:/run/a.sock:/a",
        "https://192.0.2.7/",
    )
    found = [
        f"{at.format(second % 60, level)}*{second} {message} while {action}"
        f"{tail.format(server, peers[second % len(peers)])}"
        for second, message in enumerate(UPSTREAM)
        for action, level, server in zip(
            ACTIONS, ("error", "warn", "info", "error", "crit", "error", "error"),
            ("example.com", "", "a", "b", "c", "d", "e"), strict=True,
        )
    ]  # fmt: skip
    found += [f"{at.format(0, 'emerg')}{message} in /etc/nginx/nginx.conf:7" for message in AT_LOAD]
    found += [f"{at.format(1, 'alert')}{message}" for message in ELSE[:2]]
    found.append(f"{at.format(1, 'info')}*7 {ELSE[2]}")
    return [line.encode() for line in found]


WHOLE = lines()


def dice() -> random.Random:
    return random.Random(SEED)  # noqa: S311  not for secrets


def counted(folder: Path, given: list[bytes], end: bytes = b"\n") -> tuple[int, int]:
    """How many lines were understood, and how many not; the report can be written."""
    told = report(folder, end.join(given) + end, file="error.log")
    for form in FORMATS:
        render(told, form).encode()
    return told.logs.understood, told.logs.unknown


def test_every_message_is_understood(tmp_path: Path) -> None:
    assert counted(tmp_path, WHOLE) == (len(WHOLE), 0)


def test_in_wrong_order(tmp_path: Path) -> None:
    mixed = list(WHOLE)
    dice().shuffle(mixed)

    assert counted(tmp_path, mixed) == (len(WHOLE), 0)


@pytest.mark.parametrize("end", [b"\r\n", b" \n", b"\n\n"])
def test_other_ends_of_lines(tmp_path: Path, end: bytes) -> None:
    understood, unknown = counted(tmp_path, WHOLE, end)

    assert understood == len(WHOLE)
    assert unknown == len(WHOLE) * (end.count(b"\n") - 1)


def test_cut_anywhere(tmp_path: Path) -> None:
    chance = dice()
    cut = [line[: chance.randrange(1, len(line))] for line in WHOLE]
    cut += [line[chance.randrange(1, len(line)) :] for line in WHOLE]

    understood, unknown = counted(tmp_path, cut)

    assert understood + unknown == len(cut)
    assert 0 < understood < len(WHOLE) * 1.1


def test_two_writers_in_one_line(tmp_path: Path) -> None:
    chance = dice()
    given = [
        one[: chance.randrange(len(one))] + other
        for one, other in zip(WHOLE, reversed(WHOLE), strict=True)
    ]

    assert sum(counted(tmp_path, given)) == len(given)


def test_latin_1_nul_and_escape(tmp_path: Path) -> None:
    given = [line.replace(b"hogehoge", b"caf\xe9\x00\x1b[2J\xff") for line in WHOLE]

    assert counted(tmp_path, given) == (len(WHOLE), 0)


def test_a_line_of_a_megabyte(tmp_path: Path) -> None:
    long = WHOLE[0].replace(b"hogehoge", b"a" * (1 << 20))
    given = [*WHOLE, long, b"x" * (1 << 20), *WHOLE]

    understood, unknown = counted(tmp_path, given)

    assert understood + unknown == len(given)
    assert understood >= 2 * len(WHOLE)
