"""Headers, beside httpx's."""

import pickle
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from surehop.client.headers import Headers
from surehop.errors import LocalProtocolError

NAMES = st.sampled_from(["a", "A", "b", "Content-Type", "X-y"])
VALUES = st.text("ab,; 1", max_size=4)


def seen(headers: Any) -> Any:
    return (
        headers.raw,
        headers.multi_items(),
        list(headers),
        list(headers.items()),
        list(headers.values()),
        len(headers),
        headers.encoding,
        headers.get("A"),
        headers.get("nothing", 1),
        headers.get_list("a"),
        headers.get_list("a", split_commas=True),
        "CONTENT-TYPE" in headers,
        repr(headers),
    )


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"A": "1", "b": "2"},
        {b"A": b"1"},
        [("A", "1"), ("a", "2, 3"), ("B", "")],
        [(b"A", "é".encode())],
        [(b"A", b"\xe9"), (b"b", "é".encode())],
        {"Authorization": "x", "Proxy-Authorization": "y"},
    ],
)
def test_it_is_as_httpx_reads_it(value: Any) -> None:
    assert seen(Headers(value)) == seen(httpx.Headers(value))
    assert seen(Headers(value).copy()) == seen(httpx.Headers(value))


class Changed(RuleBasedStateMachine):
    """The same changes on both."""

    def __init__(self) -> None:
        super().__init__()
        self.mine, self.theirs = Headers(), httpx.Headers()

    @rule(name=NAMES, value=VALUES)
    def put(self, name: str, value: str) -> None:
        self.mine[name] = value
        self.theirs[name] = value

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        assert self.mine.pop(name, None) == self.theirs.pop(name, None)

    @rule(pairs=st.lists(st.tuples(NAMES, VALUES), max_size=3))
    def take_in(self, pairs: list[tuple[str, str]]) -> None:
        self.mine.update(pairs)
        self.theirs.update(pairs)

    @rule(name=NAMES, value=VALUES)
    def put_if_new(self, name: str, value: str) -> None:
        assert self.mine.setdefault(name, value) == self.theirs.setdefault(name, value)

    @invariant()
    def alike(self) -> None:
        assert seen(self.mine) == seen(self.theirs)
        assert self.mine == dict(self.theirs.items()) or len(self.theirs) != len(list(self.theirs))


TestChanged = Changed.TestCase


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\n", "ü", b"a\0", "a\r\nb: c"])
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(LocalProtocolError, match="header name"):
        Headers({name: "x"})


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0", "x\r\nSet-Cookie: y"])
def test_a_value_that_breaks_the_line_is_refused_everywhere(value: str) -> None:
    headers = Headers()
    for take in (
        lambda: Headers({"A": value}),
        lambda: Headers([(b"a", value.encode())]),
        lambda: headers.update({"a": value}),
        lambda: headers.__setitem__("a", value),
        lambda: headers.setdefault("a", value),
    ):
        with pytest.raises(LocalProtocolError, match="line break or a NUL"):
            take()
    assert headers.raw == []


def test_what_ascii_cannot_write_is_refused_with_a_way_out() -> None:
    with pytest.raises(LocalProtocolError, match="encoding='utf-8'"):
        Headers({"a": "é"})

    assert Headers({"a": "é"}, encoding="utf-8").raw == [(b"a", "é".encode())]
    assert Headers({"a": "é"}, encoding="latin-1").raw == [(b"a", b"\xe9")]


@pytest.mark.parametrize("value", [None, 1, ["x"]])
def test_the_type_error_names_the_header(value: Any) -> None:
    with pytest.raises(TypeError, match="'x-count'"):
        Headers({"x-count": value})


def test_secrets_are_not_shown() -> None:
    headers = Headers({"Cookie": "hush", "Set-Cookie": "hush", "AUTHORIZATION": "hush", "a": "b"})

    assert "hush" not in repr(headers)
    assert "'b'" in repr(headers)


def test_what_is_set_later_may_need_another_encoding() -> None:
    headers = Headers({"a": "b"})
    assert headers.encoding == "ascii"
    headers["c"] = "é"

    assert headers.encoding == "utf-8"
    assert headers["c"] == "é"


def test_equal_whatever_the_order_and_the_case() -> None:
    assert Headers([("A", "1"), ("b", "2")]) == {"B": "2", "a": "1"}
    assert Headers({"a": "1"}) != {"a": "2"}
    assert Headers({"a": "1"}) != 1
    assert Headers({"a": "1"}) != {"a": 1}


def test_pairs_of_the_wire_are_not_changed_by_changes() -> None:
    pairs = [(b"A", b"1"), (b"a", b"2")]
    headers = Headers.of_wire(pairs)
    assert headers["a"] == "1, 2"
    headers["a"] = "3"
    headers["b"] = "4"
    del headers["a"]

    assert headers.raw == [(b"b", b"4")]
    assert pairs == [(b"A", b"1"), (b"a", b"2")]
    with pytest.raises(KeyError):
        del headers["a"]


def test_lines_as_they_are_sent() -> None:
    headers = Headers([("Host", "h"), ("X-A", "1"), ("x-a", "2")])

    assert headers.wire() == b"Host: h\r\nX-A: 1\r\nx-a: 2\r\n"
    assert headers.wire(leave_out=frozenset({b"host"})) == b"X-A: 1\r\nx-a: 2\r\n"


@given(st.dictionaries(NAMES, VALUES))
def test_it_pickles(value: dict[str, str]) -> None:
    headers = Headers(value)

    assert seen(pickle.loads(pickle.dumps(headers))) == seen(headers)  # noqa: S301
