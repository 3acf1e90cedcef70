//! The plan as it crosses from Python: plain data, every default filled in, unknown fields refused.
//!
//! `surehop.plan` writes it; nothing here decides anything. Text is Latin-1 in JSON: one code point a
//! byte of the configuration.

use serde::{Deserialize, Deserializer};
use surehop_wire::request::{Limits, Room};

use crate::carriage::Carriage;
use crate::entry::Entry;
use crate::files::{Files, LimitExcept};
use crate::filters::Filters;
use crate::incoming::Incoming;
use crate::limits::ZonePlan;
use crate::script::{ErrorPage, Op, Regex, Variable};
use crate::template::Template;
use crate::types::Types;

mod choosing;

pub use choosing::{Balance, Group, Keepalive, Peer, Queue, Resilience, Sticky};

/// Bytes that crossed as Latin-1 code points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text(pub Vec<u8>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.chars()
            .map(|c| u8::try_from(u32::from(c)))
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|_| {
                serde::de::Error::custom("a code point above 255 in text that stands for bytes")
            })
    }
}

impl Text {
    /// The text for messages; bytes that are no UTF-8 are replaced.
    pub fn show(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// The whole plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always 1.
    pub version: u32,
    /// For `Server:` and error pages.
    pub server_header: String,
    /// `$nginx_version`.
    pub nginx_version: String,
    /// What relative paths begin with; it ends in a slash.
    pub prefix: Text,
    /// Tables of types.
    pub types: Vec<Types>,
    /// Worker threads.
    pub workers: usize,
    /// Connections a worker may have, both sides together.
    pub worker_connections: usize,
    /// How long workers of an old plan may take to finish; 0 is as long as it takes.
    pub shutdown_timeout_ms: u64,
    /// Whether what RFC 9112 forbids is refused where nginx takes it.
    pub strict: bool,
    /// Every log file once; the control process passes a descriptor for each, in order.
    pub files: Vec<File>,
    /// Caches of log files that are opened by requests.
    pub log_caches: Vec<LogCache>,
    /// Where what belongs to no server is logged.
    pub error_log: Vec<ErrorLog>,
    /// Log formats.
    pub formats: Vec<Format>,
    /// Listening sockets, in the order of their descriptors.
    pub listeners: Vec<Listener>,
    /// Virtual servers.
    pub servers: Vec<Server>,
    /// Locations of all servers.
    pub locations: Vec<Location>,
    /// Upstream groups.
    pub groups: Vec<Group>,
    /// Folders for what does not fit the memory.
    pub temp_paths: Vec<TempPath>,
    /// The configuration's own variables.
    pub variables: Vec<Variable>,
    /// What `limit_req` and `limit_conn` count in.
    pub zones: Vec<ZonePlan>,
}

/// A folder for temporary files, and how the folders in it are named.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TempPath {
    /// Where it is.
    pub path: Text,
    /// Digits of the name of each.
    pub levels: Vec<usize>,
}

/// What clients' heads may be.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Heads {
    pub first_size: usize,
    pub large_count: usize,
    pub large_size: usize,
    pub lines: usize,
    pub ignore_invalid: bool,
    pub underscores: bool,
}

impl Heads {
    /// The same for the parser.
    pub fn limits(&self, strict: bool) -> Limits {
        Limits {
            room: Room {
                first: self.first_size,
                large: self.large_size,
                count: self.large_count,
            },
            headers: self.lines,
            ignore_invalid: self.ignore_invalid,
            underscores: self.underscores,
            strict,
        }
    }
}

/// How clients' connections end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Patience {
    pub lingering: Lingering,
    pub lingering_time_ms: u64,
    pub lingering_timeout_ms: u64,
    pub not_msie6: bool,
    pub not_safari: bool,
    pub keepalive_min_ms: u64,
    pub reset_timed_out: bool,
}

/// `lingering_close`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Lingering {
    Off,
    On,
    Always,
}

/// How a request's body is taken in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    /// What is held in memory at most.
    pub buffer_size: usize,
    /// Whether it goes to a file whatever its size.
    pub in_file: InFile,
    /// Index into `temp_paths`.
    pub temp: usize,
}

/// `client_body_in_file_only`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum InFile {
    Off,
    On,
    Clean,
}

/// A log file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where it is; `stderr` for the process's own.
    pub path: Text,
    /// Whether lines are kept until there are many.
    pub buffer: Option<Buffering>,
    /// Whether it is no file at all.
    pub syslog: Option<Syslog>,
}

/// How access-log lines are kept until there are many.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Buffering {
    pub size: usize,
    /// 0: as long as it takes.
    pub flush_ms: u64,
    /// The level; 0 is none.
    pub gzip: u32,
}

/// `syslog:server=…`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Syslog {
    pub address: Text,
    pub priority: u8,
    pub tag: Text,
    pub hostname: bool,
}

/// `open_log_file_cache`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LogCache {
    pub max: usize,
    pub inactive_s: u64,
    pub valid_s: u64,
    pub min_uses: u64,
}

/// One `error_log`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorLog {
    /// Index into `files`.
    pub file: usize,
    /// The least level that is written.
    pub level: Level,
}

/// nginx's log levels, the gravest first.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Level {
    Emerg,
    Alert,
    Crit,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
}

impl Level {
    /// Its word in a log line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// One `access_log`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLog {
    /// Index into `files`.
    pub file: Option<usize>,
    /// A file that is opened when a request is logged.
    pub path: Option<Box<LogPath>>,
    /// Index into `formats`.
    pub format: usize,
    /// `if=`
    pub condition: Option<Template>,
}

/// A log file whose path has variables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPath {
    /// Its path.
    pub path: Template,
    /// Index into `log_caches`.
    pub cache: Option<usize>,
}

/// How variables are written into a log.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Escape {
    Default,
    Json,
    None,
}

/// A log format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// How variables are escaped.
    pub escape: Escape,
    /// Text and variables in turn.
    pub parts: Vec<Part>,
}

/// A piece of a value that may hold variables.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Part {
    /// As it stands.
    Text(Text),
    /// The variable of that name.
    Var(Text),
    /// The configuration's own variable of that index.
    Slot(usize),
    /// What the last regular expression captured: `$1`.
    Capture(usize),
}

/// A listening socket and the servers behind it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// `127.0.0.1:80`, `[::1]:80` or `unix:/path`.
    pub address: Text,
    /// The server that answers hosts nobody claims.
    pub default: usize,
    /// All its servers.
    pub servers: Vec<usize>,
    /// The listener whose socket it shares; those that have their own stand first.
    pub by: Option<usize>,
}

/// A virtual server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Server {
    pub name: Text,
    pub names: Vec<Text>,
    pub line: Text,
    pub client_header_timeout_ms: u64,
    pub heads: Heads,
    pub keepalive_timeout_ms: u64,
    pub keepalive_header_s: Option<u64>,
    pub keepalive_requests: u64,
    pub keepalive_time_ms: u64,
    pub client_body_timeout_ms: u64,
    pub send_timeout_ms: u64,
    pub error_log: Vec<ErrorLog>,
    pub access_log: Vec<AccessLog>,
    pub locations: Vec<usize>,
    /// Names that are regular expressions.
    pub regexes: Vec<Regex>,
    /// The location that stands for the server as long as none is chosen.
    pub own: usize,
    pub named: Vec<(Text, usize)>,
    pub script: Vec<Op>,
    pub merge_slashes: bool,
}

/// How a location is chosen.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Match {
    Prefix,
    /// `^~`
    Final,
    Exact,
    Regex,
    /// By no path: `@name`, `if`, the server itself.
    Block,
}

/// A location with everything it inherits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Location {
    pub r#match: Match,
    pub path: Text,
    pub error_log: Vec<ErrorLog>,
    pub access_log: Vec<AccessLog>,
    pub client_max_body_size: u64,
    pub keepalive_timeout_ms: u64,
    pub keepalive_header_s: Option<u64>,
    pub keepalive_requests: u64,
    pub client_body_timeout_ms: u64,
    pub intake: Intake,
    pub patience: Patience,
    pub send_timeout_ms: u64,
    pub filters: Filters,
    pub action: Action,
    pub files: Files,
    pub limit_except: Option<LimitExcept>,
    pub regex: Option<Regex>,
    /// Locations within it.
    pub inner: Vec<usize>,
    pub script: Vec<Op>,
    pub error_pages: Vec<ErrorPage>,
    pub recursive_error_pages: bool,
    pub post_action: Option<Text>,
    pub internal: bool,
    pub absolute_redirect: bool,
    pub port_in_redirect: bool,
    pub server_name_in_redirect: bool,
    pub rewrite_log: bool,
    pub uninitialized_variable_warn: bool,
    pub entry: Option<Box<Entry>>,
}

impl Location {
    /// `log_subrequest`
    pub fn logs_subrequests(&self) -> bool {
        self.entry
            .as_ref()
            .is_some_and(|entry| entry.log_subrequest)
    }
}

/// What a location does.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Action {
    /// A file.
    None,
    /// `surehop_status`.
    Status { allow_remote: bool },
    /// `stub_status`.
    Stub,
    /// `proxy_pass`.
    Proxy(Box<Proxy>),
}

/// `proxy_pass` and what goes with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Proxy {
    /// None if variables say where it goes.
    pub group: Option<usize>,
    pub asked: Vec<Part>,
    pub scope: u32,
    pub proxy_host: Text,
    pub uri: Option<Text>,
    pub http_version: HttpVersion,
    pub headers: Vec<(Text, Vec<Part>)>,
    pub connect_timeout_ms: u64,
    pub send_timeout_ms: u64,
    pub read_timeout_ms: u64,
    pub next_upstream: Vec<String>,
    pub next_upstream_tries: u32,
    pub next_upstream_timeout_ms: u64,
    pub buffering: bool,
    pub request_buffering: bool,
    pub buffer_size: usize,
    pub crossing: Crossing,
    pub reply: Incoming,
    pub carriage: Carriage,
}

/// What of a request and its answer crosses; header names are in lower case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Crossing {
    pub method: Option<Vec<Part>>,
    pub body: Option<Vec<Part>>,
    pub request_headers: bool,
    pub request_body: bool,
    pub hidden: Vec<Text>,
    pub shown: Vec<Text>,
    pub ignore_client_abort: bool,
    pub socket_keepalive: bool,
}

/// `proxy_http_version`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum HttpVersion {
    #[serde(rename = "1.0")]
    V10,
    #[serde(rename = "1.1")]
    V11,
}
