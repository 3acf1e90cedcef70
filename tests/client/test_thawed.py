"""A process that was frozen throws away what died meanwhile."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surehop.lab.origins import Origin
from waiting import eventually

SCRIPT = Path(__file__).with_name("thawed.py")


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.mark.parametrize("hint", [True, False])
@pytest.mark.parametrize("close", ["fin", "rst"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("manner", ["sync", "async"])
def test_a_frozen_client(manner: str, method: str, close: str, hint: bool) -> None:
    """What is idle is closed by the server while the client is stopped."""
    kept = 1.0 if hint else 0.2
    with Origin(keepalive_timeout=kept, idle_close=close, hint=hint) as origin:
        url = f"http://127.0.0.1:{origin.port}/"
        with subprocess.Popen(
            [sys.executable, str(SCRIPT), manner, method, url, "5"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as client:
            assert client.stdin
            assert client.stdout
            assert client.stdout.readline() == "ok\n"
            for _ in range(2):
                os.kill(client.pid, signal.SIGSTOP)
                eventually(lambda: state(client.pid) == "T")
                eventually(lambda: origin.stats().open == 0)
                os.kill(client.pid, signal.SIGCONT)
                client.stdin.write("\n")
                client.stdin.flush()
                assert client.stdout.readline() == "ok\n"
            errors = client.communicate()[1]
        assert client.returncode == 0, errors
        assert origin.stats().requests == 3, "nothing was sent twice"
        assert origin.stats().connections == 3


@pytest.mark.parametrize("manner", ["sync", "async"])
def test_frozen_while_the_answer_came(manner: str) -> None:
    """The time in which the process did not run is not the server's: what came is read first."""
    with Origin(delay=0.5) as origin:
        url = f"http://127.0.0.1:{origin.port}/"
        with subprocess.Popen(
            [sys.executable, str(SCRIPT), manner, "GET", url, "1.5"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as client:
            eventually(lambda: origin.stats().requests == 1)
            os.kill(client.pid, signal.SIGSTOP)
            time.sleep(2)  # longer than the client's time-out
            os.kill(client.pid, signal.SIGCONT)
            errors = client.communicate()[1]
        assert client.returncode == 0, errors
