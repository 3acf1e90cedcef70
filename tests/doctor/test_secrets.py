"""What is quoted tells no secrets."""

import re
import time
from pathlib import Path

import pytest
from reading import report

from surehop.doctor import render
from surehop.doctor.render import FORMATS
from surehop.doctor.secrets import masked

SECRET = "Hunter2" * 3
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.Hunter2"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('referrer: "https://me:{}@example.com/a"', 'referrer: "https://***@example.com/a"'),
        ("`me:{}@[::1]:3000` refused", "`***@[::1]:3000` refused"),
        ("GET /a?b=1&token={}&c=2 HTTP/1.1", "GET /a?b=1&token=***&c=2 HTTP/1.1"),
        ("/cb?code={}&state=1", "/cb?code=***&state=1"),
        ("/a?X-Amz-Signature={}", "/a?X-Amz-Signature=***"),
        ("/a?accessToken={}", "/a?accessToken=***"),
        ("Authorization: Bearer {}, next", "Authorization: ***, next"),
        ('{{"authorization":"Basic {}","b":1}}', '{{"authorization":"***","b":1}}'),
        (r"{{\"authorization\":\"{}\",\"b\":1}}", r"{{\"authorization\":\"***\",\"b\":1}}"),
        ("headers: {{ Cookie: 'a={}; b=2', c: 3 }}", "headers: {{ Cookie: '***', c: 3 }}"),
        ("Cookie: a={}; b=2", "Cookie: ***"),
        ("'x-api-key': '{}' }}", "'x-api-key': '***' }}"),
        ("'x-api-key': '{} cut off", "'x-api-key': '***"),
        ('"PHPSESSID={}; connect.sid={}"', '"PHPSESSID=***; connect.sid=***"'),
        (
            "auth: {{ username: 'me', password: '{}' }}",
            "auth: {{ username: 'me', password: '***' }}",
        ),
        ("user=me password={} next", "user=me password=*** next"),
        ("sent Bearer {} to it", "sent Bearer *** to it"),
        (f"was {JWT} {{}}", "was *** {}"),
        ("ghp_{}", "***"),
    ],
)
def test_a_secret_is_masked(line: str, shown: str) -> None:
    assert masked(line.format(SECRET, SECRET)) == shown.format(SECRET)


@pytest.mark.parametrize(
    "line",
    [
        "connect ECONNREFUSED ::1:3000 { code: 'ECONNREFUSED', syscall: 'connect' }",
        'level=error code=ECONNRESET msg="socket hang up"',
        'upstream: "http://[::1]:3000/a?page=2&tokens=3&author=me", host: "a@b"',
        "mailto me@example.com, key 7, `127.0.0.1:3000`, http://h/a@b",
        "basic auth, bearer of news; the session was reset: the token expired",
    ],
)
def test_the_rest_stays(line: str) -> None:
    assert masked(line) == line


@pytest.mark.parametrize("unit", ["a-", "://", "eyJ", "token", "?key=", "cookie:", "`a:", " "])
def test_a_long_line_takes_no_longer_than_its_length(unit: str) -> None:
    def taken(size: int) -> float:
        line = unit * (size // len(unit))
        began = time.process_time()
        masked(line)
        return time.process_time() - began

    taken(1000)
    assert taken(1 << 17) < 64 * (taken(1 << 14) + 0.01)


@pytest.mark.parametrize("form", FORMATS)
def test_no_report_tells_it(form: str, tmp_path: Path) -> None:
    log = (
        "2026/01/05 10:00:00 [error] 11#11: *7 connect() failed (111: Connection refused) while"
        f' connecting to upstream, client: 192.0.2.1, server: a, request: "GET /?token={SECRET}'
        f' HTTP/1.1", upstream: "http://127.0.0.1:3000/?token={SECRET}", host: "a"\n'
    )
    told = report(tmp_path, log, file="error.log")
    assert told.findings

    shown = render(told, form)

    assert not re.search(SECRET, shown)
    assert form == "sarif" or "token=***" in shown
