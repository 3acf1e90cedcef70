"""The measured close of a real Node server is when the server says that it closed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from probed import probed

from missing import missing
from surehop.doctor.probing.sheet import End, Sheet

SCRIPT = Path(__file__).with_name("idle_server.mjs")
WITHIN_MS = 20


def measured(keep_ms: int) -> tuple[Sheet, list[float]]:
    """Probe a server; give the sheet, and how long connections had rested by its own clock."""
    node = shutil.which("node") or missing("node (apt-get install nodejs)")
    command = [node, str(SCRIPT), json.dumps({"keepAliveTimeout": keep_ms})]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdin
        assert server.stdout
        sheet = probed(f"http://127.0.0.1:{int(server.stdout.readline())}/", max_wait=30)
        server.stdin.write("\n")
        server.stdin.flush()
        rested: list[float] = json.loads(server.stdout.readline())
        server.stdin.close()
    return sheet, rested


@pytest.mark.peers
def test_the_measured_close_is_the_true_one() -> None:
    sheet, rested = measured(500)

    closes = [each.ms for each in sheet.rested if each.how is End.FIN]
    assert closes
    # A machine that is busy is late on one side or the other, but not always.
    assert min(abs(ms - own) for ms in closes for own in rested) <= WITHIN_MS
    assert sheet.met
