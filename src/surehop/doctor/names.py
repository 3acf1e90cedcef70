"""What names resolve to: as told by `--resolve` and `--hosts`, or as this machine answers."""

import ipaddress
from collections.abc import Mapping

from surehop.conf.address import numeric
from surehop.doctor.facts import IPAddress
from surehop.plan.resolving import Overrides, SystemResolver

_Names = Mapping[str, tuple[IPAddress, ...]]


def parse_hosts(text: str) -> dict[str, tuple[IPAddress, ...]]:
    """Read a hosts file: every address a name has, in the file's order. Wrong lines are skipped."""
    found: dict[str, dict[IPAddress, None]] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            address = ipaddress.ip_address(words[0])
        except ValueError:
            continue
        for name in words[1:]:
            found.setdefault(name.lower(), {})[address] = None
    return {name: tuple(addresses) for name, addresses in found.items()}


class Names:
    """`told` answer their names alone; without `ask`, other names stay unknown."""

    def __init__(self, told: Overrides, hosts: _Names, *, ask: bool = True) -> None:
        self._told = {**hosts, **{name: tuple(to) for name, to in told.items()}}
        self._system = SystemResolver() if ask else None
        self._answers: dict[str, tuple[IPAddress, ...] | None] = {}

    def __call__(self, host: str) -> tuple[IPAddress, ...] | None:
        """Give the addresses of a host; None where nobody knows it."""
        address = numeric(host)
        if address is not None:
            return (address,)
        name = host.lower().rstrip(".")
        if name in self._told:
            return self._told[name]
        if name not in self._answers:
            answer = tuple(self._system(name)) if self._system else ()
            self._answers[name] = answer or None
        return self._answers[name]
