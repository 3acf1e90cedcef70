"""`proxy_pass` and what goes with it; how requests are taken in."""

from dataclasses import dataclass

from surehop.conf.address import Address
from surehop.conf.model.variables import Regex
from surehop.conf.templates import Template
from surehop.conf.where import Where


@dataclass(frozen=True, slots=True)
class Crossing:
    """What of a request and its answer crosses a `proxy_pass`; header names are lower-cased.

    `method` and `body` stand for the client's where they are given.
    """

    method: Template | None
    body: Template | None
    request_headers: bool
    request_body: bool
    hidden: tuple[str, ...]
    shown: tuple[str, ...]
    ignore_client_abort: bool
    socket_keepalive: bool


@dataclass(frozen=True, slots=True)
class TempPath:
    """A folder for files that nobody else sees; `levels`: how its own folders are named."""

    path: str
    levels: tuple[int, ...]
    where: Where | None


@dataclass(frozen=True, slots=True)
class Heads:
    """What clients' heads may be: the sizes of their buffers, and what is taken for a line."""

    first_size: int
    large_count: int
    large_size: int
    lines: int
    ignore_invalid: bool
    underscores: bool


@dataclass(frozen=True, slots=True)
class Patience:
    """How clients' connections end. `lingering` is off, on or always; `not_…`: not kept alive."""

    lingering: str
    lingering_time_ms: int
    lingering_timeout_ms: int
    not_msie6: bool
    not_safari: bool
    keepalive_min_ms: int
    reset_timed_out: bool


@dataclass(frozen=True, slots=True)
class Intake:
    """How a request's body is taken in. `in_file` is off, on or clean."""

    buffer_size: int
    in_file: str
    temp: TempPath


@dataclass(frozen=True, slots=True)
class Replacing:
    """What is found in a response line, and what is written instead of it."""

    pattern: Template | Regex
    replacement: Template


@dataclass(frozen=True, slots=True)
class CookieFlags:
    pattern: Template | Regex
    flags: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What becomes of the answer; `ignored` are header names in lower case."""

    redirects: tuple[Replacing, ...]
    cookie_domains: tuple[Replacing, ...]
    cookie_paths: tuple[Replacing, ...]
    cookie_flags: tuple[CookieFlags, ...]
    ignored: tuple[str, ...]
    intercept_errors: bool
    force_ranges: bool
    pass_trailers: bool


@dataclass(frozen=True, slots=True)
class Carriage:
    """How requests and answers are carried. Buffers in bytes, 0 leaves them to the system.

    `limit_rate` is in bytes a second, with or without k or m.
    """

    bind: Template | None
    receive_buffer: int
    send_buffer: int
    limit_rate: Template | None
    max_temp_file_size: int
    temp: TempPath
    early_hints: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """`proxy_pass`: a `url`; None if it has variables, which are in `asked` then."""

    url: Address | None
    asked: Template


@dataclass(frozen=True, slots=True)
class Proxy:
    """`headers` are those of proxy_set_header alone; the plan adds nginx's own."""

    target: Target
    where: Where
    headers: tuple[tuple[str, Template], ...]
    http_version: str
    connect_timeout_ms: int
    send_timeout_ms: int
    read_timeout_ms: int
    next_upstream: tuple[str, ...]
    next_upstream_tries: int
    next_upstream_timeout_ms: int
    buffering: bool
    request_buffering: bool
    buffer_size: int
    crossing: Crossing
    reply: Reply
    carriage: Carriage
