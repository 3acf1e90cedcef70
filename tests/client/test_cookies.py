"""Cookies, beside httpx's."""

import pickle
from http.cookiejar import CookieJar
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from surehop.client.cookies import Cookies
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.errors import CookieConflict

HOSTS = ["example.org", "a.example.org", "b.a.example.org", "example.com", "localhost", "127.0.0.1"]
SET = [
    "a=1",
    "a=2; Path=/p",
    "b=3; Domain=example.org",
    "b=4; Domain=.example.org",
    "c=5; Domain=a.example.org; Path=/p/q",
    "d=6; Domain=org",
    "e=7; Secure",
    "f=8; HttpOnly; SameSite=Lax",
    "g=9; Max-Age=0",
    "h=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "i=11; Max-Age=3600",
    "j=12; Domain=evil.com",
    'k="quoted; value"',
    "=empty",
    "l",
    "",
    "m=13; Expires=nonsense",
]


def jar(cookies: Any) -> list[tuple[Any, ...]]:
    return sorted((c.name, c.value, c.domain, c.path, c.secure) for c in cookies.jar)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(HOSTS), st.sampled_from(["/", "/p/q"]), st.lists(st.sampled_from(SET))
        ),
        max_size=4,
    ),
    st.sampled_from(["http", "https"]),
    st.sampled_from(HOSTS),
    st.sampled_from(["/", "/p", "/p/q/r", "/pq"]),
)
def test_what_comes_and_what_goes_is_as_with_httpx(
    answers: list[tuple[str, str, list[str]]], scheme: str, host: str, path: str
) -> None:
    mine, theirs = Cookies(), httpx.Cookies()
    for origin, place, lines in answers:
        headers = [("Set-Cookie", line) for line in lines]
        url = f"https://{origin}{place}"
        mine.extract_cookies(Response(200, headers=headers, request=Request("GET", url)))
        told = httpx.Response(200, headers=headers, request=httpx.Request("GET", url))
        theirs.extract_cookies(told)
    assert jar(mine) == jar(theirs)

    url = f"{scheme}://{host}{path}"
    sent, expected = Request("GET", url), httpx.Request("GET", url)
    mine.set_cookie_header(sent)
    theirs.set_cookie_header(expected)
    assert sent.headers.get("cookie") == expected.headers.get("cookie")


def test_a_port_in_the_host_header_changes_nothing() -> None:
    cookies = Cookies()
    request = Request("GET", "http://example.org:8080/")
    cookies.extract_cookies(Response(200, headers={"Set-Cookie": "a=1"}, request=request))
    again = Request("GET", "http://example.org:9090/", headers={"Host": "elsewhere"})
    cookies.set_cookie_header(again)

    assert again.headers["cookie"] == "a=1"


def test_a_mapping_that_knows_domains_and_paths() -> None:
    cookies = Cookies({"a": "1"})
    cookies.set("b", "2", domain="x.org")
    cookies.set("b", "3", domain="y.org", path="/p")

    assert sorted(cookies) == ["a", "b", "b"]
    assert len(cookies) == 3
    assert cookies["a"] == "1"
    assert cookies.get("b", domain="x.org") == "2"
    assert cookies.get("b", path="/p") == "3"
    assert cookies.get("nothing", "else") == "else"
    with pytest.raises(CookieConflict, match="2 cookies"):
        _ = cookies["b"]
    with pytest.raises(KeyError):
        _ = cookies["nothing"]
    cookies.delete("b", domain="x.org")
    assert cookies["b"] == "3"
    cookies.delete("b", domain="y.org", path="/p")
    with pytest.raises(KeyError):
        cookies.delete("b", domain="y.org", path="/p")
    cookies["a"] = "4"
    del cookies["a"]
    assert not cookies


def test_clearing() -> None:
    cookies = Cookies([("a", "1")])
    cookies.set("b", "2", domain="x.org", path="/p")
    cookies.set("c", "3", domain="x.org")
    cookies.clear("x.org", "/p")
    assert sorted(cookies) == ["a", "c"]
    cookies.clear("x.org")
    assert sorted(cookies) == ["a"]
    with pytest.raises(ValueError, match="domain"):
        cookies.clear(path="/p")
    cookies.clear()
    assert sorted(cookies) == []


def test_what_it_is_made_of() -> None:
    used = CookieJar()
    assert Cookies(used).jar is used
    copied = Cookies(original := Cookies({"a": "1"}))
    copied["a"] = "2"
    assert original["a"] == "1"
    original.update({"b": "3"})
    assert dict(original) == {"a": "1", "b": "3"}
    with pytest.raises(TypeError, match="`int`"):
        Cookies(1)  # type: ignore[arg-type]


def test_values_are_not_shown() -> None:
    assert "hush" not in repr(Cookies({"session": "hush"}))
    assert "session" in repr(Cookies({"session": "hush"}))


def test_it_pickles() -> None:
    assert dict(pickle.loads(pickle.dumps(Cookies({"a": "1"})))) == {"a": "1"}  # noqa: S301


def test_a_cookie_cannot_break_the_line() -> None:
    cookies = Cookies({"a": "b\r\nX: y"})
    with pytest.raises(Exception, match="line break"):
        cookies.set_cookie_header(Request("GET", "http://h/"))
