"""Clocks that stand elsewhere: the boot clock far from this machine's, the date as it is.

The date can't be set for one process alone; who may read it is in tests/contracts/test_clocks.py.
"""

import shutil
import subprocess
import time
from email.utils import parsedate_to_datetime

import pytest
from front import logged, running, server, servers

from missing import missing
from raw import Raw
from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program

YEARS = 10 * 365 * 86_400
# A machine that started a moment ago: differences with what was before must not wrap around.
YOUNG = -int(time.clock_gettime(time.CLOCK_BOOTTIME)) + 2


def moved(program: Program, seconds: int) -> Program:
    """The program in a time namespace of its own."""
    unshare = shutil.which("unshare")
    argv = (unshare or "", "--time", "--boottime", str(seconds), "--monotonic", str(seconds))
    try:
        subprocess.run([*argv, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        missing("a time namespace (util-linux, and the right to make one)")
    return Program(program.name, (*argv, *program.argv), program.version, program.resolves)


@pytest.mark.parametrize("seconds", [YEARS, YOUNG], ids=["ten years on", "just started"])
def test_what_is_timed_does_not_ask_for_the_date(surehop: Program, seconds: int) -> None:
    with Port() as dead, Scripted() as origin:
        peers = f"server 127.0.0.1:{dead.number} fail_timeout=1s; {servers(origin)}"
        conf = server("proxy_read_timeout 300ms; keepalive_timeout 300ms;", upstream=peers)
        with running(moved(surehop, seconds), conf) as subject, Raw(subject.port) as client:
            for _ in range(20):
                status, headers, _ = client.answer()
                assert status == 200
            told = parsedate_to_datetime(headers["date"]).timestamp()
            assert abs(told - time.time()) < 60, "the date is that of the machine"
            assert sum("refused" in line for line in logged(subject, 20)) == 1, "it is out"
            assert client.end() == "fin", "idle time-outs run"
            origin.play("hang")
            with Raw(subject.port) as waiting:
                assert waiting.answer()[0] in {502, 504}
            assert "timed_out" in logged(subject, 21)[-1], "and so do those of upstreams"
            year = time.strftime("%Y/")
            assert all(line.startswith(year) for line in subject.error_log("error"))
