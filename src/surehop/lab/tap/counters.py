"""What the kernel has counted of resets and full queues, before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MEANINGS = {
    "TCPAbortOnData": "closed with data unread or arriving after: RST",
    "TCPAbortOnClose": "closed with data unread: RST",
    "TCPAbortOnLinger": "closed while data waited, SO_LINGER over: RST",
    "TCPAbortOnTimeout": "gave up: nothing was acknowledged in time",
    "TCPAbortOnMemory": "no memory left: RST",
    "TCPAbortFailed": "a RST could not be sent",
    "ListenOverflows": "connections that a full accept queue refused",
    "ListenDrops": "connections dropped by a listener, whatever for",
    "AttemptFails": "connects that failed",
    "EstabResets": "connections that ended by a reset",
    "OutRsts": "RST sent",
}
_FILES = ("netstat", "snmp")
_PROC = Path("/proc/net")


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    before: int
    after: int
    meaning: str


def counters(folder: Path = _PROC) -> dict[str, int]:
    """Those of `MEANINGS` that this kernel has, for all sockets of this network namespace."""
    found: dict[str, int] = {}
    for name in _FILES:
        try:
            lines = (folder / name).read_text("ascii").splitlines()
        except OSError:
            continue
        for heads, values in zip(lines[::2], lines[1::2], strict=False):
            pairs = zip(heads.split()[1:], values.split()[1:], strict=False)
            found |= {head: int(value) for head, value in pairs if head in MEANINGS}
    return found


def changes(before: Mapping[str, int], after: Mapping[str, int]) -> list[Change]:
    """What has changed, in the order of `MEANINGS`."""
    return [
        Change(name, before[name], after[name], meaning)
        for name, meaning in MEANINGS.items()
        if name in before and after.get(name, before[name]) != before[name]
    ]
