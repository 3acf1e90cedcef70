"""The configuration as values: inheritance is worked out, names are not resolved yet.

Times are milliseconds, sizes bytes. A `Where` is the directive's own place.

Longer than other files since it is one vocabulary of plain data, whose parts speak of each other.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from surehop.conf.address import Address
from surehop.conf.entry import ConnectionZone, Entry, RequestZone
from surehop.conf.filters import Filters
from surehop.conf.syslog import Syslog
from surehop.conf.templates import Template
from surehop.conf.where import Where as Where  # noqa: PLC0414 (its name is part of this vocabulary)
from surehop.errors import ConfigError


@dataclass(frozen=True, slots=True)
class User:
    name: str
    group: str | None
    where: Where


@dataclass(frozen=True, slots=True)
class ErrorLog:
    """`path` as it is written; `stderr` is the standard error."""

    path: str
    level: str
    syslog: Syslog | None = None


@dataclass(frozen=True, slots=True)
class LogFormat:
    name: str
    escape: str
    parts: Template


@dataclass(frozen=True, slots=True)
class Buffering:
    """`flush_ms` is 0 where only a full buffer is written; `gzip` is a level, 0 is none."""

    size: int
    flush_ms: int
    gzip: int


@dataclass(frozen=True, slots=True)
class AccessLog:
    """`path` is None for `off`; `template` stands for it where it has variables."""

    path: str | None
    format: str
    syslog: Syslog | None = None
    template: Template = ()
    buffering: Buffering | None = None
    condition: Template | None = None


@dataclass(frozen=True, slots=True)
class LogCache:
    """`open_log_file_cache`."""

    max: int
    inactive_s: int
    valid_s: int
    min_uses: int


@dataclass(frozen=True, slots=True)
class KeepaliveTimeout:
    timeout_ms: int
    header_s: int | None


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """What is said of a listening socket. Any of it makes the address a socket of its own.

    `keepalive`: on, off, or idle time and interval in seconds and a count, 0 is the system's.
    """

    bind: bool = False
    backlog: int | None = None
    rcvbuf: int | None = None
    sndbuf: int | None = None
    fastopen: int | None = None
    deferred: bool = False
    ipv6only: bool = True
    reuseport: bool = False
    multipath: bool = False
    keepalive: tuple[int, int, int] | bool | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    address: Address
    default: bool
    where: Where
    options: ListenOptions | None = None


@dataclass(frozen=True, slots=True)
class Regex:
    """`names` are its named groups, lower-cased."""

    pattern: str
    caseless: bool
    names: tuple[str, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Nothing:
    """No directive of the location answers."""


@dataclass(frozen=True, slots=True)
class Return:
    status: int
    text: Template | None


@dataclass(frozen=True, slots=True)
class Break:
    """The rewriting ends here."""


@dataclass(frozen=True, slots=True)
class Set:
    name: str
    value: Template


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`args` are those written in the replacement; `add_args`: the request's own follow."""

    regex: Regex
    path: Template
    args: Template | None
    add_args: bool
    redirect: int | None
    last: bool
    stop: bool


@dataclass(frozen=True, slots=True)
class Truth:
    value: Template


@dataclass(frozen=True, slots=True)
class Equal:
    value: Template
    to: Template
    negated: bool


@dataclass(frozen=True, slots=True)
class Match:
    value: Template
    regex: Regex
    negated: bool


@dataclass(frozen=True, slots=True)
class FileTest:
    """`what` is file, folder, exists or executable."""

    path: Template
    what: str
    negated: bool


Test = Truth | Equal | Match | FileTest


@dataclass(frozen=True, slots=True)
class If:
    """`location` holds from then on; a server's `if` has none."""

    test: Test
    location: "Location | None"
    steps: "tuple[Step, ...]"


Step = Return | Break | Set | Rewrite | If


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """`overwrite`: None keeps the error's status, 0 takes the page's own."""

    status: int
    overwrite: int | None
    target: Template
    args: str
    split: bool


@dataclass(frozen=True, slots=True)
class Map:
    value: Template
    hostnames: bool
    volatile: bool
    default: Template
    exact: tuple[tuple[str, Template], ...]
    leading: tuple[tuple[str, Template], ...]
    trailing: tuple[tuple[str, Template], ...]
    regexes: tuple[tuple[Regex, Template], ...]


@dataclass(frozen=True, slots=True)
class Geo:
    """`value` is empty for the client's address; the last range that holds an address counts."""

    value: Template
    default: str
    ranges: tuple[tuple[str, str, str], ...]
    proxies: tuple[tuple[str, str], ...]
    proxy_recursive: bool


@dataclass(frozen=True, slots=True)
class Split:
    """Upper bounds of the hash, with 0 for the rest, and the values."""

    value: Template
    parts: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """A variable of the configuration's own; True: `set` gives it, False: a named group."""

    name: str
    source: Map | Geo | Split | bool


@dataclass(frozen=True, slots=True)
class Routing:
    """What a location says about where a request goes on."""

    error_pages: tuple[ErrorPage, ...]
    recursive_error_pages: bool
    post_action: str | None
    internal: bool
    absolute_redirect: bool
    port_in_redirect: bool
    server_name_in_redirect: bool
    rewrite_log: bool
    uninitialized_variable_warn: bool


@dataclass(frozen=True, slots=True)
class StatusPage:
    allow_remote: bool


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


@dataclass(frozen=True, slots=True)
class Stub:
    """`stub_status`"""


@dataclass(frozen=True, slots=True)
class Try:
    """What `try_files` looks for; `folder`: it is to be one."""

    path: Template
    folder: bool


@dataclass(frozen=True, slots=True)
class Tries:
    """`last` is where the request goes if nothing was found, unless there is a `code`."""

    tries: tuple[Try, ...]
    last: Template
    code: int | None


@dataclass(frozen=True, slots=True)
class Files:
    """`alias`: bytes of the URI that `root` stands for; `whole`: for all of it."""

    root: Template
    alias: int | None
    whole: bool
    index: tuple[Template, ...]
    tries: Tries | None
    types: tuple[tuple[str, str], ...]
    default_type: str
    etag: bool
    if_modified_since: str
    max_ranges: int
    log_not_found: bool


@dataclass(frozen=True, slots=True)
class LimitExcept:
    """Requests of other methods than these are dealt with as `location` says."""

    methods: tuple[str, ...]
    location: "Location"


Action = Nothing | StatusPage | Stub | Proxy


@dataclass(frozen=True, slots=True)
class Location:
    """`match` is prefix, final (`^~`), exact, regex, named, or block: `if`, the server itself."""

    match: str
    path: str
    regex: Regex | None
    where: Where
    error_log: tuple[ErrorLog, ...]
    access_log: tuple[AccessLog, ...]
    log_cache: LogCache | None
    client_max_body_size: int
    client_body_timeout_ms: int
    intake: Intake
    patience: Patience
    send_timeout_ms: int
    keepalive_timeout: KeepaliveTimeout
    keepalive_requests: int
    filters: Filters
    action: Action
    files: Files
    limit_except: LimitExcept | None
    routing: Routing
    steps: tuple[Step, ...]
    inner: "tuple[Location, ...]"
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """`names` are lower-cased, in the order written; `$server_name` is the first.

    Those that are regular expressions are in `regexes` as well. `own` holds as long as no location
    is chosen.
    """

    names: tuple[str, ...]
    where: Where
    listens: tuple[Listen, ...]
    error_log: tuple[ErrorLog, ...]
    access_log: tuple[AccessLog, ...]
    log_cache: LogCache | None
    client_header_timeout_ms: int
    heads: Heads
    client_body_timeout_ms: int
    client_max_body_size: int
    send_timeout_ms: int
    keepalive_timeout: KeepaliveTimeout
    keepalive_requests: int
    keepalive_time_ms: int
    merge_slashes: bool
    regexes: tuple[Regex, ...]
    steps: tuple[Step, ...]
    own: Location
    locations: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One `server` line of an upstream."""

    address: Address
    where: Where
    weight: int = 1
    max_fails: int = 1
    fail_timeout_ms: int = 10_000
    max_conns: int = 0
    down: bool = False
    backup: bool = False
    drain: bool = False
    route: str | None = None
    slow_start_ms: int = 0


@dataclass(frozen=True, slots=True)
class Keepalive:
    connections: int
    local: bool
    requests: int
    time_ms: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Resilience:
    """None: the file doesn't say; the command's default holds."""

    attribution: bool | None = None
    replay_keyed: bool | None = None
    probe: bool | None = None
    last_peer: bool | None = None
    idle: bool | None = None
    sent: bool | None = None
    budget: bool | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """`key` is that of the two kinds of `hash`."""

    method: str
    key: Template = ()


@dataclass(frozen=True, slots=True)
class StickyCookie:
    """`expires` in seconds, -1 for `max`."""

    name: str
    expires: int | None
    domain: Template
    httponly: bool
    secure: bool
    samesite: Template
    path: str | None


@dataclass(frozen=True, slots=True)
class RouteBy:
    """`sticky route`: the first of these variables that isn't empty names the server."""

    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learn:
    """`sticky learn`: `create` and `lookup` are variables; `size` bytes."""

    create: tuple[str, ...]
    lookup: tuple[str, ...]
    zone: str
    size: int
    timeout_ms: int
    header: bool


Sticky = StickyCookie | RouteBy | Learn


@dataclass(frozen=True, slots=True)
class Queue:
    """How many requests may wait, and how long, where every server has as many as it may have."""

    length: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Upstream:
    name: str
    where: Where
    members: tuple[Member, ...]
    zone: str | None
    balance: Balance
    sticky: Sticky | None
    keepalive: Keepalive
    queue: Queue | None
    resilience: Resilience


@dataclass(frozen=True, slots=True)
class Model:
    """A whole configuration. `worker_processes` is None for `auto`; `resilience` is http's own.

    `shutdown_timeout_ms` of 0 is as long as it takes; `open_files` of None leaves the limit alone.
    """

    file: str
    prefix: str
    worker_processes: int | None
    worker_connections: int
    user: User | None
    pid: str
    shutdown_timeout_ms: int
    open_files: int | None
    environment: tuple[str, ...]
    error_log: tuple[ErrorLog, ...]
    formats: tuple[LogFormat, ...]
    log_files: tuple[tuple[str, Buffering | None], ...]
    upstreams: tuple[Upstream, ...]
    servers: tuple[Server, ...]
    variables: tuple[Computed, ...]
    regexes: tuple[Regex, ...]
    zones: tuple[RequestZone | ConnectionZone, ...]
    resilience: Resilience
    warnings: tuple[ConfigError, ...]
    without_effect: tuple[ConfigError, ...]

    def absolute(self, path: str) -> str:
        """Give where a file of the configuration is: relative paths start at the prefix."""
        return str(PurePosixPath(self.prefix) / path)
