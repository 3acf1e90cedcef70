"""When a request goes again: conditions and delays as axios-retry names them, and `Retry`.

A condition is `when(error) -> bool`, a delay is `delay(count, error) -> seconds`. `error` is an
`HTTPError`: for an answer with an error status an `HTTPStatusError`, whose `response` is that
answer. What a condition allows the engine may still refuse: time, budget, and what may be sent
twice are not a condition's to decide.
"""

import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias

from surehop.client.options import checked_number, checked_seconds
from surehop.errors import CertificateError, HTTPError

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
IDEMPOTENT: Final = SAFE | {"PUT", "DELETE"}
_NOT_THE_NETWORK: Final = frozenset({"ECONNABORTED", "ERR_CANCELED"})
# Another try would meet the same: no such name, no network, a certificate that is not trusted.
DENIED: Final = frozenset(
    {
        "ENOTFOUND",
        "ENETUNREACH",
        "CERT_HAS_EXPIRED",
        "CERT_NOT_YET_VALID",
        "CERT_REVOKED",
        "CERT_SIGNATURE_FAILURE",
        "CERT_UNTRUSTED",
        "CERT_REJECTED",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "HOSTNAME_MISMATCH",
        "INVALID_CA",
        "INVALID_PURPOSE",
        "SELF_SIGNED_CERT_IN_CHAIN",
        "UNABLE_TO_GET_ISSUER_CERT",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    }
)
_TOO_MANY = 429
_SERVER_ERRORS = range(500, 600)

Condition: TypeAlias = Callable[[HTTPError], bool | Awaitable[bool]]
Delay: TypeAlias = Callable[[int, HTTPError], float | Awaitable[float]]
OnRetry: TypeAlias = Callable[[int, HTTPError, Any], object]
OnExhausted: TypeAlias = Callable[[HTTPError, int], object]
Validate: TypeAlias = Callable[[Any], bool | Awaitable[bool]]


def is_network_error(error: HTTPError) -> bool:
    """No answer, and another try may meet something else. A time-out (ECONNABORTED) is none."""
    if error.response is not None or not error.code or error.code in _NOT_THE_NETWORK:
        return False
    return error.code not in DENIED and not isinstance(error, CertificateError)


def is_retryable_error(error: HTTPError) -> bool:
    """No answer, or 429 or 5xx; but no time-out."""
    if error.code == "ECONNABORTED":
        return False
    response = error.response
    return response is None or _is_busy(response.status_code)


def is_safe_request_error(error: HTTPError) -> bool:
    """`is_retryable_error` of a GET, HEAD, OPTIONS or TRACE."""
    return _method(error) in SAFE and is_retryable_error(error)


def is_idempotent_request_error(error: HTTPError) -> bool:
    """`is_retryable_error` of a GET, HEAD, OPTIONS, TRACE, PUT or DELETE."""
    return _method(error) in IDEMPOTENT and is_retryable_error(error)


def is_network_or_idempotent_request_error(error: HTTPError) -> bool:
    """The default condition."""
    return is_network_error(error) or is_idempotent_request_error(error)


def _is_busy(status: int) -> bool:
    return status == _TOO_MANY or status in _SERVER_ERRORS


def _method(error: HTTPError) -> str | None:
    try:
        return str(error.request.method)
    except RuntimeError:
        return None


def retry_after(error: HTTPError | None) -> float:
    """Seconds that the answer's `Retry-After` asks for: a number or a date; 0 if there is none."""
    response = error.response if error else None
    text = (response.headers.get("retry-after") or "").strip() if response is not None else ""
    if not text:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def no_delay(count: int = 0, error: HTTPError | None = None) -> float:  # noqa: ARG001
    """None but what `Retry-After` asks for."""
    return retry_after(error)


def linear_delay(factor: float = 0.1) -> Delay:
    """`factor` seconds times the count, or `Retry-After` if that is longer."""

    def linear(count: int, error: HTTPError | None = None) -> float:
        return max(count * factor, retry_after(error))

    return linear


def exponential_delay(count: int = 0, error: HTTPError | None = None, factor: float = 0.1) -> float:
    """`factor` seconds times 2 to the count, or `Retry-After` if longer; up to 20 % more."""
    delay = max(2.0**count * factor, retry_after(error))
    return delay * (1 + 0.2 * random.random())  # noqa: S311  no secret


@dataclass(frozen=True, slots=True)
class FullJitter:
    """Anything up to `base` seconds before the first retry, twice that each time, up to `cap`.

    Or `Retry-After`, if that is longer. Under load it recovers most, so it is the default; the
    native side does it without asking.
    """

    base: float = 0.1
    cap: float = 10.0

    def __call__(self, count: int, error: HTTPError | None = None) -> float:
        longest = min(self.cap, self.base * 2.0 ** min(count - 1, 64))
        return max(random.uniform(0, longest), retry_after(error))  # noqa: S311  no secret


full_jitter: Final = FullJitter()


@dataclass(frozen=True, slots=True, eq=False)
class Retry:
    """How often, when and after what wait a request goes again.

    `attempts` are the tries after the first. `total` bounds all tries and waits, `per_try` one
    try, in seconds. `budget` keeps retries below a fifth of the traffic; `max_retry_after` is the
    longest `Retry-After` that is waited for, a longer one ends it. `idempotency_key` gives a POST
    or PATCH a key that stays the same over its tries; `non_idempotent` sends them again even when
    the server may have done them. `validate(response)` says which answers are none:
    after the last try they are raised as HTTPStatusError.
    """

    attempts: int = 3
    when: Condition = is_network_or_idempotent_request_error
    delay: Delay = full_jitter
    total: float | None = None
    per_try: float | None = None
    budget: bool = True
    respect_retry_after: bool = True
    max_retry_after: float | None = 30.0
    idempotency_key: bool = False
    non_idempotent: bool = False
    on_retry: OnRetry | None = None
    on_exhausted: OnExhausted | None = None
    validate: Validate | None = None

    def __post_init__(self) -> None:
        checked_number("attempts", self.attempts)
        for name in ("total", "per_try", "max_retry_after"):
            checked_seconds(name, getattr(self, name))
        for name in ("when", "delay", "on_retry", "on_exhausted", "validate"):
            value = getattr(self, name)
            may_miss = name not in ("when", "delay")
            if not callable(value) and not (value is None and may_miss):
                raise TypeError(f"`{name}` of a `Retry` is called, but `{value!r}` can't be")
        for name in ("budget", "respect_retry_after", "idempotency_key", "non_idempotent"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"`{name}` of a `Retry` is True or False")

    @property
    def asks(self) -> bool:
        """Whether a callable of the user's has a say, so that the native side must ask."""
        return not (
            self.when is is_network_or_idempotent_request_error
            and isinstance(self.delay, FullJitter)
            and self.on_retry is None
            and self.is_plain_at_the_end
        )

    @property
    def is_plain_at_the_end(self) -> bool:
        """Whether nobody of the user's is called when it is over."""
        return self.on_exhausted is None and self.validate is None


RetryTypes: TypeAlias = Retry | int | None
NO_RETRY: Final = Retry(attempts=0)
_by_number: dict[int, Retry] = {0: NO_RETRY}


def read_retry(retry: object) -> Retry:
    """A number of attempts is the `Retry` with that many; None is none."""
    if isinstance(retry, Retry):
        return retry
    if retry is None:
        return NO_RETRY
    if isinstance(retry, bool) or not isinstance(retry, int):
        raise TypeError(f"`retry` is a `Retry`, a number of attempts or None, not `{retry!r}`")
    if retry not in _by_number:
        _by_number[retry] = Retry(attempts=retry)
    return _by_number[retry]
