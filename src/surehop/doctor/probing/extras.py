"""What is asked beside the plain request: 100 Continue, and many connections at once."""

from collections import Counter
from contextlib import ExitStack

from surehop.doctor.probing.answer import Reader
from surehop.doctor.probing.asking import UNANSWERED, Asker, Trouble, happened
from surehop.doctor.probing.limits import ANSWER_S
from surehop.doctor.probing.pace import clock
from surehop.doctor.probing.sheet import Crowd
from surehop.doctor.probing.wire import Silent, Wire

_CONTINUE = 100
_EXPECT_S = 2.0


def expectation(asker: Asker) -> str:
    """Ask with `Expect: 100-continue`, and say what comes of it. Raises Trouble."""
    with asker.open() as wire:
        try:
            asker.send(wire, "Expect: 100-continue", "Content-Length: 1")
            return _continued(asker, wire)
        except Silent:
            return f"says nothing within {_EXPECT_S:.0f} s, and waits for the body"
        except UNANSWERED as error:
            return f"ends the connection ({happened(error)})"


def _continued(asker: Asker, wire: Wire) -> str:
    reader = Reader(wire)
    head = reader.head(clock() + _EXPECT_S)
    if head.status != _CONTINUE:
        return f"answers {head.status} without having the body"
    wire.send(b"x", clock() + ANSWER_S)
    return f"says 100, then {reader.answer(asker.method, clock() + ANSWER_S).head.status}"


def crowd(asker: Asker, wanted: int) -> Crowd:
    """Open so many connections, then send a request on each, then look what comes."""
    failed: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    slowest = None
    with ExitStack() as stack:
        wires = []
        for _ in range(wanted):
            try:
                wires.append(stack.enter_context(asker.open()))
            except Trouble as trouble:
                failed[str(trouble)] += 1
        began = clock()
        sent = [wire for wire in wires if _sent(asker, wire, failed)]
        for wire in sent:
            try:
                head = Reader(wire).head(began + ANSWER_S)
            except UNANSWERED as error:
                failed[happened(error)] += 1
            else:
                statuses[head.status] += 1
                slowest = round((clock() - began) * 1000, 1)
    return Crowd(wanted, tuple(sorted(statuses.items())), tuple(failed.items()), slowest)


def _sent(asker: Asker, wire: Wire, failed: Counter[str]) -> bool:
    try:
        asker.send(wire)
    except (OSError, Silent) as error:
        failed[happened(error)] += 1
        return False
    return True
