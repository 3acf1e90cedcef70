"""What rules ask of probes: whose addresses refused just now, and when connections were closed."""

from collections.abc import Iterator
from typing import NamedTuple

from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Server
from surehop.doctor.finding import Place, Quote
from surehop.doctor.probing.servers import key_of
from surehop.doctor.probing.sheet import Connected, Rested, Sheet
from surehop.events import Cause


class Seen(NamedTuple):
    """What was seen at one address; `place` is where a configuration names it."""

    sheet: Sheet
    connected: Connected
    place: Place | None

    @property
    def quotes(self) -> tuple[Quote, ...]:
        return (said(self.sheet, str(self.connected)),)


def sheet_of(evidence: Evidence, server: Server) -> Sheet | None:
    """Give what a probe learned of a server of a configuration."""
    key = key_of(server)
    return next((each for each in evidence.probes if each.hop.key == key), None)


def strangers(evidence: Evidence) -> Iterator[Sheet]:
    """Give the sheets of what no configuration names."""
    named = {key_of(server) for server in _servers(evidence)}
    return (each for each in evidence.probes if each.hop.key not in named)


def seen(evidence: Evidence) -> Iterator[Seen]:
    """Give all addresses that were connected to."""
    places = {key_of(server): server.host_place for server in reversed([*_servers(evidence)])}
    for sheet in evidence.probes:
        for each in sheet.addresses:
            yield Seen(sheet, each, places.get(sheet.hop.key))


def dead_families(sheet: Sheet | None) -> set[int]:
    """Tell which families were refused, where the other one takes connections."""
    refused: set[int] = set()
    taken: set[int] = set()
    for each in sheet.addresses if sheet else ():
        if each.ip and each.cause is Cause.REFUSED:
            refused.add(each.ip.version)
        elif each.ip and each.cause is None:
            taken.add(each.ip.version)
    return refused - taken if taken else set()


def all_taken(sheet: Sheet | None) -> bool:
    """Whether every address took a connection."""
    return sheet is not None and all(each.cause is None for each in sheet.addresses)


def closed(sheet: Sheet | None) -> Rested | None:
    """Give the close of an idle connection, if one was seen."""
    idle = sheet.idle if sheet else None
    return idle if idle and idle.how else None


def said(sheet: Sheet, text: str) -> Quote:
    """Quote a probe."""
    return Quote(f"probe of {sheet.hop.label}", 0, text)


def connects(sheet: Sheet | None) -> tuple[Quote, ...]:
    """Quote how connecting went."""
    return tuple(said(sheet, str(each)) for each in sheet.addresses) if sheet else ()


def closes(sheet: Sheet | None) -> tuple[Quote, ...]:
    """Quote the close of an idle connection."""
    rested = closed(sheet)
    if sheet is None or rested is None:
        return ()
    text = f"an idle connection was closed by {rested.how} after {rested.ms / 1000:.3f} s"
    return (said(sheet, text),)


def _servers(evidence: Evidence) -> Iterator[Server]:
    for configuration in evidence.configurations:
        for group in configuration.groups:
            yield from group.servers
