"""The clients that can be measured, which of them are here, and how the others are added."""

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_SCRIPT = Path(__file__).with_name("driver.mjs")
_NODE_MODULES = "npm install --prefix DIR {}, then `--node-modules DIR`"


class ClientError(Exception):
    """A client's process did not do what it was started for; the message is its own."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client that was found. argv: how its process is started."""

    name: str
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def surehop(self) -> bool:
        return self.name.startswith("surehop")


@dataclass(frozen=True, slots=True)
class Known:
    """A client there is. needs: modules of Python's or packages of Node's, or the program."""

    kind: str  # `python`, `node` or `program`
    needs: tuple[str, ...]

    def add(self) -> str:
        """How to add it."""
        if self.kind == "python":
            return f"{Path(sys.executable).name} -m pip install {' '.join(self.needs)}"
        if self.kind == "node":
            return _NODE_MODULES.format(" ".join(self.needs))
        return f"apt-get install {self.needs[0]}, or the like"


CLIENTS: dict[str, Known] = {
    "surehop": Known("python", ("surehop",)),
    "surehop-sync": Known("python", ("surehop",)),
    "axios": Known("node", ("axios",)),
    "axios-retry": Known("node", ("axios", "axios-retry")),
    "undici": Known("node", ("undici@7",)),
    "httpx": Known("python", ("httpx",)),
    "aiohttp": Known("python", ("aiohttp",)),
    "requests": Known("python", ("requests",)),
    "urllib3": Known("python", ("urllib3",)),
    "curl": Known("program", ("curl",)),
}


def find_clients(node_modules: Path | None = None) -> dict[str, Client | str]:
    """Each client by name: how it is started, or what is missing.

    node_modules: a folder with `node_modules`, or that one itself; else NODE_PATH's folders are
    looked at.
    """
    return {name: _found(name, known, node_modules) for name, known in CLIENTS.items()}


def _found(name: str, known: Known, node_modules: Path | None) -> Client | str:
    if known.kind == "node":
        return _node(name, known, node_modules)
    if known.kind == "program" and not shutil.which(known.needs[0]):
        return f"`{known.needs[0]}` not found"
    if known.kind == "python" and (missing := [n for n in known.needs if not find_spec(n)]):
        return f"`{'` and `'.join(missing)}` not installed beside this Python"
    return Client(name, (sys.executable, "-P", "-m", "surehop.lab.clients.driver", name))


def _node(name: str, known: Known, given: Path | None) -> Client | str:
    node = shutil.which("node")
    if not node:
        return "`node` not found"
    packages = [package.partition("@")[0] for package in known.needs]
    named = os.environ.get("NODE_PATH", "").split(os.pathsep)
    folders = [given.absolute()] if given else [Path(one) for one in named if one]
    for folder in folders:
        root = folder.parent if folder.name == "node_modules" else folder
        if all((root / "node_modules" / package).is_dir() for package in packages):
            return Client(name, (node, str(_SCRIPT), name), (("NODE_MODULES_DIR", str(root)),))
    where = f" in `{given}`" if given else ""
    return f"`{'` and `'.join(packages)}` not found{where}"
