import ipaddress
from collections.abc import Sequence

import pytest

from surehop.conf.loading import loads
from surehop.plan.building import build
from surehop.plan.choosing import Group, Keepalive
from surehop.plan.data import Plan, Proxy
from surehop.plan.resolving import IPAddress

RULES = ("attribution", "replay_keyed", "probe", "last_peer", "idle", "sent", "budget")
NAMES = {
    "localhost": ["::1", "127.0.0.1"],
    "four": ["127.0.0.2", "127.0.0.3"],
    "many": ["::1", "127.0.0.1", "127.0.0.2"],
}


def resolve(name: str) -> Sequence[IPAddress]:
    return [ipaddress.ip_address(text) for text in NAMES.get(name, [])]


def plan(http: str, *, on: bool = True) -> Plan:
    model = loads(
        f"events {{}}\nhttp {{\n{http}\n}}".encode(), file="n.conf", prefix="/p", privileged=True
    )
    return build(model, resolve=resolve, resilience_default=on, version="0", cpus=1)


def group(upstream: str, *, on: bool = True) -> Group:
    return plan(f"upstream app {{ {upstream} }}", on=on).groups[0]


def targets(made: Plan) -> list[tuple[int | None, int]]:
    """Give (group, scope) of every location."""
    actions = [location.action for location in made.locations]
    return [(action.group, action.scope) for action in actions if isinstance(action, Proxy)]


def test_every_address_of_a_name_is_a_peer() -> None:
    made = group("server 127.0.0.9:1 backup; server localhost:3000 weight=2 max_conns=5;")

    assert [
        (peer.address, peer.name, peer.weight, peer.max_conns, peer.backup) for peer in made.peers
    ] == [
        ("127.0.0.9:1", "127.0.0.9:1", 1, 0, True),
        ("[::1]:3000", "localhost:3000", 2, 5, False),
        ("127.0.0.1:3000", "localhost:3000", 2, 5, False),
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("localhost:3000", '"localhost:3000" is two servers, [::1]:3000 and 127.0.0.1:3000'),
        ("many", '"many" is three servers, [::1]:80, 127.0.0.1:80 and 127.0.0.2:80'),
    ],
)
def test_a_name_of_both_families_is_told(name: str, told: str) -> None:
    (warning,) = plan(f"upstream app {{\nserver {name};\n}}").warnings

    assert warning.text == f'upstream "app": {told} in n.conf:4'
    assert warning.hint is not None


def test_several_addresses_of_one_family_are_not_told() -> None:
    assert plan("upstream app { server four; }").warnings == ()


def test_keepalive_defaults_to_32_a_location() -> None:
    made = plan(
        "upstream app { server 127.0.0.1; } upstream shared { server 127.0.0.1; keepalive 4; }"
        "server { location /a { proxy_pass http://app; } location /b { proxy_pass http://APP/x; }"
        "location /c { proxy_pass http://shared; } location /d { proxy_pass http://shared; } }"
        "server { location / { proxy_pass http://app; } }"
    )

    assert targets(made) == [(0, 1), (0, 2), (1, 0), (1, 0), (0, 3)]
    assert [each.keepalive.connections for each in made.groups] == [32, 4]
    assert [each.keepalive.scopes for each in made.groups] == [4, 1]


def test_a_target_without_a_block_keeps_nothing() -> None:
    (made,) = plan("server { location / { proxy_pass http://127.0.0.1:3000; } }").groups

    assert (made.implicit, made.name, made.zone, made.balance) == (
        True,
        "127.0.0.1",
        None,
        "round_robin",
    )
    assert made.keepalive == Keepalive(0, 1, 1000, 3_600_000, 60_000)
    assert [(peer.address, peer.name) for peer in made.peers] == [
        ("127.0.0.1:3000", "127.0.0.1:3000")
    ]


def test_the_same_target_is_one_group() -> None:
    made = plan(
        "server { location /a { proxy_pass http://localhost:1/x; }"
        "location /b { proxy_pass http://LOCALHOST:1; }"
        "location /c { proxy_pass http://localhost:2; }"
        "location /d { proxy_pass http://unix:/s:/x; }"
        "location /e { proxy_pass http://unix:/s; } location /f { proxy_pass http://localhost; }"
        "location /g { proxy_pass http://localhost:80/; } }"
    )

    assert [number for number, _ in targets(made)] == [0, 0, 1, 2, 2, 3, 3]
    assert [(each.name, each.peers[0].address, each.peers[0].name) for each in made.groups] == [
        ("localhost", "[::1]:1", "localhost:1"),
        ("localhost", "[::1]:2", "localhost:2"),
        ("/s", "unix:/s", "unix:/s"),
        ("localhost", "[::1]:80", "localhost"),
    ]
    assert len(made.warnings) == 3  # once a group


def test_a_group_nobody_uses_is_there_all_the_same() -> None:
    made = group("server 127.0.0.1; zone z 64k; least_conn; keepalive 0;")

    assert (made.zone, made.balance, made.keepalive.connections) == ("z", "least_conn", 0)


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("rule", RULES)
def test_rules_default_to_the_command(on: bool, rule: str) -> None:
    assert getattr(group("server 127.0.0.1;", on=on).resilience, rule) is on
    said = "off" if on else "on"
    changed = group(f"server 127.0.0.1; resilience_{rule} {said};", on=on).resilience
    assert [getattr(changed, each) for each in RULES] == [
        on if each != rule else not on for each in RULES
    ]


def test_a_target_without_a_block_follows_http() -> None:
    made = plan(
        "resilience off; resilience_idle on; server { location / { proxy_pass http://127.0.0.1; } }"
    )

    assert [getattr(made.groups[0].resilience, rule) for rule in RULES] == [
        rule == "idle" for rule in RULES
    ]


@pytest.mark.parametrize(
    ("http", "on", "strict"),
    [
        ("", True, True),
        ("", False, False),
        ("resilience off;", True, False),
        ("resilience on;", False, True),
        ("resilience off; resilience_idle on;", True, True),
        ("upstream app { server 127.0.0.1; resilience on; }", False, False),
    ],
)
def test_strict_unless_http_is_nginx_to_the_letter(http: str, on: bool, strict: bool) -> None:
    assert plan(http, on=on).strict == strict
