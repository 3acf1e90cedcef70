"""Names -> addresses, as the system answers, or as `--resolve` says."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from surehop.conf.address import numeric
from surehop.errors import PlanError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_FORM = "write `--resolve NAME=ADDR[,ADDR...]`"


class Resolver(Protocol):
    """Answers a name with its addresses in order; with none if it isn't found."""

    def __call__(self, name: str, /) -> Sequence[IPAddress]: ...


Overrides = Mapping[str, Sequence[IPAddress]]


class SystemResolver:
    """getaddrinfo, both families in its order; `overrides` answer their names alone."""

    def __init__(self, overrides: Overrides | None = None) -> None:
        self._overrides = {name.lower(): tuple(to) for name, to in (overrides or {}).items()}

    def __call__(self, name: str) -> Sequence[IPAddress]:
        answered = self._overrides.get(name.lower())
        return _system(name) if answered is None else answered


def _system(name: str) -> Sequence[IPAddress]:
    import socket  # noqa: PLC0415 (many runs ask for no name)

    try:
        # no AI_ADDRCONFIG: what nginx would see matters, not what this machine could reach
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):  # also a name that can't be one: NUL, too long
        return ()
    texts = [
        str(answer[4][0]) for answer in answers if answer[0] in {socket.AF_INET, socket.AF_INET6}
    ]
    return tuple(ipaddress.ip_address(text) for text in dict.fromkeys(texts))


def parse_overrides(options: Iterable[str]) -> dict[str, tuple[IPAddress, ...]]:
    """Read the values of `--resolve`. Raises PlanError, with a hint."""
    overrides: dict[str, tuple[IPAddress, ...]] = {}
    for option in options:
        name, equals, addresses = option.partition("=")
        if not equals:
            raise PlanError(f"`--resolve {option}` has no `=`", hint=_FORM)
        if not name:
            raise PlanError(f"`--resolve {option}` names no host", hint=_FORM)
        if numeric(name) is not None:
            raise PlanError(f"`--resolve {option}`: {name} is an address, not a name", hint=_FORM)
        if name.lower() in overrides:
            raise PlanError(f"`--resolve {name}=` is given twice", hint=_FORM)
        found = [_address(option, text) for text in addresses.split(",")]
        overrides[name.lower()] = tuple(dict.fromkeys(found))
    return overrides


def _address(option: str, text: str) -> IPAddress:
    address = numeric(text.strip()) or numeric(f"[{text.strip()}]")
    if address is None:
        raise PlanError(f"`--resolve {option}`: `{text}` is no address", hint=_FORM)
    return address
