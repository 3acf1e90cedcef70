"""What rules ask of logs: whose tries failed, and how."""

import re

from surehop.doctor.attempts import LogFacts, Logged
from surehop.doctor.facts import Server
from surehop.doctor.finding import Quote
from surehop.events import Family, Reason

_QUOTED = 3
_LONGEST = 400
_PORT = re.compile(r":(\d+)$")
_VERSIONS = {Family.IPV4: 4, Family.IPV6: 6}


def quotes(tries: list[Logged] | tuple[Logged, ...]) -> tuple[Quote, ...]:
    """Give the first lines, as they stand in the log."""
    return tuple(Quote(each.file, each.line, each.text[:_LONGEST]) for each in tries[:_QUOTED])


def port_of(address: str) -> int | None:
    found = _PORT.search(address)
    return int(found[1]) if found else None


def refused_families(logs: LogFacts, server: Server) -> tuple[set[int], tuple[Quote, ...]]:
    """Tell which families of a server refused, where another was never seen refusing."""
    versions = {each.version for each in server.addresses or ()}
    texts = {str(each) for each in server.addresses or ()}
    tries = [
        each
        for each in logs.tries
        if each.attempt.reason is Reason.REFUSED
        and port_of(each.attempt.address) == server.port
        and each.attempt.address.rpartition(":")[0].strip("[]") in texts
    ]
    refused = {_VERSIONS[each.attempt.family] for each in tries if each.attempt.family in _VERSIONS}
    if not refused or refused >= versions:
        return set(), ()
    return refused, quotes(tries)
