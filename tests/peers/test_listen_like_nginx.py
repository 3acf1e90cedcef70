"""Which server answers where, against nginx: wildcards beside addresses, ranges, unix sockets."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from raw import Raw
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject
from waiting import PATIENCE

HTTP = """
    server {
        listen @PORT@;
        server_name any;
        return 200 "any $server_addr $server_port|";
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name one;
        return 200 "one $server_addr $server_port|";
    }
    server {
        listen 127.0.0.2:OTHER bind;
        listen 127.0.0.2:@PORT@;
        server_name two;
        return 200 "two $server_addr|";
    }
    server {
        listen 127.0.0.1:@PORT@;
        listen 127.0.0.3:@PORT@ default_server;
        listen unix:SOCKET;
        server_name three;
        return 200 "three $server_addr $server_port $host|";
    }
    server {
        listen 127.0.0.1:OTHER backlog=7 so_keepalive=1m::3 rcvbuf=64k;
        return 200 "other $request_port$is_request_port $tcpinfo_rtt $proxy_protocol_addr|";
    }
"""
_ASK = "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"


class Running(NamedTuple):
    """A program; its other port; its socket in the file system."""

    subject: Subject
    other: int
    path: Path


@pytest.fixture(scope="module")
def both(
    nginx: Program, surehop_nginx: Program, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Running]]:
    folder = tmp_path_factory.mktemp("sockets")
    with ExitStack() as stack:
        found = []
        for program in (nginx, surehop_nginx):
            other = stack.enter_context(Port()).number
            path = folder / program.name
            http = HTTP.replace("SOCKET", str(path)).replace("OTHER", str(other))
            subject = stack.enter_context(Subject(program, http))
            found.append(Running(subject, other, path))
        yield found


@pytest.mark.parametrize("host", ["none", "any", "one", "two", "three"])
@pytest.mark.parametrize("address", [f"127.0.0.{n}" for n in (1, 2, 3, 4)])
def test_by_address(both: list[Running], address: str, host: str) -> None:
    answers = []
    for running in both:
        port = running.subject.port
        sock = socket.create_connection((address, port), PATIENCE)
        answers.append(_answer(sock, host).replace(str(port), "PORT"))
    assert answers[0] == answers[1]


def test_by_a_socket_in_the_file_system(both: list[Running]) -> None:
    answers = []
    for running in both:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PATIENCE)
        sock.connect(str(running.path))
        answers.append(_answer(sock, "three").replace(str(running.path), "PATH"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("host", ["a:8080", "a", "a:", "a.:0080", "[::1]:9"])
def test_a_port_that_is_asked_for(both: list[Running], host: str) -> None:
    answers = []
    for running in both:
        with Raw(running.other) as client:
            client.send(_ASK.format(host).encode())
            words = client.rest().decode().rpartition("\r\n\r\n")[2].split(" ")
            assert words[2].isdecimal(), "a round trip in microseconds"
            answers.append((words[1], words[3]))
    assert answers[0] == answers[1]


def _answer(sock: socket.socket, host: str) -> str:
    with sock:
        sock.sendall(_ASK.format(host).encode())
        raw = b""
        while more := sock.recv(65536):
            raw += more
    return raw.decode().rpartition("\r\n\r\n")[2]
