"""The rows of what is asked of clients: their heads, their bodies, their connections."""

from surehop.conf import temp_path, values
from surehop.conf.model import TempPath
from surehop.conf.rows import HSL, Directive, row

_size = values.one(values.size)

# fmt: off (a table: one row a directive)
ROWS: tuple[Directive, ...] = (
    # the body
    row("client_body_buffer_size", HSL, 1, _size, 4 * values.PAGE),
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
