"""What this machine knows of a server: its listener's queue, and the ports used up towards it."""

import ipaddress
import itertools
import socket
from pathlib import Path

from surehop.doctor.facts import IPAddress
from surehop.doctor.probing.sheet import Ports, Queue
from surehop.doctor.probing.sockets import LISTEN, TIME_WAIT, listed

_PROC = Path("/proc")
_IPV6 = 6


def queue(ip: IPAddress, port: int) -> Queue | None:
    """Give the queue of who listens there; None where that is not this machine, or nobody does."""
    if not _own(ip):
        return None
    candidates = [ip, ipaddress.ip_address("::" if ip.version == _IPV6 else "0.0.0.0")]  # noqa: S104
    candidates.append(ipaddress.ip_address("::"))  # it may take IPv4 too
    try:
        here = {each.local: each for version in (4, 6) for each in listed(version, LISTEN)}
    except OSError:
        return None
    for candidate in candidates:
        found = here.get((candidate, port))
        if found:
            most = _text(_PROC / "sys/net/core/somaxconn").split()
            return Queue(found.waiting, found.room, int(most[0]) if most else None, _overflows())
    return None


def ports(ip: IPAddress, port: int) -> Ports | None:
    """Count the local ports that closed connections to a peer still hold."""
    bounds = _text(_PROC / "sys/net/ipv4/ip_local_port_range").split()
    try:
        resting = sum(each.remote == (ip, port) for each in listed(ip.version, TIME_WAIT))
    except OSError:
        return None
    return Ports(resting, int(bounds[1]) - int(bounds[0]) + 1) if len(bounds) > 1 else None


def _overflows() -> int | None:
    """Read how often a full queue was met, of all listeners of this network namespace."""
    lines = [line.split() for line in _text(_PROC / "net/netstat").splitlines()]
    for heads, values in itertools.pairwise(lines):
        if "ListenOverflows" in heads:
            return int(values[heads.index("ListenOverflows")])
    return None


def _own(ip: IPAddress) -> bool:
    """Whether an address is this machine's: only then can it be bound. Nothing is sent."""
    family = socket.AF_INET6 if ip.version == _IPV6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""
