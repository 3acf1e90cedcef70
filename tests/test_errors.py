import copy
import pickle
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import surehop.errors
from surehop.errors import (
    ConfigError,
    ConfigErrors,
    ConnectionClosed,
    HTTPError,
    HTTPStatusError,
    ReadError,
    StreamConsumed,
    SurehopError,
    TotalTimeout,
)
from surehop.events import Evidence, Phase


def drawn(root: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
    inner = [line for child in root.__subclasses__() for line in drawn(child, depth + 1)]
    return [(depth, root.__name__), *inner]


def test_the_tree_is_as_drawn() -> None:
    picture = (surehop.errors.__doc__ or "").split("\n\n")[1]
    names = [
        (line.index(name) // 4, name)
        for line in picture.splitlines()
        for name in [line.strip("│├└─ ").split()[0]]
    ]

    assert names == drawn(SurehopError)


def test_a_place() -> None:
    error = ConfigError("x", file="f", line=3, column=4, hint="y")

    assert (str(error), error.message, error.hint, error.errors) == ("x in f:3", "x", "y", (error,))
    assert str(ConfigError("x", file="f", line=None)) == "x in f"


def test_many_speak_for_the_first() -> None:
    first, second = ConfigError("x", file="f", line=3, hint="h"), ConfigError("y", file="g", line=4)
    both = ConfigErrors([first, second])

    assert (both.message, both.file, both.line, both.hint) == ("x", "f", 3, "h")
    assert str(both) == "x in f:3\ny in g:4"
    assert both.errors == (first, second)


REQUEST: Any = "R"
NOT_FOUND: Any = SimpleNamespace(status_code=404)
EVIDENCE = Evidence(code="ECONNRESET", phase=Phase.HEAD, reused=True)


def test_a_failed_request_tells_what_was_seen() -> None:
    error = ConnectionClosed("it closed", request=REQUEST, evidence=EVIDENCE, hint="try again")

    assert (error.code, error.phase, error.attempts) == ("ECONNRESET", Phase.HEAD, ())
    assert (error.request, error.response, error.evidence) == (REQUEST, None, EVIDENCE)
    assert (str(error), error.message) == ("it closed\nhint: try again", "it closed")


def test_by_hand_it_has_the_code_of_its_class_and_no_request() -> None:
    error = TotalTimeout("too late")

    assert (error.code, error.phase, error.evidence) == ("ECONNABORTED", None, None)
    assert ReadError("x", code="EOTHER").code == "EOTHER"
    with pytest.raises(RuntimeError, match="has no request"):
        _ = error.request


@pytest.mark.parametrize(("status", "code"), [(404, "ERR_BAD_REQUEST"), (503, "ERR_BAD_RESPONSE")])
def test_a_status_has_a_code(status: int, code: str) -> None:
    response: Any = SimpleNamespace(status_code=status)

    assert HTTPStatusError("x", request=REQUEST, response=response).code == code


@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosed("it closed", request=REQUEST, evidence=EVIDENCE, hint="h"),
        HTTPStatusError("bad", request=REQUEST, response=NOT_FOUND),
        ConfigErrors([ConfigError("x", file="f", line=3)]),
        StreamConsumed(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy])  # noqa: S301
def test_pickle_and_copy_lose_nothing(error: Any, again: Any) -> None:
    twin = again(error)

    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.hint) == (str(error), repr(error), error.hint)
    if isinstance(error, HTTPError):
        seen = (twin.code, twin.evidence, twin.request, twin.response)
        assert seen == (error.code, error.evidence, error.request, error.response)


def test_errors_stand_without_the_client() -> None:
    code = "import sys, surehop.errors; print(*(n for n in sys.modules if 'surehop.cl' in n))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
