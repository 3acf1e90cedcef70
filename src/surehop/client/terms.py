"""From a `Timeout` and a `Retry` to the native side's terms."""

from typing import Final

from surehop._core import Terms
from surehop.client.options import Timeout
from surehop.client.retry import FullJitter, Retry
from surehop.plan.client import TermsPlan, milliseconds

# The default condition in the native side's words: no answer but by a time-out, 429, 5xx.
_IDEMPOTENT: Final = (
    "error",
    "connect_timeout",
    "attempt_timeout",
    "invalid_header",
    "resolve",
    "unreachable",
    "certificate",
    "http_429",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_5xx",
)
_MOST: Final = 256


class TermsMaker:
    """Remembers what it made: most requests of a client are on the same terms."""

    def __init__(self) -> None:
        self._made: dict[tuple[Timeout, Retry, bool], Terms] = {}

    def make(self, timeout: Timeout, retry: Retry, *, idempotent: bool) -> Terms:
        key = (timeout, retry, idempotent)
        terms = self._made.get(key)
        if terms is None:
            if len(self._made) >= _MOST:
                self._made.clear()
            plan = plan_terms(timeout, retry, idempotent=idempotent)
            terms = self._made[key] = Terms(plan.to_json())
        return terms


def plan_terms(timeout: Timeout, retry: Retry, *, idempotent: bool) -> TermsPlan:
    """What of a `Retry` is the native side's to decide, and what it must ask."""
    totals = [total for total in (timeout.total, retry.total) if total is not None]
    on = retry.attempts > 0
    asks = on and (retry.asks or not idempotent)
    jitter = retry.delay if isinstance(retry.delay, FullJitter) else FullJitter(0.0, 0.0)
    again: tuple[str, ...] = _IDEMPOTENT if on and (idempotent or asks) else ()
    if on and retry.non_idempotent:
        again = (*again, "non_idempotent")
    honoured = on and retry.respect_retry_after
    longest = _FOR_EVER if retry.max_retry_after is None else retry.max_retry_after
    return TermsPlan(
        connect=milliseconds(timeout.connect),
        read=milliseconds(timeout.read),
        write=milliseconds(timeout.write),
        pool=milliseconds(timeout.pool),
        total=milliseconds(min(totals)) if totals else None,
        per_try=milliseconds(retry.per_try),
        rounds=1 + retry.attempts,
        again=again,
        ask=asks,
        ask_always=on and retry.validate is not None,
        base=round(jitter.base * 1000) if on else 0,
        cap=round(jitter.cap * 1000) if on else 0,
        retry_after=milliseconds(longest) if honoured else None,
        budget=retry.budget,
    )


_FOR_EVER: Final = 10 * 365 * 86_400.0  # seconds
