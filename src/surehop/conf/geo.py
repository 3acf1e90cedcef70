"""`geo`: a variable by the address of who asks."""

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from surehop.conf import model
from surehop.conf.rewriting import declare
from surehop.conf.scope import Scope
from surehop.conf.templates import compile_template
from surehop.conf.tree import Node
from surehop.conf.variables import entries
from surehop.errors import ConfigError

_V4 = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})", re.ASCII)
_BITS = {4: 32, 6: 128}
_OCTET = 255
_NO_ADDRESS = 0xFFFFFFFF
_BLOCK = 0x10000  # nginx keeps ranges in tables of so many addresses, and compares within one

_LAST = (4, _NO_ADDRESS)  # is given bare alone

Network = tuple[int, int, int]  # version, first, last
Range = tuple[int, int, str]


class _Ranges:
    """Ranges of IPv4 addresses as nginx keeps them: those within others take their part."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[Range]] = {}

    def add(self, line: Node, scope: Scope, span: tuple[int, int], value: str) -> None:
        text = line.name.value
        for first, last in _blocks(*span):
            ranges = self._blocks.setdefault(first // _BLOCK, [])
            at = bisect_right(ranges, last, key=lambda each: each[0]) - 1
            if at < 0 or first > ranges[at][1]:
                ranges.insert(at + 1, (first, last, value))
                continue
            start, end, old = ranges[at]
            if first < start or last > end:
                there = f"{ipaddress.IPv4Address(start)}-{ipaddress.IPv4Address(end)}"
                raise line.fail(f'range "{text}" overlaps "{there}"')
            if (first, last) == (start, end):
                message = f'duplicate range "{text}", value: "{value}", old value: "{old}"'
                scope.findings.warnings.append(line.fail(message))
            parts = [(start, first - 1, old), (first, last, value), (last + 1, end, old)]
            ranges[at : at + 1] = [part for part in parts if part[0] <= part[1]]

    def delete(self, low: int, high: int) -> bool:
        """Delete a range that was given so; False if a part of it was not."""
        whole = True
        for first, last in _blocks(low, high):
            ranges = self._blocks.get(first // _BLOCK, [])
            same = [at for at, each in enumerate(ranges) if each[:2] == (first, last)]
            for at in same:
                del ranges[at]
            whole &= bool(same)
        return whole

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def __iter__(self) -> Iterator[tuple[Network, str]]:
        for block in sorted(self._blocks):
            for low, high, value in self._blocks[block]:
                yield (4, low, high), value


def _blocks(low: int, high: int) -> Iterator[tuple[int, int]]:
    while low <= high:
        last = min(low | (_BLOCK - 1), high)
        yield low, last
        low = last + 1


@dataclass(slots=True)
class _Places:
    ranged: bool = False
    default: str | None = None
    proxies: list[Network] = field(default_factory=list)
    recursive: bool = False
    networks: dict[Network, str] = field(default_factory=dict)
    ranges: _Ranges = field(default_factory=_Ranges)


def read_geo(node: Node, scope: Scope) -> None:
    *source, target = node.args
    value = compile_template(node, source[0], scope) if source else ()
    name = declare(node, target)
    places = _Places()
    for line in entries(node, scope):
        try:
            _geo_line(line, places, scope)
        except ConfigError as error:
            scope.findings.errors.append(error)
    for each in _everything():
        if places.default is not None and places.networks.get(each) == places.default:
            del places.networks[each]
    found = places.ranges if places.ranged else flat(places.networks.items())
    scope.findings.variables[name] = model.Geo(
        value=value,
        default=places.default or "",
        ranges=tuple((*_texts(network), text) for network, text in _joined(found)),
        proxies=tuple(_texts(network) for network in places.proxies),
        proxy_recursive=places.recursive,
    )


def _everything() -> Iterator[Network]:
    for version, bits in _BITS.items():
        yield version, 0, (1 << bits) - 1


def flat(networks: Iterable[tuple[Network, str]]) -> Iterator[tuple[Network, str]]:
    """Give networks, of which some are within others, as ranges in their order that don't overlap.

    The narrowest counts.
    """
    around: list[tuple[Network, str]] = []
    at = (0, 0)  # version, and the first address that is not given yet

    def upto(end: tuple[int, int]) -> Iterator[tuple[Network, str]]:
        nonlocal at
        while around:
            (version, _, last), value = around[-1]
            stop = min((version, last + 1), end)
            if at < stop:
                yield (version, at[1], stop[1] - 1), value
                at = stop
            if (version, last + 1) > end:
                return
            around.pop()

    for network, value in sorted(networks, key=lambda each: (each[0][0], each[0][1], -each[0][2])):
        yield from upto((network[0], network[1]))
        at = (network[0], network[1])
        around.append((network, value))
    yield from upto((max(_BITS) + 1, 0))


def _joined(found: Iterable[tuple[Network, str]]) -> Iterator[tuple[Network, str]]:
    """Join neighbours that say the same."""
    before: tuple[Network, str] | None = None
    for network, value in found:
        version, low, high = network
        if before and before[0][::2] == (version, low - 1) and before[1] == value:
            before = (version, before[0][1], high), value
            continue
        if before:
            yield before
        before = network, value
    if before:
        yield before


def _texts(network: Network) -> tuple[str, str]:
    version, low, high = network
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address  # noqa: PLR2004
    return str(kind(low)), str(kind(high))


def _geo_line(line: Node, places: _Places, scope: Scope) -> None:
    key = line.name.value
    if not line.args and key in {"ranges", "proxy_recursive"}:
        if key == "ranges" and places.networks:
            raise line.fail('the "ranges" directive must be the first directive inside "geo" block')
        places.ranged |= key == "ranges"
        places.recursive |= key == "proxy_recursive"
        return
    if len(line.args) != 1:
        raise line.fail("invalid number of the geo parameters")
    value = line.args[0].value
    if key == "proxy":
        places.proxies.append(_network(line, value, scope))
    elif places.ranged:
        _range_line(line, key, value, places, scope)
    elif key == "default":
        for network in _everything():
            _add(line, network, value, places, scope)
        places.default = value
    elif key == "delete":
        if places.networks.pop(_network(line, value, scope), None) is None:
            scope.findings.warnings.append(line.fail(f'no network "{value}" to delete'))
    else:
        _add(line, _network(line, key, scope), value, places, scope)


def _add(line: Node, network: Network, value: str, places: _Places, scope: Scope) -> None:
    if (old := places.networks.get(network)) is not None:
        key = line.name.value
        message = f'duplicate network "{key}", value: "{value}", old value: "{old}"'
        scope.findings.warnings.append(line.fail(message))
    places.networks[network] = value


def _range_line(line: Node, key: str, value: str, places: _Places, scope: Scope) -> None:
    if key == "default":
        if places.default is not None:
            message = f'duplicate default geo range value: "{value}", old value: "{places.default}"'
            scope.findings.warnings.append(line.fail(message))
        places.default = value
    elif key == "delete":
        if not places.ranges.delete(*_range(line, value)):
            scope.findings.warnings.append(line.fail(f'no address range "{value}" to delete'))
    else:
        places.ranges.add(line, scope, _range(line, key), value)


def _range(line: Node, text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    low, high = _v4(first), _v4(last)
    # the last address is what nginx takes for none
    if low is None or high is None or low > high or high == _NO_ADDRESS:
        raise line.fail(f'invalid range "{text}"')
    return low, high


def _v4(text: str) -> int | None:
    """Read an IPv4 address, leading zeros and all."""
    found = _V4.fullmatch(text)
    value = 0
    for octet in found.groups() if found else ():
        if int(octet) > _OCTET:
            return None
        value = value << 8 | int(octet)
    return value if found else None


def _v6(text: str) -> int | None:
    try:
        return None if "%" in text else int(ipaddress.IPv6Address(text))
    except ValueError:
        return None


def _network(line: Node, text: str, scope: Scope) -> Network:
    address, slash, bits = text.partition("/")
    version, value = 4, _v4(address)
    if value is None:
        version, value = 6, _v6(address)
    width = _BITS[version]
    length = int(bits) if slash and bits.isascii() and bits.isdigit() else -1 if slash else width
    if value is None or not 0 <= length <= width or (slash and (version, value) == _LAST):
        raise line.fail(f'invalid network "{text}"')
    rest = (1 << (width - length)) - 1
    if value & rest:
        message = f"low address bits of {text} are meaningless"
        scope.findings.warnings.append(line.fail(message))
    low = value & ~rest
    return version, low, low | rest
