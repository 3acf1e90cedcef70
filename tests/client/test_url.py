"""URLs, beside httpx's."""

import pickle
from typing import Any

import httpx
import pytest
from hypothesis import assume, given, strategies as st

from surehop.client.url import URL, url_of
from surehop.errors import InvalidURL

ATTRIBUTES = [
    "scheme",
    "raw_scheme",
    "userinfo",
    "username",
    "password",
    "host",
    "raw_host",
    "port",
    "netloc",
    "path",
    "query",
    "raw_path",
    "fragment",
    "is_absolute_url",
    "is_relative_url",
]

CASES = [
    "",
    "http://example.org",
    "HTTPS://jo%40email.com:a%20secret@müller.de:1234/pa%20th?search=ab#anchorlink",
    "http://example.org:80/",
    "https://example.org:443",
    "https://example.org:",
    "http://EXAMPLE.org:8080/A b/ü?q=a b&x=%zz#é",
    "http://[::1]:8000/x",
    "http://[::ffff:192.168.0.1]",
    "http://127.0.0.1/",
    "http://中国.icom.museum/",
    "http://xn--fiqs8s.icom.museum",
    "//host/path",
    "/only/path?query",
    "path/../other/./x",
    "http://h/a/../../b/./c/..",
    "http://h/.",
    "?q",
    "#f",
    "http://h?",
    "http://h/#",
    "://example.org",
    "mailto:jo@example.org",
    "http://a@b@c/",
    "http://user:@h/",
    "http://h/%7e%2F%",
    'http://h/"<>`{}|\\^[]',
    'http://h/?"<>`{}|\\^[]\'#"<>`{}|',
    "http://h:0080/",
    "invalid://h",
    "http://exam ple.org",
    "http://ex_ample",
    "x:y:z",
]
REFUSED = [
    "http://[::1",
    "http://[zz]/",
    "http://999.0.0.1/",
    "http://h:x/",
    "http://h/\n",
    "\x7f",
    "http://h/" + "x" * 65_536,
    "http://☃.中.\u00ad/",
]


def seen(url: Any) -> dict[str, Any]:
    found = {name: getattr(url, name) for name in ATTRIBUTES}
    return {**found, "str": str(url), "params": url.params.multi_items(), "repr": repr(url)}


def expected(text: str, **parts: Any) -> Any:
    """What httpx makes of it; None where it refuses."""
    try:
        return seen(httpx.URL(text, **parts))
    except (httpx.InvalidURL, ValueError):  # idna's and surrogates' errors are ValueErrors
        return None


def made(text: str, **parts: Any) -> Any:
    try:
        return seen(URL(text, **parts))
    except InvalidURL:
        return None


@pytest.mark.parametrize("text", CASES)
def test_it_is_as_httpx_reads_it(text: str) -> None:
    assert made(text) == expected(text) is not None


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(InvalidURL):
        URL(text)


@pytest.mark.parametrize("port", ["70000", "-1", "+8", "8_0", "٣", " 80"])
def test_a_port_that_cannot_be_is_refused_where_httpx_takes_it(port: str) -> None:
    httpx.URL(f"http://h:{port}/")

    with pytest.raises(InvalidURL, match="is no port"):
        URL(f"http://h:{port}/")


@pytest.mark.parametrize("text", ["http:////evil/x", "http:/..//evil/x"])
def test_a_path_is_never_taken_for_a_host_when_written(text: str) -> None:
    with pytest.raises(InvalidURL, match="no host stands before it"):
        URL(text)


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "http:",
                "//",
                "/",
                "a",
                "B.c",
                ":",
                "80",
                "@",
                "?",
                "#",
                "%41",
                "%",
                "..",
                ".",
                "[::1]",
                "ü",
                "中",
                " ",
                "&",
                "=",
                "\\",
                "127.0.0.1",
                '"',
                "xn--",
                "+",
                ";",
                "~",
                "{",
                "-",
            ]
        ),
        st.characters(min_codepoint=0x20, max_codepoint=0x2FF),
    ),
    max_size=12,
)


@given(PIECES)
def test_whatever_it_is_made_of_httpx_reads_the_same(pieces: list[str]) -> None:
    text = "".join(pieces)
    mine = made(text)
    if mine is None:
        told = expected(text)
        # It refuses more: ports that are none, paths that would read as hosts.
        assume(told is not None and "//" not in told["path"])
        _, _, port = told["netloc"].decode().rpartition(":")
        assert not (text.isascii() and port.isdigit() and 0 <= int(port) <= 65_535)
        return
    assert mine == expected(text)
    assert made(mine["str"])["str"] == mine["str"]


@given(PIECES, PIECES)
def test_joining_is_httpx_joining(base: list[str], other: list[str]) -> None:
    here, there = "http://h/a/b?c" + "".join(base), "".join(other)
    assume(made(here) is not None and made(there) is not None)
    try:
        told = str(httpx.URL(here).join(there))
    except (httpx.InvalidURL, ValueError):
        assume(False)

    try:
        assert str(URL(here).join(there)) == told
    except InvalidURL:
        assert "//" in told.partition(":")[2]


@pytest.mark.parametrize(
    "parts",
    [
        {"scheme": "HTTP"},
        {"host": "other"},
        {"host": "::1"},
        {"host": "ü.de"},
        {"port": 81},
        {"port": None},
        {"port": 443},
        {"netloc": b"x:9"},
        {"netloc": b"x"},
        {"username": "jo@x", "password": "a b:/"},
        {"username": "jo"},
        {"userinfo": b"a:b"},
        {"path": "/ä b"},
        {"query": b"q=1"},
        {"query": None},
        {"raw_path": b"/x?y"},
        {"raw_path": b"/x"},
        {"fragment": "f g"},
        {"params": {"a": [1, True], "b": None}},
        {"params": None},
        {"params": {}},
    ],
)
def test_parts_are_replaced_as_in_httpx(parts: dict[str, Any]) -> None:
    text = "https://u:p@host:8/path?query#fragment"

    assert made(text, **parts) == expected(text, **parts) is not None
    assert str(URL(text).copy_with(**parts)) == str(httpx.URL(text).copy_with(**parts))


@pytest.mark.parametrize("parts", [{"nothing": 1}, {"host": b"x"}, {"port": "80"}])
def test_an_unknown_part_or_kind_is_a_type_error(parts: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        URL("http://h", **parts)


@pytest.mark.parametrize(
    "parts", [{"path": "a"}, {"path": "/?"}, {"scheme": "1"}, {"host": "a:b:c]"}, {"path": "/\r"}]
)
def test_a_part_that_is_none_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(InvalidURL):
        URL("http://h", **parts)


def test_its_kind() -> None:
    with pytest.raises(TypeError, match="not of `int`"):
        URL(1)  # type: ignore[arg-type]


def test_parameters_are_set_added_removed_and_merged() -> None:
    url = URL("http://h/?a=1&b=2")

    assert str(url.copy_set_param("a", 3)) == "http://h/?a=3&b=2"
    assert str(url.copy_add_param("a", 3)) == "http://h/?a=1&a=3&b=2"
    assert str(url.copy_remove_param("a")) == "http://h/?b=2"
    assert str(url.copy_merge_params({"c": "x y"})) == "http://h/?a=1&b=2&c=x+y"


def test_equal_urls_are_one_key_and_pickle() -> None:
    url = URL("HTTP://example.org:80/a")

    assert url == "http://example.org/a" == url
    assert url == pickle.loads(pickle.dumps(url))  # noqa: S301
    assert {url: 1}[URL("http://example.org/a")] == 1
    assert url != "http://h:x/"
    assert url != 1
    assert url_of("http://a/") is url_of("http://a/")


def test_of_one_origin() -> None:
    assert URL("http://H:80/x").origin == URL("http://u:p@h/y").origin == ("http", "h", 80)
    assert URL("http://h:81").origin != URL("http://h").origin
    assert URL("http://u:p@h:81").authority == "h:81"


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(URL("http://jo:secret@h/")).replace("[secure]", "")
