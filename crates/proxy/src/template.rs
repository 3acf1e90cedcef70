//! Values with variables: names are looked up once, when the plan is taken over.

use serde::{Deserialize, Deserializer};

use crate::plan::{Format, Part, Text};

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Var {
    /// One of the configuration's own.
    Slot(usize),
    /// `$1` and the like.
    Capture(usize),
    Host,
    /// A request header, its name in lower case with dashes.
    Http(Box<[u8]>),
    Arg(Box<[u8]>),
    Cookie(Box<[u8]>),
    SentHttp(Box<[u8]>),
    SentTrailer(Box<[u8]>),
    UpstreamHttp(Box<[u8]>),
    UpstreamTrailer(Box<[u8]>),
    UpstreamCookie(Box<[u8]>),
    UpstreamCacheStatus,
    Request,
    RequestUri,
    Uri,
    Args,
    IsArgs,
    RequestMethod,
    RequestBody,
    RequestPort,
    IsRequestPort,
    /// What comes in front of a request by the PROXY protocol: nothing, since that is not spoken.
    ProxyProtocol,
    TcpInfo(TcpFact),
    RequestBodyFile,
    Scheme,
    Https,
    ServerProtocol,
    ServerName,
    ServerAddr,
    ServerPort,
    RemoteAddr,
    RemotePort,
    BinaryRemoteAddr,
    RealipRemoteAddr,
    RealipRemotePort,
    LimitReqStatus,
    LimitConnStatus,
    RemoteUser,
    TimeLocal,
    TimeIso8601,
    Msec,
    Status,
    BodyBytesSent,
    BytesSent,
    RequestLength,
    RequestTime,
    RequestId,
    RequestCompletion,
    Connections(&'static str),
    DocumentRoot,
    RealpathRoot,
    RequestFilename,
    ContentType,
    ContentLength,
    Connection,
    ConnectionRequests,
    ConnectionTime,
    Pid,
    Hostname,
    NginxVersion,
    Pipe,
    GzipRatio,
    LimitRate,
    ProxyHost,
    ProxyPort,
    ProxyAddXForwardedFor,
    UpstreamAddr,
    UpstreamStatus,
    UpstreamConnectTime,
    UpstreamHeaderTime,
    UpstreamResponseTime,
    UpstreamResponseLength,
    UpstreamBytesReceived,
    UpstreamBytesSent,
    UpstreamReason,
    UpstreamReused,
    UpstreamAttempts,
}

/// What the kernel knows of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TcpFact {
    Rtt,
    RttVar,
    SendWindow,
    ReceiveSpace,
}

/// The families of variables, by the start of their names.
type Family = fn(Box<[u8]>) -> Var;
const FAMILIES: [(&str, Family, bool); 9] = [
    ("proxy_protocol_tlv_", |_| Var::ProxyProtocol, false),
    ("http_", Var::Http, true),
    ("arg_", Var::Arg, false),
    ("cookie_", Var::Cookie, false),
    ("sent_http_", Var::SentHttp, true),
    ("sent_trailer_", Var::SentTrailer, true),
    ("upstream_http_", Var::UpstreamHttp, true),
    ("upstream_trailer_", Var::UpstreamTrailer, true),
    ("upstream_cookie_", Var::UpstreamCookie, false),
];

/// Every single variable by its name.
pub const NAMES: &[(&str, Var)] = &[
    ("host", Var::Host),
    ("request", Var::Request),
    ("request_uri", Var::RequestUri),
    ("uri", Var::Uri),
    ("document_uri", Var::Uri),
    ("args", Var::Args),
    ("query_string", Var::Args),
    ("is_args", Var::IsArgs),
    ("request_method", Var::RequestMethod),
    ("request_body", Var::RequestBody),
    ("request_port", Var::RequestPort),
    ("is_request_port", Var::IsRequestPort),
    ("proxy_protocol_addr", Var::ProxyProtocol),
    ("proxy_protocol_port", Var::ProxyProtocol),
    ("proxy_protocol_server_addr", Var::ProxyProtocol),
    ("proxy_protocol_server_port", Var::ProxyProtocol),
    ("tcpinfo_rtt", Var::TcpInfo(TcpFact::Rtt)),
    ("tcpinfo_rttvar", Var::TcpInfo(TcpFact::RttVar)),
    ("tcpinfo_snd_cwnd", Var::TcpInfo(TcpFact::SendWindow)),
    ("tcpinfo_rcv_space", Var::TcpInfo(TcpFact::ReceiveSpace)),
    ("request_body_file", Var::RequestBodyFile),
    ("scheme", Var::Scheme),
    ("https", Var::Https),
    ("server_protocol", Var::ServerProtocol),
    ("server_name", Var::ServerName),
    ("server_addr", Var::ServerAddr),
    ("server_port", Var::ServerPort),
    ("remote_addr", Var::RemoteAddr),
    ("remote_port", Var::RemotePort),
    ("binary_remote_addr", Var::BinaryRemoteAddr),
    ("realip_remote_addr", Var::RealipRemoteAddr),
    ("realip_remote_port", Var::RealipRemotePort),
    ("limit_req_status", Var::LimitReqStatus),
    ("limit_conn_status", Var::LimitConnStatus),
    ("remote_user", Var::RemoteUser),
    ("time_local", Var::TimeLocal),
    ("time_iso8601", Var::TimeIso8601),
    ("msec", Var::Msec),
    ("status", Var::Status),
    ("body_bytes_sent", Var::BodyBytesSent),
    ("bytes_sent", Var::BytesSent),
    ("request_length", Var::RequestLength),
    ("request_time", Var::RequestTime),
    ("request_id", Var::RequestId),
    ("request_completion", Var::RequestCompletion),
    ("content_type", Var::ContentType),
    ("content_length", Var::ContentLength),
    ("connection", Var::Connection),
    ("connection_requests", Var::ConnectionRequests),
    ("connection_time", Var::ConnectionTime),
    ("pid", Var::Pid),
    ("connections_active", Var::Connections("active")),
    ("connections_reading", Var::Connections("reading")),
    ("connections_waiting", Var::Connections("waiting")),
    ("connections_writing", Var::Connections("writing")),
    ("document_root", Var::DocumentRoot),
    ("realpath_root", Var::RealpathRoot),
    ("request_filename", Var::RequestFilename),
    ("hostname", Var::Hostname),
    ("nginx_version", Var::NginxVersion),
    ("pipe", Var::Pipe),
    ("gzip_ratio", Var::GzipRatio),
    ("limit_rate", Var::LimitRate),
    ("proxy_host", Var::ProxyHost),
    ("proxy_port", Var::ProxyPort),
    ("proxy_add_x_forwarded_for", Var::ProxyAddXForwardedFor),
    ("upstream_addr", Var::UpstreamAddr),
    ("upstream_cache_status", Var::UpstreamCacheStatus),
    ("upstream_status", Var::UpstreamStatus),
    ("upstream_connect_time", Var::UpstreamConnectTime),
    ("upstream_header_time", Var::UpstreamHeaderTime),
    ("upstream_response_time", Var::UpstreamResponseTime),
    ("upstream_response_length", Var::UpstreamResponseLength),
    ("upstream_bytes_received", Var::UpstreamBytesReceived),
    ("upstream_bytes_sent", Var::UpstreamBytesSent),
    ("upstream_reason", Var::UpstreamReason),
    ("upstream_reused", Var::UpstreamReused),
    ("upstream_attempts", Var::UpstreamAttempts),
];

/// Every name; those of a family end in `_`.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .map(|(name, _)| *name)
        .chain(FAMILIES.iter().map(|(prefix, ..)| *prefix))
}

impl Var {
    /// The variable of that name, without `$`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if let Some((_, var)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(var.clone());
        }
        let (prefix, family, dashes) = FAMILIES
            .iter()
            .find(|(prefix, ..)| name.starts_with(prefix))?;
        let rest = &name[prefix.len()..];
        let rest = if *dashes {
            rest.replace('_', "-")
        } else {
            rest.to_owned()
        };
        (!rest.is_empty()).then(|| family(rest.into_bytes().into()))
    }
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(Box<[u8]>),
    /// What the variable is at that moment.
    Var(Var),
}

/// A value with variables.
#[derive(Clone, Debug, Default)]
pub struct Template(pub Vec<Piece>);

impl Template {
    /// Looks the names up.
    pub fn compile(parts: &[Part]) -> Result<Self, String> {
        parts
            .iter()
            .map(|part| match part {
                Part::Text(Text(text)) => Ok(Piece::Text(text.as_slice().into())),
                Part::Slot(slot) => Ok(Piece::Var(Var::Slot(*slot))),
                Part::Capture(number) => Ok(Piece::Var(Var::Capture(*number))),
                Part::Var(name) => {
                    let name = name.show();
                    Var::named(&name)
                        .map(Piece::Var)
                        .ok_or_else(|| format!("unknown \"{name}\" variable"))
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether nothing is ever written for it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::compile(&Vec::<Part>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// A log format, its names looked up.
#[derive(Debug)]
pub struct LogFormat {
    /// How variables are escaped.
    pub escape: crate::plan::Escape,
    /// What is written.
    pub template: Template,
}

impl LogFormat {
    /// Looks the names up.
    pub fn compile(format: &Format) -> Result<Self, String> {
        Ok(Self {
            escape: format.escape,
            template: Template::compile(&format.parts)?,
        })
    }
}
