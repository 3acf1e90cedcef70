"""`-V` is honest: it follows the table of directives."""

import pytest

from surehop.cli import about
from surehop.conf.table import TABLE


def test_what_is_missing_is_without() -> None:
    told = about.configure_arguments().split()
    assert "--without-http_proxy_module" not in told
    assert "--without-http_fastcgi_module" in told


def test_it_follows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLE, "fastcgi_pass", TABLE["proxy_pass"])
    monkeypatch.setitem(TABLE, "set_real_ip_from", TABLE["proxy_pass"])
    monkeypatch.delitem(TABLE, "keepalive")
    told = about.configure_arguments().split()
    assert "--without-http_fastcgi_module" not in told
    assert "--with-http_realip_module" in told
    assert "--without-http_upstream_keepalive_module" in told
