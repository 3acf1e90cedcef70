"""When a request goes again: `Retry`, and conditions and delays by axios-retry's names."""

from surehop.client.retry import (
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
    retry_after,
)

__all__ = [
    "FullJitter",
    "Retry",
    "exponential_delay",
    "full_jitter",
    "is_idempotent_request_error",
    "is_network_error",
    "is_network_or_idempotent_request_error",
    "is_retryable_error",
    "is_safe_request_error",
    "linear_delay",
    "no_delay",
    "retry_after",
]
