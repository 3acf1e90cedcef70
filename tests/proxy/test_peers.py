"""Which peer a request goes to, and over which connection."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from front import logged, running, server, told

from raw import GET, Raw, get
from scripted import OK, Answer, Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program
from waiting import eventually


@pytest.fixture
def three() -> Iterator[list[Scripted]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Scripted()) for _ in range(3)]


def address(origin: Scripted) -> str:
    return f"127.0.0.1:{origin.port}"


def counts(origins: list[Scripted]) -> list[int]:
    return [len(origin.take()) for origin in origins]


def test_weights(surehop: Program, three: list[Scripted]) -> None:
    a, b, c = (address(origin) for origin in three)
    upstream = f"server {a} weight=5; server {b}; server {c} weight=2;"
    with running(surehop, server(upstream=upstream)) as subject, Raw(subject.port) as client:
        for _ in range(16):
            assert client.answer()[0] == 200
        order = [line.split("[")[1].split("]")[0] for line in logged(subject, 16)]
    assert order[:8] == [a, c, a, a, b, a, c, a], "smooth, as nginx has it"
    assert counts(three) == [10, 2, 4]


def test_down_and_backup(surehop: Program, three: list[Scripted]) -> None:
    a, b, c = (address(origin) for origin in three)
    upstream = f"server {a} down; server {b}; server {c} backup;"
    with running(surehop, server(upstream=upstream)) as subject, Raw(subject.port) as client:
        for _ in range(4):
            assert client.answer()[0] == 200
        assert counts(three) == [0, 4, 0]
        three[1].play("fin")
        assert client.answer()[0] == 200
        assert counts(three)[2] == 1, "the backup takes over"


def test_least_conn(surehop: Program, three: list[Scripted]) -> None:
    """Where round robin would go in turn, the one that is held up gets no more."""
    busy, idle, _ = three
    go = threading.Event()
    busy.play(go, OK)
    upstream = f"least_conn; server {address(busy)}; server {address(idle)};"
    with running(surehop, server(upstream=upstream)) as subject, Raw(subject.port) as held:
        held.send(GET)
        busy.wait_begun()
        with Raw(subject.port) as client:
            for _ in range(5):
                assert client.answer()[0] == 200
        go.set()
        held.until(b"ok\n")
        assert (len(busy.take()), len(idle.take())) == (1, 5)


@pytest.mark.parametrize("mode", ["on", "off"])
def test_max_conns(surehop: Program, three: list[Scripted], mode: str) -> None:
    """A peer that is full is passed over; when all are, the request fails at once."""
    first, second, _ = three
    go = threading.Event()
    upstream = (
        f"resilience {mode}; server {address(first)} max_conns=1;"
        f"server {address(second)} max_conns=1;"
    )
    for origin in (first, second):
        origin.play_paths({"/held": Answer((go, OK))})
    with running(surehop, server(upstream=upstream)) as subject, ExitStack() as stack:
        held = [stack.enter_context(Raw(subject.port)) for _ in range(2)]
        for client in held:
            client.send(get("/held"))
        first.wait_begun()
        second.wait_begun()
        with Raw(subject.port) as client:
            assert client.answer()[0] == 502
            assert "no live upstreams while connecting to upstream" in told(subject)[-1]
            go.set()
            for other in held:
                other.until(b"ok\n")
            assert client.answer()[0] == 200


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the data process, which may be nobody, can enter."""
    with TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_unix_sockets_on_both_sides(surehop: Program, folder: Path) -> None:
    where, front = str(folder / "up.sock"), str(folder / "front.sock")
    with Scripted(unix=where) as origin:
        Path(where).chmod(0o666)
        http = f"""
            upstream app {{ server unix:{where}; }}
            server {{ listen 127.0.0.1:@PORT@; location / {{ proxy_pass http://app; }} }}
            server {{ listen unix:{front}; location / {{ proxy_pass http://unix:{where}; }}
                      location /uri/ {{ proxy_pass http://unix:{where}:/replaced/; }} }}"""
        with running(surehop, http) as subject:
            with Raw(subject.port) as client, Raw(0, unix=front) as local:
                assert client.answer()[0] == 200
                assert local.answer()[0] == 200
                assert local.answer(get("/uri/x"))[0] == 200
            got = [(r.target, r.header("host")) for r in origin.take()]
            assert got == [("/", ["app"]), ("/", ["localhost"]), ("/replaced/x", ["localhost"])]
            assert all(f"[unix:{where}]" in line for line in logged(subject, 3))
        assert not Path(front).exists(), "its own socket file is taken away"


def test_a_unix_socket_that_is_not_there(surehop_nginx: Program, folder: Path) -> None:
    where = folder / "none.sock"
    http = server(f"location / {{ proxy_pass http://unix:{where}:/base/; }}")
    with running(surehop_nginx, http) as subject:
        with Raw(subject.port) as client:
            assert client.answer()[0] == 502
        (line,) = told(subject)
    assert line == (
        f"[crit] connect() to unix:{where} failed (2: No such file or directory) "
        f'while connecting to upstream, client: 127.0.0.1, server: , request: "GET / HTTP/1.1", '
        f'upstream: "http://unix:{where}:/base/", host: "o"'
    )


def test_connections_end_after_so_many_requests(surehop: Program, three: list[Scripted]) -> None:
    upstream = f"server {address(three[0])}; keepalive_requests 3;"
    with running(surehop, server(upstream=upstream)) as subject, Raw(subject.port) as client:
        for _ in range(7):
            assert client.answer()[0] == 200
    assert [r.connection for r in three[0].take()] == [1, 1, 1, 2, 2, 2, 3]


def test_connections_end_after_some_time(surehop: Program, three: list[Scripted]) -> None:
    """keepalive_time is asked when a request ends; keepalive_timeout runs while none does."""
    origin = three[0]
    upstream = f"server {address(origin)}; keepalive_time 1ms;"
    pause = threading.Event()
    origin.play(pause, OK)
    with running(surehop, server(upstream=upstream)) as subject, Raw(subject.port) as client:
        client.send(GET)
        origin.wait_begun()
        threading.Timer(0.02, pause.set).start()
        client.until(b"ok\n")
        assert client.answer()[0] == 200
    assert [r.connection for r in origin.take()] == [1, 2]
    upstream = f"server {address(origin)}; keepalive_timeout 100ms;"
    with running(surehop, server(upstream=upstream)) as subject, Raw(subject.port) as client:
        assert client.answer()[0] == 200
        origin.wait_closed()
        assert client.answer()[0] == 200


def test_keepalive_zero_keeps_none(surehop: Program, three: list[Scripted]) -> None:
    origin = three[0]
    upstream = f"server {address(origin)}; keepalive 0;"
    with running(surehop, server(upstream=upstream)) as subject, Raw(subject.port) as client:
        for _ in range(3):
            assert client.answer()[0] == 200
            origin.wait_closed()
    assert [r.connection for r in origin.take()] == [1, 2, 3]


def test_the_pool_has_its_size(surehop: Program, three: list[Scripted]) -> None:
    """Five at once, two are kept: the least recently used are let go."""
    origin = three[0]
    go = threading.Event()
    origin.play(go, OK)
    upstream = f"server {address(origin)}; keepalive 2;"
    with running(surehop, server(upstream=upstream)) as subject, ExitStack() as stack:
        clients = [stack.enter_context(Raw(subject.port)).send(GET) for _ in range(5)]
        origin.wait_begun(5)
        go.set()
        for client in clients:
            client.until(b"ok\n")
        eventually(lambda: origin.open == 2)


@pytest.mark.parametrize("local", ["", " local"])
def test_locations_share_connections_or_do_not(
    surehop: Program, three: list[Scripted], local: str
) -> None:
    origin = three[0]
    http = server(
        "location /a { proxy_pass http://app; } location /b { proxy_pass http://app; }",
        upstream=f"server {address(origin)}; keepalive 8{local};",
    )
    with running(surehop, http) as subject, Raw(subject.port) as client:
        for path in "abab":
            assert client.answer(get(f"/{path}"))[0] == 200
    used = [r.connection for r in origin.take()]
    assert used == ([1, 2, 1, 2] if local else [1, 1, 1, 1])


def test_two_workers(surehop: Program, three: list[Scripted]) -> None:
    upstream = "".join(f"server {address(origin)};" for origin in three)
    http = server(upstream=upstream)
    with running(surehop, http, workers=2) as subject:
        failed: Counter[int] = Counter()

        def ask() -> None:
            for _ in range(30):
                with Raw(subject.port) as client:
                    failed[client.answer()[0]] += 1

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == {200: 180}
        lines = logged(subject, 180)
        assert len(lines) == 180
    assert sum(counts(three)) == 180


def test_refused_addresses_are_left_out_for_all_workers(
    surehop: Program, three: list[Scripted]
) -> None:
    with Port() as refused:
        upstream = f"server 127.0.0.1:{refused.number}; server {address(three[0])};"
        http = server(upstream=upstream)
        with running(surehop, http, workers=2) as subject:
            for _ in range(40):
                with Raw(subject.port) as client:
                    assert client.answer()[0] == 200
            assert len(subject.error_log()) == 2, "refused once, told once"
