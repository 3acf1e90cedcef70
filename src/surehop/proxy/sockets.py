"""The listening sockets: opened, kept over reloads, handed from one binary to the next."""

import os
import socket
import time
from collections.abc import Mapping, MutableMapping

from surehop.conf.model import ListenOptions
from surehop.errors import AddressInUseError, StartError
from surehop.proxy.journal import Journal
from surehop.proxy.listeners import open_listener

INHERITED = "NGINX"  # the variable that names the descriptors, `6;7;`: nginx's own way
_TRIES = 5
_PAUSE = 0.5  # seconds between two tries

Sockets = dict[str, socket.socket]


def open_sockets(
    addresses: Mapping[str, ListenOptions], have: Mapping[str, socket.socket], journal: Journal
) -> Sockets:
    """A socket for each address, in order; those at hand are kept. Raises StartError.

    An address in use is tried again for a while, since its holder may be going down.
    """
    new: Sockets = {}
    try:
        busy = None
        for _ in range(_TRIES):
            missing = {a: said for a, said in addresses.items() if a not in have and a not in new}
            busy = _try(missing, new, journal)
            if busy is None:
                return {a: have[a] if a in have else new[a] for a in addresses}
            journal.write("notice", "try again to bind() after 500ms")
            time.sleep(_PAUSE)
        raise AddressInUseError("still could not bind()", hint=busy.hint if busy else None)
    except StartError:
        close(new)
        raise


def _try(
    missing: Mapping[str, ListenOptions], new: Sockets, journal: Journal
) -> AddressInUseError | None:
    busy = None
    for address, options in missing.items():
        try:
            new[address] = open_listener(address, options)
        except AddressInUseError as e:
            journal.write("emerg", str(e))
            busy = e
    return busy


def check_sockets(addresses: Mapping[str, ListenOptions]) -> None:
    """Whether they can be bound; that others hold them is no error. Raises StartError."""
    for address, options in addresses.items():
        try:
            found = {address: open_listener(address, options)}
        except AddressInUseError:
            continue
        close(found)


def close(sockets: Mapping[str, socket.socket], *, unlink: bool = True) -> None:
    """Closes them; `unlink`: unix sockets vanish from their folders too."""
    for address, sock in sockets.items():
        sock.close()
        if unlink and address.startswith("unix:"):
            try:
                os.unlink(address.removeprefix("unix:"))  # noqa: PTH108 (may hold surrogates)
            except OSError:
                continue


def inherited(environment: MutableMapping[str, str], journal: Journal) -> Sockets:
    """The sockets that an old binary hands over, by address; the variable is taken away."""
    named = environment.pop(INHERITED, "")
    found: Sockets = {}
    if named:
        journal.write("notice", f'using inherited sockets from "{named}"')
    for number in filter(None, named.split(";")):
        try:
            sock = socket.socket(fileno=int(number))
            sock.set_inheritable(False)
            found[_address(sock)] = sock
        except (OSError, ValueError):
            journal.write("emerg", f'invalid socket number "{number}" in {INHERITED} variable')
    return found


def _address(sock: socket.socket) -> str:
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{name}"
    host, port = name[:2]
    return f"[{host}]:{port}" if sock.family == socket.AF_INET6 else f"{host}:{port}"
