"""nginx's error log -> attempts. Every line is counted as understood or not; none stops it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from surehop.doctor.attempts import LogFacts, Logged
from surehop.events import Attempt, Cause, Family, Phase, Reason, Rule, Verdict

_HEAD = re.compile(
    r"(?P<Y>\d{4})/(?P<M>\d\d)/(?P<D>\d\d) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d) "
    r"\[(?P<level>debug|info|notice|warn|error|crit|alert|emerg)\] \d+#\d+: (?:\*(?P<conn>\d+) )?"
)
_TAIL = re.compile(
    r"(?: while (?P<action>[a-zA-Z ]+))?, client: [^,]*, server: [^,]*(?:,|$)", re.ASCII
)
_UPSTREAM = re.compile(r', upstream: "(?P<url>[^"]*)"')
_REQUEST = re.compile(r', request: "(?P<method>[A-Z]+) ')
_PEER = re.compile(r"(?:[a-z]+://)?(?P<peer>unix:[^:]*|\[[^\]]*\](?::\d+)?|[^/]*)")
_ERRNO = re.compile(r"\((\d+): [^)]*\)")
_READ = 1 << 16  # characters of a line: nginx itself cuts at 2048
_SHOWN = 2000
_PHASES = {
    "connecting to upstream": Phase.CONNECT,
    "SSL handshaking to upstream": Phase.TLS,
    "sending request to upstream": Phase.SEND,
    "reading response header from upstream": Phase.HEAD,
    "reading upstream": Phase.BODY,
    "sending to client": Phase.BODY,
    "proxying upgraded connection": Phase.BODY,
}
_CONNECTING = {
    99: (Cause.NO_PORTS, Reason.NO_PORTS),
    101: (Cause.UNREACHABLE, Reason.UNREACHABLE),
    110: (Cause.TIMED_OUT, Reason.CONNECT_TIMED_OUT),
    111: (Cause.REFUSED, Reason.REFUSED),
    113: (Cause.UNREACHABLE, Reason.UNREACHABLE),
}
_TIMES = {
    Phase.CONNECT: Reason.CONNECT_TIMED_OUT,
    Phase.TLS: Reason.CONNECT_TIMED_OUT,
    Phase.SEND: Reason.SEND_TIMED_OUT,
    Phase.HEAD: Reason.TIMED_OUT,
    Phase.BODY: Reason.BODY_TIMED_OUT,
}
# What a message is: its beginning (or a part that begins with a blank), a word for it, and what
# became of the try; None where the line tells of none that failed.
_MESSAGES: tuple[tuple[re.Pattern[str], str, tuple[Cause, Reason] | None], ...] = tuple(
    (re.compile(pattern), word, outcome)
    for pattern, word, outcome in (
        (r"connect\(\)(?: to \S+)? failed \(", "connect", (Cause.OTHER, Reason.CONNECT_FAILED)),
        (r"upstream timed out", "time-out", (Cause.TIMED_OUT, Reason.TIMED_OUT)),
        (r"upstream prematurely closed connection", "closed", (Cause.CLOSED, Reason.CLOSED)),
        (
            r"(?:recv|send|writev|readv|sendfile|SSL_\w+)\(\) failed \((?:104|32): ",
            "reset",
            (Cause.RESET, Reason.RESET),
        ),
        (r"no live upstreams", "no live", (Cause.OTHER, Reason.NO_LIVE)),
        (r"upstream server temporarily disabled", "disabled", None),
        (r"upstream sent too big header", "too big", (Cause.TOO_BIG, Reason.TOO_BIG)),
        (
            r'upstream sent "Content-Length" and "Transfer-Encoding"',
            "both lengths",
            (Cause.INVALID, Reason.INVALID),
        ),
        (r"upstream sent (?:more data|duplicate header)", "oddity", None),
        (r"upstream sent (?:no valid|invalid|unknown)", "invalid", (Cause.INVALID, Reason.INVALID)),
        (
            r"\S+ could not be resolved \(",
            "not resolved",
            (Cause.NOT_FOUND, Reason.RESOLVE_FAILED),
        ),
        (
            r"no resolver defined to resolve",
            "no resolver",
            (Cause.NOT_FOUND, Reason.RESOLVE_FAILED),
        ),
        (r'no port in upstream "', "no port", (Cause.OTHER, Reason.RESOLVE_FAILED)),
        (
            r"upstream SSL certificate (?:verify error|does not match)",
            "certificate",
            (Cause.CERTIFICATE, Reason.UNTRUSTED),
        ),
        (r"SSL_do_handshake\(\) failed", "handshake", (Cause.TLS, Reason.TLS_FAILED)),
        (r"client (?:prematurely )?closed", "client gone", None),
        (r"accept4?\(\) failed \(24: ", "no descriptors", None),
        (r"\d+ worker_connections are not enough", "no connections", None),
        (r'host not found in upstream "', "host not found", None),
        (r"no servers (?:are inside|in) upstream", "configuration", None),
        (r"(?:invalid|unknown|duplicate|conflicting|unexpected) ", "configuration", None),
        (r'"[^"]*" directive ', "configuration", None),
        (
            r"open\(\) |stat\(\) |directory index of |access forbidden|no user/password",
            "file",
            None,
        ),
        (
            r"client intended to send|limiting (?:requests|connections)|delaying request",
            "limit",
            None,
        ),
        (r"a client request body is buffered|an upstream response is buffered", "buffered", None),
    )
)


@dataclass(frozen=True, slots=True)
class Record:
    """A line, or a part of one where two stand in it. `word` is "" where nobody knows it."""

    level: str
    seconds: int
    connection: int
    message: str
    word: str
    phase: Phase | None
    outcome: tuple[Cause, Reason] | None
    method: str
    upstream: str


@dataclass(slots=True)
class LogReader:
    """Takes the lines of any number of logs."""

    tries: list[Logged] = field(default_factory=list)
    ejections: list[Logged] = field(default_factory=list)
    others: dict[str, list[Logged]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    understood: int = 0
    unknown: int = 0

    def read(self, file: str, lines: Iterable[bytes]) -> None:
        for number, raw in enumerate(lines, 1):
            text = raw[:_READ].decode("utf-8", "backslashreplace").rstrip("\r\n")
            records = list(parse_line(text))
            if records and all(record.word for record in records):
                self.understood += 1
            else:
                self.unknown += 1
            for record in records:
                self._take(record, file, number, text)

    def facts(self) -> LogFacts:
        return LogFacts(
            tuple(sorted(self.tries, key=lambda each: each.seconds)),
            tuple(sorted(self.ejections, key=lambda each: each.seconds)),
            {word: tuple(each) for word, each in self.others.items()},
            self.understood,
            self.unknown,
            dict(self.counts),
        )

    def _take(self, record: Record, file: str, number: int, text: str) -> None:
        if not record.word:
            return
        self.counts[record.word] += 1
        logged = Logged(
            _attempt(record),
            file,
            number,
            text[:_SHOWN],
            record.seconds,
            record.connection,
            record.method,
            record.upstream,
            record.word,
        )
        if record.word == "disabled":
            self.ejections.append(logged)
        elif record.outcome is not None and record.upstream:
            self.tries.append(logged)
        else:
            self.others.setdefault(record.word, []).append(logged)


def parse_line(text: str) -> Iterator[Record]:
    """Give what a line tells. Lines of two writers may stand in one: each part is read."""
    heads = list(_HEAD.finditer(text))
    for at, head in enumerate(heads):
        end = heads[at + 1].start() if at + 1 < len(heads) else len(text)
        record = _record(head, text[head.end() : end])
        # a line that does not begin with a head has lost its beginning
        yield replace(record, word="") if at == 0 and head.start() else record


def _record(head: re.Match[str], rest: str) -> Record:
    tail = _TAIL.search(rest)
    message = rest[: tail.start()] if tail else rest
    upstream, request = _UPSTREAM.search(rest), _REQUEST.search(rest)
    action = tail["action"] if tail else None
    phase = _PHASES.get(action or "")
    word, outcome = _meaning(message, head["level"])
    if outcome is not None and phase is not None:
        outcome = _sharpened(outcome, phase, message)
    return Record(
        head["level"],
        _seconds(head),
        int(head["conn"] or 0),
        message,
        word,
        phase,
        outcome,
        request["method"] if request else "",
        upstream["url"] if upstream else "",
    )


def _meaning(message: str, level: str) -> tuple[str, tuple[Cause, Reason] | None]:
    for pattern, word, outcome in _MESSAGES:
        if pattern.match(message):
            return word, outcome
    return ("other" if level in {"debug", "info", "notice"} else ""), None


def _sharpened(outcome: tuple[Cause, Reason], phase: Phase, message: str) -> tuple[Cause, Reason]:
    cause, reason = outcome
    if reason is Reason.CONNECT_FAILED:
        return _CONNECTING.get(_errno(message) or 0, outcome)
    if cause is Cause.TIMED_OUT:
        return cause, _TIMES.get(phase, reason)
    if phase is Phase.BODY and reason in {Reason.CLOSED, Reason.RESET}:
        return cause, Reason.TRUNCATED
    return outcome


def _errno(message: str) -> int | None:
    found = _ERRNO.search(message)
    return int(found[1][:9]) if found else None


def _seconds(head: re.Match[str]) -> int:
    """Give the log's own time in seconds; only differences mean anything."""
    year, month, day = int(head["Y"]), int(head["M"]), int(head["D"])
    # days of a calendar, after Howard Hinnant: no date is refused, and no clock is asked
    year -= month <= 2  # noqa: PLR2004 (the year begins in March)
    days = 365 * year + year // 4 - year // 100 + year // 400
    days += (153 * ((month + 9) % 12) + 2) // 5 + day
    return ((days * 24 + int(head["h"])) * 60 + int(head["m"])) * 60 + int(head["s"])


def _attempt(record: Record) -> Attempt:
    found = _PEER.match(record.upstream)
    peer = found["peer"] if found else ""
    cause, reason = record.outcome or (None, Reason.PENDING)
    family = None
    if peer.startswith("unix:"):
        family = Family.UNIX
    elif peer.startswith("["):
        family = Family.IPV6
    elif re.match(r"\d+\.\d+\.\d+\.\d+(?::|$)", peer):
        family = Family.IPV4
    return Attempt(
        address=peer,
        family=family,
        reused=False,
        age_ms=0,
        idle_ms=0,
        bytes_sent=0,
        bytes_received=0,
        errno=_errno(record.message),
        phase=record.phase or Phase.RESOLVE,
        cause=cause,
        reason=reason,
        verdict=Verdict.PENDING,
        rule=Rule.PLAIN,
    )
