"""Files on their way: bounded pieces, clients that are slow or leave, files that change."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from front import told

from raw import Raw, get
from surehop.lab.subjects import Program, Subject
from waiting import PATIENCE, eventually

SIZE = 16 << 20  # more than the sockets between the two hold
HTTP = """
    send_timeout 300ms;
    server {
        listen 127.0.0.1:@PORT@;
        listen unix:UNIX;
        location / { root www; sendfile on; }
        location /patient/ { alias www/; sendfile on; send_timeout 60s; }
    }
"""


@contextmanager
def files(program: Program, folder: Path) -> Iterator[tuple[Subject, Path]]:
    """The program with a long file and a short one."""
    folder.chmod(0o755)
    www = folder / "www"
    www.mkdir()
    (www / "short").write_bytes(b"short\n")
    with (www / "long").open("wb") as file:
        for block in range(SIZE >> 16):
            file.write(block.to_bytes(4, "big") * (1 << 14))
    with Subject(program, HTTP.replace("UNIX", str(folder / "s")), prefix=folder) as subject:
        yield subject, www


def slow(port: int) -> socket.socket:
    """A client that takes only what it asks for, and what the sockets hold."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def rest(sock: socket.socket) -> bytes:
    parts = []
    while more := sock.recv(1 << 20):
        parts.append(more)
    return b"".join(parts)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers, who are somebody else, may enter."""
    folder = tmp_path_factory.mktemp("files")
    for outer in (folder, *folder.parents[:2]):
        outer.chmod(0o755)
    return folder


def test_others_are_served_beside_a_long_file(surehop_nginx: Program, place: Path) -> None:
    with files(surehop_nginx, place) as (subject, www), slow(subject.port) as first:
        first.sendall(get("/patient/long", close=True))
        begun = first.recv(1024)
        with Raw(subject.port) as other:
            assert other.answer(get("/short"))[2] == b"short\n"
        body = (begun + rest(first)).split(b"\r\n\r\n", 1)[1]
        assert body == (www / "long").read_bytes()


def test_ranges_of_a_long_file(surehop_nginx: Program, place: Path) -> None:
    with files(surehop_nginx, place) as (subject, www), Raw(subject.port) as client:
        content = (www / "long").read_bytes()
        for first, last in ((0, SIZE - 2), (SIZE - 100_000, SIZE - 1), (65_530, 65_540)):
            ranged = f"GET /patient/long HTTP/1.1\r\nHost: o\r\nRange: bytes={first}-{last}\r\n\r\n"
            status, headers, body = client.answer(ranged.encode())
            assert (status, headers["content-range"]) == (206, f"bytes {first}-{last}/{SIZE}")
            assert bytes(body) == content[first : last + 1]


def test_over_a_unix_socket(surehop_nginx: Program, place: Path) -> None:
    with (
        files(surehop_nginx, place) as (_, www),
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.connect(str(place / "s"))
        client.sendall(get("/long", close=True))
        assert rest(client).split(b"\r\n\r\n", 1)[1] == (www / "long").read_bytes()


def test_a_file_that_is_cut_off_meanwhile(surehop_nginx: Program, place: Path) -> None:
    with files(surehop_nginx, place) as (subject, www), slow(subject.port) as client:
        client.sendall(get("/patient/long"))
        begun = client.recv(1024)
        os.truncate(www / "long", 100)
        body = (begun + rest(client)).split(b"\r\n\r\n", 1)[1]
        line = told(subject, level="alert")[0]

    assert len(body) < SIZE
    where = len(body)
    assert line.startswith(
        f'[alert] sendfile() reported that "{www}/long" was truncated at {where}'
        " while sending response to client, client: "
    )


def test_a_client_that_takes_nothing(surehop_nginx: Program, place: Path) -> None:
    with files(surehop_nginx, place) as (subject, _), slow(subject.port) as client:
        client.sendall(get("/long"))
        line = told(subject, level="info")[0]

    assert line.startswith(
        "[info] client timed out (110: Connection timed out) while sending response to client, "
    )


def test_a_client_that_leaves(surehop_nginx: Program, place: Path) -> None:
    with files(surehop_nginx, place) as (subject, _):
        with slow(subject.port) as client:
            client.sendall(get("/patient/long"))
            client.recv(1024)
        eventually(lambda: bool(subject.access_log()))
        lines = told(subject, level="info")

    assert " while sending response to client, " in lines[0]
    assert lines[0].startswith("[info] ")
