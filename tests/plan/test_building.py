"""Model -> plan: indexes, defaults, headers; the golden files show whole plans."""

import ipaddress
import json
from collections.abc import Sequence
from typing import Any

import pytest

from surehop.conf.loading import loads
from surehop.conf.templates import Text, Variable
from surehop.errors import ConfigErrors
from surehop.plan.building import build
from surehop.plan.data import If, Plan, Proxy, Regex, Return, StatusPage
from surehop.plan.resolving import IPAddress

BOTH = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
NAMES: dict[str, Sequence[IPAddress]] = {"twohosts": BOTH, "one": BOTH[:1]}


def resolve(name: str) -> Sequence[IPAddress]:
    return NAMES.get(name, ())


def plan(http: str = "", *, main: str = "", on: bool = True, cpus: int | None = None) -> Plan:
    text = f"{main} events {{}}\nhttp {{\n{http}\n}}".encode("utf-8", "surrogateescape")
    model = loads(text, file="n.conf", prefix="/p", privileged=True)
    return build(model, resolve=resolve, resilience_default=on, version="9.9", cpus=cpus)


def proxy(inner: str, around: str = "") -> Proxy:
    found = plan(f"{around} server {{ location / {{ {inner} }} }}").locations[0].action
    assert isinstance(found, Proxy)
    return found


def as_json(made: Plan) -> Any:
    return json.loads(made.to_json())


def test_what_is_said_of_the_whole() -> None:
    made = as_json(plan(main="worker_processes 3;"))

    assert next(iter(made)) == "version"
    assert (made["version"], made["server_header"], made["nginx_version"]) == (
        1,
        "surehop/9.9",
        "1.31.5",
    )
    assert (made["workers"], made["worker_connections"]) == (3, 512)
    assert "warnings" not in made


def test_auto_is_one_worker_a_cpu() -> None:
    assert plan(main="worker_processes auto;", cpus=6).workers == 6
    assert plan(main="worker_processes auto;").workers >= 1
    assert plan(cpus=6).workers == 1


def test_a_log_file_is_opened_once() -> None:
    made = plan(
        "log_format x '$uri'; access_log a.log x;"
        "server { location / { error_log /p/e.log; error_log stderr warn; access_log /p/a.log; } }",
        main="error_log e.log info;",
    )
    location, _own = made.locations

    assert [file.path for file in made.files] == ["/p/e.log", "stderr", "/p/a.log"]
    assert [(log.file, log.level) for log in made.error_log] == [(0, "info")]
    assert [(log.file, log.level) for log in location.error_log] == [(0, "error"), (1, "warn")]
    assert [(log.file, log.format) for log in location.access_log] == [(2, 0)]
    assert [(log.file, log.format) for log in made.servers[0].access_log] == [(2, 1)]
    assert [form.escape for form in made.formats] == ["default", "default"]


@pytest.mark.parametrize(
    ("inner", "headers"),
    [
        ("", [("Host", "$proxy_host"), ("Connection", "")]),
        ("proxy_set_header host $host;", [("host", "$host"), ("Connection", "")]),
        (
            "proxy_set_header X-A a; proxy_set_header CONNECTION close;",
            [("X-A", "a"), ("CONNECTION", "close"), ("Host", "$proxy_host")],
        ),
        ("proxy_http_version 1.0;", [("Host", "$proxy_host"), ("Connection", "")]),
    ],
)
def test_headers(inner: str, headers: list[tuple[str, str]]) -> None:
    made = proxy(f"proxy_pass http://one; {inner}").headers
    written = [
        (name, "".join(getattr(part, "text", "") or f"${part.var}" for part in template))  # type: ignore[union-attr]
        for name, template in made
    ]

    assert written == headers


@pytest.mark.parametrize(
    ("url", "proxy_host", "uri"),
    [
        ("http://one", "one", None),
        ("http://one:80/", "one", "/"),
        ("http://one:81/a/", "one:81", "/a/"),
        ("http://[::1]:81", "[::1]:81", None),
        ("http://unix:/s:/a", "localhost", "/a"),
        ("HTTP://127.0.0.1:8080/x?y", "127.0.0.1:8080", "/x?y"),
    ],
)
def test_where_a_proxy_goes(url: str, proxy_host: str, uri: str | None) -> None:
    made = proxy(f"proxy_pass {url};")

    assert (made.proxy_host, made.uri) == (proxy_host, uri)


def test_a_return_of_the_server_is_a_step_of_its_own() -> None:
    (server,) = plan(
        "server { return 301 /x; location /a { surehop_status; } location /b { return 204; } }"
    ).servers

    assert server.script == (Return(301, (Text("/x"),)),)


def test_a_server_has_a_location_that_is_nobodys() -> None:
    made = plan("server { return 404; access_log off; } server { }")

    assert [(location.match, location.path) for location in made.locations] == [("block", "")] * 2
    assert [location.action.kind for location in made.locations] == ["none", "none"]
    assert [len(location.access_log) for location in made.locations] == [0, 1]
    assert [(server.locations, server.own) for server in made.servers] == [((), 0), ((), 1)]


def test_locations_of_all_kinds_have_a_number() -> None:
    made = plan(
        "server { location / { location /a { if ($host) { return 204; } } }"
        "location ~* ^/(?<x>b) { } location @c { } }"
    )
    (server,) = made.servers
    kinds = [location.match for location in made.locations]

    assert kinds == ["block", "prefix", "prefix", "regex", "block", "block"]
    assert (server.locations, server.named, server.own) == ((2, 3), (("@c", 4),), 5)
    assert made.locations[2].inner == (1,)
    assert made.locations[1].script[0] == If(
        {"is": "true", "value": (Variable("host"),)}, 0, (Return(204, None),)
    )
    assert made.locations[3].regex == Regex("^/(?<x>b)", True, (("x", 0),))
    assert [variable.name for variable in made.variables] == ["x"]


def test_variables_of_the_configuration_are_numbered() -> None:
    made = as_json(
        plan(
            "map $host $M { default $b; } split_clients $host $s { 50% a; * b; }"
            "server { set $b $1$m$host; set $args x; location /$x { } }"
        )
    )
    names = [variable["name"] for variable in made["variables"]]

    assert names == ["m", "s", "b"]
    assert made["variables"][0]["source"]["default"] == [{"slot": 2}]
    assert made["variables"][1]["source"]["parts"] == [[2147483647, "a"], [0, "b"]]
    assert made["servers"][0]["script"] == [
        {"op": "set", "slot": 2, "value": [{"capture": 1}, {"slot": 0}, {"var": "host"}]},
        {"op": "args", "value": [{"text": "x"}]},
    ]


def test_the_kinds_of_action_say_what_they_are() -> None:
    made = as_json(
        plan(
            "server { location /a { return 200 'x$uri'; } location /b { surehop_status; }"
            "location /c { proxy_pass http://one; } location /d {} }"
        )
    )
    kinds = [location["action"].get("kind") for location in made["locations"]]

    assert kinds == ["none", "status", "proxy", "none", "none"]
    assert made["locations"][0]["script"] == [
        {"op": "return", "status": 200, "text": [{"text": "x"}, {"var": "uri"}]}
    ]
    assert StatusPage(allow_remote=True).kind == "status"


def test_text_crosses_as_bytes() -> None:
    made = as_json(plan("server { location /é\udcff { return 200 'ü'; } }"))

    assert made["locations"][0]["path"].encode("latin-1") == "/é".encode() + b"\xff"
    assert made["locations"][0]["script"][0]["text"][0]["text"].encode("latin-1") == "ü".encode()


def test_all_names_that_are_not_found_are_said() -> None:
    with pytest.raises(ConfigErrors) as caught:
        plan(
            "upstream a { server none:1; server one; server gone; }\n"
            "server { location / { proxy_pass http://lost:99/; } listen away:80; }"
        )

    assert [str(error) for error in caught.value.errors] == [
        'host not found in upstream "none:1" in n.conf:3',
        'host not found in upstream "gone" in n.conf:3',
        'host not found in upstream "lost" in n.conf:4',
        'host not found in "away:80" of the "listen" directive in n.conf:4',
    ]
    assert "getent ahosts none" in (caught.value.hint or "")


def test_warnings_of_the_model_come_first() -> None:
    made = plan("server { server_name a/; location / { proxy_pass http://twohosts:3; } }")

    assert [warning.text for warning in made.warnings] == [
        'server name "a/" has suspicious symbols in n.conf:3',
        'upstream "twohosts": "twohosts:3" is two servers, 127.0.0.1:3 and [::1]:3 in n.conf:3',
    ]


def test_a_folder_stands_once_and_with_one_naming() -> None:
    made = plan(
        "client_body_temp_path a 1 2; server { location / { client_body_temp_path b; } "
        "location /x { client_body_temp_path /p/a 1 2; } }"
    )
    assert as_json(made)["temp_paths"] == [
        {"path": "/p/b", "levels": []},
        {"path": "/p/a", "levels": [1, 2]},
    ]
    assert [location.intake.temp for location in made.locations] == [0, 1, 1]

    with pytest.raises(ConfigErrors) as caught:
        plan("client_body_temp_path a 1; server { location / { client_body_temp_path a 2; } }")
    assert str(caught.value) == (
        'the same path name "/p/a" in n.conf:3 has the different levels than in n.conf:3'
    )
    with pytest.raises(ConfigErrors) as caught:
        plan("server { location / { client_body_temp_path client_body_temp 1; } }")
    assert "has the same name as default path, but the different levels" in str(caught.value)
