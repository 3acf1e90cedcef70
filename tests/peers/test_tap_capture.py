"""Real packets and the kernel's own reasons; what they need is skipped where it is not given."""

import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from missing import missing
from raw import GET, Raw, get
from surehop.errors import StartError
from surehop.lab.origins import Fault, Origin
from surehop.lab.tap import Tap
from surehop.lab.tap.packets import Capture, Endpoint, read, segments
from surehop.lab.tap.packets.segments import RST

# A mount of our own: nobody else's machine is changed. It ends with the process.
TRACED = 'mount -t tracefs nodev /sys/kernel/tracing && exec "$@"'


@pytest.fixture
def tshark() -> str:
    return shutil.which("tshark") or missing("tshark (apt install tshark)")


@pytest.fixture(autouse=True)
def privileged(tmp_path: Path) -> None:
    try:
        Capture([Endpoint(1)], tmp_path / "probe").stop()
    except StartError as error:
        pytest.skip(str(error))


@contextmanager
def running(
    origin: Origin, *options: str, inside: tuple[str, ...] = ()
) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    upstream = f"127.0.0.1:{origin.port}"
    argv = [*inside, sys.executable, "-m", "surehop.lab.tap", ":0", upstream, *options]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        told = ""
        found = None
        while not found and (line := process.stderr.readline()):
            told += line
            found = re.match(r"tap: 127\.0\.0\.1:(\d+) → ", line)
        if not found:
            process.wait()
            if inside:
                pytest.skip(f"no mount of tracefs: {told}")
            raise AssertionError(told)
        yield process, int(found[1])
        if process.poll() is None:
            process.kill()


def told_by(tshark: str, file: Path, *options: str) -> str:
    done = subprocess.run(
        [tshark, "-r", str(file), *options], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_file_that_tshark_reads(origin: Origin, tshark: str, tmp_path: Path) -> None:
    origin.set(faults=[Fault("rst", nth=2)])
    file = tmp_path / "x.pcapng"
    with running(origin, "--pcap", str(file), "--draw", "1") as (process, port):
        with Raw(port) as raw:
            raw.answer()
            assert raw.send(GET).end() == "rst"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    with file.open("rb") as packets:
        number = len(list(read(packets)))
    assert f"{number} packets, none dropped" in err
    lines = told_by(tshark, file).splitlines()
    assert len(lines) == number
    assert told_by(tshark, file, "-Y", "_ws.malformed") == ""
    # Two connections, each made once, each reset once: nothing is there twice.
    fields = ["-T", "fields", "-e", "tcp.srcport", "-e", "tcp.dstport"]
    resets = told_by(tshark, file, "-Y", "tcp.flags.reset==1", *fields).splitlines()
    assert sorted(line.split()[0] for line in resets) == sorted([str(origin.port), str(port)])
    assert len(told_by(tshark, file, "-Y", "tcp.flags.syn==1 && tcp.flags.ack==0").split("\n")) == 3
    assert told_by(tshark, file, "-Y", "tcp.analysis.retransmission") == ""
    requests = told_by(tshark, file, "-Y", "http.request", "-T", "fields", "-e", "http.request.uri")
    assert requests.split() == ["/"] * 4
    assert "connection #1: packets" in out
    assert re.search(r"◀━+ RST( ACK)? ━━┤", out)


def test_no_packet_is_lost(tmp_path: Path) -> None:
    """Every byte of a fast exchange is in the file, and the kernel says that none was dropped."""
    with Origin() as origin:
        ends = [Endpoint(origin.port, "127.0.0.1")]
        capture = Capture(ends, tmp_path / "x.pcapng")
        rounds, size = 20, 2000
        with Raw(origin.port) as raw:
            for _ in range(rounds):
                raw.send(get(f"/bytes/{size}") * 100)
                for _ in range(100):
                    assert len(raw.answer(b"")[2]) == size
        captured = capture.stop()
    with (tmp_path / "x.pcapng").open("rb") as file:
        found = list(segments(read(file)))
    assert captured.dropped == 0
    assert captured.packets == len(found)
    sent = sum(len(s.payload) for s in found if s.target.endswith(f":{origin.port}"))
    assert sent == rounds * 100 * len(get(f"/bytes/{size}"))
    back = sum(len(s.payload) for s in found if s.source.endswith(f":{origin.port}"))
    assert back > rounds * 100 * size


def test_what_the_relay_says_is_on_the_wire(tmp_path: Path) -> None:
    with (
        Origin(faults=[Fault("rst", nth=2, reused=True)]) as origin,
        Tap(f"127.0.0.1:{origin.port}") as tap,
    ):
        capture = Capture([Endpoint(tap.port), Endpoint(origin.port)], tmp_path / "x.pcapng")
        for _ in range(20):
            with Raw(tap.port) as raw:
                raw.answer()
                raw.send(GET).end()
        records = tap.wait(20)
        capture.stop()
    with (tmp_path / "x.pcapng").open("rb") as file:
        resets = {(s.source, s.target) for s in segments(read(file)) if s.flags & RST}
    for record in records:
        assert (record.upstream, record.local) in resets
        assert (record.client_local, record.client) in resets


def test_the_kernels_reasons(origin: Origin) -> None:
    if not shutil.which("unshare"):
        missing("unshare")
    inside = ("unshare", "-m", "sh", "-c", TRACED, "sh")
    origin.set(keepalive_timeout=0.2, buffer=0)
    with running(origin, "--reasons", inside=inside) as (process, port):
        with Raw(port) as raw:
            raw.answer()
            assert raw.end() == "fin"
            raw.send(GET)
            gone = select.poll()
            gone.register(raw._sock, 0)
            assert gone.poll(5000), "a reset comes behind the FIN"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    if "no reasons" in err:
        pytest.skip(err)
    # Which of the two it is depends on how long ago the upstream closed.
    found = re.search(r"upstream +(TCP_ABORT_ON_DATA|TCP_TIMEWAIT_SOCKET) +1", out)
    assert found, out
    assert f"━ RST {found[1]} ━━┤" in out
    assert re.search(r"OutRsts +\d+ +\d+ +\+\d+", out)
