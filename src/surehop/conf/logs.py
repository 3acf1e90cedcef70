"""`error_log`, `log_format`, `access_log` and `open_log_file_cache`."""

from typing import NoReturn

from surehop.conf import units
from surehop.conf.harmless import cache_of_files
from surehop.conf.model import AccessLog, Buffering, ErrorLog, LogCache, LogFormat
from surehop.conf.rows import HSL, LI, LX, MANY, OWN, H, M, row
from surehop.conf.scope import Context, Scope, Setting
from surehop.conf.syslog import PREFIX, read_syslog
from surehop.conf.templates import Template, Text, Variable, compile_format, compile_template
from surehop.conf.tokens import Kind, Token
from surehop.conf.tree import Node
from surehop.errors import COMMAND_LINE

LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")
_ESCAPES = ("default", "json", "none")
_DEBUG_LEVELS = frozenset(
    f"debug_{what}" for what in ("core", "alloc", "mutex", "event", "http", "mail", "stream")
)
_BUFFER = 64 << 10  # where only `gzip` asks for one
_FASTEST, _BEST = 1, 9


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


def read_error_log(node: Node, scope: Scope) -> ErrorLog:
    path, *words = node.args
    if path.value.startswith("memory:"):
        raise node.fail("nginx was built without debug support", at=path)
    syslog = read_syslog(node) if path.value.startswith(PREFIX) else None
    if syslog is None and path.value != "stderr":
        scope.findings.log_files.setdefault(path.value, None)
    level = ""
    partly = True  # only kinds of debug lines were named, which are one level here
    for token in words:
        if token.value in LEVELS:
            if level:
                raise node.fail(f'duplicate log level "{token.value}"', at=token)
            level, partly = token.value, False
        elif token.value in _DEBUG_LEVELS and partly:
            level = "debug"
        else:
            raise node.fail(f'invalid log level "{token.value}"', at=token)
    return ErrorLog(path.value, level or "error", syslog)


def default_error_log(path: str) -> Setting:
    """What `error_log PATH;` would say, where no line does."""
    name = Token(Kind.WORD, "error_log", "error_log", "", 1, 1, 0, 0)
    end = Token(Kind.SEMICOLON, ";", ";", "", 1, 1, 0, 0)
    return Setting(Node(COMMAND_LINE, name, (), None, end, 1), ErrorLog(path, "error"))


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
    syslog = read_syslog(node) if path.value.startswith(PREFIX) else None
    template: Template = ()
    if syslog is None and "$" in path.value:
        template = compile_template(node, path, scope)
    name = rest[0].value if rest else COMBINED.name
    if name not in _formats(scope):
        raise node.fail(f'unknown log format "{name}"', at=rest[0])
    buffering, condition = _options(node, rest[1:], scope)
    if buffering:
        if template:
            raise node.fail("buffered logs cannot have variables in name", at=path)
        if syslog:
            raise node.fail("logs to syslog cannot be buffered", at=path)
        if scope.findings.log_files.get(path.value, buffering) not in {None, buffering}:
            message = f'access_log "{path.value}" already defined with conflicting parameters'
            raise node.fail(message, at=path)
        scope.findings.log_files[path.value] = buffering
    if not template and not syslog:
        scope.findings.log_files.setdefault(path.value, None)
    return AccessLog(path.value, name, syslog, template, buffering, condition)


def _options(
    node: Node, options: list[Token], scope: Scope
) -> tuple[Buffering | None, Template | None]:
    size = flush = gzip = 0
    condition: Template | None = None
    for option in options:
        key, equals, text = option.value.partition("=")
        if key == "buffer" and equals:
            size = units.size(text) or _refuse(node, option, f'invalid buffer size "{text}"')
        elif key == "flush" and equals:
            time = units.milliseconds(text)
            flush = time or _refuse(node, option, f'invalid flush time "{text}"')
        elif key == "gzip":
            size = size or _BUFFER
            gzip = (units.number(text) or 0) if equals else _FASTEST
            if not _FASTEST <= gzip <= _BEST:
                _refuse(node, option, f'invalid compression level "{text}"')
        elif key == "if" and equals:
            condition = compile_template(node, option, scope, text=text)
        else:
            _refuse(node, option, f'invalid parameter "{option.value}"')
    if flush and not size:
        raise node.fail(f'no buffer is defined for access_log "{node.args[0].value}"')
    return (Buffering(size, flush, gzip) if size else None), condition


def _refuse(node: Node, token: Token, message: str) -> NoReturn:
    raise node.fail(message, at=token)


def read_log_cache(node: Node, scope: Scope) -> LogCache | None:
    found = cache_of_files(node, scope)
    return LogCache(*found) if found else None


def _formats(scope: Scope) -> set[str]:
    """Give the formats defined so far: nginx knows no later ones either."""
    http = next(s for s in scope.outward() if s.context is Context.HTTP)
    return {COMBINED.name} | {setting.value.name for setting in http.own("log_format")}


# fmt: off (a table: one row a directive)
ROWS = (
    row(
        "error_log",
        M | HSL,
        (1, MANY),
        read_error_log,
        (ErrorLog("logs/error.log", "error"),),
        repeatable=True,
    ),
    row("log_format", H, (2, MANY), read_log_format, inherit=OWN, repeatable=True),
    row(
        "access_log",
        HSL | LI | LX,
        (1, MANY),
        read_access_log,
        (AccessLog("logs/access.log", "combined"),),
        repeatable=True,
    ),
    row("open_log_file_cache", HSL, (1, 4), read_log_cache),
)
# fmt: on
