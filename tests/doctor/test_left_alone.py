"""What is no fault by itself: parts of configurations, and what only looks like one."""

from pathlib import Path

import pytest
from captures import capture
from reading import BOTH, ids, report

from surehop.doctor import Severity
from surehop.errors import OptionError

VARIABLE = "location / { proxy_pass http://app.internal$request_uri; }"
WHOLE = "events {}\nhttp { server { %s } %s }"
UPSTREAM = "upstream app { server 192.0.2.1; keepalive 8; }"
OLD = UPSTREAM + " server { location / { proxy_pass http://app; } }"
UNCHECKED = "backend app\n server a 192.0.2.1:80\n server b 192.0.2.2:80{}\n"
DEFAULTS = "defaults\n timeout connect 5s\n timeout server 30s\n"
RETRIED = DEFAULTS + " retry-on {}\nbackend app\n server a 192.0.2.1:80 check\n"
PROSE = (
    "How to bind\n===========\n\nlisten on one address\n\n    frontend web\n        bind :80\n\n"
    "backend servers stand elsewhere\n    server a 192.0.2.1:80\n"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(WHOLE % (VARIABLE, ""), ["error"], id="no resolver anywhere"),
        pytest.param(f"server {{ {VARIABLE} }}", ["info"], id="a part: http may have one"),
        pytest.param(
            WHOLE % (VARIABLE, "include made-up.conf;"), ["info"], id="an include is missing"
        ),
        pytest.param(
            WHOLE % (VARIABLE, "include mime.types;"), ["error"], id="only types are missing"
        ),
        pytest.param(
            WHOLE % (VARIABLE, "server { location / { proxy_pass http://app.internal; } }"),
            [],
            id="nginx has the group of a literal proxy_pass",
        ),
        pytest.param(
            WHOLE % (VARIABLE, "server { location / { proxy_pass http://app.internal:81; } }"),
            ["error"],
            id="of another port",
        ),
    ],
)
def test_a_resolver_may_stand_elsewhere(text: str, told: list[str], tmp_path: Path) -> None:
    findings = report(tmp_path, text, {"app.internal": "192.0.2.1"}).findings

    assert [each.severity.word for each in findings if each.id == "SH016"] == told


@pytest.mark.parametrize(
    ("text", "severity"),
    [(OLD, Severity.INFO), (f"events {{}} http {{ {OLD} }}", Severity.WARNING)],
    ids=["a part", "the whole"],
)
def test_headers_may_stand_elsewhere(text: str, severity: Severity, tmp_path: Path) -> None:
    told = report(tmp_path, text, version="1.22.1")

    assert [e.severity for e in told.findings if e.id == "SH011"] == [severity]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(UNCHECKED.format(""), ["info"] * 3, id="a part: defaults stand elsewhere"),
        pytest.param(DEFAULTS + UNCHECKED.format(" check"), ["warning"], id="the whole"),
        pytest.param(
            DEFAULTS + UNCHECKED.format("\t# no check"), ["warning"] * 2, id="a comment is none"
        ),
        pytest.param(
            DEFAULTS + UNCHECKED.format(" check").replace(":80\n", ":80 track app/b\n"),
            [],
            id="another's check tells",
        ),
        pytest.param(
            DEFAULTS + UNCHECKED.format(" check").replace(":80\n", ":80 agent-check\n"),
            [],
            id="an agent tells",
        ),
        pytest.param(RETRIED.format("conn-failure 503"), ["info"], id="503 says: not done"),
        pytest.param(RETRIED.format("empty-response 503"), ["warning"], id="nothing says so"),
    ],
)
def test_haproxy(text: str, told: list[str], tmp_path: Path) -> None:
    findings = report(tmp_path, text, file="haproxy.cfg").findings

    assert [each.severity.word for each in findings] == told


def test_large_groups_may_try_every_server(tmp_path: Path) -> None:
    servers = "".join(f"server 192.0.2.{number}; " for number in range(1, 7))
    text = f"upstream app {{ {servers} }} server {{ location / {{ proxy_pass http://app;"
    told = report(tmp_path, text + " proxy_next_upstream error timeout http_502 http_503; } }")

    assert [each.severity for each in told.findings] == [Severity.INFO]
    assert ids(told) == ["SH043"]


def test_prose_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nothing that is known here"):
        report(tmp_path, PROSE, file="README")


def test_a_configuration_with_a_dated_line_is_no_log(tmp_path: Path) -> None:
    text = (
        "server {\n    location = /security.txt {\n"
        "        return 200 'Contact: mailto:a@example.com\nExpires: 2028-02-16T00:00:00.000Z\n';\n"
        "    }\n    location / { proxy_pass http://192.0.2.1; }\n}\n"
    )

    (target,) = report(tmp_path, text).targets

    assert target.kind == "nginx configuration"


@pytest.mark.parametrize("quiet", [6, 12])
def test_a_few_failures_fall_into_quiet_times_by_chance(quiet: int, tmp_path: Path) -> None:
    at = "05/Jan/2026:10:00:"
    lines = [
        f'192.0.2.1 - - [{at}{second:02} +0000] "GET / HTTP/1.1" {status} 12 "-" "curl"\n'
        for number in range(6)
        for second, statuses in (
            (number, [502] * (quiet // 6) + [200] * 2),
            (number + 30, [200] * 96 + [502] * (2 * (quiet < 10))),
        )
        for status in statuses
    ]
    told = report(tmp_path, "".join(lines), file="access.log")

    assert ("SH041" in ids(told)) is (quiet >= 10)


@pytest.mark.parametrize(
    ("listen", "told"),
    [
        ("listen 3000; listen [::]:3000;", []),
        ("listen localhost:3000;", []),
        ("listen 127.0.0.1:3000; listen [::1]:3000;", []),
        ("listen 3000;", ["SH001"]),
        ("listen 3001; listen [::]:3001;", ["SH001"]),
    ],
)
def test_nginx_itself_may_listen_on_both_families(
    listen: str, told: list[str], tmp_path: Path
) -> None:
    text = f"upstream app {{ server localhost:3000; }} server {{ {listen} }}"

    assert ids(report(tmp_path, text, BOTH)) == told


@pytest.mark.parametrize(("patient", "told"), [(0, ["SH045"]), (5, [])])
def test_a_few_may_be_impatient(patient: int, told: list[str], tmp_path: Path) -> None:
    hop = "192.0.2.1:{} > 192.0.2.9:3000\n{n}.000 > open\n{n}.001 > GET /\n"
    text = "".join(hop.format(40000 + n, n=n) + f"{n}.301 > FIN\n" for n in range(3))
    text += "".join(
        hop.format(50000 + n, n=n) + f"{n}.701 < 200\n{n}.702 > FIN\n" for n in range(patient)
    )

    assert ids(report(tmp_path, capture(text), file="hop.pcap")) == told
