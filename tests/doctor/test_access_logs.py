"""Access logs: formats that are known, and those that a configuration tells."""

from pathlib import Path

import pytest
from reading import options

from surehop.doctor import examine
from surehop.doctor.attempts import LogFacts
from surehop.errors import OptionError
from surehop.events import Reason

TIME = "05/Jan/2026:10:00:0{} +0000"
COMBINED = '192.0.2.1 - - [{}] "GET / HTTP/1.1" {} 157 "-" "curl/8"\n'
OWN = """\
http {
    log_format main '$remote_addr [$time_local] "$request" $status';
    log_format tries escape=json '{"at":"$time_iso8601","status":$status,'
        '"tries":"$upstream_addr","uri":"$request_uri"}';
}
"""
JSON = '{{"at":"2026-01-05T10:00:0{}+00:00","status":{},"tries":"{}","uri":"/"}}\n'


def read(folder: Path, log: str, conf: str = "") -> LogFacts:
    (folder / "access.log").write_text(log)
    (folder / "nginx.conf").write_text(conf)
    return examine([str(folder / "access.log"), str(folder / "nginx.conf")], options()).logs


def test_nginx_s_own_format(tmp_path: Path) -> None:
    lines = [COMBINED.format(TIME.format(second), 200) for second in range(5)]
    lines += [COMBINED.format(TIME.format(5), status) for status in (499, 502, 502, 404)]

    logs = read(tmp_path, "".join(lines))

    assert (logs.understood, logs.unknown) == (9, 0)
    assert {each.word: each.count for each in logs.tallies} == {"499": 1, "502": 2}
    traffic = logs.traffic["access log"]
    assert traffic.statuses == {200: 5, 404: 1, 499: 1, 502: 2}
    assert traffic.requests.counts == (1, 1, 1, 1, 1, 4)
    assert sum(traffic.failures.counts) == 2


def test_a_format_that_the_configuration_tells(tmp_path: Path) -> None:
    log = JSON.format(1, 200, "192.0.2.1:80") + JSON.format(2, 200, "192.0.2.1:80, 192.0.2.2:80")
    log += JSON.format(3, 504, "192.0.2.2:80") + "nonsense\n"

    logs = read(tmp_path, log, OWN)

    assert (logs.understood, logs.unknown) == (3, 1)
    retried, late = logs.tallies
    assert (retried.word, retried.peer, retried.tries) == ("retried", "192.0.2.2:80", 2)
    assert (late.word, late.peer, late.reason) == ("504", "192.0.2.2:80", Reason.STATUS)
    peers = logs.traffic["access log"].peers
    assert {peer: share.requests for peer, share in peers.items()} == {
        "192.0.2.1:80": 1,
        "192.0.2.2:80": 2,
    }


def test_without_it_the_log_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nothing that is known"):
        read(tmp_path, JSON.format(1, 200, "192.0.2.1:80"))


def test_what_else_begins_like_it(tmp_path: Path) -> None:
    line = COMBINED.format(TIME.format(1), 503).rstrip("\n") + ' "192.0.2.9" rt=0.003\n'

    assert [each.word for each in read(tmp_path, line).tallies] == ["503"]


TRIES = """\
http { log_format tries '[$time_local] "$request" $status [$upstream_addr] [$upstream_status]'; }
"""
TWICE = '[05/Jan/2026:10:00:00 +0000] "{} /a HTTP/1.1" 200 [192.0.2.1:80, 192.0.2.2:80] [{}, 200]\n'


@pytest.mark.parametrize(
    ("method", "first", "found"),
    [("POST", 502, True), ("POST", 504, True), ("GET", 502, False)],
)
def test_a_write_that_went_to_two_servers(
    tmp_path: Path, method: str, first: int, found: bool
) -> None:
    (tmp_path / "access.log").write_text(TWICE.format(method, first))
    (tmp_path / "nginx.conf").write_text(TRIES)

    told = examine([str(tmp_path)], options()).findings

    assert ("SH008" in [each.id for each in told]) is found


STALE = (
    '[{"address":"192.0.2.1:80","family":"ipv4","reused":true,"age_ms":9000,"idle_ms":5000,'
    '"bytes_sent":30,"bytes_received":0,"errno":0,"phase":"head","cause":"closed",'
    '"reason":"reused_closed","verdict":"replayed","rule":"attribution"},'
    '{"address":"192.0.2.1:80","family":"ipv4","reused":false,"age_ms":0,"idle_ms":0,'
    '"bytes_sent":30,"bytes_received":99,"errno":0,"phase":"body","cause":null,"reason":"ok",'
    '"verdict":"delivered","rule":"plain"}]'
)


@pytest.mark.parametrize(
    ("log_format", "line"),
    [("$upstream_attempts", "{}\n-\n"), ("$time_iso8601 $status $upstream_attempts", None)],
)
def test_surehop_tells_of_each_try(tmp_path: Path, log_format: str, line: str | None) -> None:
    lines = line or "2026-01-05T10:00:00+00:00 200 {}\n2026-01-05T10:00:00+00:00 502 -\n"
    conf = f"http {{ log_format own escape=none '{log_format}'; }}\n"

    logs = read(tmp_path, lines.format(STALE), conf)

    assert (logs.understood, logs.unknown) == (2, 0)
    (tally,) = [each for each in logs.tallies if each.reason]
    assert (tally.software, tally.reason) == ("surehop", Reason.REUSED_CLOSED)
    assert (tally.peer, tally.reused, tally.count) == ("192.0.2.1:80", True, 1)
    assert tally.kept[0].idle_ms == 5000
