import pytest
from hypothesis import given, strategies as st

from surehop.conf.address import Address, AddressError, parse


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("127.0.0.1:3000", "127.0.0.1:3000"),
        ("127.0.0.1", "127.0.0.1:80"),
        ("[::1]:3000", "[::1]:3000"),
        ("[0:0::1]", "[::1]:80"),
        ("unix:/run/app.sock", "unix:/run/app.sock"),
        ("localhost:3000", None),
        ("app", None),
    ],
)
def test_upstream_servers(text: str, literal: str | None) -> None:
    assert parse(text, default_port=80).literal == literal


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("80", "0.0.0.0:80"),
        ("*:8080", "0.0.0.0:8080"),
        ("*", "0.0.0.0:80"),
        ("127.0.0.1", "127.0.0.1:80"),
        ("[::]:80", "[::]:80"),
        ("unix:/s", "unix:/s"),
    ],
)
def test_listening(text: str, literal: str) -> None:
    assert parse(text, default_port=80, listen=True).literal == literal


@pytest.mark.parametrize(
    ("text", "host", "port", "port_text", "uri"),
    [
        ("app", "app", 80, "", ""),
        ("app/", "app", 80, "", "/"),
        ("app:81/a:b/c", "app", 81, "81", "/a:b/c"),
        ("app?x=/y", "app", 80, "", "?x=/y"),
        ("[::1]:81/x", "[::1]", 81, "81", "/x"),
    ],
)
def test_urls(text: str, host: str, port: int, port_text: str, uri: str) -> None:
    assert parse(text, default_port=80, uri=True) == Address(text, host, port, port_text, uri)


def test_a_unix_socket_has_its_uri_behind_a_colon() -> None:
    address = parse("unix:/run/a.sock:/x/y", default_port=80, uri=True)

    assert (address.literal, address.uri) == ("unix:/run/a.sock", "/x/y")
    assert parse("unix:/a:b", default_port=80).literal == "unix:/a:b"


def test_the_longest_socket_path() -> None:
    assert parse("unix:" + "é" * 53 + "x", default_port=80).unix
    with pytest.raises(AddressError, match="too long path"):
        parse("unix:" + "é" * 54, default_port=80)


@given(st.text(st.sampled_from("ab1.:/[]*?%_ \udcff"), max_size=12), st.booleans(), st.booleans())
def test_any_text_is_an_address_or_an_address_error(text: str, listen: bool, uri: bool) -> None:
    try:
        address = parse(text, default_port=80, listen=listen, uri=uri)
    except AddressError:
        return
    assert 1 <= address.port <= 65535
    assert address.text == text
