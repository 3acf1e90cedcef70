"""Real HTTP servers to compare the lab's profiles with, each with a small application."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from missing import missing
from surehop.lab.ports import Port
from surehop.lab.subjects import listens

_NODE = """\
const options = JSON.parse(process.argv[2])
const server = require('http').createServer(options, (request, response) => {
  const finish = () => { response.setHeader('Content-Type', 'text/plain'); response.end('ok\\n') }
  const slow = request.url === '/slow?ms=300'
  request.resume().on('end', () => slow ? setTimeout(finish, 300) : finish())
})
Object.assign(server, options)
server.listen(+process.argv[3], '127.0.0.1')
"""
# Closes on receipt of the n-th request of a connection (0: of any), and tells of each request.
_NODE_CLOSES = """\
const [how, nth, port] = process.argv.slice(2)
require('http').createServer((request, response) => {
  const socket = request.socket
  socket.count = (socket.count ?? 0) + 1
  request.resume().on('end', () => {
    console.log(request.method)
    if (+nth && socket.count !== +nth) response.end('ok\\n')
    else if (how === 'rst') socket.resetAndDestroy()
    else socket.destroy()
  })
}).listen(+port, '127.0.0.1')
"""
_APPS = """\
import asyncio
import time

HEADERS = [("content-type", "text/plain"), ("content-length", "3")]


def wsgi(environ, start):
    environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.3)
    start("200 OK", [(name.title(), value) for name, value in HEADERS])
    return [b"ok\\n"]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    headers = [(name.encode(), value.encode()) for name, value in HEADERS]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok\\n"})
"""

_RACK = """\
run lambda { |env|
  env['rack.input'].read
  [200, {'Content-Type' => 'text/plain', 'Content-Length' => '3'}, ["ok\\n"]]
}
"""


def node() -> tuple[str, str]:
    """Node's path, and the profile that stands for its version."""
    path = shutil.which("node") or missing("node (apt-get install nodejs)")
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    version = tuple(map(int, found.groups())) if found else (0, 0)
    if version >= (26, 0):
        return path, "node26"
    return path, "node20" if version >= (20, 20) else "node18"


@contextmanager
def node_server(folder: Path, options: Mapping[str, object]) -> Iterator[int]:
    """Node's own server with these options and fields; its port."""
    (folder / "server.js").write_text(_NODE)
    with Port() as port:
        argv = [node()[0], str(folder / "server.js"), json.dumps(options), str(port.number)]
        with _running(argv, folder, port.number):
            yield port.number


@contextmanager
def node_that_closes(folder: Path, how: str, nth: int) -> Iterator[tuple[int, Path]]:
    """A Node server that ends connections on receipt; its port, and a file: a line a request."""
    (folder / "closes.js").write_text(_NODE_CLOSES)
    with Port() as port:
        argv = [node()[0], str(folder / "closes.js"), how, str(nth), str(port.number)]
        with _running(argv, folder, port.number):
            yield port.number, folder / "output"


@contextmanager
def python_server(folder: Path, *words: str) -> Iterator[int]:
    """`uvicorn …` or `gunicorn …` with a small application; its port."""
    program, *options = words
    if not find_spec(program):
        missing(f"{program} (pip install {program})")
    (folder / "small.py").write_text(_APPS)
    with Port() as port:
        number = str(port.number)
        where = ["--port", number] if program == "uvicorn" else ["-b", f"127.0.0.1:{number}"]
        app = "small:asgi" if program == "uvicorn" else "small:wsgi"
        argv = [sys.executable, "-m", program, app, *where, *options]
        with _running(argv, folder, port.number):
            yield port.number


@contextmanager
def unicorn_server(folder: Path) -> Iterator[int]:
    """unicorn with a small application; its port."""
    path = shutil.which("unicorn")
    if not path:
        pytest.skip("missing: unicorn (apt-get install unicorn), which no other test wants")
    (folder / "small.ru").write_text(_RACK)
    with Port() as port:
        argv = [path, "-l", f"127.0.0.1:{port.number}", "-E", "none", str(folder / "small.ru")]
        with _running(argv, folder, port.number):
            yield port.number


@contextmanager
def _running(argv: list[str], folder: Path, port: int) -> Iterator[None]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(argv, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 20
        while not listens(port):
            assert process.poll() is None, (folder / "output").read_text()
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait(20)
