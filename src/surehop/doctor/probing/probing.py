"""Probing one hop, step by step: each step adds to the sheet what it has learned."""

import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from surehop.conf.address import socket_text
from surehop.doctor.facts import IPAddress
from surehop.doctor.probing import machine
from surehop.doctor.probing.answer import Answer, Ended, Head, NotHttp, Reader
from surehop.doctor.probing.asking import UNANSWERED, Asker, Trouble, context, happened
from surehop.doctor.probing.certificate import validity
from surehop.doctor.probing.extras import crowd, expectation
from surehop.doctor.probing.hop import Hop
from surehop.doctor.probing.limits import (
    ANSWER_S,
    MOST_ADDRESSES,
    RESTING,
    SWEEP,
    Announced,
    Asked,
    Meter,
    patience,
)
from surehop.doctor.probing.pace import Pace, Stopped, clock
from surehop.doctor.probing.resting import Idle, meet, rest
from surehop.doctor.probing.sheet import Answered, Connected, Kept, Sheet, Tls
from surehop.doctor.probing.wire import ConnectError, HandshakeError, Peer, Silent, Wire

_PLAIN = "wrong version number"  # OpenSSL's words for bytes that are no TLS
_HINTS = {name: re.compile(rf"\b{name}\s*=\s*\"?(\d{{1,9}})") for name in ("timeout", "max")}


def probe(
    hop: Hop, addresses: Sequence[IPAddress], asked: Asked, announced: Announced, pace: Pace
) -> Sheet:
    """Learn what there is to learn, and send no more than was announced."""
    meter = Meter(announced)
    work = _Work(Sheet(hop, announced, at=int(time.time())), meter, asked, pace)
    try:
        work.run(addresses)
    except Stopped:
        work.add(stopped=True)
    except Trouble as trouble:
        work.add(trouble=str(trouble), hint=trouble.hint)
    return work.sheet._replace(connections=meter.connections, requests=meter.requests)


class _Work:
    def __init__(self, sheet: Sheet, meter: Meter, asked: Asked, pace: Pace) -> None:
        self.sheet = sheet
        self._asked = asked
        self._pace = pace
        self._asker = Asker(sheet.hop, asked.method, meter, pace)

    def add(self, **learned: Any) -> None:
        self.sheet = self.sheet._replace(**learned)

    def run(self, addresses: Sequence[IPAddress]) -> None:
        self._addresses(addresses)
        hop, asked = self.sheet.hop, self._asked
        if not hop.talks:
            return
        if hop.tls:
            self._tls()
        idle = self._chain()
        if not asked.full:
            if idle:
                self._rest([idle])
            return
        if idle:
            idle.wire.close()  # by the time of the next step it may have been closed unseen
        self._pace.tell("asking for 100 Continue")
        self.add(expect=expectation(self._asker))
        kept = self.sheet.kept
        if kept and kept.supported and patience(hop, asked):
            self._rest(self._idle(RESTING))
            self._meet()
        if asked.crowd:  # at the end: a server that is full takes its time to notice who has gone
            self._pace.tell(f"{asked.crowd} connections at once")
            self.add(crowd=crowd(self._asker, asked.crowd))

    def _addresses(self, ips: Sequence[IPAddress]) -> None:
        hop = self.sheet.hop
        peers: list[tuple[IPAddress | None, Peer]] = [(ip, (str(ip), hop.port)) for ip in ips]
        good: list[tuple[str, Peer]] = []
        for ip, peer in peers[:MOST_ADDRESSES] or [(None, hop.unix)]:
            told = self._connect(ip, peer)
            self.add(addresses=(*self.sheet.addresses, told))
            if told.cause is None:
                good.append((told.address, peer))
        self.add(untried=max(0, len(ips) - MOST_ADDRESSES))
        if not good:
            raise Trouble("no address takes connections")
        address, self._asker.peer = good[0]
        self.add(asked=address)

    def _connect(self, ip: IPAddress | None, peer: Peer) -> Connected:
        hop = self.sheet.hop
        address = socket_text(ip, hop.port) if ip else hop.label
        self._pace.tell(f"connecting to {address}")
        # Looked at before the probe adds to it.
        queue = machine.queue(ip, hop.port) if ip else None
        ports = machine.ports(ip, hop.port) if ip else None
        began = clock()
        try:
            with self._asker.dial(peer):
                return Connected(address, ip, _ms(began), queue=queue, ports=ports)
        except ConnectError as error:
            return Connected(address, ip, _ms(began), error.cause, error.why, queue, ports)

    def _tls(self) -> None:
        self._pace.tell("shaking hands")
        asker = self._asker
        look = context(verify=False, protocols=("h2", "http/1.1"))
        try:
            with asker.dial(asker.peer) as wire:
                secured = wire.secure(look, asker.hop.server_name, clock() + ANSWER_S)
                dates = validity(secured.getpeercert(binary_form=True) or b"")
                version, protocol = secured.version(), secured.selected_alpn_protocol()
        except (ConnectError, HandshakeError) as error:
            if _PLAIN in str(error):
                raise Trouble("it speaks no TLS here", "write `http://`") from None
            raise Trouble(f"TLS fails: {error}") from None
        why = self._distrust()
        first, last = dates or (None, None)
        self.add(tls=Tls(version or "", protocol or "", not why, why, first, last))

    def _distrust(self) -> str:
        asker = self._asker
        try:
            with asker.dial(asker.peer) as wire:
                wire.secure(context(verify=True), asker.hop.server_name, clock() + ANSWER_S)
        except (ConnectError, HandshakeError) as error:
            return str(error)
        return ""

    def _chain(self) -> Idle | None:
        """Ask again and again on one connection; give it if it may rest now."""
        self._pace.tell("asking")
        with ExitStack() as stack:
            wire = stack.enter_context(self._asker.open())
            reader = Reader(wire)
            answer = self._first(wire, reader)
            answers, ended = 1, answer.last
            timeout, most = _advertised(answer.head)
            while not ended and answers < self._asked.chain:
                try:
                    answer = self._asker.ask(wire, reader)
                    answers, ended = answers + 1, answer.last
                except UNANSWERED as error:
                    ended = f"the next request was not answered ({happened(error)})"
            self.add(kept=Kept(answers, ended, timeout, most))
            if ended:
                return None
            stack.pop_all()
            return Idle(wire, answer.done)

    def _first(self, wire: Wire, reader: Reader) -> Answer:
        hop, began = self.sheet.hop, clock()
        try:
            answer = self._asker.ask(wire, reader)
        except NotHttp as error:
            raise Trouble(str(error), error.hint) from None
        except Silent:
            why = f"it takes the request, and says nothing for {ANSWER_S:.0f} s"
            raise Trouble(why) from None
        except (Ended, OSError) as error:
            why = f"it takes the connection, and ends it unanswered ({happened(error)})"
            raise Trouble(why, "" if hop.tls else "write `https://` if it speaks TLS") from None
        head = answer.head
        self.add(
            answered=Answered(
                head.status,
                head.version,
                _ms(began, head.first),
                ", ".join(head.all("server")),
                head.length,
                head.both_lengths,
            )
        )
        return answer

    def _idle(self, wanted: int, within: float | None = None) -> list[Idle]:
        """Have so many connections that rest, or as many as can be had in so many seconds."""
        began = clock()
        found: list[Idle] = []
        try:
            while len(found) < wanted and (within is None or clock() - began < within):
                idle = self._asker.idle()
                if idle is None:
                    break
                found.append(idle)
        except Trouble:
            pass  # a server that is full: fewer will do
        except BaseException:
            _close(found)
            raise
        return found

    def _rest(self, idle: list[Idle]) -> None:
        try:
            seconds = patience(self.sheet.hop, self._asked)
            # One that ended meanwhile, unseen, can't be timed.
            watched = [each for each in idle if not each.look(clock())]
            if watched and seconds:
                self.add(rested=rest(watched, seconds, self._pace))
                self._pace.check(clock())
        finally:
            _close(idle)

    def _meet(self) -> None:
        """Send requests about when the server would close."""
        closed = self.sheet.idle
        if closed is None or closed.how is None:
            return
        rested = closed.ms / 1000
        trip = min(each.ms for each in self.sheet.addresses if each.cause is None) / 1000
        idle = self._idle(len(SWEEP), rested / 2)
        if not idle:
            return
        dues = [rested - trips * trip + more for trips, more in SWEEP[: len(idle)]]
        try:
            met = meet(idle, dues, self._asker.send, self._pace)
        finally:
            _close(idle)
        self.add(met=tuple(sorted(met, key=lambda each: each.ms)))


def _advertised(head: Head) -> tuple[int | None, int | None]:
    """Read `Keep-Alive: timeout=5, max=100`: ms and requests."""
    text = ",".join(head.all("keep-alive")).lower()
    found = {name: wanted.search(text) for name, wanted in _HINTS.items()}
    timeout, most = found["timeout"], found["max"]
    return int(timeout[1]) * 1000 if timeout else None, int(most[1]) if most else None


def _close(idle: Sequence[Idle]) -> None:
    for each in idle:
        each.wire.close()


def _ms(began: float, now: float | None = None) -> float:
    return round(((clock() if now is None else now) - began) * 1000, 1)
