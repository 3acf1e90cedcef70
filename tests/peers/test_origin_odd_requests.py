"""The lab's profiles meet odd requests as the servers do that they stand for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from odd_requests import ALLOWED, REFUSED
from servers import node, node_server, python_server, unicorn_server

from raw import Raw, get
from surehop.lab.origins import Origin
from surehop.lab.subjects import Program, Subject

CASES = ALLOWED | REFUSED
NGINX = (
    "server { listen 127.0.0.1:@PORT@; server_tokens off; "
    'location / { default_type text/plain; return 200 "ok\\n"; } }'
)
# Where an origin is not like the server; docs/origins.md tells of it.
UNLIKE = {
    "uvicorn": {"upgrade", "HTTP/2.0", "CONNECT", "a chunk without a size", "a chunk that goes on"},
    "gunicorn": {"CONNECT", "another coding first", "TLS"},
    "unicorn": {"HEAD", "HEAD, kept by 1.0", "HTTP/2.0", "no version", "another coding"},
    "nginx": {"CONNECT", "HTTP/2.0", "no version", "no colon"},
}


def met(port: int, request: bytes) -> bytes:
    """All that a server answers to it, and to one more request if it goes on."""
    with Raw(port) as raw:
        try:
            found = raw.send(request).until(b"\r\n\r\n")
            while raw.left().startswith(b"HTTP/1.1 "):
                found += raw.until(b"\r\n\r\n")
            raw.send(get("/last", close=True))
        except EOFError as error:
            return bytes(error.args[0])
        except ConnectionError:
            pass  # it has closed already
        assert raw.end() != "open"
        found += raw.left()
    return re.sub(rb"(?i)(date: )[^\r]+", rb"\1now", found)


def wordless(answer: bytes) -> bytes:
    """Without the page that explains a refusal."""
    return re.sub(rb"(?s)(Content-Length: )\d+(\r\n.*?)<html>.*?</html>\r?\n", rb"\1n\2", answer)


@contextmanager
def real(name: str, folder: Path, nginx: Program) -> Iterator[tuple[str, int]]:
    """The profile that stands for a server, and the server's port."""
    if name == "node":
        with node_server(folder, {}) as port:
            yield node()[1], port
    elif name == "uvicorn":
        with python_server(folder, "uvicorn", "--http", "h11") as port:
            yield name, port
    elif name == "gunicorn":
        with python_server(folder, "gunicorn", "-k", "gthread", "--threads", "4") as port:
            yield name, port
    elif name == "unicorn":
        with unicorn_server(folder) as port:
            yield name, port
    else:
        with Subject(nginx, NGINX) as subject:
            yield name, subject.port


@pytest.fixture(scope="module", params=["node", "uvicorn", "gunicorn", "unicorn", "nginx"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, nginx: Program
) -> Iterator[tuple[str, int, int]]:
    """A server's name, its port, and that of an origin that stands for it."""
    folder = tmp_path_factory.mktemp("server")
    with real(request.param, folder, nginx) as (profile, port), Origin(profile=profile) as origin:
        yield request.param, port, origin.port


@pytest.mark.parametrize("case", CASES)
def test_an_odd_request(pair: tuple[str, int, int], case: str) -> None:
    name, real, ours = pair
    if case in UNLIKE.get(name, ()):
        pytest.skip(f"{name} is another here")
    found = met(real, CASES[case])
    assert wordless(met(ours, CASES[case])) == wordless(found)
