"""What is written on the wire can't be made to say more than one message."""

import base64
import contextlib

from front import STREAMED

from raw import Raw, exchanged, get
from scripted import Scripted
from surehop.lab.subjects import Program, Subject


def test_decoded_line_ends_stay_out_of_header_values(surehop: Program) -> None:
    user = base64.b64encode(b"joe\r\nX-Evil: 2:x").decode()
    with Scripted() as origin:
        http = f"""
        server {{ listen 127.0.0.1:@PORT@; location / {{
            proxy_set_header X-Path $uri; proxy_set_header X-User $remote_user;
            proxy_pass http://127.0.0.1:{origin.port}; }} }}"""
        with Subject(surehop, http) as subject:
            request = (
                "GET /a%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                f"Authorization: Basic {user}\r\n\r\n"
            )
            assert exchanged(subject.port, request.encode()).startswith(b"HTTP/1.1 200")
        lines = origin.take()[0].head.split(b"\r\n")
        assert [line for line in lines if line.startswith(b"X-Evil")] == []
        assert b"X-Path: /a  X-Evil: 1" in lines


def test_decoded_line_ends_stay_out_of_a_redirect(surehop: Program) -> None:
    http = "server { listen 127.0.0.1:@PORT@; location / { return 302 $uri; } }"
    with Subject(surehop, http) as subject:
        answer = exchanged(subject.port, get("/a%0d%0aSet-Cookie:%20x=1", close=True))
        assert b"\r\nSet-Cookie" not in answer
        assert b"/a%0D%0ASet-Cookie:" in answer


def test_decoded_line_ends_stay_out_of_added_lines(surehop: Program) -> None:
    http = """server { listen 127.0.0.1:@PORT@;
        location / { add_header X $uri; add_trailer T $uri; return 200; } }"""
    with Subject(surehop, http) as subject:
        answer = exchanged(subject.port, get("/a%0d%0aSet-Cookie:%20x=1", close=True))
        assert answer.count(b": /a  Set-Cookie: x=1\r\n") == 2


def test_a_body_has_one_length(surehop: Program) -> None:
    """Whatever the configuration says about it, the framing is the relay's own."""
    with Scripted() as origin:
        http = f"""
        server {{ listen 127.0.0.1:@PORT@; location / {{
            proxy_set_header Content-Length $content_length;
            proxy_set_header Transfer-Encoding $http_transfer_encoding;
            proxy_pass http://127.0.0.1:{origin.port}; }} }}"""
        with Subject(surehop, http) as subject:
            for body in (
                b"Content-Length: 3\r\n\r\nabc",
                b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ):
                request = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + body
                assert exchanged(subject.port, request).startswith(b"HTTP/1.1 200")
        got = origin.take()
        assert [r.body for r in got] == [b"abc"] * 2
        for sent in got:
            assert sent.head.lower().count(b"content-length:") == 1
            assert b"transfer-encoding" not in sent.head.lower()


def test_a_304_of_our_own_has_no_body(surehop: Program) -> None:
    http = 'server { listen 127.0.0.1:@PORT@; location / { return 304 "text"; } }'
    with Subject(surehop, http) as subject:
        answer = exchanged(subject.port, get(close=True))
        assert answer.startswith(b"HTTP/1.1 304")
        assert answer.endswith(b"\r\n\r\n")


def test_switching_protocols_ends_both_connections(surehop: Program) -> None:
    """What follows a 101 is no HTTP: neither side may be used for another request."""
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    with Scripted() as origin:
        origin.play(switch)
        http = f"""
        upstream u {{ server 127.0.0.1:{origin.port}; keepalive 4; }}
        server {{ listen 127.0.0.1:@PORT@; location / {{
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
            proxy_pass http://u; }} }}"""
        with Subject(surehop, http) as subject:
            for _ in range(2):
                exchanged(subject.port, get())
        assert origin.connections == 2


def test_an_answer_that_just_fills_a_receive_leaves_its_connection(
    surehop: Program,
) -> None:
    size = 16 * 1024
    line = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    whole = line % 16000
    whole = line % (size - len(whole)) + b"x" * (size - len(whole))
    assert len(whole) == size
    with Scripted() as origin:
        origin.play(whole)
        http = f"""
        upstream u {{ server 127.0.0.1:{origin.port}; keepalive 4; }}
        server {{ listen 127.0.0.1:@PORT@; location / {{ proxy_pass http://u; }} }}"""
        with Subject(surehop, http) as subject:
            for _ in range(5):
                assert exchanged(subject.port, get(close=True)).endswith(b"xx")
        assert origin.connections == 1


def test_the_last_answer_survives_requests_behind_it(surehop: Program) -> None:
    """A close with unread bytes is a reset, which may take the answer with it."""
    location = 'keepalive_requests 1; location / { return 200 "own"; }'
    with (
        Subject(surehop, f"server {{ listen 127.0.0.1:@PORT@; {location} }}") as subject,
        Raw(subject.port) as client,
    ):
        client.send(get() + get("/" + "x" * 4000) * 30)
        assert client.rest().endswith(b"own")
        client.send(get() * 100)
        assert client.end() == "fin", "it lingers: nothing was reset"


def test_an_early_answer_is_heard_though_sending_failed(surehop: Program) -> None:
    """The upstream says why before it resets: the client is told."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch"
    with Scripted() as origin:
        origin.play(refusal, "fin", early=True)
        http = f"""
        server {{ listen 127.0.0.1:@PORT@; client_max_body_size 0; {STREAMED}
                  location / {{ proxy_pass http://127.0.0.1:{origin.port}; }} }}"""
        with Subject(surehop, http) as subject:
            for _ in range(10):
                with Raw(subject.port) as client:
                    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n")
                    with contextlib.suppress(OSError):
                        client.send(b"x" * 4000000)
                    assert client.head()[0] == 413
