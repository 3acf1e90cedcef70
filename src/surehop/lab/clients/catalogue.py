"""The clients that can be measured, and how each is started."""

import sys
from dataclasses import dataclass
from pathlib import Path

from surehop.lab.programs import Found, find_all

_SCRIPT = Path(__file__).with_name("driver.mjs")


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


# What each needs to be here, of what `surehop lab subjects` tells.
CLIENTS: dict[str, tuple[str, ...]] = {
    "surehop": ("surehop",),
    "surehop-sync": ("surehop",),
    "axios": ("node", "axios"),
    "axios-retry": ("node", "axios", "axios-retry"),
    "undici": ("node", "undici"),
    "httpx": ("httpx",),
    "aiohttp": ("aiohttp",),
    "requests": ("requests",),
    "urllib3": ("urllib3",),
    "curl": ("curl",),
}


def find_clients(node_modules: Path | None = None) -> dict[str, Client | Found]:
    """Each client by name: how it is started, or what is said of it as it is not here.

    node_modules: as `surehop lab subjects` takes it.
    """
    here = {found.name: found for found in find_all(node_modules=node_modules)}
    return {name: _client(name, [here[need] for need in needs]) for name, needs in CLIENTS.items()}


def _client(name: str, needs: list[Found]) -> Client | Found:
    missing = next((need for need in needs if need.where is None), None)
    if missing:
        return missing
    if needs[0].name != "node":
        return Client(name, (sys.executable, "-P", "-m", "surehop.lab.clients.driver", name))
    node, package, *_ = needs
    folder = str(Path(str(package.where)).parent.absolute())
    environment = (("NODE_MODULES_DIR", folder), ("NODE_PATH", folder))
    return Client(name, (str(node.where), str(_SCRIPT), name), environment)
