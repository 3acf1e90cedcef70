"""What answers: servers, locations, the steps of the rewrite module, files; and the whole."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from surehop.conf.entry import ConnectionZone, Entry, RequestZone
from surehop.conf.filters import Filters
from surehop.conf.model.listen import KeepaliveTimeout, Listen
from surehop.conf.model.logs import AccessLog, Buffering, ErrorLog, LogCache, LogFormat
from surehop.conf.model.proxying import Heads, Intake, Patience, Proxy
from surehop.conf.model.upstream import Resilience, Upstream
from surehop.conf.model.variables import Computed, Regex
from surehop.conf.templates import Template
from surehop.conf.where import Where
from surehop.errors import ConfigError


@dataclass(frozen=True, slots=True)
class User:
    name: str
    group: str | None
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
