"""SH015: a name has other addresses now than the nginx that wrote the log uses."""

from pathlib import Path

import pytest
from reading import options

from surehop.doctor import Severity, examine
from surehop.doctor.finding import Finding
from surehop.doctor.log_views import line

CONF = "http { upstream app { server app.test:3000; } }"
REFUSED = "connect() failed (111: Connection refused)"


def told(folder: Path, log: str, conf: str = CONF) -> tuple[Finding, ...]:
    (folder / "nginx.conf").write_text(conf)
    (folder / "error.log").write_text(log)
    return examine([str(folder)], options({"app.test": "192.0.2.9"})).findings


def found(folder: Path, log: str, conf: str = CONF) -> Finding:
    return next(each for each in told(folder, log, conf) if each.id == "SH015")


def test_the_log_names_another_address(tmp_path: Path) -> None:
    first, *rest = told(tmp_path, line(REFUSED, "connecting", "192.0.2.1:3000"))

    assert (first.id, first.severity) == ("SH015", Severity.ERROR)
    assert first.title == "`app.test` is `192.0.2.9:3000`, and nginx goes to `192.0.2.1:3000`"
    assert first.quotes
    assert "SH044" not in [each.id for each in rest]  # it is what follows from it


@pytest.mark.parametrize(
    ("peer", "conf"),
    [
        ("192.0.2.9:3000", CONF),
        ("192.0.2.1:3001", CONF),
        ("192.0.2.1:3000", CONF.replace("; }", "; server 192.0.2.1:3000; }")),
        ("192.0.2.1:3000", CONF.replace("; }", "; server other.test:3000; }")),
        ("192.0.2.1:3000", CONF.replace("} }", "} server { proxy_pass http://$a; } }")),
    ],
)
def test_an_address_that_may_be_another_server_s(tmp_path: Path, peer: str, conf: str) -> None:
    assert found(tmp_path, line(REFUSED, "connecting", peer), conf).severity is Severity.INFO


def test_a_reload_has_been_since(tmp_path: Path) -> None:
    old = line(REFUSED, "connecting", "192.0.2.1:3000")
    new = line(REFUSED, "connecting", "192.0.2.9:3000").replace("10:00:00", "10:00:09")

    assert found(tmp_path, old + new).severity is Severity.INFO


def test_it_moved_on_this_machine(tmp_path: Path) -> None:
    conf = CONF.replace("app.test", "flip.test")
    (tmp_path / "nginx.conf").write_text(conf)
    (tmp_path / "error.log").write_text(line(REFUSED, "connecting", "127.0.0.2:3000"))

    first, *_ = examine([str(tmp_path)], options({"flip.test": "127.0.0.1"})).findings

    assert first.id == "SH015"
