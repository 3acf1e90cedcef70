"""Upgraded connections beside nginx: what both ends see of them, and what the logs say."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from likeness import variables

from surehop.lab.subjects import Program, Subject
from tunnels import PASSED, SWITCH, UPGRADE, End, Switching, asking, connected
from waiting import eventually

HTTP = f"""
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    upstream kept {{ server 127.0.0.1:ORIGIN; keepalive 4; }}
    server {{
        listen 127.0.0.1:@PORT@;
        location / {{ {PASSED} proxy_pass http://kept; }}
        location /mapped/ {{
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_pass http://127.0.0.1:ORIGIN;
        }}
        location /hasty/ {{ {PASSED} proxy_pass http://kept; proxy_read_timeout 400ms; }}
        location /patient/ {{ {PASSED} proxy_pass http://kept; proxy_read_timeout 1s; }}
        location /slow-client/ {{ {PASSED} proxy_pass http://kept; send_timeout 200ms; }}
        location /slow-upstream/ {{ {PASSED} proxy_pass http://kept; proxy_send_timeout 200ms; }}
        location /unbuffered/ {{ {PASSED} proxy_pass http://kept; proxy_buffering off; }}
        location /streamed/ {{ {PASSED} proxy_pass http://kept; proxy_request_buffering off; }}
        location /named/ {{ {PASSED} proxy_pass http://kept; proxy_hide_header Upgrade; }}
    }}
"""
LOGGED = [
    "status",
    "body_bytes_sent",
    "request_length",
    "request_completion",
    "upstream_addr",
    "upstream_status",
    "upstream_response_length",
    "upstream_bytes_received",
    "upstream_bytes_sent",
    "connection_requests",
    "sent_http_upgrade",
    "sent_http_connection",
    "upstream_http_upgrade",
]
_OWN = re.compile(r"(Server|Date): [^\r]*")
# More than the sockets between two ends hold.
LARGE = b"".join(number.to_bytes(4, "big") for number in range(1 << 21))

# What they hold, so that its sender has closed before anybody reads it.
LAST = LARGE[: 1 << 20]

Played = Callable[[int, Switching], list[object]]


def both(port: int, origin: Switching, request: bytes, switch: bytes = SWITCH) -> tuple[End, End]:
    """A client with its 101, and what was asked upstream is thrown away."""
    return origin.tunnel(port, request, switch=switch)


def heads(port: int, origin: Switching) -> list[object]:
    with connected(port, asking("/mapped/x")) as client, origin.take() as upstream:
        seen: list[object] = [upstream.head().replace(b"%d" % origin.port, b"PORT")]
        upstream.send(SWITCH.replace(b"\r\n\r\n", b"\r\nX-A: b\r\nSec-WebSocket-Accept: c\r\n\r\n"))
        seen.append(_OWN.sub(r"\1", client.head().decode()))
        upstream.half_close()
        return [*seen, client.rest(), upstream.rest()]


def early(port: int, origin: Switching) -> list[object]:
    """Either side has sent more than its head at once."""
    with (
        connected(port, asking() + b"early client") as client,
        origin.take() as upstream,
    ):
        upstream.head()
        upstream.send(SWITCH + b"early upstream")
        client.head()
        seen: list[object] = [client.exactly(14), upstream.exactly(12)]
        client.send(b"ping")
        seen.append(upstream.exactly(4))
        upstream.send(b"pong")
        seen.append(client.exactly(4))
        upstream.half_close()
        return [*seen, client.rest(), upstream.rest()]


def much_early(port: int, origin: Switching) -> list[object]:
    """More than a buffer holds."""
    with connected(port, asking() + LAST) as client, origin.take() as upstream:
        upstream.head()
        upstream.send(SWITCH + LAST)
        client.head()
        seen: list[object] = [end.exactly(len(LAST)) == LAST for end in (upstream, client)]
        upstream.half_close()
        return [*seen, client.rest(), upstream.rest()]


def words(request: bytes, switch: bytes = SWITCH) -> Played:
    """Some words each way; then the upstream ends it."""

    def play(port: int, origin: Switching) -> list[object]:
        client, upstream = both(port, origin, request, switch)
        with client, upstream:
            upstream.send(b"hello")
            seen: list[object] = [client.exactly(5)]
            for number in range(3):
                client.send(b"ping %d" % number)
                seen.append(upstream.exactly(6))
            upstream.half_close()
            return [*seen, client.rest(), upstream.rest()]

    return play


def client_half_closes(port: int, origin: Switching) -> list[object]:
    client, upstream = both(port, origin, asking())
    with client, upstream:
        client.send(b"last")
        client.half_close()
        seen = upstream.rest()
        return [seen, client.rest()]


def upstream_half_closes(port: int, origin: Switching) -> list[object]:
    client, upstream = both(port, origin, asking())
    with client, upstream:
        upstream.send(b"last")
        upstream.half_close()
        return [client.rest(), upstream.rest()]


def client_resets(port: int, origin: Switching) -> list[object]:
    client, upstream = both(port, origin, asking())
    with upstream:
        client.send(b"ping")
        seen = upstream.exactly(4)
        client.abort()
        return [seen, upstream.rest()]


def upstream_resets(port: int, origin: Switching) -> list[object]:
    client, upstream = both(port, origin, asking())
    with client:
        client.send(b"ping")
        seen = upstream.exactly(4)
        upstream.abort()
        return [seen, client.rest()]


def silence(port: int, origin: Switching) -> list[object]:
    client, upstream = both(port, origin, asking("/hasty/"))
    with client, upstream:
        return [client.rest(), upstream.rest()]


def words_put_the_silence_off(port: int, origin: Switching) -> list[object]:
    """The client's alone too. (nginx does not move a deadline by less than 300 ms.)"""
    client, upstream = both(port, origin, asking("/patient/"))
    with client, upstream:
        waited = threading.Event()
        for _ in range(4):
            waited.wait(0.35)
            client.send(b"x")
            upstream.exactly(1)
        return [client.rest(), upstream.rest()]


def large(port: int, origin: Switching) -> list[object]:
    """Both ways at once, and each end reads only when all of its own has been sent, or can't be."""
    client, upstream = both(port, origin, asking())
    with client, upstream:
        senders = [
            threading.Thread(target=end.send, args=(LARGE,), daemon=True)
            for end in (client, upstream)
        ]
        for sender in senders:
            sender.start()
        got = [end.exactly(len(LARGE)) == LARGE for end in (upstream, client)]
        for sender in senders:
            sender.join()
        upstream.half_close()
        return [*got, client.rest(), upstream.rest()]


def last_words_to_a_slow_client(port: int, origin: Switching) -> list[object]:
    """All that the upstream sent before it closed arrives."""
    client, upstream = both(port, origin, asking())
    with client, upstream:
        upstream.send(LAST)
        upstream.half_close()
        got, end = client.rest()
        return [got == LAST, end]


def last_words_to_a_slow_upstream(port: int, origin: Switching) -> list[object]:
    client, upstream = both(port, origin, asking())
    with client, upstream:
        client.send(LAST)
        client.half_close()
        got, end = upstream.rest()
        return [got == LAST, end, client.rest()]


CASES: dict[str, Played] = {
    "heads": heads,
    "early": early,
    "much early": much_early,
    "words": words(asking()),
    "mapped": words(asking("/mapped/")),
    "unbuffered": words(asking("/unbuffered/")),
    "hidden": words(asking("/named/")),
    "without connection": words(asking(lines="Upgrade: x\r\n")),
    "http/1.0": words(asking(version="1.0")),
    "head": words(asking(method="HEAD")),
    "post": words(asking(method="POST", lines=UPGRADE + "Content-Length: 4\r\n") + b"body"),
    "streamed": words(
        asking("/streamed/", method="POST", lines=UPGRADE + "Content-Length: 4\r\n") + b"body"
    ),
    "with a length": words(asking(), SWITCH[:-2] + b"Content-Length: 5\r\n\r\n"),
    "other words": words(asking(), SWITCH.replace(b"Switching Protocols", b"Go on")),
    "client half-closes": client_half_closes,
    "upstream half-closes": upstream_half_closes,
    "client resets": client_resets,
    "upstream resets": upstream_resets,
    "silence": silence,
    "words put the silence off": words_put_the_silence_off,
    "large": large,
    "last words to a slow client": last_words_to_a_slow_client,
    "last words to a slow upstream": last_words_to_a_slow_upstream,
}


@pytest.fixture(scope="module")
def running(
    nginx: Program, surehop: Program, surehop_nginx: Program
) -> Iterator[tuple[Switching, list[Subject]]]:
    with Switching() as origin:
        http = HTTP.replace("ORIGIN", str(origin.port))
        told = variables(LOGGED)
        with (
            Subject(nginx, http, variables=told) as theirs,
            Subject(surehop_nginx, http, variables=told) as off,
            Subject(surehop, http, variables=told) as on,
        ):
            yield origin, [theirs, off, on]


def played(subject: Subject, origin: Switching, play: Played) -> list[object]:
    """What the ends saw, and what was logged meanwhile."""
    before = len(subject.access_log())
    told_before = len(subject.error_log("info"))
    seen = play(subject.port, origin)
    eventually(lambda: len(subject.access_log()) > before)
    logged = [line.partition(" | ")[2] for line in subject.access_log()[before:]]
    # nginx tells of a time-out in its C library's words.
    told = [
        line.replace("Operation timed out", "Connection timed out")
        for line in subject.error_log("info", normal=True)[told_before:]
        if "client" in line
    ]
    return [*seen, *logged, *told]


@pytest.mark.parametrize("name", CASES)
def test_upgrades_like_nginx(running: tuple[Switching, list[Subject]], name: str) -> None:
    origin, subjects = running
    theirs, off, on = (played(subject, origin, CASES[name]) for subject in subjects)
    assert off == theirs
    assert on == theirs
    assert "status=101" in str(theirs)


@pytest.mark.parametrize("slow", ["client", "upstream"])
def test_who_takes_nothing_is_let_go(running: tuple[Switching, list[Subject]], slow: str) -> None:
    """How many bytes it was sent until then is the kernel's to say."""
    origin, subjects = running
    theirs, off, on = (stuck(subject, origin, slow) for subject in subjects)
    assert off == theirs
    assert on == theirs
    assert f"{slow} timed out (110: Connection timed out) while proxying" in str(theirs)


def stuck(subject: Subject, origin: Switching, slow: str) -> list[str]:
    """What is logged of a tunnel of which one end takes nothing."""

    def play(port: int, origin: Switching) -> list[object]:
        told = len(subject.error_log("info"))
        client, upstream = both(port, origin, asking(f"/slow-{slow}/"))
        with client, upstream:
            fast = upstream if slow == "client" else client
            sending = threading.Thread(target=flood, args=(fast,))
            sending.start()
            eventually(lambda: "timed out" in str(subject.error_log("info")[told:]))
            # Who lingers reads on.
            with contextlib.suppress(OSError):
                fast.sock.shutdown(socket.SHUT_RDWR)
            sending.join()
            return []

    return [re.sub(r"=\d{4,}", "=MANY", str(line)) for line in played(subject, origin, play)]


def flood(end: End) -> None:
    with contextlib.suppress(OSError):
        while True:
            end.send(LARGE)
