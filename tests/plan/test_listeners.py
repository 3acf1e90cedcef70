import ipaddress

import pytest

from surehop.conf.loading import loads
from surehop.plan.building import build
from surehop.plan.data import Listener


def listeners(http: str) -> list[Listener]:
    model = loads(
        f"events {{}} http {{ {http} }}".encode(), file="n.conf", prefix="/p", privileged=True
    )
    made = build(
        model,
        resolve=lambda _name: [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")],
        resilience_default=True,
        version="0",
        cpus=1,
    )
    return list(made.listeners)


def test_servers_share_an_address() -> None:
    assert listeners(
        "server { listen 80; listen [::]:80; }"
        "server { listen *:80; listen 127.0.0.1:81; } server { }"
    ) == [
        Listener("0.0.0.0:80", 0, (0, 1, 2)),
        Listener("[::]:80", 0, (0,)),
        Listener("127.0.0.1:81", 1, (1,)),
    ]


def test_the_default_is_the_first_or_who_says_so() -> None:
    assert listeners("server { listen 80; } server { listen 80 default_server; }") == [
        Listener("0.0.0.0:80", 1, (0, 1))
    ]


def test_a_name_is_all_its_addresses() -> None:
    assert [
        each.address for each in listeners("server { listen localhost:80; listen unix:/s; }")
    ] == [
        *("127.0.0.1:80", "[::1]:80", "unix:/s"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "any_"),
    [("80", "127.0.0.1:80", "0.0.0.0:80"), ("[::]:80", "[::1]:80", "[::]:80")],
)
def test_an_address_beside_the_wildcard_shares_its_socket(
    first: str, second: str, any_: str
) -> None:
    literal = second
    assert listeners(f"server {{ listen {second}; }} server {{ listen {first}; }}") == [
        Listener(any_, 1, (1,)),
        Listener(literal, 0, (0,), 0),
    ]
    apart = listeners(f"server {{ listen {second} bind; }} server {{ listen {first}; }}")
    assert [each.by for each in apart] == [None, None]


def test_a_range_of_ports_is_an_address_each() -> None:
    found = listeners("server { listen 127.0.0.1:80-82; }")
    assert [each.address for each in found] == [f"127.0.0.1:{port}" for port in (80, 81, 82)]
