"""What a target is, by what stands in it; never by its name alone."""

import re
from enum import StrEnum
from pathlib import Path

from surehop.conf.known import NGINX_DIRECTIVES
from surehop.conf.tokens import decode
from surehop.conf.tree import Node, parse
from surehop.doctor.sources.haproxy import SECTIONS

DIGEST = b'{"surehop":"digest of logs",'
_LOOKED_AT = 1 << 16
_HAPROXY = re.compile(rb"^(?:global|defaults|frontend|backend|listen)\b[^{};\n]*$", re.MULTILINE)
# A line that is not indented, and no comment. In prose no section comes first.
_FIRST_WORD = re.compile(rb"^([^\s#]\S*)", re.MULTILINE)
_NGINX_WORDS = {
    *("http", "events", "server", "upstream", "location", "include", "user", "worker_processes"),
    *("map", "proxy_pass", "pid", "stream", "proxy_set_header", "error_log", "load_module"),
    *("listen", "server_name", "keepalive", "daemon", "worker_rlimit_nofile", "types"),
}


# What applications log may stand in their sources and pages too.
APPLICATION = "application log"
_LOG_NAME = re.compile(r"(?:^|[._-])logs?(?:[._-]|$)|\.(?:out|err|jsonl|ndjson)(?:\.|$)")


class Kind(StrEnum):
    """What is no log: the kinds of those have names of their own."""

    NGINX = "nginx configuration"
    HAPROXY = "haproxy configuration"
    SERVER = "server, probed"
    DIGEST = "digest of logs"
    EMPTY = "empty file"
    UNKNOWN = "unknown"


def kind_of(head: bytes) -> Kind:
    """Tell what a file that is no log is from its beginning."""
    head = head[:_LOOKED_AT]
    if not head.strip():
        return Kind.EMPTY
    if head.startswith(DIGEST):
        return Kind.DIGEST
    if _is_haproxy(head):
        return Kind.HAPROXY
    if b"\0" not in head and _is_nginx(head):
        return Kind.NGINX
    return Kind.UNKNOWN


def is_configuration(head: bytes) -> bool:
    """Tell whether it is one, whatever some of its lines look like."""
    if kind_of(head) is Kind.NGINX:
        lines = [each for each in map(bytes.strip, head.splitlines()) if each[:1] not in b"#"]
        return 2 * sum(each.endswith((b";", b"{", b"}")) for each in lines) > len(lines)
    return kind_of(head) is Kind.HAPROXY


def _is_haproxy(head: bytes) -> bool:
    first = _FIRST_WORD.search(head)
    known = first is not None and (first[1].decode("latin-1") in SECTIONS or first[1][:1] == b".")
    return known and _HAPROXY.search(head) is not None


def _is_nginx(raw: bytes) -> bool:
    nodes = [each for each in parse(decode(raw), "") if isinstance(each, Node)]
    first = nodes[0].name.value if nodes else ""
    return first in NGINX_DIRECTIVES or any(node.name.value in _NGINX_WORDS for node in nodes)


def is_meant(log: str, name: str) -> bool:
    """Tell whether a file that a folder holds is the log that it looks like."""
    return log != APPLICATION or bool(_LOG_NAME.search(Path(name).name))
