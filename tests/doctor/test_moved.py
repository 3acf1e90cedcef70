"""A name that has moved since nginx was started: its old address in the log, its new one here."""

from pathlib import Path

import pytest
from reading import options

from surehop.doctor import Finding, examine
from surehop.doctor.log_views import line

CONF = "events {{}}\nhttp {{ upstream app {{ server {}; }} }}\n"
REFUSED = line("connect() failed (111: Connection refused)", "connecting", "192.0.2.7:3000")


def told(folder: Path, server: str, addresses: str) -> list[Finding]:
    (folder / "nginx.conf").write_text(CONF.format(server))
    (folder / "error.log").write_text(REFUSED)
    return list(examine([str(folder)], options({"app.internal": addresses})).findings)


def test_the_old_address_is_told_first(tmp_path: Path) -> None:
    first, *rest = told(tmp_path, "app.internal:3000", "192.0.2.8")

    assert first.id == "SH015"
    assert "`192.0.2.7:3000`" in first.title
    assert "`192.0.2.8`" in first.title
    assert "SH044" not in [each.id for each in rest]


@pytest.mark.parametrize(
    ("server", "addresses"),
    [
        ("app.internal:3000", "192.0.2.7"),
        ("app.internal:3001", "192.0.2.8"),
        ("192.0.2.8:3000", "192.0.2.8"),
        ("app.internal:3000; server 192.0.2.9:3000", "192.0.2.8"),
    ],
)
def test_what_did_not_move(server: str, addresses: str, tmp_path: Path) -> None:
    first, *_ = told(tmp_path, server, addresses)

    assert first.id == "SH044"
