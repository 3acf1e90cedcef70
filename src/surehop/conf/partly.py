"""What Surehop has of a directive in part only: what is missing, with a line that is refused."""

from typing import NamedTuple


class Partly(NamedTuple):
    """`sample` can stand in a block of the kind `context`, and is refused."""

    context: str
    sample: str
    missing: str


PARTLY: dict[str, Partly] = {
    "daemon": Partly("main", "daemon on;", "`off` alone: a supervisor puts it into the background"),
    "error_log": Partly("main", "error_log memory:32k debug;", "no `memory:`"),
    "listen": Partly("server", "listen 1 ssl;", "no `ssl`, `http2`, `quic`, `proxy_protocol`"),
    "proxy_bind": Partly("location", "proxy_bind ::1 transparent;", "no `transparent`"),
    "proxy_cache": Partly("location", "proxy_cache zone;", "`off` alone"),
    "proxy_http_version": Partly("location", "proxy_http_version 2;", "`1.0` and `1.1`"),
    "proxy_pass": Partly("location", "proxy_pass https://localhost;", "no `https://`"),
    "proxy_store": Partly("location", "proxy_store on;", "`off` alone"),
    "real_ip_header": Partly("location", "real_ip_header proxy_protocol;", "no `proxy_protocol`"),
    "server": Partly("upstream", "server localhost resolve;", "no `resolve`, `service=`"),
}
