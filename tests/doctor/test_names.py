"""Names are answered by who was told to, before anybody is asked."""

import ipaddress

from surehop.doctor import Names, parse_hosts

HOSTS = """\
127.0.0.1 localhost  app # a comment
::1 LOCALHOST ip6-localhost
not-an-address app
"""
V4, V6 = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")


def test_a_hosts_file() -> None:
    assert parse_hosts(HOSTS) == {"localhost": (V4, V6), "app": (V4,), "ip6-localhost": (V6,)}


def test_who_answers() -> None:
    names = Names({"app": (V6,)}, parse_hosts(HOSTS), ask=False)

    assert names("App.") == (V6,)
    assert names("localhost") == (V4, V6)
    assert names("192.0.2.1") == (ipaddress.ip_address("192.0.2.1"),)
    assert names("[::1]") == (V6,)
    assert names("elsewhere.test") is None
