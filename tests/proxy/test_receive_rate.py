"""`proxy_limit_rate`: how fast answers are received."""

import threading
import time

from raw import Raw, get
from scripted import Scripted
from surehop.lab.subjects import Program, Subject
from waiting import eventually

_TOLD = 'invalid size "x"'
_BODY = b"x" * 3000
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n"
_HTTP = """
    server {
        listen 127.0.0.1:@PORT@;
        proxy_limit_rate 1500;
        location / { proxy_pass http://127.0.0.1:ORIGIN; }
        location /said/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_limit_rate $arg_rate; }
        location /off/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_limit_rate 0; }
    }
"""


def test_an_answer_is_received_no_faster(surehop_nginx: Program) -> None:
    with (
        Scripted() as origin,
        Subject(surehop_nginx, _HTTP.replace("ORIGIN", str(origin.port))) as subject,
    ):
        took = {}
        for target in ("/", "/said/?rate=1500", "/said/?rate=1m", "/said/", "/off/"):
            rest = threading.Event()
            origin.play(_ANSWER + _BODY[:10], rest, _BODY[10:])
            with Raw(subject.port) as client:
                client.send(get(target, close=True)).until(b"\r\n\r\n")
                began = time.monotonic()
                rest.set()
                assert client.rest() == _BODY
                took[target] = time.monotonic() - began
        slow, quick = list(took.values())[:2], list(took.values())[2:]
        # 3000 bytes are 1500 at once, and 1500 a second later.
        assert all(0.9 < seconds < 5 for seconds in slow), took
        assert max(quick) < min(slow), took


def test_a_rate_that_is_none_is_told_of(surehop_nginx: Program) -> None:
    with (
        Scripted() as origin,
        Subject(surehop_nginx, _HTTP.replace("ORIGIN", str(origin.port))) as subject,
    ):
        origin.play(_ANSWER + _BODY)
        with Raw(subject.port) as client:
            assert client.answer(get("/said/?rate=x", close=True))[2] == _BODY
        eventually(lambda: any(_TOLD in line for line in subject.error_log()))
