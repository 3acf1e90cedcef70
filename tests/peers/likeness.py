"""Runs one exchange through a program and writes down all that can be seen of it, for comparing."""

import re
import socket
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path

from scripted import OK, Answer, Scripted, Step
from surehop.lab.subjects import Program, Subject
from waiting import PATIENCE, eventually

# Variables of which only the shape can be compared.
SHAPES = {"msec", "time_local", "time_iso8601", "pid", "connection", "request_id", "remote_port"}
_SHAPE = re.compile(r"^[0-9a-f]{32}$|\d+|\b[A-Z][a-z]{2}\b")
_MARK = b"GET /marker/%d HTTP/1.1\r\nHost: first\r\nConnection: close\r\n\r\n"
_STAMP = re.compile(r"^\S+ \S+ (\[\w+\]) \d+#\d+: (?:\*\d+ )?")
_TIME = re.compile(r"\b\d+\.\d{3}\b")
# Of a multipart/byteranges: a number of the answer's own.
_BOUNDARY = re.compile(r"\b0[0-9]{19}\b")
# The static nginx that serves as reference is linked with musl, which has words of its own.
_MUSL = {
    "(110: Operation timed out)": "(110: Connection timed out)",
    "(36: Filename too long)": "(36: File name too long)",
    "(40: Symbolic link loop)": "(40: Too many levels of symbolic links)",
}


@dataclass(frozen=True, slots=True)
class Case:
    """What a client sends, piece by piece, and what the origin does about it.

    answers: targets that get another answer. heads: which of the client's requests are HEAD.
    leave: the client closes once the origin has the request. half_close: it says that it will
    send no more.
    """

    name: str
    send: bytes | Sequence[bytes]
    answer: Sequence[Step] = (OK,)
    early: bool = False
    answers: dict[str, Answer] = field(default_factory=dict)
    heads: Sequence[int] = ()
    leave: bool = False
    half_close: bool = False


@dataclass(slots=True)
class Seen:
    """What was seen of a case."""

    answers: list[dict[str, object]] = field(default_factory=list)
    end: str = ""
    upstream: list[dict[str, object]] = field(default_factory=list)
    access: list[dict[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """All of it, a line a thing, so that two of them make a short difference."""
        lines = []
        for number, answer in enumerate(self.answers):
            told = [str(answer["status"]), *_items(answer["headers"]), repr(answer["body"])]
            lines += [f"answer {number}: {line}" for line in told]
        lines.append(f"connection: {self.end}")
        for number, got in enumerate(self.upstream):
            told = [f"connection {got['connection']}", *_items(got["head"])]
            told += [f"body {got['framing']} {got['body']!r}"]
            lines += [f"upstream {number}: {line}" for line in told]
        for number, fields in enumerate(self.access):
            lines += [f"access {number}: {k}={v}" for k, v in fields.items()]
        return lines + [f"error: {line}" for line in self.errors]


def _items(of: object) -> list[str]:
    return [str(item) for item in of] if isinstance(of, list) else []


def unlike(theirs: Sequence[str], ours: Sequence[str]) -> str:
    """The lines in which two differ; nothing if they don't."""
    return "\n".join(unified_diff(theirs, ours, "nginx", "surehop", n=0, lineterm=""))


def variables(names: Sequence[str]) -> str:
    """The end of an access-log line that tells these, as `Bench` reads it."""
    return "".join(f" | {name}=${name}" for name in names)


class Bench:
    """A running program, and the origin behind it."""

    def __init__(self, program: Program, subject: Subject, origin: Scripted) -> None:
        self._product = {"nginx": f"nginx/{program.version}"}.get(
            program.name, f"surehop/{program.version}"
        )
        self._subject = subject
        self._origin = origin
        self._marks = 0
        # The last that is said of the start: it must not be taken for a case's.
        eventually(lambda: any("start worker process " in s for s in subject.error_log("info")))

    @property
    def prefix(self) -> Path:
        return self._subject.prefix

    def run(self, case: Case) -> Seen:
        """Run a case and see what comes of it."""
        self._mark()
        self._origin.take()
        self._origin.play(*case.answer, early=case.early)
        if case.answers:
            self._origin.play_paths(case.answers)
        raw, end = self._exchange(case)
        access, errors = self._mark()
        self._origin.drop()
        self._origin.wait_closed()
        seen = Seen(end=end)
        seen.answers = self._answers(raw, case.heads)
        got = self._origin.take()
        first = min((r.connection for r in got), default=0)
        seen.upstream = [
            {
                "connection": r.connection - first,
                "head": self._plain(r.head.decode("latin-1")).split("\r\n"),
                "framing": r.framing,
                "body": r.body,
            }
            for r in got
        ]
        seen.errors = [self._error(line) for line in errors]
        bodies = [a for a in seen.answers if not str(a["status"]).startswith("HTTP/1.1 1")]
        for i, line in enumerate(access):
            answer = bodies[i] if i < len(bodies) else {"raw": "", "headers": []}
            fields = self._access(line, str(answer["raw"]))
            if "Transfer-Encoding: chunked" in _items(answer["headers"]):
                fields["body_bytes_sent"] = "CHUNKED"
            seen.access.append(fields)
        for answer in seen.answers:
            del answer["raw"]
        return seen

    def _exchange(self, case: Case) -> tuple[bytes, str]:
        with socket.create_connection(("127.0.0.1", self._subject.port), PATIENCE) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in [case.send] if isinstance(case.send, bytes) else case.send:
                try:
                    sock.sendall(piece)
                except OSError:
                    break  # refused early: the answer says why
            if case.leave:
                self._origin.wait_begun()
                return b"", "left"
            if case.half_close:
                sock.shutdown(socket.SHUT_WR)
            raw = b""
            try:
                while more := sock.recv(1 << 16):
                    raw += more
            except ConnectionResetError:
                return raw, "rst"
            except TimeoutError:
                return raw, "open"
            return raw, "fin"

    def _mark(self) -> tuple[list[str], list[str]]:
        """Have the logs written, and take what is new in them."""
        self._marks += 1
        with socket.create_connection(("127.0.0.1", self._subject.port), PATIENCE) as sock:
            sock.sendall(_MARK % self._marks)
            while sock.recv(1 << 16):
                pass
        name = f"/marker/{self._marks}"
        eventually(lambda: any(name in line for line in self._subject.access_log()))
        access = self._subject.access_log()
        errors = self._subject.error_log("info")
        for log in ("access", "error"):
            (self._subject.prefix / f"logs/{log}.log").write_bytes(b"")
        return [line for line in access if "/marker/" not in line], errors

    def _answers(self, raw: bytes, heads: Sequence[int]) -> list[dict[str, object]]:
        answers: list[dict[str, object]] = []
        final = 0
        while raw:
            if not raw.startswith(b"HTTP/"):
                text = self._plain(raw.decode("latin-1"))
                answers.append({"status": f"bare {text!r}", "headers": [], "body": "", "raw": ""})
                break
            head, _, raw = raw.partition(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").split("\r\n")
            headers = [tuple(line.split(": ", 1)) for line in lines]
            known = {pair[0].lower(): pair[-1] for pair in headers}
            code = status.split(" ")[1] if " " in status else ""
            body = b""
            if code.startswith("1"):
                pass
            elif final in heads or code in ("204", "304"):
                final += 1
            else:
                final += 1
                body, raw = _body(raw, known)
                if known.get("content-encoding") == "gzip" and body:
                    body = _unpacked(body)
            text = self._plain(body.decode("latin-1"))
            answers.append(
                {
                    "status": status,
                    "headers": [self._header(pair, body, text) for pair in headers],
                    "body": text,
                    "raw": body.decode("latin-1"),
                }
            )
        return answers

    def _header(self, pair: tuple[str, ...], body: bytes, text: str) -> str:
        name = pair[0].lower()
        if name == "date":
            return "Date"
        if name == "content-length" and len(body) == int(pair[-1]):
            return f"{pair[0]}: {len(text)}"
        return self._plain(": ".join(pair))

    def _access(self, line: str, body: str) -> dict[str, str]:
        fields = dict(part.split("=", 1) for part in line.split(" | ")[1:])
        if "bytes_sent" in fields:
            # What is left of it is the head, in which the product is named once.
            head = int(fields["bytes_sent"]) - int(fields["body_bytes_sent"])
            fields["bytes_sent"] = str(head - len(self._product) if head else 0)
        longer = len(body) - len(self._plain(body))
        for name in ("body_bytes_sent", "sent_http_content_length") if longer else ():
            if fields.get(name, "").isdecimal():
                fields[name] = str(int(fields[name]) - longer)
        if fields.get("server_port") == str(self._subject.port):
            fields["server_port"] = "PORT"
        for name in SHAPES.intersection(fields):
            fields[name] = _SHAPE.sub("9", fields[name])
        return {k: _TIME.sub("TIME", self._plain(v)) for k, v in fields.items()}

    def _error(self, line: str) -> str:
        line = self._plain(_STAMP.sub(r"\1 ", line))
        for theirs, ours in _MUSL.items():
            line = line.replace(theirs, ours)
        return line

    def _plain(self, text: str) -> str:
        text = text.replace(self._product, "PRODUCT")
        text = text.replace(str(self._subject.prefix), "PREFIX")
        text = _BOUNDARY.sub("BOUNDARY", text)
        return text.replace(f":{self._subject.port}", ":PORT")


def _unpacked(body: bytes) -> bytes:
    """What a gzip body holds, and whether it is whole: two may pack the same in other words."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unpacker.decompress(body)
    except zlib.error:
        return b"no gzip: " + body
    return plain + (b"" if unpacker.eof else b"(cut off)") + unpacker.unused_data


def _body(raw: bytes, headers: dict[str, str]) -> tuple[bytes, bytes]:
    if "content-length" in headers:
        size = int(headers["content-length"])
        return raw[:size], raw[size:]
    if headers.get("transfer-encoding") != "chunked":
        return raw, b""
    body = b""
    while raw:
        size_line, _, rest = raw.partition(b"\r\n")
        size = int(size_line, 16)
        if not size:
            trailers, _, raw = (b"\r\n" + rest).partition(b"\r\n\r\n")
            return body + trailers, raw
        body += rest[:size]
        raw = rest[size + 2 :]
    return body + b"(cut off)", b""
