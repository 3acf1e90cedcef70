"""The rows of what is asked of clients: their heads, their bodies, their connections."""

from surehop.conf import client_values, temp_path, units, values
from surehop.conf.model import TempPath
from surehop.conf.rows import HSL, Directive, H, S, ms_rows, row

_number = values.one(units.number, "invalid number")
_size = values.one(units.size)

# fmt: off (a table: one row a directive)
ROWS: tuple[Directive, ...] = (
    # the head
    row("client_header_buffer_size", H | S, 1, _size, 1024),
    row("large_client_header_buffers", H | S, 2, client_values.read_large, (4, 8192)),
    row("max_headers", H | S, 1, _number, 1000),
    row("ignore_invalid_headers", H | S, 1, values.flag, default=True),
    row("underscores_in_headers", H | S, 1, values.flag, default=False),
    # the connection
    row("keepalive_disable", HSL, (1, 2), client_values.read_disabled, ("msie6",)),
    *ms_rows("keepalive_min_timeout", HSL, 0),
    row("lingering_close", HSL, 1, values.choice("off", "on", "always"), "on"),
    *ms_rows("lingering_time", HSL, 30_000),
    *ms_rows("lingering_timeout", HSL, 5_000),
    row("reset_timedout_connection", HSL, 1, values.flag, default=False),
    # the body
    row("client_body_buffer_size", HSL, 1, _size, 4 * units.PAGE),
    row("client_body_in_file_only", HSL, 1, values.choice("off", "on", "clean"), "off"),
    row("client_body_in_single_buffer", HSL, 1, values.flag, default=False),
    row(
        "client_body_temp_path",
        HSL,
        (1, 4),
        temp_path.read_temp_path,
        TempPath("client_body_temp", (), None),
    ),
)
# fmt: on
