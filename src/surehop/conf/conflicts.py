"""Server names that several servers of one address have: the first of them is found."""

from collections.abc import Iterable, Iterator

from surehop.conf.model import Server
from surehop.errors import ConfigError

_WILDCARDS = ("0.0.0.0:", "[::]:")


def conflicting_names(servers: Iterable[Server]) -> Iterator[ConfigError]:
    """Say what nginx says, which names no line, in its order: by port, by address, by server."""
    ports: dict[object, dict[str, list[Server]]] = {}
    for server in servers:
        for listen in server.listens:
            address = listen.address.literal or listen.address.text
            port = listen.address.unix or listen.address.port
            ports.setdefault(port, {}).setdefault(address, []).append(server)
    for addresses in ports.values():
        for address in sorted(addresses, key=lambda text: text.startswith(_WILDCARDS)):
            behind = addresses[address]
            if len(behind) > 1:
                yield from _among(address, behind)


def _among(address: str, servers: Iterable[Server]) -> Iterator[ConfigError]:
    seen: set[tuple[str, str]] = set()
    for server in servers:
        for name in server.names:
            if name.startswith("~"):
                continue
            keys = _keys(name)
            if seen.isdisjoint(keys):
                seen.update(keys)
                continue
            message = f'conflicting server name "{name}" on {address}, ignored'
            hint = f"the server begins in {server.where.file}:{server.where.line}"
            yield ConfigError(message, file="", line=None, hint=hint)


def _keys(name: str) -> set[tuple[str, str]]:
    """Give the places of nginx's tables that a name takes."""
    if name.startswith("."):
        return {("exact", name[1:]), ("head", name[1:])}
    if name.startswith("*."):
        return {("head", name[2:])}
    if name.endswith(".*"):
        return {("tail", name[:-2])}
    return {("exact", name)}
