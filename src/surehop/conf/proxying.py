"""The rows of nginx's proxy module."""

from surehop.conf import passing, replies, routes, temp_path, units, values
from surehop.conf.model import TempPath
from surehop.conf.rows import HSL, LI, LX, MANY, OWN, Directive, L, accepted, ms_rows, row
from surehop.conf.units import PAGE

_number = values.one(units.number, "invalid number")
_size = values.one(units.size)

# fmt: off (a table: one row a directive)
ROWS: tuple[Directive, ...] = (
    row("proxy_pass", L | LI | LX, 1, routes.read_proxy_pass, inherit=OWN),
    row("proxy_set_header", HSL, 2, routes.read_set_header, (), repeatable=True),
    row("proxy_http_version", HSL, 1, values.choice("1.0", "1.1", not_supported=("2",)), "1.1"),
    *ms_rows("proxy_connect_timeout proxy_send_timeout proxy_read_timeout", HSL, 60_000),
    row(
        "proxy_next_upstream",
        HSL,
        (1, MANY),
        routes.read_next_upstream,
        (("error", "timeout"),),
        repeatable=True,
    ),
    row("proxy_next_upstream_tries", HSL, 1, _number, 0),
    *ms_rows("proxy_next_upstream_timeout", HSL, 0),
    row("proxy_method", HSL, 1, routes.read_value),
    row("proxy_set_body", HSL, 1, routes.read_value),
    row("proxy_pass_request_headers", HSL, 1, values.flag, default=True),
    row("proxy_pass_request_body", HSL, 1, values.flag, default=True),
    row("proxy_hide_header", HSL, 1, values.one(str), (), repeatable=True),
    row("proxy_pass_header", HSL, 1, values.one(str), (), repeatable=True),
    row("proxy_ignore_client_abort", HSL, 1, values.flag, default=False),
    row("proxy_socket_keepalive", HSL, 1, values.flag, default=False),
    # the answer
    row("proxy_redirect", HSL, (1, 2), replies.read_redirect, repeatable=True),
    row("proxy_cookie_domain", HSL, (1, 2), replies.read_cookie_domain, repeatable=True),
    row("proxy_cookie_path", HSL, (1, 2), replies.read_cookie_path, repeatable=True),
    row("proxy_cookie_flags", HSL, (1, 4), replies.read_cookie_flags, repeatable=True),
    row("proxy_ignore_headers", HSL, (1, MANY), replies.read_ignored, (), repeatable=True),
    row("proxy_intercept_errors", HSL, 1, values.flag, default=False),
    row("proxy_force_ranges", HSL, 1, values.flag, default=False),
    row("proxy_pass_trailers", HSL, 1, values.flag, default=False),
    row("early_hints", HSL, (1, MANY), passing.read_conditions, ()),
    # how it is carried
    row("proxy_bind", HSL, (1, 2), passing.read_bind),
    row("proxy_socket_rcvbuf", HSL, 1, _size, 0),
    row("proxy_socket_sndbuf", HSL, 1, _size, 0),
    row("proxy_limit_rate", HSL, 1, passing.read_rate),
    row("proxy_buffering", HSL, 1, values.flag, default=True),
    row("proxy_request_buffering", HSL, 1, values.flag, default=True),
    row("proxy_buffer_size", HSL, 1, _size, PAGE),
    row("proxy_buffers", HSL, 2, passing.read_buffers, (8, PAGE)),
    row("proxy_busy_buffers_size", HSL, 1, _size),
    row("proxy_max_temp_file_size", HSL, 1, values.one(units.offset), 1 << 30),
    *accepted("proxy_temp_file_write_size", HSL, _size),
    row(
        "proxy_temp_path",
        HSL,
        (1, 4),
        temp_path.read_temp_path,
        TempPath("proxy_temp", (1, 2), None),
    ),
    *accepted("proxy_send_lowat", HSL, passing.read_send_lowat),
    # without a cache these say what happens anyway
    *accepted("proxy_cache proxy_store", HSL, passing.read_off),
    *accepted("proxy_cache_bypass proxy_no_cache", HSL, passing.read_conditions, (1, MANY)),
)
# fmt: on
