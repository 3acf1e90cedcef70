"""Query parameters, beside httpx's."""

from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from surehop.client.params import QueryParams


def seen(params: Any) -> Any:
    return (
        str(params),
        repr(params),
        params.multi_items(),
        list(params),
        list(params.keys()),
        list(params.values()),
        list(params.items()),
        len(params),
        bool(params),
        params.get("a"),
        params.get("a", "none"),
        params.get_list("a"),
        "a" in params,
    )


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "a=1&a=2&b",
        b"a=%20+x",
        {"a": [1, 2.5, None], "b": True, "c": (False,)},
        [("a", 1), ("b", 2), ("a", "ü")],
        (("a", None),),
        {1: "x"},
    ],
)
def test_it_is_as_httpx_reads_it(value: Any) -> None:
    assert seen(QueryParams(value)) == seen(httpx.QueryParams(value))


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=5), st.text())
def test_whatever_it_is_made_of(pairs: list[tuple[str, str]], other: str) -> None:
    pairs = [
        (k.encode("utf-8", "replace").decode(), v.encode("utf-8", "replace").decode())
        for k, v in pairs
    ]
    other = other.encode("utf-8", "replace").decode()
    mine, theirs = QueryParams(pairs), httpx.QueryParams([*pairs])

    assert seen(mine) == seen(theirs)
    assert seen(QueryParams(other)) == seen(httpx.QueryParams(other))
    assert seen(mine.merge(other)) == seen(theirs.merge(other))
    assert seen(mine.set("a", 1)) == seen(theirs.set("a", 1))
    assert seen(mine.add("a", 1)) == seen(theirs.add("a", 1))
    assert seen(mine.remove("a")) == seen(theirs.remove("a"))
    assert QueryParams(mine) == mine
    assert hash(QueryParams(mine)) == hash(mine)


def test_by_keywords() -> None:
    assert str(QueryParams(a=1, b="x")) == "a=1&b=x"
    assert QueryParams(a=1) == QueryParams("a=1") != QueryParams("a=2")
    assert QueryParams("a=1") != "a=1"


def test_it_cannot_be_changed() -> None:
    params = QueryParams("a=1")

    with pytest.raises(RuntimeError, match="merge"):
        params.update({"b": 1})
    with pytest.raises(RuntimeError, match="set"):
        params["b"] = "1"
    with pytest.raises(TypeError):
        QueryParams("a=1", b=2)
