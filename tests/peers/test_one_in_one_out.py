"""One request in, one request or none out; one answer in, one answer or an error out.

Messages made to be read in two ways go through Surehop in both its modes, beside nginx and HAProxy,
to a backend that takes nothing but what can be read in one way.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fronts import Fronts, fronts
from recording import Outcome
from smuggling_answers import ANSWERS
from smuggling_differences import (
    ANSWERS as OTHER_ANSWERS,
    REQUESTS as OTHER_REQUESTS,
    STRICT,
    difference,
)
from smuggling_requests import CASES

from missing import missing
from surehop.lab.subjects import Program

OURS = ("surehop", "off")
_TOLD = re.compile(r"\[(?:warn|error)\] .*?\*\d+ (.*?), client: .*?c(\d+)z/a")
# What they say of connections that the backend closed between two cases depends on their order.
_BETWEEN = "Connection reset by peer"

Played = dict[str, tuple[list[Outcome], list[str]]]


@pytest.fixture(scope="module")
def running(surehop: Program, surehop_nginx: Program, nginx: Program) -> Iterator[Fronts]:
    with fronts(surehop, surehop_nginx, nginx) as running:
        yield running


@pytest.fixture(scope="module")
def requests(running: Fronts) -> Played:
    """What came of the requests, by proxy."""
    sent = [case.at(number) for number, case in enumerate(CASES)]
    return {front: running.play(front, sent) for front in running}


@pytest.fixture(scope="module")
def answers(running: Fronts) -> Played:
    """What came of the answers, by proxy."""
    request = b"%s /c%dz/a HTTP/1.1\r\nHost: h\r\n\r\nGET /c%dz/b HTTP/1.1\r\nHost: h\r\n\r\n"
    sent = [request % (answer.method, n, n) for n, answer in enumerate(ANSWERS)]
    canned = {f"/c{n}z/a": (answer.sent, answer.closes) for n, answer in enumerate(ANSWERS)}
    return {front: running.play(front, sent, canned) for front in running}


def _reached(outcome: Outcome) -> list[str]:
    """By the letter behind the number: what follows it may show in the target."""
    found = [re.search(r"c\d+z/(\w)", request.target) for request in outcome.reached]
    return [name[1] for name in found if name]


def _seen(outcome: Outcome) -> tuple[Any, ...]:
    """What two proxies can be compared by; a chunked body may go on with a length."""
    reached = [(r.method, r.target, r.body) for r in outcome.reached if r.complete]
    answers = [(status, body if status < 300 else b"") for status, body in outcome.told.answers]
    return reached, answers, outcome.told.unclear


@pytest.mark.parametrize("front", OURS)
def test_nothing_unclear_reaches_the_backend(requests: Played, front: str) -> None:
    assert requests[front][1] == []


@pytest.mark.parametrize("front", OURS)
@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_one_request_in_one_or_none_out(requests: Played, number: int, front: str) -> None:
    case, outcome = CASES[number], requests[front][0][number]
    reached = _reached(outcome)
    assert len(reached) == len(outcome.reached)
    assert reached == list(case.may)[: len(reached)]
    # HTTP/0.9 is answered by a body without a head.
    assert not outcome.told.unclear or case.name == "line: 0.9 of a post"
    assert len(outcome.told.answers) <= max(len(case.may), len(reached) + 1)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_nothing_is_taken_that_all_others_refuse(requests: Played, number: int) -> None:
    if "haproxy" not in requests:
        missing("haproxy: nginx alone is not all others")
    others = [len(requests[f][0][number].reached) for f in requests if f not in OURS]
    for front in OURS:
        assert len(requests[front][0][number].reached) <= max(others), front


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_requests_like_nginx(requests: Played, number: int) -> None:
    name = CASES[number].name
    ours, off, theirs = (_seen(requests[f][0][number]) for f in (*OURS, "nginx"))
    why = difference(OTHER_REQUESTS, name)
    assert (off != theirs) == bool(why), f"{why}: {off} {theirs}"
    assert (ours != off) == bool(difference(STRICT, name))


@pytest.mark.parametrize("front", OURS)
@pytest.mark.parametrize("number", range(len(ANSWERS)), ids=[answer.name for answer in ANSWERS])
def test_one_answer_in_one_or_an_error_out(answers: Played, number: int, front: str) -> None:
    told = answers[front][0][number].told
    # With `resilience off` what is no response is passed on as a body, as nginx does.
    theirs = answers["nginx"][0][number].told
    assert not told.unclear or (front == "off" and told.unclear == theirs.unclear)
    assert len(told.answers) <= 2
    for status, body in told.answers[1:]:
        assert (status, body) == (200, b"/c%dz/b" % number)


def test_nobody_gets_the_answer_to_another(answers: Played) -> None:
    assert [answers[front][1] for front in OURS] == [[], []]


@pytest.mark.parametrize("number", range(len(ANSWERS)), ids=[answer.name for answer in ANSWERS])
def test_answers_like_nginx(
    answers: Played, lines: dict[str, dict[int, set[str]]], number: int
) -> None:
    name = ANSWERS[number].name
    ours, off, theirs = (
        (_seen(answers[f][0][number])[1:], lines[f].get(number, set())) for f in (*OURS, "nginx")
    )
    why = difference(OTHER_ANSWERS, name)
    assert (off != theirs) == bool(why), f"{why}: {off} {theirs}"
    assert (ours != off) == bool(difference(STRICT, name))


@pytest.fixture(scope="module")
def lines(running: Fronts, answers: Played) -> dict[str, dict[int, set[str]]]:
    """What was logged of each answer: the same sentences, however often a request was tried."""
    lines: dict[str, dict[int, set[str]]] = {}
    for front in (*OURS, "nginx") if answers else ():
        lines[front] = {}
        for sentence, number in _TOLD.findall(running.log(front)):
            # Control characters are escaped in our log, and not in nginx's.
            plain = re.sub(r"[\x00-\x1f]", lambda c: f"\\x{ord(c[0]):02X}", sentence)
            if _BETWEEN not in plain:
                lines[front].setdefault(int(number), set()).add(plain)
    return lines
