"""`limit_rate`, against nginx: what an answer holds, and how long it takes, in whole seconds.

All answers of both are under way at once, since each takes its time.
"""

import re
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import pytest
from relay_setup import ask, head

from scripted import Answer, Scripted
from surehop.lab.subjects import Program, Subject
from waiting import PATIENCE, eventually

BODY = b"x" * 2500
HTTP = """
    server {
        listen 127.0.0.1:@PORT@;
        location / { proxy_pass http://127.0.0.1:ORIGIN; }
        location /limited/ { limit_rate 1k; proxy_pass http://127.0.0.1:ORIGIN; }
        location /memory/ { limit_rate 1k; return 200 "BODY"; }
        location /after/ { limit_rate 1k; limit_rate_after 1k; return 200 "BODY"; }
        location /after/all/ { limit_rate 1k; limit_rate_after 1m; return 200 "BODY"; }
        location /asked/ {
            limit_rate $arg_r;
            limit_rate_after $arg_a;
            proxy_pass http://127.0.0.1:ORIGIN;
        }
        location /set/ { limit_rate 10m; set $limit_rate 1k; return 200 "BODY"; }
        location /unset/ { limit_rate 1k; set $limit_rate 0; return 200 "BODY"; }
        location /wrong/ { set $limit_rate x; return 200 "BODY"; }
        location /if/ { limit_rate 1k; if ($arg_a) { limit_rate 0; } return 200 "BODY"; }
        location /trailer/ { limit_rate 1k; add_trailer T x; return 200 "BODY"; }
        location /gzip/ {
            gzip on;
            gzip_types *;
            limit_rate 100;
            proxy_pass http://127.0.0.1:ORIGIN;
        }
        location /told/ { proxy_pass http://127.0.0.1:ORIGIN; }
        location /deaf/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_ignore_headers X-Accel-Limit-Rate;
        }
        location /told/less/ { limit_rate 1k; proxy_pass http://127.0.0.1:ORIGIN; }
        location /page/ { limit_rate 200; return 404; }
    }
"""
SLOW = {
    "/limited/x": 1.0,
    "/memory/": 1.0,
    "/after/": 0.5,
    "/asked/?r=1k": 1.0,
    "/asked/?r=1k&a=1k": 0.5,
    "/set/": 1.0,
    "/if/": 1.0,
    "/trailer/": 1.0,
    "/gzip/": 1.0,
    "/page/": 0.5,
    "/told/1024": 1.0,
    "/told/less/x": 1.0,
}
FAST = (
    *("/", "/after/all/", "/asked/?r=x", "/asked/", "/unset/", "/wrong/", "/if/?a=1"),
    *("/deaf/1024", "/told/less/0", "/told/1k"),
)
_CHUNK = re.compile(rb"(?<=\r\n)[0-9a-f]+\r\n")
_OWN = re.compile(rb"Date: [^\r]*|(?:nginx|surehop)/[0-9.]+|Content-Length: [0-9]+")


class Taken(NamedTuple):
    answer: bytes
    seconds: float


def taken(port: int, target: str) -> Taken:
    """Ask for it, and see how long it takes."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        began = time.monotonic()
        sock.sendall(ask("GET", target, "Accept-Encoding: gzip" if "gzip" in target else "X: y"))
        answer = b""
        while more := sock.recv(1 << 16):
            answer += more
        return Taken(answer, time.monotonic() - began)


def logged(subject: Subject, count: int) -> bool:
    return len(subject.access_log()) == count


def told(subject: Subject) -> list[str]:
    lines = subject.error_log()
    return sorted(line.partition(": *")[2].partition(" ")[2] for line in lines)


@pytest.fixture(scope="module")
def both(nginx: Program, surehop_nginx: Program) -> dict[str, tuple[Taken, Taken]]:
    with Scripted() as origin, ThreadPoolExecutor(64) as pool:
        noise = bytes(n * n * 7 % 251 for n in range(240))
        plain = head("200 OK", f"Content-Length: {len(BODY)}") + BODY
        packed = head("200 OK", f"Content-Length: {len(noise)}", "Content-Type: a/b") + noise
        targets = [*SLOW, *FAST]
        answers = {target: packed if "gzip" in target else plain for target in targets}
        for target in targets:
            if "told" in target or "deaf" in target:
                line = f"X-Accel-Limit-Rate: {target.rpartition('/')[2]}"
                answers[target] = head("200 OK", f"Content-Length: {len(BODY)}", line) + BODY
        origin.play_paths({target: Answer((answer,)) for target, answer in answers.items()})
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("BODY", BODY.decode())
        with Subject(nginx, http) as theirs, Subject(surehop_nginx, http) as ours:

            def begun(subject: Subject, target: str) -> Future[Taken]:
                return pool.submit(taken, subject.port, target)

            asked = {t: (begun(theirs, t), begun(ours, t)) for t in targets}
            found = {t: (one.result(), two.result()) for t, (one, two) in asked.items()}
            for subject in (theirs, ours):
                eventually(partial(logged, subject, len(targets)))
            assert told(ours) == told(theirs)
            return found


def plain(answer: bytes) -> bytes:
    body = _OWN.sub(b"", answer)
    return _CHUNK.sub(b"", body) if b"chunked" in answer else body


@pytest.mark.parametrize("target", [*SLOW, *FAST])
def test_the_same_at_the_same_speed(both: dict[str, tuple[Taken, Taken]], target: str) -> None:
    theirs, ours = both[target]
    assert "gzip" in target or plain(ours.answer) == plain(theirs.answer)
    assert ours.answer.count(b"\r\n\r\n") == theirs.answer.count(b"\r\n\r\n")
    # A machine that is busy makes either late, and nothing makes them early.
    least = SLOW.get(target, 0)
    assert theirs.seconds >= least - 0.01
    assert ours.seconds >= least - 0.01
    if not least:
        assert ours.seconds < theirs.seconds + 1
