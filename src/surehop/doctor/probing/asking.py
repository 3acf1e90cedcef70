"""Connecting and asking, with all that is sent going through the meter."""

import ssl

from surehop import __version__
from surehop.doctor.probing.answer import Answer, Ended, NotHttp, Reader
from surehop.doctor.probing.hop import Hop
from surehop.doctor.probing.limits import ANSWER_S, CONNECT_S, Meter
from surehop.doctor.probing.pace import Pace, clock
from surehop.doctor.probing.resting import Idle
from surehop.doctor.probing.wire import ConnectError, HandshakeError, Peer, Silent, Wire

# What may happen to a request instead of an answer; `happened` words it.
UNANSWERED = (Ended, OSError, NotHttp, Silent)


class Trouble(Exception):  # noqa: N818 (of the server)
    """Why nothing more can be learned, and what to do about it."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


class Asker:
    """Asks one hop. `peer` is set as soon as an address is known that takes connections."""

    def __init__(self, hop: Hop, method: str, meter: Meter, pace: Pace) -> None:
        self.hop = hop
        self.method = method
        self.pace = pace
        self.meter = meter
        self.peer: Peer = hop.unix

    def dial(self, peer: Peer) -> Wire:
        """Raises ConnectError."""
        self.meter.connection()
        wire = Wire(peer, self.pace)
        try:
            wire.connect(clock() + CONNECT_S)
        except BaseException:
            wire.close()
            raise
        return wire

    def open(self) -> Wire:
        """Connect to `peer`, with TLS where it is spoken. Raises Trouble."""
        try:
            wire = self.dial(self.peer)
        except ConnectError as error:
            raise Trouble(f"it takes no more connections ({error})") from None
        if not self.hop.tls:
            return wire
        try:
            wire.secure(context(verify=False), self.hop.server_name, clock() + ANSWER_S)
        except BaseException as error:
            wire.close()
            if isinstance(error, HandshakeError):
                raise Trouble(f"TLS fails: {error}") from None
            raise
        return wire

    def send(self, wire: Wire, *more: str) -> None:
        """Send a request, with these headers more. Raises OSError, Silent."""
        self.meter.request()
        lines = (
            f"{self.method} {self.hop.target} HTTP/1.1",
            f"Host: {self.hop.authority}",
            f"User-Agent: surehop-probe/{__version__}",
            "Accept: */*",
            *more,
            "",
        )
        wire.send("".join(f"{line}\r\n" for line in lines).encode("ascii"), clock() + ANSWER_S)

    def ask(self, wire: Wire, reader: Reader) -> Answer:
        """Raises what UNANSWERED names."""
        self.send(wire)
        return reader.answer(self.method, clock() + ANSWER_S)

    def idle(self) -> Idle | None:
        """Ask once on a new connection, and leave it alone; None if it may not rest."""
        wire = self.open()
        try:
            answer = self.ask(wire, Reader(wire))
        except UNANSWERED:
            wire.close()
            return None
        except BaseException:
            wire.close()
            raise
        if answer.last:
            wire.close()
            return None
        return Idle(wire, answer.done)


def context(*, verify: bool, protocols: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """Without `verify` anybody is talked to: what is sent is no secret."""
    made = ssl.create_default_context()
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols(list(protocols))
    return made


def happened(error: Exception) -> str:
    """Say in a few words what came instead of an answer."""
    match error:
        case Ended(received=0):
            return "FIN"
        case Ended():
            return f"FIN after {error.received} bytes"
        case ConnectionResetError() | BrokenPipeError():
            return "RST"
        case Silent():
            return "nothing came"
    return str(error)
