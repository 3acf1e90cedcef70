from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.retry import NO_RETRY, read_retry
from surehop.errors import (
    CertificateError,
    ConnectError,
    ConnectionClosed,
    ConnectTimeout,
    HTTPError,
    HTTPStatusError,
    ReadTimeout,
    ResolveError,
)
from surehop.retry import (
    FullJitter,
    Retry,
    exponential_delay,
    full_jitter,
    is_idempotent_request_error,
    is_network_error,
    is_network_or_idempotent_request_error,
    is_retryable_error,
    is_safe_request_error,
    linear_delay,
    no_delay,
)


def status(code: int, method: str = "GET", **headers: str) -> HTTPStatusError:
    request = Request(method, "http://a/")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HTTPStatusError(
        "x", request=request, response=Response(code, headers=named, request=request)
    )


def failed(kind: type[HTTPError], method: str = "GET", code: str | None = None) -> HTTPError:
    return kind("x", request=Request(method, "http://a/"), code=code)


@pytest.mark.parametrize(
    ("error", "network", "retryable"),
    [
        (failed(ConnectionClosed), True, True),
        (failed(ConnectError, code="ECONNREFUSED"), True, True),
        (failed(ConnectTimeout), True, True),
        (failed(ReadTimeout), False, False),
        (failed(ResolveError), False, True),
        (failed(ResolveError, code="EAI_AGAIN"), True, True),
        (failed(ConnectError, code="ENETUNREACH"), False, True),
        (failed(ConnectError, code="EHOSTUNREACH"), True, True),
        (failed(CertificateError, code="ERR_ANY"), False, True),
        (HTTPError("by hand"), False, True),
        (status(429), False, True),
        (status(500), False, True),
        (status(599), False, True),
        (status(404), False, False),
        (status(200), False, False),
    ],
    ids=str,
)
def test_conditions(error: HTTPError, network: bool, retryable: bool) -> None:
    assert (is_network_error(error), is_retryable_error(error)) == (network, retryable)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST"])
def test_methods(method: str) -> None:
    safe = method in ("GET", "HEAD", "OPTIONS", "TRACE")
    idempotent = method not in ("POST", "PATCH")
    busy, unknown = status(503, method), failed(ResolveError, method)

    assert is_safe_request_error(busy) is safe
    assert is_idempotent_request_error(busy) is idempotent
    assert is_network_or_idempotent_request_error(busy) is idempotent
    # Measured of axios-retry: a GET of an unknown name goes again, a POST does not.
    assert is_network_or_idempotent_request_error(unknown) is idempotent
    assert is_network_or_idempotent_request_error(failed(ConnectionClosed, method))


def test_an_error_without_a_request_is_of_no_method() -> None:
    assert not is_idempotent_request_error(ConnectionClosed("x"))


def test_delays() -> None:
    linear = linear_delay()

    assert [no_delay(n) for n in (1, 2)] == [0, 0]
    assert [linear(n, status(500)) for n in (1, 2, 3)] == pytest.approx([0.1, 0.2, 0.3])
    for count, least in ((1, 0.2), (2, 0.4), (3, 0.8)):
        assert least <= exponential_delay(count) <= least * 1.2
    assert exponential_delay(1, None, 1.0) >= 2.0
    assert {0 <= FullJitter(0.1, 0.3)(9) <= 0.3 for _ in range(100)} == {True}


@pytest.mark.parametrize(
    "delay", [no_delay, linear_delay(), exponential_delay, full_jitter], ids=str
)
def test_every_delay_is_at_least_what_the_server_asks_for(delay: Callable[..., float]) -> None:
    assert delay(1, status(503, Retry_After="60")) >= 60
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < no_delay(1, status(503, Retry_After=date)) <= 90


@pytest.mark.parametrize("text", ["-1", "soon", "", "nan", "inf", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing(text: str) -> None:
    assert no_delay(1, status(503, Retry_After=text)) == 0


@pytest.mark.parametrize(
    ("named", "error", "told"),
    [
        ({"attempts": -1}, ValueError, "`attempts` is at least 0"),
        ({"attempts": True}, TypeError, "`attempts` is a whole number"),
        ({"when": None}, TypeError, "`when` of a `Retry` is called"),
        ({"delay": 0.5}, TypeError, "`delay` of a `Retry` is called, but `0.5`"),
        ({"per_try": -1}, ValueError, "`per_try`"),
        ({"budget": 1}, TypeError, "`budget` of a `Retry` is True or False"),
    ],
)
def test_what_is_no_retry(named: dict[str, Any], error: Any, told: str) -> None:
    with pytest.raises(error, match=told):
        Retry(**named)


def test_who_must_be_asked() -> None:
    assert not Retry().asks
    assert not Retry(delay=FullJitter(1, 2)).asks
    for named in ({"when": is_network_error}, {"delay": no_delay}, {"on_retry": print}):
        assert Retry(**named).asks


def test_numbers_and_none_are_retries_too() -> None:
    mine = Retry()

    assert read_retry(mine) is mine
    assert read_retry(None) is read_retry(0) is NO_RETRY
    assert read_retry(3) is read_retry(3)
    assert read_retry(3).attempts == 3
    with pytest.raises(TypeError, match="`retry` is a `Retry`"):
        read_retry("3")
