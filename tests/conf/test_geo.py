"""`geo`: networks within networks become ranges, and ranges within ranges stay."""

import ipaddress

from hypothesis import given, strategies as st

from surehop.conf.geo import Network, flat
from surehop.conf.loading import loads
from surehop.conf.model import Geo

_WIDTH = 6  # bits of the addresses that are made up


def geo(text: str) -> Geo:
    whole = f"events {{}} http {{ geo $g {{ {text} }} }}"
    (variable,) = loads(whole.encode(), file="/nginx.conf", prefix="/").variables
    assert isinstance(variable.source, Geo)
    return variable.source


@st.composite
def networks(draw: st.DrawFn) -> dict[Network, str]:
    found: dict[Network, str] = {}
    for number in range(draw(st.integers(0, 12))):
        version = draw(st.sampled_from((4, 6)))
        rest = (1 << draw(st.integers(0, _WIDTH))) - 1
        low = draw(st.integers(0, (1 << _WIDTH) - 1)) & ~rest
        found[version, low, low | rest] = str(number)
    return found


@given(networks())
def test_the_narrowest_counts(said: dict[Network, str]) -> None:
    ranges = list(flat(said.items()))

    assert [network for network, _ in ranges] == sorted(network for network, _ in ranges)
    for version in (4, 6):
        for address in range(1 << _WIDTH):
            around = [n for n in said if n[0] == version and n[1] <= address <= n[2]]
            wanted = [said[min(around, key=lambda n: n[2] - n[1])]] if around else []
            found = [v for n, v in ranges if n[0] == version and n[1] <= address <= n[2]]
            assert found == wanted


def test_what_stands_for_everything_is_the_default() -> None:
    found = geo("default a; 10.0.0.0/8 b; 10.1.0.0/16 a;")

    assert found.default == "a"
    assert found.ranges == (
        ("10.0.0.0", "10.0.255.255", "b"),
        ("10.1.0.0", "10.1.255.255", "a"),
        ("10.2.0.0", "10.255.255.255", "b"),
    )


def test_a_family_may_have_another_default() -> None:
    last = str(ipaddress.IPv6Address((1 << 128) - 1))

    assert geo("default a; ::/0 b;").ranges == (("::", last, "b"),)


def test_ranges_within_ranges() -> None:
    text = "ranges; 10.0.0.0-10.2.0.9 a; 10.0.0.5-10.0.0.6 b; 10.2.0.9-10.2.0.9 c;"

    assert geo(text).ranges == (
        ("10.0.0.0", "10.0.0.4", "a"),
        ("10.0.0.5", "10.0.0.6", "b"),
        ("10.0.0.7", "10.2.0.8", "a"),
        ("10.2.0.9", "10.2.0.9", "c"),
    )


def test_a_range_is_deleted_as_it_was_given() -> None:
    text = "ranges; 10.0.0.0-10.0.0.9 a; 10.1.0.0-10.1.0.1 b; delete 10.0.0.0-10.0.0.9;"

    assert geo(text).ranges == (("10.1.0.0", "10.1.0.1", "b"),)
