"""What happens where a machine's network lacks something; each scene has one of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("ip")),
    reason="only root can make a network, with `unshare` and `ip`",
)
SCRIPT = Path(__file__).with_name("secluded.py")


def play(scene: str) -> dict[str, Any]:
    done = subprocess.run(
        ["unshare", "-n", sys.executable, str(SCRIPT), scene],
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_no_local_port_is_not_the_peers_failure() -> None:
    found = play("no_ports")
    assert found["alone"] == 502
    assert found["answers"] == [200] * 4
    assert found["peers"] == [["available", 0], ["available", 0]]
    assert "no_ports, ok" in found["logged"]
    assert any("99: Cannot assign requested address" in line for line in found["errors"])
    assert not any("temporarily disabled" in line for line in found["errors"])


def test_no_address_to_connect_from_is_the_peers() -> None:
    """The same errno, but no request will ever get there: it is out, and probed, as if refused."""
    found = play("no_address")
    assert found["answers"] == [200] * 6
    assert found["logged"] == "unreachable, ok"
    assert found["errors"] == 1


def test_the_status_is_for_loopback_alone() -> None:
    found = play("status_from_outside")
    assert found == {
        "127.0.0.1 /status": 200,
        "127.0.0.1 /open": 200,
        "192.0.2.7 /status": 403,
        "192.0.2.7 /open": 200,
    }
