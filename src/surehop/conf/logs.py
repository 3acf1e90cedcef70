"""`error_log`, `log_format` and `access_log`."""

from surehop.conf.model import AccessLog, ErrorLog, LogFormat
from surehop.conf.scope import Context, Scope, Setting, not_yet
from surehop.conf.templates import Text, Variable, compile_format
from surehop.conf.tokens import Kind, Token
from surehop.conf.tree import Node
from surehop.errors import COMMAND_LINE

LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")
_ESCAPES = ("default", "json", "none")
_BUFFERING = ("buffer=", "flush=", "gzip", "if=")


def _text_and_variables(*parts: str) -> tuple[Text | Variable, ...]:
    return tuple(Variable(p[1:]) if p.startswith("$") else Text(p) for p in parts)


COMBINED = LogFormat(
    "combined",
    "default",
    _text_and_variables(
        *("$remote_addr", " - ", "$remote_user", " [", "$time_local", '] "', "$request", '" '),
        *("$status", " ", "$body_bytes_sent", ' "', "$http_referer", '" "'),
        *("$http_user_agent", '"'),
    ),
)


def read_error_log(node: Node, _scope: Scope) -> ErrorLog:
    path, *levels = node.args
    if path.value.startswith(("syslog:", "memory:")):
        raise not_yet(node, f'"{path.value.partition(":")[0]}:" is an nginx form of "error_log"')
    for token in levels:
        if token.value not in LEVELS:
            raise node.fail(f'invalid log level "{token.value}"', at=token)
    if len(levels) > 1:
        raise node.fail(f'duplicate log level "{levels[1].value}"', at=levels[1])
    return ErrorLog(path.value, levels[0].value if levels else "error")


def default_error_log(path: str) -> Setting:
    """What `error_log PATH;` would say, where no line does."""
    name = Token(Kind.WORD, "error_log", "error_log", "", 1, 1, 0, 0)
    end = Token(Kind.SEMICOLON, ";", ";", "", 1, 1, 0, 0)
    return Setting(Node(COMMAND_LINE, name, (), None, end), ErrorLog(path, "error"))


def read_log_format(node: Node, scope: Scope) -> LogFormat:
    name = node.args[0].value
    if name == COMBINED.name or any(s.value.name == name for s in scope.own("log_format")):
        raise node.fail(f'duplicate "log_format" name "{name}"', at=node.args[0])
    strings = node.args[1:]
    escape = "default"
    if strings[0].value.startswith("escape="):
        escape = strings[0].value.removeprefix("escape=")
        if escape not in _ESCAPES:
            raise node.fail(f'unknown log format escaping "{escape}"', at=strings[0])
        strings = strings[1:]
    return LogFormat(name, escape, compile_format(node, strings, scope))


def read_access_log(node: Node, scope: Scope) -> AccessLog:
    path, *rest = node.args
    if path.value == "off":
        if rest:
            raise node.fail(f'invalid parameter "{rest[0].value}"', at=rest[0])
        return AccessLog(None, COMBINED.name)
    if "$" in path.value:
        raise not_yet(node, 'a path with variables is an nginx form of "access_log"')
    if path.value.startswith("syslog:"):
        raise not_yet(node, '"syslog:" is an nginx form of "access_log"')
    name = rest[0].value if rest else COMBINED.name
    if name not in _formats(scope):
        raise node.fail(f'unknown log format "{name}"', at=rest[0])
    for option in rest[1:]:
        if option.value.startswith(_BUFFERING):
            raise not_yet(node, f'"{option.value}" is an nginx parameter of "access_log"')
        raise node.fail(f'invalid parameter "{option.value}"', at=option)
    return AccessLog(path.value, name)


def _formats(scope: Scope) -> set[str]:
    """Give the formats defined so far: nginx knows no later ones either."""
    http = next(s for s in scope.outward() if s.context is Context.HTTP)
    return {COMBINED.name} | {setting.value.name for setting in http.own("log_format")}
