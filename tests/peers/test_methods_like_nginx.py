"""How peers are chosen by `ip_hash`, `hash`, `least_conn` and `sticky`: nginx and `resilience off`.

What is left to chance or to time (`random`, `least_time`) is compared by its limits alone.
"""

import http.client
import random
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from scripted import OK, Answer, Scripted
from surehop.lab.origins import Origin
from surehop.lab.subjects import Program, Subject

LOCATION = "location / { proxy_pass http://app; }"
SERVER = f"server {{ listen 127.0.0.1:@PORT@; {LOCATION} }}"
PATIENCE = 20.0
_DATE = re.compile(r"\w{3}, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d GMT")


@dataclass(frozen=True, slots=True)
class Asked:
    target: str = "/"
    cookie: str | None = None
    source: str = "127.0.0.1"


def ask(port: int, asked: Asked) -> list[str]:
    """Give status, cookies and whose answer it is."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=30, source_address=(asked.source, 0)
    )
    try:
        headers = {"Host": "app"} | ({"Cookie": asked.cookie} if asked.cookie else {})
        connection.request("GET", asked.target, headers=headers)
        answer = connection.getresponse()
        answer.read()
        cookies = answer.headers.get_all("Set-Cookie") or []
        return [str(answer.status), *(_DATE.sub("DATE", each) for each in cookies)]
    finally:
        connection.close()


def seen(program: Program, configuration: str, requests: Sequence[Asked]) -> list[object]:
    with Subject(program, configuration) as subject:
        answers = [ask(subject.port, asked) for asked in requests]
        subject.stop()
        return [answers, subject.access_log(), told(subject)]


def told(subject: Subject) -> list[str]:
    """Give what the error log says of upstreams, without times and numbers."""
    lines = [line for line in subject.error_log("warn") if "upstream" in line]
    return [re.sub(r"^\S+ \S+ (\[\w+\]) \S+ \*\d+ ", r"\1 ", line) for line in lines]


@pytest.fixture
def origins() -> Iterator[list[Origin]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Origin()) for _ in range(4)]


def members(rng: random.Random, ports: list[int]) -> str:
    """Write `server` lines with random weights and limits, some of them down or refusing."""
    lines = []
    for index, port in enumerate(ports):
        words = [f"weight={rng.randint(1, 5)}", f"max_fails={rng.randint(0, 2)}"]
        if index and rng.random() < 0.2:
            words.append(rng.choice(["down", "drain"]))
        lines.append(f"server 127.0.0.1:{port} {' '.join(words)} fail_timeout=1000s;")
    return " ".join(lines)


METHODS: dict[str, Callable[[random.Random], Asked]] = {
    "hash $arg_k;": lambda rng: Asked(f"/?k={rng.randint(0, 10**6)}"),
    "hash $arg_k$uri consistent;": lambda rng: Asked(f"/{rng.randint(0, 9)}?k={rng.random()}"),
    "hash $arg_none;": lambda _: Asked(),
    "hash $arg_none consistent;": lambda _: Asked(),
    "ip_hash;": lambda rng: Asked(
        source=f"127.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    ),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(6))
def test_the_same_keys_go_to_the_same_peers(
    surehop_nginx: Program, nginx: Program, origins: list[Origin], method: str, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 (a seed that can be named, not a secret)
    ports = [origin.port for origin in origins[: rng.randint(2, 3)]]
    if seed % 2:
        origins[-1].set(listen="none")
        ports.insert(rng.randint(1, len(ports)), origins[-1].port)
    block = f"upstream app {{ {method} {members(rng, ports)} }}\n{SERVER}"
    requests = [METHODS[method](rng) for _ in range(80)]

    theirs = seen(nginx, block, requests)

    assert seen(surehop_nginx, block, requests) == theirs, block


def test_all_of_a_name_stand_at_its_place(
    surehop_nginx: Program, nginx: Program, origins: list[Origin]
) -> None:
    lines = "".join(f"server 127.0.0.1:{origin.port};" for origin in origins for _ in range(2))
    block = f"upstream app {{ hash $arg_k consistent; {lines} }}\n{SERVER}"
    requests = [Asked(f"/?k={number % 20}") for number in range(60)]

    assert seen(surehop_nginx, block, requests) == seen(nginx, block, requests)


@pytest.mark.parametrize("method", ["least_conn;", "", "random two least_conn;", "random;"])
def test_with_requests_held(surehop_nginx: Program, nginx: Program, method: str) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(Scripted()) for _ in range(3)]
        lines = "".join(
            f"server 127.0.0.1:{peer.port} weight={weight};"
            for peer, weight in zip(peers, (3, 1, 2), strict=True)
        )
        block = f"upstream app {{ {method} {lines} }}\n{SERVER}"

        def spread(program: Program) -> list[int]:
            for peer in peers:
                peer.play_paths({"/held": Answer(("hang",))})
            with Subject(program, block) as subject, ExitStack() as held:
                return [held_at(subject.port, peers, held, number) for number in range(24)]

        theirs, ours = spread(nginx), spread(surehop_nginx)
    if method.startswith("random"):
        assert set(ours) == set(theirs) == {0, 1, 2}
    else:
        assert ours == theirs


def held_at(port: int, peers: Sequence[Scripted], held: ExitStack, number: int) -> int:
    """Send a request that is held, every third one not; give whom it went to."""
    client = held.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
    target = "/held" if number % 3 else "/"
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: app\r\n\r\n".encode())
    if target == "/":
        assert client.recv(1)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for index, peer in enumerate(peers):
            if peer.take():
                return index
    raise AssertionError("nobody got the request")


def cookies(*values: str) -> list[Asked]:
    return [Asked(cookie=f"srv={value}") for value in values]


STICKY = {
    "cookie srv": [Asked(), Asked(), Asked(), *cookies("a", "b", "", "b"), Asked()],
    "cookie srv path=/p secure samesite=$arg_x domain=$arg_d httponly expires=1h": [
        Asked("/?d=example.com&x=lax"),
        Asked("/?d=example.com&x=other", "srv=b"),
        Asked("/", "srv=a; srv=b"),
    ],
    "cookie srv$arg_x expires=max samesite=strict": [Asked("/?x=1"), *cookies("a")],
    "cookie srv expires=20y path=/$uri": [Asked()],
    "route $arg_r $cookie_r": [
        Asked("/?r=a"),
        Asked("/?r=b", "r=a"),
        Asked("/?r=b"),
        Asked("/?r=", "r=b"),
        Asked("/?r=unknown", "r=b"),
    ],
    "learn header create=$upstream_http_x create=$upstream_cookie_s lookup=$cookie_s zone=z:1m": [
        Asked("/1"),
        Asked("/2"),
        Asked("/", "s=2"),
        Asked("/", "s=1"),
    ],
    "learn create=$upstream_cookie_s lookup=$cookie_s lookup=$arg_s zone=z:1m": [
        Asked("/1"),
        Asked("/2"),
        Asked("/3"),
        Asked("/1", "s=2"),
        Asked("/", "s=2"),
        Asked("/?s=1"),
        Asked("/?s=2"),
        Asked("/", "s=3"),
    ],
}


@pytest.mark.parametrize("kind", STICKY)
@pytest.mark.parametrize("broken", [False, True])
def test_sticky(surehop_nginx: Program, nginx: Program, kind: str, broken: bool) -> None:
    session = {
        f"/{number}": Answer(
            (OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: s=%d; path=/\r\n\r\n" % number),)
        )
        for number in (1, 2, 3)
    }
    with ExitStack() as stack:
        peers = [stack.enter_context(Scripted()) for _ in range(3)]
        for peer in peers:
            peer.play_paths(session)
        a, b, c = (peer.port for peer in peers)
        refused = "server 127.0.0.1:1 route=d;" if broken else ""
        block = (
            f"upstream app {{ server 127.0.0.1:{a} route=a; server 127.0.0.1:{b} route=b; {refused}"
            f"server 127.0.0.1:{c} drain; sticky {kind}; }}\n{SERVER}"
        )

        assert seen(surehop_nginx, block, STICKY[kind]) == seen(nginx, block, STICKY[kind])


@pytest.mark.parametrize("method", ["hash $arg_k;", "ip_hash;", "least_conn;", "random two;"])
def test_bound_whatever_the_method(
    surehop_nginx: Program, nginx: Program, origins: list[Origin], method: str
) -> None:
    lines = "".join(
        f"server 127.0.0.1:{origin.port} route={name}{' drain' * (name == 'b')};"
        for origin, name in zip(origins, "abcd", strict=True)
    )
    block = f"upstream app {{ {method} {lines} sticky route $arg_r; }}\n{SERVER}"
    requests = [Asked(f"/?r={name}") for name in "abcddbbac"]

    theirs = seen(nginx, block, requests)

    assert len(set(theirs[1][:4])) == 4  # type: ignore[index]
    assert seen(surehop_nginx, block, requests) == theirs


def test_servers_that_drain_answer_nobody_else(
    surehop_nginx: Program, nginx: Program, origins: list[Origin]
) -> None:
    block = (
        f"upstream app {{ server 127.0.0.1:{origins[0].port} route=a drain; "
        f"sticky route $arg_r; }}\n{SERVER}"
    )
    requests = [Asked("/?r=a"), Asked("/"), Asked("/?r=a")]

    theirs = seen(nginx, block, requests)

    assert [answer[0] for answer in theirs[0]] == ["200", "502", "200"]  # type: ignore[attr-defined]
    assert seen(surehop_nginx, block, requests) == theirs
