"""What clients' heads may be, and how long their connections are looked after."""

from surehop.conf.crossing import end_of_http
from surehop.conf.model import Heads, Patience
from surehop.conf.scope import Scope
from surehop.conf.table import value_of

_POOL = 512  # nginx's `connection_pool_size`


def heads(scope: Scope) -> Heads:
    """Give what holds in the server `scope`."""
    count, size = value_of(scope, "large_client_header_buffers")
    if size < (value_of(scope, "connection_pool_size") or _POOL):
        message = (
            'the "large_client_header_buffers" size must be equal to or greater than '
            '"connection_pool_size"'
        )
        scope.findings.late.append(end_of_http(scope).fail(message))
    return Heads(
        first_size=value_of(scope, "client_header_buffer_size"),
        large_count=count,
        large_size=size,
        lines=value_of(scope, "max_headers"),
        ignore_invalid=value_of(scope, "ignore_invalid_headers"),
        underscores=value_of(scope, "underscores_in_headers"),
    )


def patience(scope: Scope) -> Patience:
    """Give what holds in `scope`."""
    disabled = value_of(scope, "keepalive_disable")
    return Patience(
        lingering=value_of(scope, "lingering_close"),
        lingering_time_ms=value_of(scope, "lingering_time"),
        lingering_timeout_ms=value_of(scope, "lingering_timeout"),
        not_msie6="msie6" in disabled,
        not_safari="safari" in disabled,
        keepalive_min_ms=value_of(scope, "keepalive_min_timeout"),
        reset_timed_out=value_of(scope, "reset_timedout_connection"),
    )
