//! The words in which HTTP clients and their runtimes tell of a failed request.

use surehop_engine::{Cause, Phase, Reason};

use crate::event::Outcome;

/// A piece of text that tells of a failure.
pub(crate) struct Saying {
    pub(crate) text: &'static str,
    /// Whose words these are, unless the record names somebody who uses them.
    pub(crate) software: &'static str,
    pub(crate) word: &'static str,
    /// `None` where it only says that something failed.
    pub(crate) outcome: Option<Outcome>,
    /// A record is told by what says the most in it.
    pub(crate) weight: Weight,
}

/// How much a saying says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// That something failed.
    Hint,
    /// The code of an error, which stands beside its sentence.
    Code,
    /// What happened.
    Sentence,
    /// What happened, and right behind it to whom.
    Address,
    /// What happened to an answer on its way; why stands behind it, in words that also stand alone.
    Whole,
}

use Weight::{Address, Code, Hint, Sentence, Whole};

const REFUSED: Option<Outcome> = Some((Phase::Connect, Cause::Refused, Reason::Refused));
const SLOW: Option<Outcome> = Some((Phase::Connect, Cause::TimedOut, Reason::ConnectTimedOut));
const NO_WAY: Option<Outcome> = Some((Phase::Connect, Cause::Unreachable, Reason::Unreachable));
const NO_PORTS: Option<Outcome> = Some((Phase::Connect, Cause::NoPorts, Reason::NoPorts));
const NO_CONNECTION: Option<Outcome> = Some((Phase::Connect, Cause::Other, Reason::ConnectFailed));
const NO_NAME: Option<Outcome> = Some((Phase::Resolve, Cause::NotFound, Reason::ResolveFailed));
const NO_RESOLVER: Option<Outcome> = Some((Phase::Resolve, Cause::TryAgain, Reason::ResolveFailed));
const CLOSED: Option<Outcome> = Some((Phase::Head, Cause::Closed, Reason::Closed));
const RESET: Option<Outcome> = Some((Phase::Head, Cause::Reset, Reason::Reset));
const BROKEN_PIPE: Option<Outcome> = Some((Phase::Send, Cause::Reset, Reason::Reset));
const LATE: Option<Outcome> = Some((Phase::Head, Cause::TimedOut, Reason::TimedOut));
const CUT: Option<Outcome> = Some((Phase::Body, Cause::Closed, Reason::Truncated));
const STALLED: Option<Outcome> = Some((Phase::Body, Cause::TimedOut, Reason::BodyTimedOut));
const NO_HTTP: Option<Outcome> = Some((Phase::Head, Cause::Invalid, Reason::Invalid));
const DISTRUST: Option<Outcome> = Some((Phase::Tls, Cause::Certificate, Reason::Untrusted));
const REUSED_CLOSED: Option<Outcome> = Some((Phase::Head, Cause::Closed, Reason::ReusedClosed));
const REUSED_RESET: Option<Outcome> = Some((Phase::Head, Cause::Reset, Reason::ReusedReset));

/// What several addresses of one name make of their failures.
pub(crate) const AGGREGATE: &str = "aggregate";

/// Where one is part of another, the longer one is found.
#[rustfmt::skip] // a table: a line a saying
pub(crate) static SAYINGS: &[Saying] = &[
    // Node's net and http, and what is built on them
    say("connect ECONNREFUSED ", "node", "connect", REFUSED, Address),
    say("connect ETIMEDOUT ", "node", "connect", SLOW, Address),
    say("connect EHOSTUNREACH ", "node", "connect", NO_WAY, Address),
    say("connect ENETUNREACH ", "node", "connect", NO_WAY, Address),
    say("connect EADDRNOTAVAIL ", "node", "connect", NO_PORTS, Address),
    say("connect ECONNRESET ", "node", "connect", NO_CONNECTION, Address),
    say("getaddrinfo ENOTFOUND ", "node", "lookup", NO_NAME, Address),
    say("getaddrinfo EAI_AGAIN ", "node", "lookup", NO_RESOLVER, Address),
    say("socket hang up", "node", "closed", CLOSED, Sentence),
    say("read ECONNRESET", "node", "reset", RESET, Sentence),
    say("read ETIMEDOUT", "node", "time-out", LATE, Sentence),
    say("write ECONNRESET", "node", "reset", BROKEN_PIPE, Sentence),
    say("write EPIPE", "node", "reset", BROKEN_PIPE, Sentence),
    say("Error: aborted", "node", "cut", CUT, Sentence),
    say("stream has been aborted", "axios", "cut", CUT, Sentence),
    say("Parse Error: ", "node", "invalid", NO_HTTP, Sentence),
    say("AggregateError", "node", AGGREGATE, None, Hint),
    say("ECONNREFUSED", "node", "connect", REFUSED, Code),
    say("ECONNRESET", "node", "reset", RESET, Code),
    say("EPIPE", "node", "reset", BROKEN_PIPE, Code),
    say("ETIMEDOUT", "node", "connect", SLOW, Code),
    say("EHOSTUNREACH", "node", "connect", NO_WAY, Code),
    say("ENETUNREACH", "node", "connect", NO_WAY, Code),
    say("EADDRNOTAVAIL", "node", "connect", NO_PORTS, Code),
    say("ENOTFOUND", "node", "lookup", NO_NAME, Code),
    say("EAI_AGAIN", "node", "lookup", NO_RESOLVER, Code),
    say("ms exceeded", "axios", "time-out", LATE, Hint),
    say("ECONNABORTED", "axios", "time-out", LATE, Code),
    // undici, and Node's fetch, which is made of it
    say("fetch failed", "undici", "fetch failed", None, Hint),
    say("other side closed", "undici", "closed", CLOSED, Sentence),
    say(
        "The operation was aborted due to timeout",
        "undici",
        "time-out",
        LATE,
        Sentence,
    ),
    say("TypeError: terminated", "undici", "cut", CUT, Whole),
    say("Headers Timeout Error", "undici", "time-out", LATE, Sentence),
    say("Body Timeout Error", "undici", "time-out", STALLED, Sentence),
    say("Connect Timeout Error", "undici", "connect", SLOW, Sentence),
    say("does not match the HTTP/1.1 protocol", "undici", "invalid", NO_HTTP, Sentence),
    say("UND_ERR_SOCKET", "undici", "closed", CLOSED, Code),
    say("UND_ERR_HEADERS_TIMEOUT", "undici", "time-out", LATE, Code),
    say("UND_ERR_BODY_TIMEOUT", "undici", "time-out", STALLED, Code),
    say("UND_ERR_CONNECT_TIMEOUT", "undici", "connect", SLOW, Code),
    // Python
    say("Server disconnected without sending a response", "httpx", "closed", CLOSED, Sentence),
    say("peer closed connection without sending complete message body", "httpx", "cut", CUT, Sentence),
    say("All connection attempts failed", "httpx", "connect", NO_CONNECTION, Sentence),
    say("httpx.ReadError", "httpx", "reset", RESET, Code),
    say("ReadError('')", "httpx", "reset", RESET, Code),
    say("httpx.ReadTimeout", "httpx", "time-out", LATE, Code),
    say("httpx.ConnectTimeout", "httpx", "connect", SLOW, Code),
    say("illegal status line: ", "httpx", "invalid", NO_HTTP, Sentence),
    say("Server disconnected", "aiohttp", "closed", CLOSED, Sentence),
    say("ServerDisconnectedError", "aiohttp", "closed", CLOSED, Code),
    say("Cannot connect to host ", "aiohttp", "connect", NO_CONNECTION, Address),
    say("Connection timeout to host ", "aiohttp", "connect", SLOW, Address),
    say("Response payload is not completed", "aiohttp", "cut", CUT, Whole),
    say("Remote end closed connection without response", "urllib3", "closed", CLOSED, Sentence),
    say("ConnectionResetError(104", "urllib3", "reset", RESET, Sentence),
    say("BrokenPipeError(32", "urllib3", "reset", BROKEN_PIPE, Sentence),
    say("IncompleteRead(", "urllib3", "cut", CUT, Sentence),
    say("Connection broken: ", "urllib3", "cut", CUT, Whole),
    say("Read timed out.", "urllib3", "time-out", LATE, Sentence),
    say("ConnectTimeoutError(", "urllib3", "connect", SLOW, Sentence),
    say("NameResolutionError(", "urllib3", "lookup", NO_NAME, Sentence),
    say("BadStatusLine(", "urllib3", "invalid", NO_HTTP, Sentence),
    say("[Errno 104] Connection reset by peer", "python", "reset", RESET, Sentence),
    say("[Errno 32] Broken pipe", "python", "reset", BROKEN_PIPE, Sentence),
    say("[Errno 111] Connection refused", "python", "connect", REFUSED, Sentence),
    say("[Errno 111] Connect call failed", "python", "connect", REFUSED, Sentence),
    say("[Errno 99] Cannot assign requested address", "python", "connect", NO_PORTS, Sentence),
    say("[Errno 110] Connection timed out", "python", "connect", SLOW, Sentence),
    say("[Errno 113] No route to host", "python", "connect", NO_WAY, Sentence),
    say("[Errno 101] Network is unreachable", "python", "connect", NO_WAY, Sentence),
    say("[Errno -2] Name or service not known", "python", "lookup", NO_NAME, Sentence),
    say("[Errno -3] Temporary failure in name resolution", "python", "lookup", NO_RESOLVER, Sentence),
    say("CERTIFICATE_VERIFY_FAILED", "python", "certificate", DISTRUST, Sentence),
    // hyper and reqwest
    say("connection closed before message completed", "hyper", "closed", CLOSED, Sentence),
    say("hyper::Error(IncompleteMessage)", "hyper", "closed", CLOSED, Sentence),
    say("Connection reset by peer (os error 104)", "hyper", "reset", RESET, Sentence),
    say("Connection refused (os error 111)", "hyper", "connect", REFUSED, Sentence),
    say("Cannot assign requested address (os error 99)", "hyper", "connect", NO_PORTS, Sentence),
    say("Broken pipe (os error 32)", "hyper", "reset", BROKEN_PIPE, Sentence),
    say("code: 104, kind: ConnectionReset", "hyper", "reset", RESET, Sentence),
    say("code: 111, kind: ConnectionRefused", "hyper", "connect", REFUSED, Sentence),
    say("tcp connect error", "hyper", "connect", NO_CONNECTION, Code),
    say("error trying to connect", "hyper", "connect", NO_CONNECTION, Code),
    say("dns error: ", "hyper", "lookup", NO_NAME, Sentence),
    // Go's net/http, and the proxies made of it
    say("read: connection reset by peer", "go", "reset", RESET, Sentence),
    say("write: connection reset by peer", "go", "reset", BROKEN_PIPE, Sentence),
    say("write: broken pipe", "go", "reset", BROKEN_PIPE, Sentence),
    say("connect: connection refused", "go", "connect", REFUSED, Sentence),
    say("connect: connection timed out", "go", "connect", SLOW, Sentence),
    say("connect: no route to host", "go", "connect", NO_WAY, Sentence),
    say("connect: network is unreachable", "go", "connect", NO_WAY, Sentence),
    say("connect: cannot assign requested address", "go", "connect", NO_PORTS, Sentence),
    say(": i/o timeout", "go", "connect", SLOW, Sentence),
    say("no such host", "go", "lookup", NO_NAME, Sentence),
    say("timeout awaiting response headers", "go", "time-out", LATE, Sentence),
    say("Client.Timeout exceeded", "go", "time-out", LATE, Sentence),
    say("server closed idle connection", "go", "closed", REUSED_CLOSED, Sentence),
    say("http: proxy error: EOF", "go", "closed", CLOSED, Sentence),
    say("502 Bad Gateway' caused by: EOF", "traefik", "closed", CLOSED, Sentence),
    say("\"msg\":\"EOF\"", "caddy", "closed", CLOSED, Sentence),
    say("\tEOF\t", "caddy", "closed", CLOSED, Sentence),
    say("aborting with incomplete response", "caddy", "cut", CUT, Whole),
    say("\": EOF", "go", "closed", CLOSED, Sentence),
    say("error=EOF", "go", "closed", CLOSED, Sentence),
    say("error=\"EOF\"", "go", "closed", CLOSED, Sentence),
    say("\"error\":\"EOF\"", "go", "closed", CLOSED, Sentence),
    say("unexpected EOF", "go", "cut", CUT, Sentence),
    // Surehop's client
    say("the server closed first: idle ", "surehop", "closed", REUSED_CLOSED, Sentence),
    say("the server reset the connection first: idle ", "surehop", "reset", REUSED_RESET, Sentence),
    say("the server closed the connection without an answer", "surehop", "closed", CLOSED, Sentence),
    say("the server reset the connection without an answer", "surehop", "reset", RESET, Sentence),
    say("connection within the answer's head", "surehop", "closed", CLOSED, Sentence),
    say("connection within the answer's body", "surehop", "cut", CUT, Sentence),
    say(": no connection: ", "surehop", "connect", NO_CONNECTION, Sentence),
    say("the name can't be resolved (", "surehop", "lookup", NO_NAME, Sentence),
    say("nothing was received for ", "surehop", "time-out", LATE, Sentence),
    say("no connection within ", "surehop", "connect", SLOW, Sentence),
    say("the answer is not HTTP", "surehop", "invalid", NO_HTTP, Sentence),
    // Go's HTTP/2 and gRPC, and its reverse proxy
    say("http2: server sent GOAWAY and closed the connection", "go", "closed", CLOSED, Sentence),
    say("http2: client connection lost", "go", "time-out", LATE, Sentence),
    say("error reading from server: EOF", "go", "closed", CLOSED, Sentence),
    say("ReverseProxy read error during body copy", "go", "cut", CUT, Whole),
    say("malformed HTTP response", "go", "invalid", NO_HTTP, Sentence),
    say("malformed HTTP status code", "go", "invalid", NO_HTTP, Sentence),
    say("malformed HTTP version", "go", "invalid", NO_HTTP, Sentence),
    say("server gave HTTP response to HTTPS client", "go", "invalid", NO_HTTP, Sentence),
    say("tls: failed to verify certificate", "go", "certificate", DISTRUST, Sentence),
    say("net/http: TLS handshake timeout", "go", "connect", SLOW, Sentence),
    // Java: its own clients, Apache's, OkHttp, Reactor Netty
    say("SocketException: Connection reset", "java", "reset", RESET, Sentence),
    say("RequestException: Connection reset by peer", "java", "reset", RESET, Sentence),
    say("recvAddress(..) failed: Connection reset by peer", "java", "reset", RESET, Sentence),
    say("NoHttpResponseException", "java", "closed", CLOSED, Sentence),
    say("unexpected end of stream on ", "java", "closed", CLOSED, Sentence),
    say("Connection prematurely closed BEFORE response", "java", "closed", CLOSED, Sentence),
    say("closed BEFORE response, while sending request body", "java", "reset", BROKEN_PIPE, Sentence),
    say("HTTP/1.1 header parser received no bytes", "java", "closed", CLOSED, Sentence),
    say("ProtocolException: unexpected end of stream", "java", "cut", CUT, Sentence),
    say("fixed content-length: ", "java", "cut", CUT, Whole),
    say("IOException: Premature EOF", "java", "cut", CUT, Sentence),
    say("Connection prematurely closed DURING response", "java", "cut", CUT, Sentence),
    say("Premature end of Content-Length delimited message body", "java", "cut", CUT, Sentence),
    say("Premature end of chunk coded message body", "java", "cut", CUT, Sentence),
    say("Invalid status line: ", "java", "invalid", NO_HTTP, Sentence),
    say("IOException: Invalid Http response", "java", "invalid", NO_HTTP, Sentence),
    say("java.net.ConnectException: Connection refused", "java", "connect", REFUSED, Sentence),
    say("AnnotatedConnectException: Connection refused", "java", "connect", REFUSED, Sentence),
    say("java.net.ConnectException", "java", "connect", NO_CONNECTION, Code),
    say("failed: Connection refused", "java", "connect", REFUSED, Sentence),
    say("SocketTimeoutException: Read timed out", "java", "time-out", LATE, Sentence),
    say("SocketTimeoutException: timeout", "java", "time-out", LATE, Sentence),
    say("HttpTimeoutException: request timed out", "java", "time-out", LATE, Sentence),
    say("netty.handler.timeout.ReadTimeoutException", "java", "time-out", LATE, Sentence),
    say("SocketTimeoutException: connect timed out", "java", "connect", SLOW, Sentence),
    say("SocketTimeoutException: Connect timed out", "java", "connect", SLOW, Sentence),
    say("ConnectTimeoutException", "java", "connect", SLOW, Sentence),
    say("NoRouteToHostException", "java", "connect", NO_WAY, Sentence),
    say("Exception: Cannot assign requested address", "java", "connect", NO_PORTS, Sentence),
    say("UnknownHostException: ", "java", "lookup", NO_NAME, Address),
    say("PKIX path building failed", "java", "certificate", DISTRUST, Sentence),
    // The clients of a server, not the servers of a client.
    say("ClientAbortException", "java", "client gone", None, Whole),
    // .NET
    say("The response ended prematurely", "dotnet", "closed", CLOSED, Sentence),
    say("The response ended prematurely, with at least", "dotnet", "cut", CUT, Sentence),
    say("transport connection: Connection reset by peer", "dotnet", "reset", RESET, Sentence),
    say("forcibly closed by the remote host", "dotnet", "reset", RESET, Sentence),
    say("transport connection: Broken pipe", "dotnet", "reset", BROKEN_PIPE, Sentence),
    say("SocketException (104)", "dotnet", "reset", RESET, Code),
    say("SocketException (111)", "dotnet", "connect", REFUSED, Code),
    say("HttpRequestException: Connection refused (", "dotnet", "connect", REFUSED, Address),
    say("target machine actively refused it. (", "dotnet", "connect", REFUSED, Address),
    say("Name or service not known (", "dotnet", "lookup", NO_NAME, Address),
    say("configured HttpClient.Timeout", "dotnet", "time-out", LATE, Sentence),
    // curl, and what is made of it: PHP, and many more
    say("Empty reply from server", "curl", "closed", CLOSED, Sentence),
    say("Recv failure: Connection reset by peer", "curl", "reset", RESET, Sentence),
    say("Send failure: Connection reset by peer", "curl", "reset", BROKEN_PIPE, Sentence),
    say("Send failure: Broken pipe", "curl", "reset", BROKEN_PIPE, Sentence),
    say("transfer closed with ", "curl", "cut", CUT, Sentence),
    say("bytes missing", "curl", "cut", CUT, Code),
    say("curl: (7) ", "curl", "connect", NO_CONNECTION, Code),
    say("cURL error 7: ", "curl", "connect", NO_CONNECTION, Code),
    say("Couldn't connect to server", "curl", "connect", NO_CONNECTION, Sentence),
    say("Could not connect to server", "curl", "connect", NO_CONNECTION, Sentence),
    say("curl: (28) Connection timed out", "curl", "connect", SLOW, Sentence),
    say("cURL error 28: Connection timed out", "curl", "connect", SLOW, Sentence),
    say(" milliseconds with ", "curl", "time-out", LATE, Sentence),
    say("Could not resolve host: ", "curl", "lookup", NO_NAME, Address),
    say("Received HTTP/0.9 when not allowed", "curl", "invalid", NO_HTTP, Sentence),
    say("SSL certificate problem: ", "curl", "certificate", DISTRUST, Sentence),
    // Ruby
    say("end of file reached (EOFError)", "ruby", "closed", CLOSED, Sentence),
    say("EOFError: end of file reached", "ruby", "closed", CLOSED, Sentence),
    say("EOFError (end of file reached", "ruby", "closed", CLOSED, Sentence),
    say("wrong status line: ", "ruby", "invalid", NO_HTTP, Sentence),
    say("Errno::ECONNRESET", "ruby", "reset", RESET, Sentence),
    say("Errno::EPIPE", "ruby", "reset", BROKEN_PIPE, Sentence),
    say("Errno::ECONNREFUSED", "ruby", "connect", REFUSED, Code),
    say("Errno::EADDRNOTAVAIL", "ruby", "connect", NO_PORTS, Code),
    say("Errno::EHOSTUNREACH", "ruby", "connect", NO_WAY, Code),
    say("Failed to open TCP connection to ", "ruby", "connect", NO_CONNECTION, Address),
    say("Net::ReadTimeout", "ruby", "time-out", LATE, Sentence),
    say("Net::OpenTimeout", "ruby", "connect", SLOW, Sentence),
    say("getaddrinfo: Name or service not known", "ruby", "lookup", NO_NAME, Whole),
];

const fn say(
    text: &'static str,
    software: &'static str,
    word: &'static str,
    outcome: Option<Outcome>,
    weight: Weight,
) -> Saying {
    Saying {
        text,
        software,
        word,
        outcome,
        weight,
    }
}
