import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from surehop import Client
from surehop.client.options import Limits, Proxy, Timeout, Upstream


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((5.0,), {}),
        ((None,), {}),
        ((5.0,), {"connect": 2.0}),
        ((None,), {"read": 3}),
        ((5.0,), {"pool": None}),
        (((1, 2),), {}),
        (((1, 2, 3, 4),), {}),
        ((), {"connect": 1, "read": 2, "write": None, "pool": 4}),
    ],
)
def test_a_timeout_is_read_as_httpx_reads_it(arguments: Any, named: Any) -> None:
    assert Timeout(*arguments, **named).as_dict() == httpx.Timeout(*arguments, **named).as_dict()


def test_a_total_stands_beside_them() -> None:
    timeout = Timeout(5, total=30)

    assert (timeout.total, Timeout(timeout).total, Timeout(5).total) == (30.0, 30.0, None)
    assert repr(timeout) == "Timeout(timeout=5.0, total=30.0)"
    assert repr(Timeout(5, read=1)) == "Timeout(connect=5.0, read=1.0, write=5.0, pool=5.0)"
    assert Timeout.of(timeout) is timeout
    assert {Timeout(5), Timeout(5.0)} == {Timeout(5)}


@pytest.mark.parametrize(
    ("arguments", "named", "error", "told"),
    [
        ((), {"connect": 1}, ValueError, "lacks `read`, `write`, `pool`"),
        ((-1,), {}, ValueError, "`timeout` can't be -1 seconds"),
        ((float("nan"),), {}, ValueError, "can't be nan"),
        ((True,), {}, TypeError, "`timeout` is seconds or None, not `True`"),
        (("5",), {}, TypeError, "not `'5'`"),
        ((5,), {"total": "x"}, TypeError, "`total` is seconds"),
        (((1,),), {}, ValueError, "as a tuple is"),
    ],
)
def test_what_is_no_timeout(arguments: Any, named: Any, error: Any, told: str) -> None:
    with pytest.raises(error, match=told):
        Timeout(*arguments, **named)


def test_limits() -> None:
    assert Limits() == Limits(
        max_connections=100, max_keepalive_connections=100, keepalive_expiry=60
    )
    with pytest.raises(ValueError, match="`max_connections` is at least 1, not 0"):
        Limits(max_connections=0)
    with pytest.raises(TypeError, match="`max_connections` is a whole number"):
        Limits(max_connections=1.5)  # type: ignore[arg-type]


def test_a_proxy_hides_its_password() -> None:
    proxy = Proxy("http://me:secret@proxy:8080", headers={"X-Team": "a"})

    assert (str(proxy.url), proxy.auth) == ("http://proxy:8080", ("me", "secret"))
    assert "secret" not in repr(proxy)


@pytest.mark.parametrize(
    ("url", "named", "error"),
    [
        ("socks5://proxy:1080", {}, ValueError),
        ("http://", {}, ValueError),
        ("http://proxy", {"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}, TypeError),
    ],
)
def test_what_is_no_proxy(url: str, named: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Proxy(url, **named)


def test_an_upstream() -> None:
    upstream = Upstream(["http://a:3000", "http://b:3000"], weights=[2, 1], balance="least_conn")

    assert (upstream.urls, upstream.weights) == (("http://a:3000", "http://b:3000"), (2, 1))


@pytest.mark.parametrize(
    ("urls", "named", "told"),
    [
        ([], {}, "needs a server"),
        ("http://a", {}, "a list"),
        (["a:3000"], {}, "is `http://HOST:PORT`"),
        (["http://a/api"], {}, "no path"),
        (["http://u:p@a"], {}, "no user"),
        (["http://a"], {"balance": "best"}, "one of round_robin"),
        (["http://a"], {"weights": [1, 2]}, "1 servers have 2 `weights`"),
        (["http://a"], {"weights": [0]}, "at least 1"),
        (["http://a"], {"max_fails": -1}, "`max_fails` is at least 0"),
        (["http://a"], {"fail_timeout": None}, "`fail_timeout` is seconds, not None"),
    ],
)
def test_what_is_no_upstream(urls: Any, named: Any, told: str) -> None:
    with pytest.raises((ValueError, TypeError), match=told):
        Upstream(urls, **named)


def test_a_password_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no path and no user") as refused:
        Upstream(["http://u:secret@a"])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("param", "`param`$"),
        ("verify", "`verify`\\nhint: say it to the client"),
        ("retries", "`retries`\\nhint: `retry=` takes a number, too"),
    ],
)
def test_an_option_that_no_request_has(name: str, hint: str) -> None:
    options: Any = {name: 3}
    with Client() as client, pytest.raises(TypeError, match=f"a request has no option {hint}"):
        client.get("http://127.0.0.1:1/", **options)
