"""A backend that takes nothing but what can be read in one way, and writes down what reached it.

Every case has a number, which stands as `/cNz/` in all its targets, so that cases can share
connections: what one leaves behind on a connection would be seen as another's. The clients of the
proxy before it are here too, many at a time.
"""

import asyncio
import re
import socket
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

NUMBER = re.compile(rb"c(\d+)z")
STRAY = "a request without a number"
_AT_ONCE = 96
_PATIENCE = 15.0
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_LINE = re.compile(rb"(" + _TOKEN + rb") (/[^\x00-\x20\x7f]*) (HTTP/1\.[01])\r\n")
# A client sees names that are no tokens: nginx passes them on.
_FIELD = re.compile(rb"([^\x00-\x20\x7f:]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_NAME = re.compile(_TOKEN)
_CHUNK = re.compile(rb"[0-9a-f]{1,15}")


class UnclearError(Exception):
    """Bytes that another backend might read otherwise."""


@dataclass(slots=True)
class Reached:
    """A request as it reached the backend. complete: its body ended."""

    method: str
    target: str
    lines: list[tuple[str, str]]
    framing: str
    body: bytes = b""
    complete: bool = False

    @property
    def number(self) -> int | None:
        """The case's, from the target or from a header line."""
        places = [self.target, *(value for _, value in self.lines)]
        found = NUMBER.search("\n".join(places).encode("latin-1"))
        return int(found[1]) if found else None


@dataclass(slots=True)
class Told:
    """What a client got: final answers as (status, body), and how it ended."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    unclear: str = ""
    reset: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a case."""

    reached: list[Reached]
    told: Told


class Stream:
    """Bytes that come, read strictly."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.taken = b""

    async def first(self) -> bytes:
        """The first line of a message; empty at the end."""
        return b"" if self._reader.at_eof() else await self._line()

    async def line(self) -> bytes:
        """A line that ends in CRLF and in nothing else."""
        line = await self._line()
        if not line:
            raise asyncio.IncompleteReadError(b"", None)
        return line[:-2]

    async def _line(self) -> bytes:
        line = await self._reader.readline()
        self.taken += line
        if line.endswith(b"\n") and not line.endswith(b"\r\n"):
            raise UnclearError(f"a line without its end: {line!r}")
        if line and not line.endswith(b"\n"):
            raise asyncio.IncompleteReadError(line, None)
        return line

    async def exactly(self, size: int) -> bytes:
        data = await self._reader.readexactly(size)
        self.taken += data
        return data

    async def fields(self) -> list[tuple[bytes, bytes]]:
        fields = []
        while line := await self.line():
            found = _FIELD.fullmatch(line)
            if not found:
                raise UnclearError(f"no header line: {line!r}")
            fields.append((found[1], found[2]))
        return fields

    async def chunks(self) -> bytes:
        body = b""
        while True:
            line = await self.line()
            if not _CHUNK.fullmatch(line):
                raise UnclearError(f"no chunk: {line!r}")
            size = int(line, 16)
            if not size:
                break
            body += await self.exactly(size)
            if await self.exactly(2) != b"\r\n":
                raise UnclearError("a chunk without its end")
        if trailers := await self.fields():
            raise UnclearError(f"trailers: {trailers!r}")
        return body


def framing_of(fields: Sequence[tuple[bytes, bytes]]) -> tuple[str, int]:
    """`none`, `length` with its number, or `chunked`; what could be taken for more is unclear."""
    lengths, encodings = [], []
    for name, value in fields:
        plain = re.sub(rb"[^a-z0-9]", b"-", name.lower()).strip(b"-")
        if plain == b"content-length":
            lengths.append((name, value))
        elif plain == b"transfer-encoding":
            encodings.append((name, value))
    if len(lengths) + len(encodings) > 1:
        raise UnclearError(f"framed twice: {lengths + encodings!r}")
    for name, value in lengths:
        if name.lower() != b"content-length" or not re.fullmatch(rb"[0-9]{1,18}", value):
            raise UnclearError(f"an odd length: {name!r}: {value!r}")
        return "length", int(value)
    for name, value in encodings:
        if name.lower() != b"transfer-encoding" or value != b"chunked":
            raise UnclearError(f"an odd encoding: {name!r}: {value!r}")
        return "chunked", 0
    return "none", 0


class Recorder:
    """The backend. answers: what is sent for a target, and whether it closes behind that."""

    def __init__(self) -> None:
        self.reached: list[Reached] = []
        self.unclear: list[str] = []
        self.answers: Mapping[str, tuple[bytes, bool]] = {}
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket.socket) -> None:
        self._server = await asyncio.start_server(self._serve, sock=sock, limit=1 << 20)

    async def stop(self) -> None:
        for writer in list(self._writers):
            writer.close()
        if self._server:
            self._server.close()
        await asyncio.gather(*filter(None, self._tasks))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._tasks.add(asyncio.current_task())
        stream = Stream(reader)
        try:
            while await self._one(stream, writer):
                stream.taken = b""
        except UnclearError as error:
            self.unclear.append(f"{error} in {stream.taken!r}")
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _one(self, stream: Stream, writer: asyncio.StreamWriter) -> bool:
        line = await stream.first()
        if not line:
            return False
        found = _LINE.fullmatch(line)
        if not found:
            raise UnclearError(f"no request line: {line!r}")
        fields = await stream.fields()
        if len([name for name, _ in fields if name.lower() == b"host"]) > 1:
            raise UnclearError("two hosts")
        if odd := [name for name, _ in fields if not _NAME.fullmatch(name)]:
            raise UnclearError(f"odd names: {odd}")
        framing, length = framing_of(fields)
        reached = Reached(
            found[1].decode(),
            found[2].decode("latin-1"),
            [(n.decode().lower(), v.decode("latin-1")) for n, v in fields],
            framing,
        )
        self.reached.append(reached)
        if framing == "length":
            reached.body = await stream.exactly(length)
        elif framing == "chunked":
            reached.body = await stream.chunks()
        reached.complete = True
        plain = reached.target.partition("?")[0].encode("latin-1")
        body = b"" if reached.method == "HEAD" else plain
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(plain)
        answer, closes = self.answers.get(reached.target, (head + body, False))
        writer.write(answer)
        await writer.drain()
        return not closes


async def ask(port: int, sent: bytes) -> Told:
    """Send all of it, and read answers until the other side closes."""
    told = Told()
    methods = [m[1] for m in re.finditer(rb"(?:^|\n)(HEAD) /[^\r\n]* HTTP", sent)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        writer.write(sent)
        await writer.drain()
        stream = Stream(reader)
        async with asyncio.timeout(_PATIENCE):
            while await _answer(stream, told, heads=bool(methods)):
                pass
    except TimeoutError:
        told.unclear = "it stayed open"
    except UnclearError as error:
        told.unclear = str(error)
    except ConnectionError:
        told.reset = True
    except asyncio.IncompleteReadError:
        pass
    finally:
        # Nothing of it is waited for any more.
        with suppress(OSError):
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()
    return told


async def _answer(stream: Stream, told: Told, *, heads: bool) -> bool:
    line = await stream.first()
    if not line:
        return False
    found = re.fullmatch(rb"HTTP/1\.[01] (\d\d\d)(?: [^\r\n\0]*)?\r\n", line)
    if not found:
        raise UnclearError(f"no status line: {line!r}")
    status = int(found[1])
    fields = await stream.fields()
    framing, length = framing_of(fields)
    if status < 200:
        return True
    body = b""
    if status in {204, 304} or (heads and not told.answers):
        pass
    elif framing == "length":
        told.answers.append((status, b"(cut off)"))
        body = await stream.exactly(length)
        told.answers.pop()
    elif framing == "chunked":
        told.answers.append((status, b"(cut off)"))
        body = await stream.chunks()
        told.answers.pop()
    else:
        body = await stream._reader.read()
        told.answers.append((status, body))
        return False
    told.answers.append((status, body))
    return True


async def play(recorder: Recorder, port: int, cases: Sequence[bytes]) -> list[Outcome]:
    """Send the cases, each on a connection of its own, and see what becomes of them."""
    recorder.reached, recorder.unclear = [], []
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int, sent: bytes) -> Told:
        async with free:
            told = await ask(port, sent)
            for _ in range(3):
                # Who closes with bytes unread resets, and the answer may be lost on its way here.
                lost = told.reset and not told.answers
                if not lost or any(r.number == number for r in recorder.reached):
                    break
                told = await ask(port, sent)
            return told

    told = await asyncio.gather(*[one(number, sent) for number, sent in enumerate(cases)])
    # What was sent before this is read before this.
    await ask(port, b"GET /marker HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    reached = [r for r in recorder.reached if r.target != "/marker"]
    recorder.unclear += [f"{STRAY}: {r}" for r in reached if r.number is None]
    by_case: list[list[Reached]] = [[] for _ in cases]
    for request in reached:
        if request.number is not None:
            by_case[request.number].append(request)
    return [Outcome(*pair) for pair in zip(by_case, told, strict=True)]
