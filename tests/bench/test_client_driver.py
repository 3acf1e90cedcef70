from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from surehop.lab.origins import Origin

DRIVER = Path(__file__).parents[2] / "bench/client/driver.py"


@pytest.mark.parametrize("at_once", [1, 5])
@pytest.mark.parametrize("client", ["streams-asyncio", "socket-sync"])
def test_a_client_is_measured(client: str, at_once: int, origin: Origin) -> None:
    """The warm-up takes a second; what is measured is short."""
    url = f"http://127.0.0.1:{origin.port}/"
    command = [sys.executable, str(DRIVER), client, str(at_once), "0.1", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["requests"] >= at_once
    assert told["user"] + told["system"] > 0
    assert told["seconds"] >= 0.1
