"""What binds clients to servers, in the plan."""

import hashlib

from surehop.conf.loading import loads
from surehop.conf.templates import Variable
from surehop.plan import choosing
from surehop.plan.building import build

SERVERS = "server 127.0.0.1:1 route=a; server 127.0.0.1:2; server unix:/run/app;"


def group(text: str) -> choosing.Group:
    whole = f"events {{}}\nhttp {{ upstream app {{ {SERVERS} {text} }} }}"
    model = loads(whole.encode(), file="n.conf", prefix="/p", privileged=True)
    plan = build(model, resolve=lambda _: (), resilience_default=True, version="0", cpus=1)
    return plan.groups[0]


def test_servers_are_known_by_their_route_or_the_hash_of_their_address() -> None:
    expected = [
        "a",
        hashlib.md5(b"127.0.0.1:2", usedforsecurity=False).hexdigest(),
        hashlib.md5(b"unix:/run/app", usedforsecurity=False).hexdigest(),
    ]

    assert [peer.sid for peer in group("sticky cookie srv;").peers] == expected


def test_nobody_has_an_id_where_nothing_is_bound() -> None:
    plain = group("ip_hash;")

    assert [peer.sid for peer in plain.peers] == [None] * 3
    assert (plain.balance, plain.sticky, plain.hash_key) == ("ip_hash", None, ())


def test_kinds() -> None:
    cookie = group("sticky cookie srv expires=max;").sticky
    assert isinstance(cookie, choosing.StickyCookie)
    assert (cookie.kind, cookie.name, cookie.expires_s) == ("cookie", "srv", -1)
    assert group("sticky route $arg_r $uri;").sticky == choosing.StickyRoute(
        (Variable("arg_r"), Variable("uri"))
    )
    learn = group("sticky learn create=$uri lookup=$args zone=z:64k timeout=5s header;").sticky
    assert learn == choosing.StickyLearn(
        create=(Variable("uri"),),
        lookup=(Variable("args"),),
        size=64 << 10,
        timeout_ms=5000,
        header=True,
    )
