"""How peers are chosen with `resilience on`: methods and bound clients know who is out."""

import http.client
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from surehop.lab.origins import Origin
from surehop.lab.subjects import Program, Subject

KEYS = 60


@pytest.fixture
def origins() -> Iterator[list[Origin]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Origin()) for _ in range(3)]


def chosen(subject: Subject, targets: list[str]) -> list[str]:
    """Ask for each target; give who was asked, as the access log has it."""
    for target in targets:
        connection = http.client.HTTPConnection("127.0.0.1", subject.port, timeout=30)
        connection.request("GET", target)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200
    subject.stop()
    return [line.split("[")[1].split("]")[0] for line in subject.access_log()]


def configured(origins: list[Origin], method: str) -> str:
    names = zip(origins, "abc", strict=True)
    lines = "".join(f"server 127.0.0.1:{origin.port} route={name};" for origin, name in names)
    return (
        f"upstream app {{ {method} {lines} }} server {{ listen 127.0.0.1:@PORT@; "
        "location / { proxy_pass http://app; } }"
    )


@pytest.mark.parametrize("method", ["hash $arg_k;", "hash $arg_k consistent;", "random;"])
def test_one_that_is_out_is_asked_once(
    surehop: Program, origins: list[Origin], method: str
) -> None:
    origins[1].set(listen="none")
    with Subject(surehop, configured(origins, method)) as subject:
        asked = chosen(subject, [f"/?k={key}" for key in range(KEYS)])

    dead = f"127.0.0.1:{origins[1].port}"
    assert sum(dead in peers for peers in asked) == 1
    assert len({peers for peers in asked if dead not in peers}) == 2


def test_keys_of_those_that_stay_stay_where_they_are(
    surehop: Program, origins: list[Origin]
) -> None:
    targets = [f"/?k={key}" for key in range(KEYS)]
    block = configured(origins, "hash $arg_k consistent;")
    with Subject(surehop, block) as subject:
        before = chosen(subject, targets)
    origins[1].set(listen="none")
    with Subject(surehop, block) as subject:
        after = chosen(subject, targets)

    dead = f"127.0.0.1:{origins[1].port}"
    moved = [old for old, new in zip(before, after, strict=True) if old != new]
    assert moved
    assert set(moved) == {dead}


def test_a_bound_client_is_served_by_another_while_its_own_is_out(
    surehop: Program, origins: list[Origin]
) -> None:
    origins[1].set(listen="none")
    block = configured(origins, "sticky route $arg_r;")
    with Subject(surehop, block) as subject:
        asked = chosen(subject, ["/?r=b", "/?r=b", "/?r=c", "/?r=a"])

    own = [f"127.0.0.1:{origin.port}" for origin in origins]
    assert asked[0].startswith(f"{own[1]}, ")
    assert own[1] not in asked[1]
    assert asked[2:] == [own[2], own[0]]


def test_the_quickest_is_chosen(surehop: Program, origins: list[Origin]) -> None:
    slow = origins[0]
    slow.set(delay=0.04)
    with Subject(surehop, configured(origins, "least_time last_byte inflight;")) as subject:
        asked = chosen(subject, ["/"] * KEYS)

    assert asked.count(f"127.0.0.1:{slow.port}") <= 2
