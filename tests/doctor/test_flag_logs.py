"""HAProxy's and Envoy's logs: each flag is a finding, and clean lines are none."""

from pathlib import Path

import pytest
from reading import ids, report

from surehop.doctor.flags import ENVOY, HAPROXY

HTTP = (
    "Jan  5 10:00:00 lb haproxy[7]: 192.0.2.1:3317 [05/Jan/2026:10:00:00.655] web~ app/a"
    ' 10/0/30/69/109 {} 2750 - - {}VN 1/1/1/1/0 0/0 {{}} {{}} "GET / HTTP/1.1"'
)
TCP = "192.0.2.1:3317 [05/Jan/2026:10:00:00.655] db db/a 0/0/5007 212 {} 0/0/0/0/3 0/0"
ENVOYS = '[2026-01-05T10:00:00.310Z] "{}" {} {} via_upstream 0 95 12 - "-" "c" "i" "app" "{}"'


@pytest.mark.parametrize("state", HAPROXY)
def test_every_state_of_haproxy(state: str, tmp_path: Path) -> None:
    lines = [HTTP.format(503, state), TCP.format(state), HTTP.format(200, "--")]
    told = report(tmp_path, "\n".join(lines), file="haproxy.log")

    (found,) = told.findings
    assert (found.id, found.severity) == ("SH031", HAPROXY[state].severity)
    # A session of TCP that rests for long is no fault.
    assert ("1 request" if state == "sD" else "2 requests") + f" with `{state}`" in found.title
    assert told.logs.understood == 3


@pytest.mark.parametrize("flag", ENVOY)
def test_every_flag_of_envoy(flag: str, tmp_path: Path) -> None:
    lines = [
        ENVOYS.format("GET / HTTP/1.1", 503, f"{flag},XX", "192.0.2.1:80"),
        ENVOYS.format("- - -", 0, flag, "[2001:db8::1]:80"),
        ENVOYS.format("GET / HTTP/2", 200, "-", "192.0.2.1:80"),
        "nonsense",
    ]
    told = report(tmp_path, "\n".join(lines), file="envoy.log")

    (found,) = told.findings
    assert (found.id, found.severity) == ("SH032", ENVOY[flag].severity)
    assert "`192.0.2.1:80`, `[2001:db8::1]:80`" in found.title
    assert (told.logs.understood, told.logs.unknown) == (3, 1)


def test_clean_logs_are_nothing(tmp_path: Path) -> None:
    assert ids(report(tmp_path, HTTP.format(200, "--"), file="a.log")) == []
    assert ids(report(tmp_path, ENVOYS.format("GET / HTTP/1.1", 200, "-", "x"), file="b.log")) == []
