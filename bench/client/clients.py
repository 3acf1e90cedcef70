"""The clients that are compared, and where they are installed: under .cache, beside our own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HOME = ROOT / ".cache/bench-client"
PACKAGES = ("aiohttp", "httpx", "pyreqwest", "requests", "urllib3", "uvloop", "wreq")

ASYNC = (
    "surehop-uvloop",
    "surehop-asyncio",
    "wreq-uvloop",
    "pyreqwest-uvloop",
    "aiohttp-uvloop",
    "httpx-uvloop",
    "undici",
    "axios",
    "streams-uvloop",
)
SYNC = (
    "surehop-sync",
    "wreq-sync",
    "pyreqwest-sync",
    "urllib3-sync",
    "requests-sync",
    "httpx-sync",
    "socket-sync",
)
NODE = ("undici", "axios")
TITLES = {
    "axios": "axios + axios-retry (Node)",
    "undici": "undici (Node)",
    "streams-uvloop": "asyncio streams, uvloop (floor)",
    "socket-sync": "socket, sync (floor)",
}


def title(client: str) -> str:
    name, _, manner = client.rpartition("-")
    return TITLES.get(client, f"{name}, {manner}")


class ClientError(Exception):
    """A client did not run through; the message is its own."""


@dataclass(frozen=True)
class Sample:
    """One timed run: CPU in µs a request, requests a second."""

    cpu: float
    user: float
    system: float
    per_second: float


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench-client: `{command[0]}` failed:\n{done.stdout}{done.stderr}")


def install_python() -> None:
    """An environment with the other clients of Python, as new as they come."""
    folder = HOME / "venv"
    stamp = folder / "wanted.json"
    if stamp.exists() and json.loads(stamp.read_text()) == list(PACKAGES):
        return
    _run(sys.executable, "-m", "venv", "--clear", folder)
    _run(folder / "bin/python", "-m", "pip", "install", "--quiet", *PACKAGES)
    stamp.write_text(json.dumps(PACKAGES))


def install_node() -> str | None:
    """Fill the folder of Node's clients; why there is none."""
    if missing := [tool for tool in ("node", "npm") if not shutil.which(tool)]:
        return f"`{'` and `'.join(missing)}` not found"
    _run(ROOT / "scripts/node_clients.sh")
    return None


def command(client: str) -> list[str]:
    if client in NODE:
        return ["node", str(HERE / "driver.mjs")]
    return [str(HOME / "venv/bin/python"), str(HERE / "driver.py")]


def timed(
    client: str, at_once: int, seconds: float, url: str, core: int | None
) -> tuple[Sample, str]:
    """A fresh process of a client, warmed up, then measured; and the client's version."""
    environment = {
        "PATH": os.environ["PATH"],
        "BENCH_MODULES": str(ROOT / ".cache/node"),
    }
    if client.startswith("surehop"):
        installed = sysconfig.get_path("purelib")
        environment["BENCH_PATH"] = os.pathsep.join([str(ROOT / "src"), installed])
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    done = subprocess.run(
        [*pinned, *command(client), client, str(at_once), str(seconds), url],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60 + 10 * seconds,
    )
    if done.returncode or not done.stdout:
        raise ClientError(f"{client} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    told = json.loads(done.stdout.splitlines()[-1])
    micro = 1e6 / told["requests"]
    sample = Sample(
        cpu=(told["user"] + told["system"]) * micro,
        user=told["user"] * micro,
        system=told["system"] * micro,
        per_second=told["requests"] / told["seconds"],
    )
    return sample, told["version"]
