"""How an upstream chooses: what is read, and what is refused in nginx's words."""

import subprocess
from pathlib import Path

import pytest

from surehop.conf.loading import loads
from surehop.conf.model import Learn, Model, RouteBy, StickyCookie, Upstream
from surehop.conf.templates import Text, Variable
from surehop.errors import ConfigErrors
from surehop.lab.subjects import Program

SERVERS = "server 127.0.0.1:1; server 127.0.0.1:2;"
ROUND = "events {}\nhttp {\nupstream app {\n@\n}\n}\n"
LEARN = "sticky learn create=$cookie_a lookup=$cookie_b"

# What stands in the block, and what nginx says of its line.
BROKEN = {
    "ip_hash x;": 'invalid number of arguments in "ip_hash" directive',
    "hash;": 'invalid number of arguments in "hash" directive',
    "hash a b c;": 'invalid number of arguments in "hash" directive',
    "hash $uri foo;": 'invalid parameter "foo"',
    "hash $;": "invalid variable name",
    "random three;": 'invalid parameter "three"',
    "random two least_time=header;": 'invalid parameter "least_time=header"',
    "random two least_conn x;": 'invalid number of arguments in "random" directive',
    "least_time;": 'invalid number of arguments in "least_time" directive',
    "least_time foo;": 'invalid value "foo"',
    "least_time header foo;": 'invalid parameter "foo"',
    "least_time header; least_time header;": '"least_time" directive is duplicate',
    "sticky;": 'invalid number of arguments in "sticky" directive',
    "sticky cookie;": 'invalid number of arguments in "sticky" directive',
    "sticky foo bar;": 'unknown parameter "foo"',
    "sticky cookie a; sticky cookie b;": '"sticky" directive is duplicate',
    "sticky cookie a foo=1;": 'unknown parameter "foo=1"',
    "sticky cookie a path;": 'unknown parameter "path"',
    "sticky cookie a secure=1;": 'unknown parameter "secure=1"',
    "sticky cookie a path=/ path=/b;": '"sticky" directive parameter "path" is duplicate',
    "sticky cookie a secure secure;": '"sticky" directive parameter "secure" is duplicate',
    "sticky cookie a path=;": '"sticky" directive no value for "path"',
    "sticky cookie a domain=;": '"sticky" directive no value for "domain"',
    "sticky cookie a expires=;": '"sticky" directive invalid "expires" parameter value',
    "sticky cookie a expires=epoch;": '"sticky" directive invalid "expires" parameter value',
    "sticky cookie a samesite=foo;": '"sticky" directive invalid "samesite" parameter value',
    "sticky cookie a samesite=;": '"sticky" directive invalid "samesite" parameter value',
    "sticky route a;": 'invalid variable name "a"',
    "sticky route $;": 'invalid variable name "$"',
    "sticky route $uri a;": 'invalid variable name "a"',
    f"{LEARN};": '"sticky" directive "zone" parameter is not specified',
    "sticky learn zone=z:1m;": '"sticky" directive "lookup" parameter is not specified',
    "sticky learn lookup=$uri zone=z:1m;": (
        '"sticky" directive "create" parameter is not specified'
    ),
    f"{LEARN} create=a$uri zone=z:1m;": (
        '"sticky" directive missing variable in the "create" parameter'
    ),
    f"{LEARN} lookup= zone=z:1m;": '"sticky" directive missing variable in the "lookup" parameter',
    f"{LEARN} zone=z;": '"sticky" directive zone size is not specified',
    f"{LEARN} zone=:1m;": '"sticky" directive zone name is not specified',
    f"{LEARN} zone=z:x;": '"sticky" directive invalid zone size',
    f"{LEARN} zone=z:1k;": '"sticky" directive zone is too small',
    f"{LEARN} zone=z:1m zone=y:1m;": '"sticky" directive duplicate zone',
    f"{LEARN} zone=z:1m timeout=0;": '"sticky" directive invalid timeout',
    f"{LEARN} zone=z:1m timeout=1s timeout=2s;": '"sticky" directive duplicate timeout',
    f"{LEARN} zone=z:1m sync;": 'unknown parameter "sync"',
    "ip_hash; server 127.0.0.1:3 backup;": 'balancing method does not support parameter "backup"',
    "hash a; server 127.0.0.1:3 backup;": 'balancing method does not support parameter "backup"',
    "random; server 127.0.0.1:3 backup;": 'balancing method does not support parameter "backup"',
    "least_conn; random; server 127.0.0.1:3 weight=2 backup;": (
        'balancing method does not support parameter "backup"'
    ),
    "server 127.0.0.1:3 drain=1;": 'invalid parameter "drain=1"',
    "server 127.0.0.1:3 route;": 'invalid parameter "route"',
    "server 127.0.0.1:3 route=;": "route is empty",
    f"server 127.0.0.1:3 route={'a' * 33};": "route is longer than 32",
}

# What is taken, and how often nginx warns that a method is redefined.
TAKEN = {
    "server 127.0.0.1:3 backup; ip_hash;": 0,
    "hash $uri; least_conn; server 127.0.0.1:3 backup;": 1,
    "ip_hash; ip_hash; hash a;": 2,
    "sticky cookie a; least_conn;": 1,
    "least_conn; sticky cookie a;": 0,
    "keepalive 4; random two;": 0,
    "server 127.0.0.1:3 drain down route=x;": 0,
    f"{LEARN} create=$uri zone=z:1m header header;": 0,
    "sticky cookie $uri samesite=Lax expires=max path=$uri;": 0,
    "least_time last_byte inflight;": 0,
}


def read(text: str) -> Model:
    return loads(ROUND.replace("@", text).encode(), file="n.conf", prefix="/p", privileged=True)


def upstream(text: str) -> Upstream:
    return read(text + SERVERS).upstreams[0]


@pytest.mark.parametrize(("text", "message"), BROKEN.items(), ids=BROKEN)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        read(text + SERVERS)

    first = caught.value.errors[0]
    assert (first.message, first.line) == (message, 4)


@pytest.mark.parametrize(("text", "warnings"), TAKEN.items(), ids=TAKEN)
def test_taken(text: str, warnings: int) -> None:
    said = [warning.message for warning in read(text + SERVERS).warnings]

    assert said == ["load balancing method redefined"] * warnings


def check(nginx: Program, folder: Path, text: str) -> list[str]:
    """Give what `nginx -t` says, without the time."""
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(ROUND.replace("@", text))
    command = [*nginx.argv, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr", "-t"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    place = f" in {folder / 'nginx.conf'}:4"
    words = [line.partition("] ")[2] for line in run.stderr.splitlines() if "[" in line]
    return [word.partition(": ")[2].removesuffix(place) if "#" in word else word for word in words]


@pytest.mark.peers
def test_nginx_says_the_same(nginx: Program, tmp_path: Path) -> None:
    said = {text: check(nginx, tmp_path, text + SERVERS) for text in BROKEN | TAKEN}
    lines = {
        text: [line.removesuffix(f" in {tmp_path}/nginx.conf:4") for line in said[text]]
        for text in said
    }

    assert {text: lines[text][-1] for text in BROKEN} == BROKEN
    redefined = ["load balancing method redefined"]
    assert {text: lines[text] for text in TAKEN} == {
        text: redefined * count for text, count in TAKEN.items()
    }


def test_the_last_method_holds() -> None:
    both = upstream("hash $uri; random; least_time header inflight; hash a$uri consistent;")

    assert both.balance.method == "consistent"
    assert both.balance.key == (Text("a"), Variable("uri"))
    assert upstream("").balance.method == "round_robin"
    assert upstream("random two;").balance.method == "random_two"
    assert (
        upstream("least_time last_byte inflight;").balance.method == "least_time_last_byte_inflight"
    )


def test_servers_that_start_slowly() -> None:
    found = upstream("server 127.0.0.1:3 slow_start=30s route=x drain;").members[0]

    assert (found.slow_start_ms, found.route, found.drain) == (30_000, "x", True)
    with pytest.raises(ConfigErrors, match='does not support parameter "slow_start=1s"'):
        read("hash a; server 127.0.0.1:3 slow_start=1s;")


def test_what_binds() -> None:
    cookie = "sticky cookie srv expires=1h domain=.$host path=/a secure samesite=lax;"
    assert upstream(cookie).sticky == StickyCookie(
        name="srv",
        expires=3600,
        domain=(Text("."), Variable("host")),
        httponly=False,
        secure=True,
        samesite=(Text("lax"),),
        path="/a",
    )
    assert upstream("sticky route $arg_r $cookie_r;").sticky == RouteBy(("arg_r", "cookie_r"))
    assert upstream(f"{LEARN} lookup=$arg_b zone=z:1m timeout=1h;").sticky == Learn(
        create=("cookie_a",),
        lookup=("cookie_b", "arg_b"),
        zone="z",
        size=1 << 20,
        timeout_ms=3_600_000,
        header=False,
    )


@pytest.mark.parametrize(
    "text", ["hash $nope;", "sticky route $nope;", "sticky cookie a domain=$nope;"]
)
def test_unknown_variables(text: str) -> None:
    with pytest.raises(ConfigErrors, match='unknown "nope" variable'):
        read(text + SERVERS)


def test_a_zone_of_sessions_belongs_to_one_upstream() -> None:
    block = f"upstream b {{ {SERVERS} {LEARN} zone=z:1m; }}"
    text = f"events {{}}\nhttp {{ {block} {block.replace('b {', 'c {', 1)} }}"
    with pytest.raises(ConfigErrors, match='sticky zone "z" is already used in upstream "b"'):
        loads(text.encode(), file="n.conf", prefix="/p", privileged=True)
