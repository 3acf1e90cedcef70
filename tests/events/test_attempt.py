import json
from typing import Any

import pytest

from surehop.events import (
    AddressResult,
    Attempt,
    Cause,
    Family,
    Phase,
    Reason,
    Rule,
    Verdict,
    attempts_from_json,
)

RECORD: dict[str, Any] = {
    "address": "127.0.0.1:3000",
    "family": "ipv4",
    "reused": True,
    "age_ms": 5100,
    "idle_ms": 4998,
    "bytes_sent": 120,
    "bytes_received": 0,
    "errno": 104,
    "phase": "head",
    "cause": "reset",
    "reason": "reused_reset",
    "verdict": "replayed",
    "rule": "attribution",
}


def test_a_record() -> None:
    (attempt,) = attempts_from_json(json.dumps([RECORD]))

    assert attempt == Attempt(
        address="127.0.0.1:3000",
        family=Family.IPV4,
        reused=True,
        age_ms=5100,
        idle_ms=4998,
        bytes_sent=120,
        bytes_received=0,
        errno=104,
        phase=Phase.HEAD,
        cause=Cause.RESET,
        reason=Reason.REUSED_RESET,
        verdict=Verdict.REPLAYED,
        rule=Rule.ATTRIBUTION,
    )


def test_what_may_be_missing() -> None:
    attempt = Attempt.from_json(RECORD | {"errno": 0, "cause": None, "family": None, "later": 1})

    assert (attempt.errno, attempt.cause, attempt.family) == (None, None, None)


@pytest.mark.parametrize("text", ["-", "", "[]"])
def test_no_attempt(text: str) -> None:
    assert attempts_from_json(text) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "bad luck"},
        {"reused": 1},
        {"age_ms": "5"},
        {"age_ms": True},
        {"address": None},
        {"family": "ipx"},
    ],
)
def test_what_is_no_attempt(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is no|is not a valid"):
        Attempt.from_json(RECORD | change)


def test_a_missing_field_is_named() -> None:
    record = {key: value for key, value in RECORD.items() if key != "phase"}
    with pytest.raises(ValueError, match="an attempt lacks `phase`"):
        Attempt.from_json(record)


@pytest.mark.parametrize("text", ["{}", "[1]", "{"])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(ValueError, match=r"list of objects|Expecting"):
        attempts_from_json(text)


def test_what_the_client_alone_knows() -> None:
    tried = {"address": "[::1]:80", "family": "ipv6", "result": "refused", "errno": 111}
    attempt = Attempt.from_json(
        RECORD
        | {"requests": 3, "hint_ms": 5000, "closed": "rst", "local": None}
        | {"addresses": [tried | {"took_ms": 1}]}
    )

    assert (attempt.requests, attempt.hint_ms, attempt.closed, attempt.local) == (
        3,
        5000,
        "rst",
        None,
    )
    assert attempt.addresses == (AddressResult("[::1]:80", Family.IPV6, "refused", 111, 1),)
    with pytest.raises(ValueError, match="is no int"):
        Attempt.from_json(RECORD | {"requests": "3"})
