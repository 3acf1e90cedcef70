"""What idle kept-alive clients cost, beside nginx."""

import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from surehop.lab.subjects import Program, Subject

CLIENTS = 3000
FIRST = 100
REQUEST = b"GET / HTTP/1.1\r\nHost: o\r\n\r\n"
HTTP = """keepalive_timeout 1h;
server { listen 127.0.0.1:@PORT@; access_log off; location / { return 200 here; } }"""
SLACK = 256 << 10  # pages that happened not to have been touched before


def growth(program: Program) -> int:
    """Bytes that it takes to hold so many, once it has had a few."""
    with Subject(program, HTTP, connections=2 * CLIENTS) as subject, ExitStack() as stack:

        def hold(count: int) -> None:
            for _ in range(count):
                client = socket.create_connection(("127.0.0.1", subject.port), 10)
                stack.enter_context(client).sendall(REQUEST)
                assert client.recv(4096).endswith(b"here")

        hold(FIRST)
        before = memory(subject)
        hold(CLIENTS)
        return memory(subject) - before


def memory(subject: Subject) -> int:
    """Resident bytes of the process that serves."""
    children = Path(f"/proc/{subject.pid}/task/{subject.pid}/children").read_text("ascii")
    status = Path(f"/proc/{children.split()[0]}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_idle_clients_cost_at_most_twice_what_they_cost_nginx(
    surehop: Program, nginx: Program
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CLIENTS + FIRST + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        assert growth(surehop) <= 2 * growth(nginx) + SLACK
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
