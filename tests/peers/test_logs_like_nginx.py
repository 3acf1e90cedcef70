"""Access and error logs as nginx writes them: files, buffers, conditions, variables, syslog."""

import gzip
import os
import re
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from raw import Raw, get
from surehop.lab.subjects import Program, Subject
from waiting import PATIENCE, eventually

HTTP = """
    log_format test '$uri:$status';
    log_format none escape=none '$arg_a';
    log_format json escape=json '{"a":"$arg_a","b":"$http_x"}';
    log_format ops '$pipe $status $body_bytes_sent $bytes_sent $request_length|$request_time';
    log_format two "[$http_x]" ' [$http_referer]';
    map $arg_logme $loggable { default 1; no 0; empty ""; }
    map $uri $named { default other; ~^/mapped/(?<part>\\w+) $part; }
    error_log logs/http.log notice;
    server {
        listen 127.0.0.1:@PORT@;
        location /plain { access_log logs/plain.log test; return 200 ok; }
        location /off { access_log off; return 200 ok; }
        location /off-and-on { access_log off; access_log logs/never.log test; return 200 ok; }
        location /multi {
            access_log logs/multi1.log test;
            access_log logs/multi2.log ops;
            return 200;
        }
        location /if { access_log logs/if.log test if=$arg_logme; return 200 ok; }
        location /if-two { access_log logs/if2.log test if=$arg_logme$arg_too; return 200 ok; }
        location /if-map { access_log logs/if3.log test if=$loggable; return 200 ok; }
        location /buffered { access_log logs/buffered.log test buffer=40; return 200 ok; }
        location /shared { access_log logs/shared.log test buffer=1k; return 200 ok; }
        location /shared-too { access_log logs/shared.log test; return 200 ok; }
        location /flushed { access_log logs/flushed.log test buffer=1m flush=50ms; return 200 ok; }
        location /packed { access_log logs/packed.log test gzip flush=50ms; return 200 ok; }
        location /packed-best { access_log logs/best.log test gzip=9; return 200 ok; }
        location /alive { error_log logs/alive.log info; return 204; }
        location /kept { access_log logs/kept.log test buffer=1m; return 200 ok; }
        location /none { access_log logs/none.log none; return 200 ok; }
        location /json { access_log logs/json.log json; return 200 ok; }
        location /two { access_log logs/two.log two; return 200 ok; }
        location /var { access_log logs/var_$arg_name.log test; return 200 ok; }
        location /mapped { access_log logs/mapped_$named.log test; return 200 ok; }
        location /var-lost { access_log logs/nowhere/$arg_name.log test; return 200 ok; }
        location /rootless {
            root PREFIX/nowhere;
            access_log logs/rootless_$arg_name.log test;
            return 200 ok;
        }
        location /alias { alias PREFIX/; access_log logs/alias_$arg_name.log test; return 200 ok; }
        location /cached {
            open_log_file_cache max=3 inactive=20s valid=1m min_uses=2;
            access_log logs/cached_$arg_name.log test;
            return 200 ok;
        }
        location /inner {
            access_log logs/outer.log test;
            location /inner/own { access_log logs/inner.log test; return 200 ok; }
            location /inner/off { access_log off; return 200 ok; }
            return 200 ok;
        }
        location /cond {
            access_log logs/outer.log test;
            if ($arg_a) { access_log logs/cond.log test; }
            return 200;
        }
        location /error {
            error_log logs/level.log error;
            error_log logs/level-info.log info;
            return 400;
        }
        location /udp { access_log syslog:server=127.0.0.1:UDP,tag=t_1 test; return 200 ok; }
        location /udp-words {
            access_log syslog:server=127.0.0.1:UDP,facility=user,severity=alert,nohostname test;
            return 200 ok;
        }
        location /unix { access_log syslog:server=unix:PREFIX/socket test; return 200 ok; }
        location /lost { access_log syslog:server=unix:PREFIX/nobody test; return 200 ok; }
        location /refused { access_log syslog:server=127.0.0.1:REFUSED test; return 200 ok; }
        location /full { access_log /dev/full test buffer=1k flush=20ms; return 200 ok; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name errors;
        error_log syslog:server=127.0.0.1:UDP,tag=errors info;
        location / { access_log off; rewrite_log on; rewrite ^ /x; return 200 ok; }
    }
"""
TARGETS = (
    *("/plain", "/off", "/off-and-on", "/multi", "/if?logme=1", "/if?logme=0", "/if", "/if?logme="),
    *("/if?logme=00", "/if-two?logme=0&too=0", "/if-two?too=x", "/if-two", "/if-map?logme=no"),
    *("/if-map?logme=empty", "/if-map?logme=yes", "/buffered/1", "/buffered/2", "/buffered/3"),
    *("/buffered/4", f"/buffered/{'x' * 50}", "/buffered/5", "/shared/1", "/shared-too/2"),
    *("/shared/3", "/flushed/1", "/flushed/2", "/packed/1", "/packed/2", "/packed-best"),
    *('/none?a=%22"x', "/none", '/json?a="\\', "/json", "/two", "/var?name=a", "/var?name=b"),
    *(
        "/var?name=a",
        "/mapped/one",
        "/mapped/two",
        "/var-lost?name=x",
        "/rootless",
        "/alias?name=a",
        "/cached?name=a",
    ),
    *("/cached?name=a", "/cached?name=a", "/cached?name=b", "/inner", "/inner/own", "/inner/off"),
    *(
        "/cond",
        "/cond?a=1",
        "/error",
        "/udp",
        "/udp-words",
        "/unix",
        "/lost",
        "/refused",
        "/refused",
    ),
    "/full",
)
STAMP = re.compile(r"^\S+ \S+ (\[\w+\]) \d+#\d+: (?:\*\d+ )?")
SYSLOG = re.compile(r"^(<\d+>)[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ")
INNER = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (\[\w+\]) \d+#\d+: \*\d+ ")


class Logged:
    """What one program has written."""

    def __init__(self, program: Program, stack: ExitStack, prefix: Path) -> None:
        prefix.mkdir()
        self.udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.udp.bind(("127.0.0.1", 0))
        self.udp.settimeout(PATIENCE)
        # Bound and never read: what is sent there is refused once it is closed.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as refusing:
            refusing.bind(("127.0.0.1", 0))
            refused = refusing.getsockname()[1]
        self.unix = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.unix.bind(str(prefix / "socket"))
        self.unix.settimeout(PATIENCE)
        prefix.joinpath("socket").chmod(0o777)
        (prefix / "logs").mkdir()
        (prefix / "html").mkdir()
        (prefix / "logs").chmod(0o777)
        self.ports = {str(self.udp.getsockname()[1]): "UDP", str(refused): "REFUSED"}
        http = HTTP.replace("PREFIX", str(prefix))
        for number, name in self.ports.items():
            http = http.replace(f":{name}", f":{number}")
        self.subject = stack.enter_context(Subject(program, http, prefix=prefix))
        self.heard: list[str] = []
        for target in TARGETS:
            self.ask(target)
        self.ask("/err", host="errors")
        with Raw(self.subject.port) as client:
            assert client.answer(get("/alive"))[0] == 204
        self.heard += [self.hear(self.udp) for _ in range(4)]
        self.heard.append(self.hear(self.unix))
        logs = prefix / "logs"
        eventually(lambda: (logs / "flushed.log").read_text().count("\n") == 2)
        eventually(lambda: (logs / "alive.log").stat().st_size > 0)
        eventually(lambda: (logs / "packed.log").stat().st_size > 0)
        eventually(lambda: "/dev/full" in (logs / "error.log").read_text())
        self.moved = self.move(logs)
        self.reopen(logs)
        self.subject.stop()
        self.files = {p.name: self.read(p) for p in sorted(logs.glob("*.log"))}

    def ask(self, target: str, host: str = "h") -> None:
        with socket.create_connection(("127.0.0.1", self.subject.port), PATIENCE) as sock:
            head = (
                f'GET {target} HTTP/1.1\r\nHost: {host}\r\nX: \x01\t"\xe9\r\nConnection: close\r\n'
            )
            sock.sendall(f"{head}\r\n".encode())
            while sock.recv(1 << 16):
                pass

    def hear(self, sock: socket.socket) -> str:
        text = self.plain(sock.recv(1 << 16).decode())
        return INNER.sub(r"TIME \1 ", SYSLOG.sub(r"\1TIME ", text))

    def move(self, logs: Path) -> str:
        """Lines go on in a file that is kept open under another name."""
        (logs / "cached_a.log").rename(logs / "cached_moved.log")
        self.ask("/cached?name=a")
        return (logs / "cached_moved.log").read_text()

    def reopen(self, logs: Path) -> None:
        """What is buffered goes where it was meant to go; what comes later into the new file."""
        self.ask("/kept/1")
        (logs / "kept.log").rename(logs / "kept_old.log")
        os.kill(self.subject.pid, signal.SIGUSR1)
        eventually((logs / "kept.log").exists)
        eventually(lambda: (logs / "kept_old.log").stat().st_size > 0)
        self.ask("/kept/2")

    def read(self, path: Path) -> str:
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            return f"packed: {gzip.decompress(raw).decode()}"
        lines = raw.decode("utf-8", "surrogateescape").splitlines()
        return "\n".join(self.plain(STAMP.sub(r"\1 ", line)) for line in lines)

    def plain(self, text: str) -> str:
        for number, name in self.ports.items():
            text = text.replace(number, name)
        return text.replace(str(self.subject.port), "PORT").replace(str(self.subject.prefix), "P")


@pytest.fixture(scope="module")
def both(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Logged, Logged]]:
    with ExitStack() as stack:
        # not tmp_path, which is closed to the user that workers run as
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        yield (
            Logged(nginx, stack, folder / "theirs"),
            Logged(surehop_nginx, stack, folder / "ours"),
        )


# Lines of the life of a process, and of how the connection came to its end.
_LIFE = re.compile(r"\[notice\]|closed keepalive|\[info\] epoll_wait")


def troubles(text: str) -> list[str]:
    return [line for line in text.splitlines() if not _LIFE.search(line)]


def test_the_same_files(both: tuple[Logged, Logged]) -> None:
    theirs, ours = both

    assert sorted(ours.files) == sorted(theirs.files)


NAMES = (
    *("plain", "multi1", "if", "if2", "if3", "buffered", "shared", "flushed", "packed", "best"),
    *(
        "none",
        "json",
        "two",
        "var_a",
        "var_b",
        "mapped_one",
        "alias_a",
        "cached_a",
        "cached_b",
        "inner",
    ),
    *(
        "outer",
        "cond",
        "kept",
        "kept_old",
        "level",
        "level-info",
        "cached_moved",
        "access",
        "never",
    ),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_log(both: tuple[Logged, Logged], name: str) -> None:
    theirs, ours = (logged.files.get(f"{name}.log") for logged in both)

    assert ours == theirs


def test_the_sizes_of_an_answer(both: tuple[Logged, Logged]) -> None:
    shape: Callable[[str], str] = lambda text: re.sub(r"\d\.\d{3}|\d+", "9", text)  # noqa: E731
    theirs, ours = (shape(logged.files["multi2.log"]) for logged in both)

    assert ours == theirs


def test_syslog(both: tuple[Logged, Logged]) -> None:
    theirs, ours = both

    assert ours.heard == theirs.heard
    assert len(set(ours.heard)) == 5


def test_what_can_not_be_logged_is_told(both: tuple[Logged, Logged]) -> None:
    theirs, ours = both

    for name in ("http.log", "error.log"):
        assert troubles(ours.files[name]) == troubles(theirs.files[name])
    assert len(troubles(ours.files["http.log"])) == 4


def test_a_file_that_is_kept_open(both: tuple[Logged, Logged]) -> None:
    theirs, ours = both

    assert ours.moved == theirs.moved == "/cached:200\n" * 4
