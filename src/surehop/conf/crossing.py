"""What crosses from client to upstream and back: `proxy_method`, `proxy_hide_header` …"""

from surehop.conf.model import Crossing
from surehop.conf.scope import Scope
from surehop.conf.table import settings_of, value_of
from surehop.conf.templates import Template


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
