"""Directives that are read and checked as nginx does, and change nothing here."""

import ipaddress
import re
from collections.abc import Iterator

from surehop.conf import units, values
from surehop.conf.address import AddressError, parse
from surehop.conf.rows import HSL, LI, MANY, E, H, M, S, U, accepted
from surehop.conf.scope import Reader, Scope
from surehop.conf.templates import compile_template
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.errors import ConfigError

_SMALLEST_POOL = 112
_POOL_ALIGNMENT = 16
_MOST_CPUS = 1024
_DNS_PORT = 53
_CPU_MASK = re.compile(r"[01 ]*")


def _choice(*words: str) -> Reader:
    def read(node: Node, _scope: Scope) -> str:
        word = node.args[0].value
        if word not in words:
            raise node.fail(f'invalid value "{word}"', at=node.args[0])
        return word

    return read


def _event_method(node: Node, _scope: Scope) -> str:
    word = node.args[0].value
    if word != "epoll":
        raise node.fail(f'invalid event type "{word}"', at=node.args[0])
    return word


def _affinity(node: Node, _scope: Scope) -> tuple[str, ...]:
    masks = node.args[1:] if node.args[0].value == "auto" else node.args
    if node.args[0].value == "auto" and len(masks) > 1:
        raise node.fail('invalid number of arguments in "worker_cpu_affinity" directive')
    for token in masks:
        wrong = _CPU_MASK.sub("", token.value, count=1)
        if len(token.value) > _MOST_CPUS:
            message = f'"worker_cpu_affinity" supports up to {_MOST_CPUS} CPUs only'
            raise node.fail(message, at=token)
        if wrong:
            message = f'invalid character "{wrong[0]}" in "worker_cpu_affinity"'
            raise node.fail(message, at=token)
    return node.words


def unequal_masks(main: Scope, processes: int | None) -> Iterator[ConfigError]:
    """Warn of masks that are neither one for all workers nor one for each."""
    masks = main.own_value("worker_cpu_affinity") or ("auto",)
    if masks[0] != "auto" and len(masks) > 1 and len(masks) != processes:
        yield ConfigError(
            'the number of "worker_processes" is not equal to the number of "worker_cpu_affinity" '
            "masks, using last mask for remaining worker processes",
            file="",
            line=None,
        )


def _priority(node: Node, _scope: Scope) -> int:
    word = node.args[0].value
    count = units.number(word[1:] if word[:1] in {"-", "+"} else word)
    if count is None:
        raise node.fail('"worker_priority" directive invalid number', at=node.args[0])
    return -count if word.startswith("-") else count


def _offset_or_off(word: str) -> int | None:
    return 0 if word == "off" else units.offset(word)


def _thread_pool(node: Node, scope: Scope) -> str:
    name, *options = node.args
    if any(setting.value == name.value for setting in scope.own("thread_pool")):
        raise node.fail(f'duplicate thread pool "{name.value}"', at=name)
    threads = 0
    for token in options:
        key, _, text = token.value.partition("=")
        count = units.number(text)
        if key == "threads":
            if not count:
                raise node.fail(f'invalid threads value "{token.value}"', at=token)
            threads = count
        elif key == "max_queue" and count is None:
            raise node.fail(f'invalid max_queue value "{token.value}"', at=token)
    if not threads:
        raise node.fail('"thread_pool" must have "threads" parameter')
    return name.value


def _pool_size(node: Node, _scope: Scope) -> int:
    count = units.size(node.args[0].value)
    if count is None:
        raise node.fail(f'"{node.name.value}" directive invalid value', at=node.args[0])
    if count < _SMALLEST_POOL:
        message = f"the pool size must be no less than {_SMALLEST_POOL}"
        raise node.fail(message, at=node.args[0])
    if count % _POOL_ALIGNMENT:
        message = f"the pool size must be a multiple of {_POOL_ALIGNMENT}"
        raise node.fail(message, at=node.args[0])
    return count


def _lowat(node: Node, scope: Scope) -> int:
    count: int = _size(node, scope)
    message = f'"{node.name.value}" is not supported, ignored'
    scope.findings.warnings.append(node.fail(message))
    return count


def _aio(node: Node, scope: Scope) -> str:
    token = node.args[0]
    way, equals, pool = token.value.partition("=")
    if token.value not in {"on", "off"} and way != "threads":
        raise node.fail('"aio" directive invalid value', at=token)
    if equals:
        compile_template(node, token, scope, text=pool)
    return token.value


def cache_of_files(node: Node, _scope: Scope) -> tuple[int, int, int, int] | None:
    """Read `max=N inactive=T valid=T min_uses=N`; None is `off`. Times are seconds."""
    name = node.name.value
    found = {"max": 0, "inactive": 60 if name == "open_file_cache" else 10}
    found |= {"valid": 60, "min_uses": 1}
    off = False
    for token in node.args:
        key, equals, text = token.value.partition("=")
        if token.value == "off":
            off = True
        elif key in _CACHE_WORDS[name] and equals:
            read = units.seconds if key in {"inactive", "valid"} else units.number
            count = read(text)
            if count is None or (not count and key == "max"):
                raise _no_cache_parameter(node, token)
            found[key] = count
        else:
            raise _no_cache_parameter(node, token)
    if off:
        return None
    if not found["max"]:
        the = "the " if name == "open_file_cache" else ""
        raise node.fail(f'"{name}" must have {the}"max" parameter')
    return found["max"], found["inactive"], found["valid"], found["min_uses"]


_CACHE_WORDS = {
    "open_file_cache": {"max", "inactive"},
    "open_log_file_cache": {"max", "inactive", "valid", "min_uses"},
}


def _no_cache_parameter(node: Node, token: Token) -> Exception:
    return node.fail(f'invalid "{node.name.value}" parameter "{token.value}"', at=token)


def _debug_connection(node: Node, scope: Scope) -> str:
    token = node.args[0]
    text = token.value
    if text == "unix:":
        return text
    try:
        network = ipaddress.ip_network(text, strict=False)
        if str(network.network_address) != text.partition("/")[0]:
            message = f"low address bits of {text} are meaningless"
            scope.findings.warnings.append(node.fail(message, at=token))
    except ValueError:
        try:
            parse(text, default_port=0)
        except AddressError as error:
            raise node.fail(f'{error} in debug_connection "{text}"', at=token) from None
    return text


def _resolver(node: Node, _scope: Scope) -> tuple[str, ...]:
    families = {"ipv4": True, "ipv6": True}
    servers = 0
    for token in node.args:
        key, equals, text = token.value.partition("=")
        if key == "valid" and equals:
            if units.seconds(text) is None:
                raise node.fail(f"invalid parameter: {token.value}", at=token)
        elif key in families and equals:
            if text not in {"on", "off"}:
                raise node.fail(f"invalid parameter: {token.value}", at=token)
            families[key] = text == "on"
        else:
            _name_server(node, token)
            servers += 1
    if not any(families.values()):
        raise node.fail('"ipv4" and "ipv6" cannot both be "off"')
    if not servers:
        raise node.fail("no name servers defined")
    return node.words


def _name_server(node: Node, token: Token) -> None:
    if "=" in token.value or token.value == "off":
        raise node.fail(f'host not found in resolver "{token.value}"', at=token)
    try:
        parse(token.value, default_port=_DNS_PORT)
    except AddressError as error:
        raise node.fail(f'{error} in resolver "{token.value}"', at=token) from None


_number = values.one(units.number, "invalid number")
_ms = values.one(units.milliseconds)
_seconds = values.one(units.seconds)
_size = values.one(units.size)
_offset = values.one(units.offset)
_text = values.one(str)

# fmt: off (a table: one row a directive)
ROWS = (
    *accepted("worker_cpu_affinity", M, _affinity, (1, MANY)),
    *accepted("worker_priority", M, _priority),
    *accepted("worker_rlimit_core", M, _offset),
    *accepted("working_directory lock_file", M, _text),
    *accepted("timer_resolution", M, _ms),
    *accepted("debug_points", M, _choice("stop", "abort")),
    *accepted("master_process pcre_jit", M, values.flag),
    *accepted("thread_pool", M, _thread_pool, (2, 3), repeatable=True),
    *accepted("multi_accept accept_mutex", E, values.flag),
    *accepted("accept_mutex_delay", E, _ms),
    *accepted("use", E, _event_method),
    *accepted("debug_connection", E, _debug_connection, repeatable=True),
    *accepted("worker_aio_requests epoll_events", E, _number),
    *accepted("connection_pool_size request_pool_size", H | S, _pool_size),
    *accepted("sendfile", HSL | LI, values.flag),
    *accepted("tcp_nopush tcp_nodelay aio_write", HSL, values.flag),
    *accepted("sendfile_max_chunk subrequest_output_buffer_size read_ahead", HSL, _size),
    *accepted("postpone_output", HSL, _size),
    *accepted("send_lowat", HSL, _lowat),
    *accepted("output_buffers", HSL, values.buffers, 2),
    *accepted("aio", HSL, _aio),
    *accepted("directio", HSL, values.one(_offset_or_off)),
    *accepted("directio_alignment", HSL, _offset),
    *accepted("open_file_cache", HSL, cache_of_files, (1, 2)),
    *accepted("open_file_cache_valid", HSL, _seconds),
    *accepted("open_file_cache_min_uses", HSL, _number),
    *accepted("open_file_cache_errors open_file_cache_events", HSL, values.flag),
    *accepted("server_names_hash_max_size server_names_hash_bucket_size", H, _number),
    *accepted("variables_hash_max_size variables_hash_bucket_size", H, _number),
    *accepted("map_hash_max_size map_hash_bucket_size", H, _number),
    *accepted("resolver", HSL | U, _resolver, (1, MANY)),
    *accepted("resolver_timeout", HSL | U, _ms),
)
# fmt: on
