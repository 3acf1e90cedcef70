"""Inheritance, defaults, and what only the whole configuration can show."""

import pytest
from broken_files import whole

from surehop.conf.loading import loads
from surehop.conf.model import (
    AccessLog,
    Break,
    Equal,
    ErrorLog,
    ErrorPage,
    If,
    KeepaliveTimeout,
    Location,
    Match,
    Model,
    Nothing,
    Proxy,
    Return,
    Rewrite,
    Set,
    StatusPage,
)
from surehop.conf.templates import Text, Variable
from surehop.errors import ConfigErrors

SET_A = Set("a", (Variable("1"), Text("b")))


def read(text: str, *, privileged: bool = True) -> Model:
    return loads(
        text.encode("utf-8", "surrogateescape"), file="n.conf", prefix="/p", privileged=privileged
    )


def location(text: str) -> Location:
    return read(text).servers[0].locations[0]


def proxy(text: str) -> Proxy:
    action = location(text).action
    assert isinstance(action, Proxy)
    return action


def nested(http: str = "", server: str = "", inner: str = "") -> str:
    location = f"location / {{ proxy_pass http://127.0.0.1; {inner} }}"
    return f"events {{}} http {{ {http} server {{ {server} {location} }} }}"


def test_defaults() -> None:
    model = read(nested())
    server = model.servers[0]
    found = proxy(nested())

    assert (model.worker_processes, model.worker_connections, model.pid) == (
        1,
        512,
        "logs/nginx.pid",
    )
    assert model.error_log == (ErrorLog("logs/error.log", "error"),)
    assert server.access_log == (AccessLog("logs/access.log", "combined"),)
    assert server.names == ("",)
    assert server.keepalive_timeout == KeepaliveTimeout(75_000, None)
    assert (server.keepalive_requests, server.keepalive_time_ms) == (1000, 3_600_000)
    assert server.client_max_body_size == 1 << 20
    assert (found.http_version, found.headers, found.buffering) == ("1.1", (), True)
    assert (found.connect_timeout_ms, found.send_timeout_ms, found.read_timeout_ms) == (60_000,) * 3
    assert (found.next_upstream, found.next_upstream_tries) == (("error", "timeout"), 0)


def test_the_nearest_block_wins() -> None:
    outer = "proxy_read_timeout 1s; client_max_body_size 1k; keepalive_timeout 5s 4s;"

    assert proxy(nested(outer)).read_timeout_ms == 1000
    assert proxy(nested(outer, "proxy_read_timeout 2s;")).read_timeout_ms == 2000
    assert (
        proxy(nested(outer, "proxy_read_timeout 2s;", "proxy_read_timeout 3ms;")).read_timeout_ms
        == 3
    )
    assert location(nested(outer)).client_max_body_size == 1024
    assert location(nested(outer)).keepalive_timeout == KeepaliveTimeout(5000, 4)
    assert location(
        nested(outer, "", "keepalive_timeout 1;")
    ).keepalive_timeout == KeepaliveTimeout(1000, None)


def test_headers_are_taken_over_all_or_none() -> None:
    both = "proxy_set_header A 1; proxy_set_header B $host;"
    a_and_b = (("A", (Text("1"),)), ("B", (Variable("host"),)))

    assert proxy(nested(both)).headers == a_and_b
    assert proxy(nested(both, "", "proxy_set_header C '';")).headers == (("C", ()),)


def test_logs_are_taken_over_all_or_none() -> None:
    outer = "access_log a; access_log b; error_log c warn; error_log d;"
    found = location(nested(outer))

    assert [log.path for log in found.access_log] == ["a", "b"]
    assert found.error_log == (ErrorLog("c", "warn"), ErrorLog("d", "error"))
    assert location(nested(outer, "access_log off;")).access_log == ()
    assert [
        log.path for log in location(nested(outer, "access_log off;", "access_log e;")).access_log
    ] == ["e"]
    assert location("error_log m info; " + nested()).error_log == (ErrorLog("m", "info"),)


def test_an_upstream_takes_no_timeout_of_http() -> None:
    text = whole(
        "http", "keepalive_timeout 5; keepalive_requests 7; upstream a { server 127.0.0.1; }"
    )
    keepalive = read(text).upstreams[0].keepalive

    assert (keepalive.timeout_ms, keepalive.requests, keepalive.time_ms) == (
        60_000,
        1000,
        3_600_000,
    )


@pytest.mark.parametrize(
    ("line", "connections", "local"),
    [
        ("", 32, True),
        ("keepalive 8;", 8, False),
        ("keepalive 8 local;", 8, True),
        ("keepalive 0;", 0, False),
    ],
)
def test_keepalive(line: str, connections: int, local: bool) -> None:
    keepalive = read(whole("upstream", f"server 127.0.0.1; {line}")).upstreams[0].keepalive

    assert (keepalive.connections, keepalive.local) == (connections, local)


def test_a_server_of_an_upstream() -> None:
    text = (
        "server a:1; server b weight=5 max_fails=0 fail_timeout=1m max_conns=7 down backup;"
        "zone z 64k; least_conn;"
    )
    upstream = read(whole("upstream", text)).upstreams[0]
    first, second = upstream.members

    assert (upstream.name, upstream.zone, upstream.balance.method) == ("app", "z", "least_conn")
    assert (first.weight, first.max_fails, first.fail_timeout_ms, first.max_conns) == (
        1,
        1,
        10_000,
        0,
    )
    assert (second.weight, second.max_fails, second.fail_timeout_ms, second.max_conns) == (
        5,
        0,
        60_000,
        7,
    )
    assert (first.down, first.backup, second.down, second.backup) == (False, False, True, True)


@pytest.mark.parametrize(
    ("inner", "action"),
    [
        ("", Nothing()),
        ("surehop_status;", StatusPage(allow_remote=False)),
        ("# surehop: surehop_status allow_remote;", StatusPage(allow_remote=True)),
    ],
)
def test_actions(inner: str, action: object) -> None:
    assert location(whole("location", inner + "\n")).action == action


@pytest.mark.parametrize(
    ("inner", "steps"),
    [
        ("return 204;", (Return(204, None),)),
        ("return 200 'a $uri';", (Return(200, (Text("a "), Variable("uri"))),)),
        ("return http://a/;", (Return(302, (Text("http://a/"),)),)),
        ("return $scheme://a;", (Return(302, (Variable("scheme"), Text("://a"))),)),
        ("return 301 ${scheme}s;", (Return(301, (Variable("scheme"), Text("s"))),)),
        ("return 200; return 404;", (Return(200, None), Return(404, None))),
        ("set $a $1b; break; return 403;", (SET_A, Break(), Return(403, None))),
    ],
)
def test_steps_are_in_order(inner: str, steps: object) -> None:
    assert location(whole("location", inner + "\n")).steps == steps


@pytest.mark.parametrize(
    ("replacement", "path", "args", "add_args", "flags"),
    [
        ("/b", (Text("/b"),), None, True, (None, False, False)),
        ("/b?", (Text("/b"),), None, False, (None, False, False)),
        ("/b?c=$1 last", (Text("/b"),), (Text("c="), Variable("1")), True, (None, True, False)),
        ("$uri?x? break", (Variable("uri"),), (Text("x"),), False, (None, True, True)),
        ("http://a/ ", (Text("http://a/"),), None, True, (302, True, False)),
        ("/b permanent", (Text("/b"),), None, True, (301, True, False)),
        ("/b redirect", (Text("/b"),), None, True, (302, True, False)),
    ],
)
def test_rewrite(
    replacement: str, path: object, args: object, add_args: bool, flags: object
) -> None:
    (found,) = location(whole("location", f"rewrite ^/a {replacement};\n")).steps

    assert isinstance(found, Rewrite)
    assert (found.path, found.args, found.add_args) == (path, args, add_args)
    assert (found.redirect, found.last, found.stop) == flags


def test_an_if_answers_as_what_is_around_it() -> None:
    outer = location(
        "events {} http { server { location /a { proxy_pass http://127.0.0.1:1;"
        "if ($host = a) { error_page 404 /x; }"
        "if ($uri !~ b) { proxy_pass http://127.0.0.1:2; } } } }"
    )
    first, second = outer.steps

    assert isinstance(first, If)
    assert isinstance(second, If)
    assert first.test == Equal((Variable("host"),), (Text("a"),), negated=False)
    assert isinstance(second.test, Match)
    assert (second.test.negated, second.test.regex.pattern) == (True, "b")
    ports = [
        step.location.action.target.url.port
        for step in (first, second)
        if step.location
        and isinstance(step.location.action, Proxy)
        and step.location.action.target.url
    ]
    assert ports == [1, 2]
    pages = [step.location and step.location.routing.error_pages for step in (first, second)]
    assert pages == [(ErrorPage(404, None, (Text("/x"),), "", split=False),), ()]


@pytest.mark.parametrize(
    ("line", "match", "path"),
    [
        ("/a", "prefix", "/a"),
        ("^~ /a", "final", "/a"),
        ("^~/a", "final", "/a"),
        ("~ a", "regex", "a"),
        ("~*a", "regex", "a"),
        ("@a", "named", "@a"),
        ("= /a", "exact", "/a"),
        ("=/a", "exact", "/a"),
    ],
)
def test_locations(line: str, match: str, path: str) -> None:
    found = location(whole("server", f"location {line} {{}}"))

    assert (found.match, found.path) == (match, path)


def test_next_upstream_lines_add_up() -> None:
    assert proxy(
        nested("", "", "proxy_next_upstream error; proxy_next_upstream http_502 error;")
    ).next_upstream == (
        "error",
        "http_502",
    )
    assert proxy(nested("proxy_next_upstream off;")).next_upstream == ()


def test_a_header_nobody_uses_may_be_wrong() -> None:
    read(whole("http", "proxy_set_header A $nope;"))
    with pytest.raises(ConfigErrors, match='unknown "nope" variable'):
        read(nested("proxy_set_header A $nope;"))
    with pytest.raises(ConfigErrors, match="invalid variable name"):
        read(nested("proxy_set_header A '$';"))


def test_without_listen_the_port_depends_on_who_starts() -> None:
    text = whole("server", "")

    assert read(text).servers[0].listens[0].address.literal == "0.0.0.0:80"
    assert read(text, privileged=False).servers[0].listens[0].address.literal == "0.0.0.0:8000"


RULES = ("attribution", "replay_keyed", "probe", "last_peer", "idle", "sent", "budget")


class TestResilience:
    def rules(self, main: str = "", http: str = "", upstream: str = "") -> dict[str, bool | None]:
        block = f"upstream a {{ server 127.0.0.1;\n{upstream}\n}}"
        text = f"{main}\nevents {{}} http {{\n{http}\n{block} }}"
        found = read(text).upstreams[0].resilience
        return {rule: getattr(found, rule) for rule in RULES}

    def test_unsaid(self) -> None:
        assert self.rules() == dict.fromkeys(RULES)

    @pytest.mark.parametrize("rule", RULES)
    def test_each_rule_has_its_own_line(self, rule: str) -> None:
        assert self.rules(http=f"# surehop: resilience_{rule} off;") == dict.fromkeys(RULES) | {
            rule: False
        }

    def test_a_rule_beats_what_is_said_of_all(self) -> None:
        all_but_probe = dict.fromkeys(RULES, True) | {"probe": False}

        assert self.rules(http="resilience_probe off; resilience on;") == all_but_probe
        assert self.rules(main="resilience on;", upstream="resilience_probe off;") == all_but_probe

    def test_an_inner_resilience_begins_anew(self) -> None:
        assert self.rules(http="resilience_probe on;", upstream="resilience off;") == dict.fromkeys(
            RULES, False
        )

    def test_targets_without_a_block_follow_http(self) -> None:
        assert read("resilience off; " + nested("resilience_idle on;")).resilience.idle is True
        assert read("resilience off; " + nested("resilience_idle on;")).resilience.sent is False


@pytest.mark.parametrize(
    ("snippet", "message"),
    [
        (
            "location / { surehop_status; proxy_pass http://127.0.0.1; }",
            '"surehop_status" and "proxy_pass" can\'t stand in one location',
        ),
        ("location / { surehop_status nowhere; }", 'invalid parameter "nowhere"'),
    ],
)
def test_what_contradicts_itself(snippet: str, message: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        read(whole("server", snippet))

    assert caught.value.message == message


def test_warnings_are_nginx_own() -> None:
    model = read(
        whole(
            "http", "server { listen 80; server_name a b; } server { listen 80; server_name b/ B; }"
        )
    )

    assert [str(warning) for warning in model.warnings] == [
        'server name "b/" has suspicious symbols in n.conf:3',
        'conflicting server name "b" on 0.0.0.0:80, ignored',
    ]


def test_text_is_bytes() -> None:
    text = whole("location", "return 200 '\udcff';")

    assert location(text).steps == (Return(200, (Text("\udcff"),)),)


def test_files_are_under_the_prefix() -> None:
    model = read("pid run/x.pid; events {}")

    assert (model.absolute(model.pid), model.absolute("/var/x")) == ("/p/run/x.pid", "/var/x")
