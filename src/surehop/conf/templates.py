"""Text with `$variables`: `log_format`, `proxy_set_header`, `return`."""

import re
from dataclasses import dataclass

from surehop.conf.scope import Findings, Scope
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.errors import ConfigError

_NAME = re.compile(
    r"\$(?:(?P<capture>[1-9])|\{(?P<braced>\w*)(?P<closed>\}?)|(?P<plain>\w*))", re.ASCII
)
_PREFIXES = (
    *("arg_", "cookie_", "http_", "sent_http_", "sent_trailer_", "upstream_cookie_"),
    *("upstream_http_", "upstream_trailer_", "proxy_protocol_tlv_"),
)
VARIABLES = frozenset(
    """
    args body_bytes_sent bytes_sent connection connection_requests connection_time content_length
    content_type document_root document_uri gzip_ratio host hostname https is_args limit_rate msec
    nginx_version pid pipe
    proxy_add_x_forwarded_for proxy_host proxy_port query_string realpath_root remote_addr
    remote_port remote_user request request_body request_body_file
    request_completion request_filename request_id
    request_length request_method request_time request_uri scheme
    server_addr server_name server_port server_protocol status time_iso8601
    time_local uri connections_active connections_reading connections_waiting connections_writing
    upstream_cache_status
    upstream_addr upstream_attempts upstream_bytes_received upstream_bytes_sent
    upstream_connect_time upstream_header_time upstream_reason upstream_response_length
    upstream_response_time upstream_reused upstream_status
    is_request_port proxy_protocol_addr proxy_protocol_port proxy_protocol_server_addr
    proxy_protocol_server_port request_port tcpinfo_rcv_space tcpinfo_rtt tcpinfo_rttvar
    tcpinfo_snd_cwnd
    binary_remote_addr limit_conn_status limit_req_status realip_remote_addr realip_remote_port
    """.split()  # noqa: SIM905 (a paragraph can be read)
)


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    var: str


Template = tuple[Text | Variable, ...]


def known(name: str) -> bool:
    return name in VARIABLES or name.startswith(_PREFIXES)


def compile_template(
    node: Node, token: Token, scope: Scope, *, text: str | None = None
) -> Template:
    """Split `token`, or the text given that is a part of it.

    An unknown variable is a late error, as nginx finds it at the end.
    """
    value = token.value if text is None else text
    return _compile(node, token, value, scope.findings, "invalid variable name")


def compile_format(node: Node, tokens: tuple[Token, ...], scope: Scope) -> Template:
    """Split the strings of a log format, which follow each other without a blank."""
    parts: list[Text | Variable] = []
    for token in tokens:
        parts.extend(_compile(node, token, token.value, scope.findings, None))
    return _merged(parts)


def _compile(
    node: Node, token: Token, text: str, findings: Findings, invalid: str | None
) -> Template:
    parts: list[Text | Variable] = []
    at = 0
    while (found := _NAME.search(text, at)) is not None:
        parts.append(Text(text[at : found.start()]))
        at = found.end()
        if found["capture"]:
            parts.append(Variable(found["capture"]))
            continue
        name = found["braced"] if found["plain"] is None else found["plain"]
        if found["braced"] is not None and not found["closed"]:
            message = f'the closing bracket in "{name}" variable is missing'
            raise node.fail(message, at=token)
        if not name:
            rest = f'invalid parameter "{text[found.start() :]}"'
            raise node.fail(invalid or rest, at=token)
        if not known(name):
            # nginx finds it at the end, when it knows its place no more
            error = ConfigError(
                f'unknown "{name}" variable',
                file="",
                line=None,
                hint=f"it stands in {node.file}:{token.line}",
            )
            findings.unknown.append((name.lower(), error))
        parts.append(Variable(name))
    parts.append(Text(text[at:]))
    return _merged(parts)


def _merged(parts: list[Text | Variable]) -> Template:
    merged: list[Text | Variable] = []
    for part in parts:
        if part == Text(""):
            continue
        if isinstance(part, Text) and merged and isinstance(merged[-1], Text):
            merged[-1] = Text(merged[-1].text + part.text)
        else:
            merged.append(part)
    return tuple(merged)
