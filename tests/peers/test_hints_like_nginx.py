"""`early_hints`, against nginx: who gets a `103 Early Hints`, and what is in it."""

import re
import socket
from collections.abc import Iterator

import pytest
from relay_setup import get, head

from scripted import OK, Scripted, Step
from surehop.lab.subjects import Program, Subject
from waiting import PATIENCE

_HTTP = """
    server {
        listen 127.0.0.1:@PORT@;
        location / {
            proxy_pass http://127.0.0.1:ORIGIN;
            early_hints $arg_a $arg_b;
            proxy_hide_header X-Hidden;
        }
        location /none/ { proxy_pass http://127.0.0.1:ORIGIN; }
    }
"""
_HINTS = head("103 Early Hints", "Link: </a>", "X-Up: y", "X-Hidden: h", "Date: d", "Server: s")
_CASES: dict[str, tuple[bytes, list[Step]]] = {
    "hints": (get("/?a=1"), [_HINTS + OK]),
    "hints apart": (get("/?a=1"), [_HINTS, OK]),
    "second condition": (get("/?b=x"), [_HINTS + OK]),
    "conditions of nothing": (get("/?a=0&b="), [_HINTS + OK]),
    "not wanted": (get("/none/"), [_HINTS + OK]),
    "for 1.0": (get("/?a=1", version="1.0"), [_HINTS + OK]),
    "twice": (get("/?a=1"), [_HINTS + _HINTS + OK]),
    "empty": (get("/?a=1"), [head("103 Early Hints") + OK]),
    "and no answer": (get("/?a=1"), [_HINTS, "fin"]),
    "kept alive": (get("/?a=1", close=False) + get("/?a=1"), [_HINTS + OK]),
}
_VARIES = re.compile(rb"(Server|Date|Content-Length): [^\r]*|(nginx|surehop)/[0-9.]+")


@pytest.fixture(scope="module")
def running(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Scripted, list[Subject]]]:
    with Scripted() as origin:
        http = _HTTP.replace("ORIGIN", str(origin.port))
        with Subject(nginx, http) as theirs, Subject(surehop_nginx, http) as ours:
            yield origin, [theirs, ours]


def exchanged(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(request)
        pieces = []
        while piece := sock.recv(1 << 16):
            pieces.append(piece)
    return _VARIES.sub(b"", b"".join(pieces))


@pytest.mark.parametrize("name", _CASES)
def test_hints_like_nginx(running: tuple[Scripted, list[Subject]], name: str) -> None:
    origin, subjects = running
    request, answer = _CASES[name]
    origin.play(*answer)
    theirs, ours = (exchanged(subject.port, request) for subject in subjects)
    assert ours == theirs
    wanted = name not in {"conditions of nothing", "not wanted", "for 1.0", "empty"}
    assert (b" 103 " in theirs) == wanted
