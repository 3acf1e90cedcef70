"""An answer to a request whose body is half sent: nothing goes over that upstream connection again.

What is left of the body looks like requests. Whoever used the connection again would send the next
request into the middle of a body, or have a body taken for a request.
"""

import contextlib
import threading

import pytest

from raw import Raw, get
from scripted import OK, Scripted
from surehop.lab.subjects import Program, Subject
from waiting import eventually

HTTP = """
upstream back {{ server 127.0.0.1:{}; keepalive 8; }}
server {{
    listen 127.0.0.1:@PORT@; client_max_body_size 0; proxy_request_buffering {};
    proxy_http_version 1.1; proxy_set_header Connection "";
    location / {{ proxy_pass http://back; }}
}}
"""
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: o\r\n\r\n"
# More than the sockets between the two hold.
BODY = SMUGGLED * ((8 << 20) // len(SMUGGLED))
FRAMED = {
    "length": b"PUT /early HTTP/1.1\r\nHost: o\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "chunked": b"PUT /early HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
}


@pytest.fixture(params=["surehop", "surehop_nginx", "nginx"])
def program(request: pytest.FixtureRequest) -> Program:
    found: Program = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("framing", FRAMED)
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_an_upstream_that_answers_early_is_not_used_again(
    program: Program, buffering: str, framing: str
) -> None:
    read_on = threading.Event()
    with (
        Scripted() as origin,
        Subject(program, HTTP.format(origin.port, buffering)) as subject,
        Raw(subject.port) as client,
        Raw(subject.port) as other,
    ):
        origin.play(OK, read_on, early=True)
        whole = FRAMED[framing]
        # Buffered it has to come whole; as it comes, the rest of it never does.
        half = whole if buffering == "on" else whole[: len(whole) // 3]
        sending = threading.Thread(target=lambda: _sent(client, half))
        sending.start()
        assert client.head()[0] == 200
        origin.play(OK)
        assert other.answer(get("/next"))[2] == b"ok\n"
        assert origin.connections == 2
        read_on.set()
        sending.join()
        eventually(lambda: origin.open == 1)
        assert [r.target for r in origin.take()] == ["/next"]
        assert other.answer(get("/last"))[2] == b"ok\n"
        assert origin.connections == 2, "the one that is whole is used again"


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_an_answer_that_overtakes_nothing_leaves_the_upstream(
    program: Program, buffering: str
) -> None:
    """The other side of it: sent whole, though it was not read when the answer came."""
    with (
        Scripted() as origin,
        Subject(program, HTTP.format(origin.port, buffering)) as subject,
        Raw(subject.port) as client,
    ):
        origin.play(OK, early=True)
        small = b"PUT /early HTTP/1.1\r\nHost: o\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
        for _ in range(3):
            assert client.answer(small + SMUGGLED)[2] == b"ok\n"
        eventually(lambda: len(origin.take()) == 0)
        assert origin.connections == 1


def _sent(client: Raw, data: bytes) -> None:
    # Who is answered early may be let go before the end.
    with contextlib.suppress(OSError):
        client.send(data)
