"""haproxy.cfg: sections, defaults, quotes, and the places of words."""

from pathlib import Path

from reading import BOTH, ids, report

from surehop.doctor import fix
from surehop.doctor.patching import diff_of

CFG = """\
global
    maxconn 1000   # a comment

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server "30s"

frontend web
    bind :80
    default_backend app

backend app
    balance roundrobin
    server a 192.0.2.1:80 check
    server b 192.0.2.2:80 check backup

defaults slow
    timeout connect 5s

backend reports from slow
    server a 192.0.2.3:80
listen stats
    bind :8404
    server a unix@/run/a.sock check
"""


def test_defaults_hold_for_what_follows_them(tmp_path: Path) -> None:
    told = report(tmp_path, CFG, file="haproxy.cfg")

    assert [(each.id, each.subject) for each in told.findings] == [
        ("SH046", "reports `timeout server`"),
        ("SH046", "stats `timeout server`"),
    ]


def test_a_name_of_both_families_is_one_by_chance(tmp_path: Path) -> None:
    text = CFG.replace("192.0.2.1", "localhost").replace("defaults slow", "defaults other")
    told = report(tmp_path, text, BOTH, file="haproxy.cfg")

    (found, *_) = [each for each in told.findings if each.id == "SH001"]
    assert found.place is not None
    assert text.splitlines()[found.place.line - 1][found.place.column - 1 :].startswith("localhost")
    assert fix(told.findings, told.documents).written == ()  # it is not sure enough


def test_a_quoted_address_in_strange_bytes_keeps_its_place(tmp_path: Path) -> None:
    raw = b"backend \xe9\n  server \xff 'localhost:3000' check # \xe9\n  server b \xff:1 check\n"
    told = report(tmp_path, raw, BOTH, file="haproxy.cfg")

    (found,) = [each for each in told.findings if each.id == "SH001"]
    (edit,) = found.fix
    assert raw[edit.start : edit.end] == b"localhost"


def test_check_is_put_behind_the_address(tmp_path: Path) -> None:
    text = "defaults\n timeout connect 5s\n timeout server 5s\nbackend a\n"
    servers = ' server a "ipv4@192.0.2.1:1"\n server b 192.0.2.2:2 check\n'
    told = report(tmp_path, text + servers, file="haproxy.cfg")

    (found,) = told.findings
    assert '+ server a "ipv4@192.0.2.1:1" check\n' in diff_of(found, told.documents)


def test_what_stands_in_no_section_is_told(tmp_path: Path) -> None:
    told = report(
        tmp_path, b" timeout connect 5s\n \xff\xfe\nbackend a\n server x\n server", file="a"
    )

    assert "`timeout` stands in no section" in told.notes[0]
    assert ids(told) == []


def test_a_comment_keeps_back(tmp_path: Path) -> None:
    text = CFG.replace("\nlisten stats", "\n# surehop: ignore SH046\nlisten stats")
    told = report(tmp_path, text, file="haproxy.cfg")

    assert len(told.findings) == 1
    assert told.hidden == 1
