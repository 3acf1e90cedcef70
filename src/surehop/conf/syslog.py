"""`syslog:server=…` of `access_log` and `error_log`."""

from dataclasses import dataclass

from surehop.conf.address import Address, AddressError, parse
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.errors import ConfigError

PREFIX = "syslog:"
_PORT = 514
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock"),
    *("authpriv", "ftp", "ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3"),
    *("local4", "local5", "local6", "local7"),
)
_SEVERITIES = ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug")
_LONGEST_TAG = 32


@dataclass(frozen=True, slots=True)
class Syslog:
    """`place` is the directive's, for a server whose name isn't found."""

    server: Address
    facility: int
    severity: int
    tag: str
    hostname: bool
    place: tuple[str, int, int]

    def not_found(self) -> ConfigError:
        file, line, column = self.place
        message = f'host not found in syslog server "{self.server.text}"'
        return ConfigError(message, file=file, line=line, column=column)


def read_syslog(node: Node) -> Syslog:
    """Read the first word behind `syslog:`."""
    token = node.args[0]
    server: Address | None = None
    said: dict[str, str | int] = {}
    hostname = True
    for part in token.value.removeprefix(PREFIX).split(","):
        key, equals, text = part.partition("=")
        if part == "nohostname":
            hostname = False
        elif not equals or key not in {"server", "facility", "severity", "tag"}:
            raise node.fail(f'unknown syslog parameter "{part}"', at=token)
        elif key in said:
            raise node.fail(f'duplicate syslog "{key}"', at=token)
        elif key == "server":
            server = _server(node, token, text)
            said[key] = text
        elif key == "tag":
            said[key] = _tag(node, token, text)
        else:
            said[key] = _of(node, token, key, text)
    if server is None:
        raise node.fail("no syslog server specified", at=token)
    return Syslog(
        server,
        int(said.get("facility", _FACILITIES.index("local7"))),
        int(said.get("severity", _SEVERITIES.index("info"))),
        str(said.get("tag") or "nginx"),
        hostname,
        (node.file, node.line, token.column),
    )


def _server(node: Node, token: Token, text: str) -> Address:
    try:
        return parse(text, default_port=_PORT)
    except AddressError as error:
        raise node.fail(f'{error} in syslog server "{text}"', at=token) from None


def _tag(node: Node, token: Token, text: str) -> str:
    if len(text) > _LONGEST_TAG:
        raise node.fail(f"syslog tag length exceeds {_LONGEST_TAG}", at=token)
    if not all(char == "_" or (char.isascii() and char.isalnum()) for char in text):
        message = 'syslog "tag" only allows alphanumeric characters and underscore'
        raise node.fail(message, at=token)
    return text


def _of(node: Node, token: Token, key: str, text: str) -> int:
    words = _FACILITIES if key == "facility" else _SEVERITIES
    if text not in words:
        raise node.fail(f'unknown syslog {key} "{text}"', at=token)
    return words.index(text)
