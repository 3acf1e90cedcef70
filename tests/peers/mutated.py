"""Request heads changed at random, and what Surehop makes of them beside other readers."""

import random
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h11
from fronts import Fronts
from recording import STRAY, Outcome
from smuggling_requests import CASES
from wire_cases import CHUNKED, REQUESTS

ROOT = Path(__file__).parents[2]
_LONGEST = 600
_CHANGES = 3
_BEHIND = b"GET /@/x HTTP/1.1\r\nHost: h\r\nX-Case: @/\r\n\r\n"
_WORDS = (
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b":", b": ", b",", b";", b"/", b"?", b"#"),
    *(b"%0d%0a", b"%2e%2e/", b"//", b"\x0b", b"\x7f", b"\x80", b"\xa0", b"0", b"5", b"chunked"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: h\r\n", b"Host: i\r\n"),
    *(b"Connection: close\r\n", b"Connection: X-Case\r\n", b"Expect: 100-continue\r\n", b"close"),
    *(b" HTTP/1.0", b"http://h", b"POST ", b"HEAD ", b"X: y\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"_"),
    b"5\r\nhello\r\n",
)
# What a configuration writes is not what is read here.
_READ = [case.sent for case in CASES if not case.name.startswith("written")]
_CONNECTION = re.compile(rb"\nconnection:([^\r\n]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why Surehop may take a head otherwise than nginx does, and of which heads that can be said.

    more: it may take more of what comes behind; else it takes less.
    """

    why: str
    concerns: Callable[[bytes], bool]
    more: bool = False


def _having(pattern: bytes) -> Callable[[bytes], bool]:
    found = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return lambda sent: bool(found.search(sent))


def _closed_within(sent: bytes) -> bool:
    values = [value.lower() for value in _CONNECTION.findall(sent)]
    words = [[word.strip() for word in value.split(b",")] for value in values]
    pairs = zip(values, words, strict=True)
    return any(b"close" in value and b"close" not in words for value, words in pairs)


REASONS = (
    Reason("a CR ends nothing but with its LF; nginx skips one", _having(rb"\r(?!\n)")),
    Reason(
        "an extension of a chunk starts with `;` and holds no control characters",
        _having(rb"\n[0-9a-f]+(?:[ \t]+[^;\r\n \t]|[ \t]*;[^\r\n]*[\x00-\x1f\x7f])"),
    ),
    Reason("a chunk's size and extension have a limit", _having(rb"\n[0-9a-f][^\r\n]{4096}")),
    Reason(
        "a Connection line is read by its words; nginx looks for `close` anywhere in it",
        _closed_within,
        more=True,
    ),
)


def heads(seed: int, count: int) -> list[bytes]:
    """Heads of this seed, each with its number, and behind each a request that may be its body."""
    chance = random.Random(seed)  # noqa: S311  nothing is secret here
    made = (_changed(chance, _base(chance)) for _ in range(count))
    # Only now is a number where its place is marked, so that nothing changes it.
    return [sent.replace(b"@/", b"c%dz/" % number) for number, sent in enumerate(made)]


def _base(chance: random.Random) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        head, _, rest = chance.choice(_READ).partition(b"\r\n")
        return head + b"\r\nX-Case: @/\r\n" + rest
    if kind == 1:
        chunks = chance.choice([case for case in CHUNKED if len(case) < _LONGEST])
        lines = b"Host: h\r\nX-Case: @/\r\nTransfer-Encoding: chunked\r\n\r\n"
        return b"POST /@/a HTTP/1.1\r\n" + lines + chunks + _BEHIND
    case = chance.choice([case for case in REQUESTS if len(case) < _LONGEST])
    line, _, rest = case.partition(b"\r\n")
    line = re.sub(rb" /", b" /@/", line, count=1)
    return line + b"\r\nX-Case: @/\r\n" + rest + _BEHIND


def _changed(chance: random.Random, sent: bytes) -> bytes:
    for _ in range(chance.randrange(_CHANGES + 1)):
        at = chance.randrange(len(sent) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            sent = sent[:at] + chance.choice(_WORDS) + sent[at:]
        elif kind == 1:
            sent = sent[:at] + chance.choice(_WORDS) + sent[at + chance.randrange(1, 4) :]
        elif kind == 2:
            sent = sent[:at] + sent[at + chance.randrange(1, 6) :]
        elif kind == 3:
            sent = sent[:at] + bytes([chance.randrange(256)]) + sent[at + 1 :]
        else:
            end = min(len(sent), at + chance.randrange(1, 30))
            to = chance.randrange(len(sent) + 1)
            sent = sent[:to] + sent[at:end] + sent[to:]
    return sent


def complaints(running: Fronts, seed: int, count: int) -> list[str]:
    """What does not hold of the heads of a seed: a sentence each, with the bytes.

    What does not hold twice: on a busy machine a proxy may give a client up before it is served.
    """
    told = _complaints(running, seed, count)
    again = _complaints(running, seed, count) if told else {}
    return [sentence for case, sentence in told.items() if case in again]


def _complaints(running: Fronts, seed: int, count: int) -> dict[object, str]:
    sent = heads(seed, count)
    played = {front: running.play(front, sent) for front in ("surehop", "off", "nginx")}
    unclear = [u for front in ("surehop", "off") for u in played[front][1]]
    # A number may be lost where its mark was changed.
    told: dict[object, str] = {
        u: f"unclear upstream: {u}" for u in unclear if not u.startswith(STRAY)
    }
    alone = []
    for number, case in enumerate(sent):
        strict, ours, theirs = (played[f][0][number] for f in ("surehop", "off", "nginx"))
        if not _begins(_seen(case, ours), _seen(case, strict)):
            told[case] = f"resilience on takes more: {case!r}"
        if _unlike(case, ours, theirs):
            told[case] = f"{case!r}\n  surehop {_short(ours)}\n  nginx {_short(theirs)}"
        if ours.reached and not theirs.reached:
            alone.append(case)
    return told | {case: f"taken by nobody else: {case!r}" for case in _refused_by_others(alone)}


def _seen(sent: bytes, outcome: Outcome) -> list[tuple[object, ...]]:
    """All that reached the backend, without lines that belong to the hop before it."""
    named = b",".join(_CONNECTION.findall(sent)).decode("latin-1").lower()
    hop = {"trailer", "te", *(name.strip() for name in named.split(","))}
    return [
        (r.method, r.target, r.body, sorted(line for line in r.lines if line[0] not in hop))
        for r in outcome.reached
        if r.complete
    ]


def _begins(whole: Sequence[object], part: Sequence[object]) -> bool:
    return part == whole[: len(part)]


def _unlike(sent: bytes, ours: Outcome, theirs: Outcome) -> bool:
    seen, reference = _seen(sent, ours), _seen(sent, theirs)
    statuses = [[status for status, _ in each.told.answers] for each in (ours, theirs)]
    if seen == reference and statuses[0] == statuses[1]:
        return False
    reasons = [reason for reason in REASONS if reason.concerns(sent)]
    return not any(
        _begins(seen, reference) if r.more else _begins(reference, seen) for r in reasons
    )


def _short(outcome: Outcome) -> str:
    reached = [(r.method, r.target, r.body, r.complete, r.lines) for r in outcome.reached]
    return f"{[status for status, _ in outcome.told.answers]} {outcome.told.unclear} {reached}"


def _refused_by_others(cases: Sequence[bytes]) -> list[bytes]:
    """Those that neither h11 nor httparse takes."""
    left = [case for case in cases if not _taken_by_h11(case)]
    if not left:
        return []
    done = subprocess.run(
        ["cargo", "run", "--quiet", "--package", "surehop-wire", "--example", "heads"],
        cwd=ROOT,
        input="".join(f"httparse {case.hex()}\n" for case in left),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    verdicts = done.stdout.splitlines()
    return [case for case, said in zip(left, verdicts, strict=True) if "200" not in said]


def _taken_by_h11(case: bytes) -> bool:
    connection = h11.Connection(h11.SERVER)
    try:
        connection.receive_data(case)
        return isinstance(connection.next_event(), h11.Request)
    except h11.RemoteProtocolError:
        return False
