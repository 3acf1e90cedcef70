"""Captures of real failures: the first finding is the cause, and tshark counts the same."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import node_server

from missing import missing
from raw import GET, Raw
from surehop.doctor import Names, Options, Report, examine
from surehop.doctor.log_views import captured
from surehop.errors import StartError
from surehop.lab.origins import Fault, Origin
from surehop.lab.tap.packets import Capture, Endpoint
from waiting import eventually

RESTED = 0.7  # seconds: more than a race needs
UPLOAD = b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 100_000
TOO_LARGE = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def capturing(file: Path, port: int) -> Iterator[None]:
    try:
        capture = Capture([Endpoint(port)], file)
    except StartError as error:
        pytest.skip(str(error))
    try:
        yield
    finally:
        capture.stop()


@pytest.fixture
def tshark() -> str:
    return shutil.which("tshark") or missing("tshark (apt install tshark)")


def told(*files: Path) -> Report:
    return examine([str(each) for each in files], Options(Names({}, {}, ask=False)))


def counted(report: Report, *words: str) -> int:
    return sum(each.count for each in captured(report.logs, *words))


def ask(port: int, *rests: float) -> None:
    """Ask on one connection, and again after each rest, until it ends."""
    with Raw(port) as raw:
        try:
            raw.answer()
            for rest in rests:
                time.sleep(rest)  # the rest itself is what is tried here
                raw.answer()
        except (EOFError, OSError):
            pass


def refused_on_one_family(origin: Origin) -> None:
    with pytest.raises(ConnectionRefusedError):
        Raw(origin.port, "::1")
    ask(origin.port)


def race_by_fin(origin: Origin) -> None:
    origin.set(faults=[Fault("fin", nth=2)])
    ask(origin.port, RESTED)


def race_by_reset(origin: Origin) -> None:
    origin.set(faults=[Fault("rst", nth=2)])
    ask(origin.port, RESTED)


def asked_after_the_close(origin: Origin) -> None:
    origin.set(keepalive_timeout=0.3)
    ask(origin.port, RESTED)


@pytest.mark.parametrize(
    ("failing", "cause"),
    [
        (refused_on_one_family, "SH001"),
        (race_by_fin, "SH004"),
        (race_by_reset, "SH004"),
        (asked_after_the_close, "SH004"),
    ],
)
def test_the_first_finding_is_the_cause(
    failing: Callable[[Origin], None], cause: str, origin: Origin, tmp_path: Path
) -> None:
    with capturing(tmp_path / "x.pcapng", origin.port):
        failing(origin)
    found = told(tmp_path / "x.pcapng").findings

    assert found[0].id == cause
    assert found[0].quotes


def test_an_early_answer_that_a_reset_discards(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with capturing(tmp_path / "x.pcapng", port), Raw(port) as raw:
            server, _ = listener.accept()
            with server:
                raw.send(UPLOAD)
                server.recv(1000)
                server.sendall(TOO_LARGE)
            raw.end()

    assert told(tmp_path / "x.pcapng").findings[0].id == "SH033"


def test_a_full_accept_queue_beside_tshark(tshark: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with capturing(tmp_path / "x.pcapng", port):
            clients = [socket.socket() for _ in range(3)]
            for each in clients:
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", port))
            time.sleep(1.3)  # for the kernel to send the SYNs again
            for each in clients:
                each.close()
    found = told(tmp_path / "x.pcapng")

    assert found.findings[0].id == "SH014"
    again = seen(tshark, tmp_path / "x.pcapng", "tcp.flags.syn==1 && tcp.analysis.retransmission")
    streams = {stream for stream, _ in again}
    assert counted(found, "connect", "late") == len(streams)


def test_tshark_counts_the_same(origin: Origin, tshark: str, tmp_path: Path) -> None:
    file = tmp_path / "x.pcapng"
    origin.set(keepalive_timeout=0.4, faults=[Fault("rst", nth=2, path="/r")])
    with capturing(file, origin.port):
        refused_on_one_family(origin)
        for _ in range(5):
            with Raw(origin.port) as raw:
                raw.answer()
                assert raw.end() == "fin"
        with Raw(origin.port) as raw:
            raw.answer()
            raw.send(GET.replace(b"/", b"/r", 1))
            assert raw.end() == "rst"
    found = told(file)

    assert counted(found, "accepted") == len(seen(tshark, file, "tcp.flags==0x12"))
    assert counted(found, "refused") == 1
    ends = [
        float(at) for _, at in seen(tshark, file, f"tcp.flags.fin==1 && tcp.srcport=={origin.port}")
    ]
    answers = [float(at) for _, at in seen(tshark, file, "http.response")]
    (tally,) = captured(found.logs, "idle close")
    assert tally.count == 5
    rests = [round((end - max(at for at in answers if at < end)) * 1000) for end in ends[-5:]]
    measured = [each.idle_ms or 0 for each in tally.kept]
    assert all(abs(ours - theirs) <= 1 for ours, theirs in zip(measured, rests, strict=True))


def test_node_s_idle_close_as_dumpcap_saw_it(tshark: str, tmp_path: Path) -> None:
    file = tmp_path / "any.pcapng"
    with (
        node_server(tmp_path, {"keepAliveTimeout": 500}) as port,
        dumped(file, port),
        Raw(port) as raw,
    ):
        raw.answer()
        assert raw.end() == "fin"
    found = told(file)

    (tally,) = captured(found.logs, "idle close")
    (end,) = seen(tshark, file, f"tcp.flags.fin==1 && tcp.srcport=={port}")
    answers = seen(tshark, file, f"tcp.len>0 && tcp.srcport=={port}")
    (measured,) = (each.idle_ms or 0 for each in tally.kept)
    assert abs(measured - (float(end[1]) - float(answers[-1][1])) * 1000) <= 1
    assert measured >= 499


@contextmanager
def dumped(file: Path, port: int) -> Iterator[None]:
    """Have Wireshark's own program capture, in the cooked form of `any`."""
    dumpcap = shutil.which("dumpcap") or missing("dumpcap (apt install tshark)")
    argv = [dumpcap, "-i", "any", "-f", f"tcp port {port}", "-w", str(file), "-P", "-q"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = ""
        while "File: " not in said:
            line = process.stderr.readline()
            said += line
            if not line:
                pytest.skip(f"dumpcap can't capture here: {said}")
        try:
            yield
            eventually(lambda: counted(told(file), "idle close", "idle reset") > 0)
        finally:
            process.terminate()


def seen(tshark: str, file: Path, what: str) -> list[tuple[str, str]]:
    """Give the stream and the time of each packet that tshark finds."""
    fields = ["-T", "fields", "-e", "tcp.stream", "-e", "frame.time_epoch"]
    done = subprocess.run(
        [tshark, "-r", str(file), "-Y", what, *fields], capture_output=True, text=True, check=True
    )
    return [(stream, at) for stream, at in (line.split() for line in done.stdout.splitlines())]
