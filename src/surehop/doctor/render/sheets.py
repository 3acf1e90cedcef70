"""What probes have learned, as a table for people and as plain data."""

import ipaddress
import time
from collections.abc import Iterator
from typing import Any

from surehop.doctor.probing.sheet import Answered, Crowd, Rested, Sheet, Tls
from surehop.doctor.render.harmless import harmless
from surehop.doctor.words import counted

_NAMES = 14  # columns
_MS = 1000
_Row = tuple[str, str]


def sheet_text(sheet: Sheet) -> str:
    """Give the fact sheet of one hop; it ends with a newline."""
    lines = [harmless(sheet.hop.label)]
    before = ""
    for name, text in _rows(sheet):
        if not text:
            continue
        lines.append(f"  {'' if name == before else name:<{_NAMES}}{harmless(text)}".rstrip())
        before = name
    return "\n".join(lines) + "\n"


def sheet_data(sheet: Sheet) -> dict[str, Any]:
    """Give it as JSON has it: times in ms, addresses as text."""
    found: dict[str, Any] = _plain(sheet)
    found["url"] = sheet.hop.label
    return found


def _rows(sheet: Sheet) -> Iterator[_Row]:
    yield from _addresses(sheet)
    yield from _tls(sheet.tls, sheet.at)
    yield from _answered(sheet.answered)
    yield from _keeping(sheet)
    yield "100-continue", sheet.expect
    yield from _crowd(sheet.crowd)
    yield "trouble", sheet.trouble
    yield "hint", sheet.hint
    yield "stopped", "before all was known" if sheet.stopped else ""
    sent = counted(sheet.requests, "request"), counted(sheet.connections, "connection")
    yield "sent", " over ".join(sent)


def _addresses(sheet: Sheet) -> Iterator[_Row]:
    for each in sheet.addresses:
        yield "address", str(each)
    if sheet.untried:
        yield "address", f"{sheet.untried} more were not tried"
    for each in sheet.addresses:
        if each.queue:
            yield "accept queue", f"{each.address}: {each.queue}"


def _tls(tls: Tls | None, at: int) -> Iterator[_Row]:
    if tls is None:
        return
    yield "TLS", f"{tls.version}, {tls.protocol or 'no protocol'} by ALPN"
    if tls.not_before is not None and tls.not_after is not None:
        past = ": expired" if tls.not_after < at else ""
        yield "certificate", f"from {_day(tls.not_before)} until {_day(tls.not_after)}{past}"
    yield "certificate", "trusted" if tls.trusted else f"not trusted: {tls.why}"


def _answered(told: Answered | None) -> Iterator[_Row]:
    if told is None:
        return
    server = f", server `{told.server}`" if told.server else ""
    yield "answer", f"HTTP/{told.version} {told.status} after {told.ms} ms{server}"
    both = "Transfer-Encoding and Content-Length, both"
    yield "body's end", both if told.both_lengths else told.length


def _keeping(sheet: Sheet) -> Iterator[_Row]:
    kept = sheet.kept
    if kept is None:
        return
    if not kept.supported:
        yield "keep-alive", f"no: {kept.ended}"
        return
    yield "keep-alive", f"{kept.answers} requests on one connection{_after(kept.ended)}"
    said = [f"timeout={kept.advertised_ms // _MS}" if kept.advertised_ms is not None else ""]
    said.append(f"max={kept.advertised_requests}" if kept.advertised_requests else "")
    yield "advertised", ", ".join(filter(None, said)) or "nothing"
    idle = sheet.idle
    if idle:
        yield "idle close", _idle(idle, sheet.rested)
    for met in sheet.met:
        yield "at the close", f"a request after {_s(met.ms)}: {met.fate}"
    if idle and idle.how:
        yield "so", f"who sends requests must give up idle connections before {_s(idle.ms)}"


def _after(ended: str) -> str:
    return f", then {ended}" if ended else ""


def _idle(idle: Rested, every: tuple[Rested, ...]) -> str:
    if idle.how is None:
        return f"none within {_s(idle.ms)}"
    said = f", saying `{idle.said}`" if idle.said else ""
    closes = ", ".join(_s(each.ms) for each in every if each.how)
    several = f" (of {closes})" if len(every) > 1 else ""
    return f"after {_s(idle.ms)} by {idle.how}{said}{several}"


def _crowd(crowd: Crowd | None) -> Iterator[_Row]:
    if crowd is None:
        return
    told = [f"{count} times {status}" for status, count in crowd.statuses]
    told += [f"{count} times {what}" for what, count in crowd.failed]
    slowest = "" if crowd.slowest_ms is None else f", the slowest after {crowd.slowest_ms} ms"
    yield "at once", f"{crowd.wanted} connections: {', '.join(told)}{slowest}"


def _s(ms: float) -> str:
    return f"{ms / _MS:.3f} s"


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {key: _plain(each) for key, each in value._asdict().items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return str(value)
    return value
