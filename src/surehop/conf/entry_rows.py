"""The rows of the directive table that say who may enter, and how many."""

from surehop.conf import entering, limiting, routes, values
from surehop.conf.rows import HSL, LX, OWN, Directive, H, ms_rows, row


def _limit_rows(name: str) -> list[Directive]:
    levels = values.choice("info", "notice", "warn", "error")
    return [
        row(f"{name}_status", HSL, 1, limiting.read_rejecting, 503),
        row(f"{name}_log_level", HSL, 1, levels, "error"),
        row(f"{name}_dry_run", HSL, 1, values.flag, default=False),
    ]


ENTRY_ROWS = (
    row("allow", HSL | LX, 1, entering.read_rule, repeatable=True),
    row("deny", HSL | LX, 1, entering.read_rule, repeatable=True),
    row("satisfy", HSL, 1, values.choice("all", "any"), "all"),
    row("auth_basic", HSL | LX, 1, routes.read_value),
    row("auth_basic_user_file", HSL | LX, 1, routes.read_value),
    *ms_rows("auth_delay", HSL, 0),
    row("auth_request", HSL, 1, entering.read_ask),
    row("auth_request_set", HSL, 2, entering.read_ask_set, repeatable=True),
    row("limit_req_zone", H, 3, limiting.read_request_zone, inherit=OWN, repeatable=True),
    row("limit_req", HSL, (1, 3), limiting.read_request_limit, repeatable=True),
    row("limit_conn_zone", H, 2, limiting.read_connection_zone, inherit=OWN, repeatable=True),
    row("limit_conn", HSL, 2, limiting.read_connection_limit, repeatable=True),
    *_limit_rows("limit_req"),
    *_limit_rows("limit_conn"),
    row("set_real_ip_from", HSL, 1, entering.read_trusted, repeatable=True),
    row("real_ip_header", HSL, 1, entering.read_real_ip_header, "x-real-ip"),
    row("real_ip_recursive", HSL, 1, values.flag, default=False),
    row("log_subrequest", HSL, 1, values.flag, default=False),
)
