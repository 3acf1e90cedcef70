"""What a target is, by what stands in it; never by its name alone."""

import re
from enum import StrEnum

from surehop.conf.known import NGINX_DIRECTIVES
from surehop.conf.reading import decode
from surehop.conf.tree import Node, parse
from surehop.doctor.sources.flag_logs import ENVOY_LINE, HAPROXY_LINE

_LOOKED_AT = 1 << 16
_LINES = 50
_NGINX_LOG = re.compile(rb"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] ", re.MULTILINE)
_HAPROXY = re.compile(rb"^(?:global|defaults|frontend|backend|listen)\b[^{};\n]*$", re.MULTILINE)
_NGINX_WORDS = {
    *("http", "events", "server", "upstream", "location", "include", "user", "worker_processes"),
    *("map", "proxy_pass", "pid", "stream", "proxy_set_header", "error_log", "load_module"),
    *("listen", "server_name", "keepalive", "daemon", "worker_rlimit_nofile", "types"),
}


class Kind(StrEnum):
    NGINX = "nginx configuration"
    HAPROXY = "haproxy configuration"
    NGINX_LOG = "nginx error log"
    HAPROXY_LOG = "haproxy log"
    ENVOY_LOG = "envoy access log"
    SERVER = "server, probed"
    EMPTY = "empty file"
    UNKNOWN = "unknown"


def kind_of(head: bytes) -> Kind:
    """Tell what a file is from its beginning."""
    head = head[:_LOOKED_AT]
    if not head.strip():
        return Kind.EMPTY
    if _NGINX_LOG.search(head):
        return Kind.NGINX_LOG
    found = _flagged(head)
    if found is None and _HAPROXY.search(head):
        found = Kind.HAPROXY
    if found is None and b"\0" not in head and _is_nginx(head):
        found = Kind.NGINX
    return found or Kind.UNKNOWN


def _flagged(head: bytes) -> Kind | None:
    for line in head.splitlines()[:_LINES]:
        text = line.decode("latin-1")
        if HAPROXY_LINE.search(text):
            return Kind.HAPROXY_LOG
        if ENVOY_LINE.match(text):
            return Kind.ENVOY_LOG
    return None


def _is_nginx(raw: bytes) -> bool:
    nodes = [each for each in parse(decode(raw), "") if isinstance(each, Node)]
    first = nodes[0].name.value if nodes else ""
    return first in NGINX_DIRECTIVES or any(node.name.value in _NGINX_WORDS for node in nodes)
