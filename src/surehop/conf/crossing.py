"""What crosses from client to upstream and back: `proxy_method`, `proxy_hide_header` …"""

from collections.abc import Iterator
from typing import Any

from surehop.conf.model import Carriage, Crossing, Replacing, Reply, Where
from surehop.conf.replies import OFF, default_redirect
from surehop.conf.scope import Context, Scope
from surehop.conf.table import settings_of, value_of
from surehop.conf.templates import Template
from surehop.errors import ConfigError

_SIZES = (
    *("proxy_buffer_size", "proxy_buffers", "proxy_busy_buffers_size"),
    *("proxy_max_temp_file_size", "proxy_temp_file_write_size"),
)
_FEWEST = 2


def crossing(scope: Scope) -> Crossing:
    """Give what holds in `scope`. Each of the two header lists is taken over all or nothing."""
    method: Template | None = value_of(scope, "proxy_method")
    body: Template | None = value_of(scope, "proxy_set_body")
    return Crossing(
        method=method,
        body=body,
        request_headers=value_of(scope, "proxy_pass_request_headers"),
        request_body=value_of(scope, "proxy_pass_request_body"),
        hidden=tuple(name.lower() for name in settings_of(scope, "proxy_hide_header")),
        shown=tuple(name.lower() for name in settings_of(scope, "proxy_pass_header")),
        ignore_client_abort=value_of(scope, "proxy_ignore_client_abort"),
        socket_keepalive=value_of(scope, "proxy_socket_keepalive"),
    )


def reply(scope: Scope) -> Reply:
    """Give what holds in `scope`."""

    def lines(name: str) -> tuple[Any, ...]:
        found = settings_of(scope, name)
        return () if OFF in found else tuple(found)

    ignored = [name for line in settings_of(scope, "proxy_ignore_headers") for name in line]
    return Reply(
        redirects=_redirects(scope) or (),
        cookie_domains=lines("proxy_cookie_domain"),
        cookie_paths=lines("proxy_cookie_path"),
        cookie_flags=lines("proxy_cookie_flags"),
        ignored=tuple(dict.fromkeys(ignored)),
        intercept_errors=value_of(scope, "proxy_intercept_errors"),
        force_ranges=value_of(scope, "proxy_force_ranges"),
        pass_trailers=value_of(scope, "proxy_pass_trailers"),
    )


def _redirects(scope: Scope) -> tuple[Replacing, ...] | None:
    """Give the lines that hold in `scope`; None: `off` does.

    As in nginx, what a location has by default is taken over by those within it.
    """
    own = [setting.value for setting in scope.own("proxy_redirect")]
    if own:
        return None if OFF in own else tuple(own)
    outer = _redirects(scope.parent) if scope.parent else ()
    if outer is None or outer:
        return outer
    made = default_redirect(scope)
    return (made,) if made else ()


def carriage(scope: Scope) -> Carriage:
    """Give what holds in `scope`."""
    bind = value_of(scope, "proxy_bind")
    return Carriage(
        bind=None if bind == OFF else bind,
        receive_buffer=value_of(scope, "proxy_socket_rcvbuf"),
        send_buffer=value_of(scope, "proxy_socket_sndbuf"),
        limit_rate=value_of(scope, "proxy_limit_rate"),
        max_temp_file_size=value_of(scope, "proxy_max_temp_file_size"),
        temp=value_of(scope, "proxy_temp_path"),
        early_hints=value_of(scope, "early_hints"),
    )


def check_buffers(scope: Scope) -> Iterator[ConfigError]:
    """Tell of sizes that don't fit together, where `scope` says one of them.

    nginx looks when it has read all of `http`, and names the end of that.
    """
    outer = scope.parent if scope.context is Context.SERVER else None
    if not any(said.own(name) for said in (scope, outer) if said for name in _SIZES):
        return
    head, (count, each) = value_of(scope, "proxy_buffer_size"), value_of(scope, "proxy_buffers")
    largest = max(head, each)
    bound = 'the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"'
    busy = value_of(scope, "proxy_busy_buffers_size")
    message = None
    if count < _FEWEST:
        message = f'there must be at least {_FEWEST} "proxy_buffers"'
    elif busy is not None and busy < largest:
        message = f'"proxy_busy_buffers_size" must be equal to or greater than {bound}'
    elif (2 * largest if busy is None else busy) > (count - 1) * each:
        message = (
            '"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" '
            "minus one buffer"
        )
    else:
        message = _temp_sizes(scope, largest, bound)
    if message is not None:
        yield end_of_http(scope).fail(message)


def _temp_sizes(scope: Scope, largest: int, bound: str) -> str | None:
    write = value_of(scope, "proxy_temp_file_write_size")
    if write is not None and write < largest:
        return f'"proxy_temp_file_write_size" must be equal to or greater than {bound}'
    most = value_of(scope, "proxy_max_temp_file_size")
    if 0 < most < largest:
        return (
            '"proxy_max_temp_file_size" must be equal to zero to disable temporary files usage '
            f"or must be equal to or greater than {bound}"
        )
    return None


def end_of_http(scope: Scope) -> Where:
    outer = next(s for s in scope.outward() if s.context is Context.HTTP)
    node = outer.node
    if node is None:
        raise LookupError("`http` is opened by a directive")
    return Where(node.file, node.last.line, node.last.column)
