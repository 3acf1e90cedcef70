//! One request and its answer: everything that is known about them until the log line is written.
//!
//! Exchanges are taken from the worker's store and given back, so a request allocates nothing once
//! the buffers have grown to the traffic's size.

use std::rc::Rc;

use surehop_engine::{Attempt, Session};
use surehop_hop::buffer::Buf;
use surehop_hop::clock::Millis;
use surehop_wire::request::{Framing, RequestHead};
use surehop_wire::response::ResponseHead;

use crate::ask::Sub;
use crate::client::Body;
use crate::course::Course;
use crate::entry::Admission;
use crate::gzip::Packer;
use crate::pace::Pace;
use crate::reply::Reply;
use crate::spool::Spool;
use crate::target::{Made, Said};

/// A request under way.
#[derive(Debug)]
pub struct Exchange {
    /// The bytes of the head; the spans of `head` point into it.
    pub raw: Option<Buf>,
    /// The request head.
    pub head: RequestHead,
    /// The path in nginx's normal form.
    pub uri: Vec<u8>,
    /// Whether a `%` of the path was decoded.
    pub quoted: bool,
    /// `$host`: lower-cased, without port.
    pub host: Vec<u8>,
    /// The virtual server.
    pub server: usize,
    /// The location, once known.
    pub location: Option<usize>,
    /// Whether it came together with the request before it.
    pub pipelined: bool,
    /// When its first byte was seen.
    pub started: Millis,
    /// Bytes of the request, head and body, that were read.
    pub request_length: u64,
    /// The answer's status; 0 as long as there is none.
    pub status: u16,
    /// How fast the answer goes out.
    pub pace: Pace,
    /// Packs the answer's body.
    pub packer: Option<Box<Packer>>,
    /// Whether a body may be packed, once that was asked.
    pub packable: Option<bool>,
    /// Bytes of the body before and after it was packed.
    pub packed: Option<(u64, u64)>,
    /// What is said of the answer.
    pub reply: Reply,
    /// The head of the answer.
    pub out: Vec<u8>,
    /// The type of an answer that led elsewhere, perhaps empty.
    pub kept_type: Vec<u8>,
    /// Bytes of the answer's head that were sent.
    pub head_sent: u64,
    /// Bytes of the answer's body, framing included, that were sent.
    pub body_sent: u64,
    /// Whether the connection outlives this request.
    pub keep: bool,
    /// Whether the whole answer was sent.
    pub complete: bool,
    /// Whether it is over and being logged.
    pub logging: bool,
    /// The request as it goes upstream.
    pub upstream_head: Vec<u8>,
    /// The target within it, for the error log.
    pub upstream_uri: Vec<u8>,
    /// Whether it came to a `proxy_pass`.
    pub passed: bool,
    /// Whether the session speaks of this request.
    pub proxied: bool,
    /// The group it was proxied to last.
    pub group: Option<usize>,
    /// Tries of earlier turns, before an error page led elsewhere, and their groups.
    pub earlier: Vec<(usize, Vec<Attempt>)>,
    /// Groups that were made for it; their numbers follow those of the configuration.
    pub made: Vec<Rc<Made>>,
    /// What variables in `proxy_pass` said.
    pub said: Option<Box<Said>>,
    /// The policy's view of it.
    pub session: Session,
    /// The upstream's answer.
    pub response: ResponseHead,
    /// The bytes the spans of `response` point into, kept for `$upstream_http_…`.
    pub response_raw: Vec<u8>,
    /// Its trailers, line by line, where they are passed on.
    pub upstream_trailers: Vec<u8>,
    /// `$request_id`, once somebody asked.
    pub id: Option<[u8; 32]>,
    /// `sticky cookie`: what is written behind the server's id.
    pub cookie_tail: Vec<u8>,
    /// Its way through the phases.
    pub course: Course,
    /// What is still to come of its body; none as long as nobody asked.
    pub body: Option<Body>,
    /// What was read of its body, if it is in memory.
    pub held: Option<Buf>,
    /// What became of it at the entry.
    pub admission: Admission,
    /// What it knows of the request that it is a part of, if it is one.
    pub sub: Option<Box<Sub>>,
    /// Its body, if it is in a file.
    pub spool: Option<Box<Spool>>,
    /// Whether all of its body was taken in.
    pub taken: bool,
    /// A space for the path of a file.
    pub path: Vec<u8>,
    /// A space for values that are put together.
    pub scratch: Vec<u8>,
}

impl Exchange {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            raw: None,
            head: RequestHead::default(),
            uri: Vec::new(),
            quoted: false,
            host: Vec::new(),
            server: 0,
            location: None,
            pipelined: false,
            started: 0,
            request_length: 0,
            status: 0,
            pace: Pace::default(),
            packer: None,
            packable: None,
            packed: None,
            reply: Reply::default(),
            out: Vec::with_capacity(1024),
            kept_type: Vec::new(),
            head_sent: 0,
            body_sent: 0,
            keep: false,
            complete: false,
            logging: false,
            upstream_head: Vec::with_capacity(1024),
            upstream_uri: Vec::new(),
            passed: false,
            proxied: false,
            group: None,
            earlier: Vec::new(),
            made: Vec::new(),
            said: None,
            session: Session::new(),
            response: ResponseHead::default(),
            response_raw: Vec::new(),
            upstream_trailers: Vec::new(),
            id: None,
            cookie_tail: Vec::new(),
            course: Course::new(),
            body: None,
            held: None,
            admission: Admission::default(),
            sub: None,
            spool: None,
            taken: false,
            path: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Makes it ready for another request.
    pub fn reset(&mut self) {
        self.uri.clear();
        self.host.clear();
        self.location = None;
        self.pipelined = false;
        self.request_length = 0;
        self.status = 0;
        self.pace = Pace::default();
        self.packer = None;
        self.packable = None;
        self.packed = None;
        self.reply.reset();
        self.out.clear();
        self.kept_type.clear();
        self.head_sent = 0;
        self.body_sent = 0;
        self.keep = false;
        self.complete = false;
        self.logging = false;
        self.upstream_head.clear();
        self.upstream_uri.clear();
        self.response_raw.clear();
        self.response.headers.clear();
        self.response.whole = false;
        self.upstream_trailers.clear();
        self.id = None;
        self.passed = false;
        self.proxied = false;
        self.group = None;
        self.earlier.clear();
        self.made.clear();
        self.said = None;
        self.course.reset();
        self.admission.reset();
        self.sub = None;
        self.body = None;
        self.spool = None;
        self.taken = false;
    }

    /// The bytes of the request head.
    pub fn bytes(&self) -> &[u8] {
        self.raw.as_ref().map_or(&[], Buf::data)
    }

    /// The arguments, without the question mark.
    pub fn args(&self) -> &[u8] {
        match &self.course.args {
            Some(args) => args,
            None => self.head.query.map_or(&[], |query| query.of(self.bytes())),
        }
    }

    /// The status of an answer: an error's stays, whatever the page for it says.
    pub fn status_or(&self, own: u16) -> u16 {
        match self.course.status {
            0 => own,
            status => surehop_wire::status::sent(status),
        }
    }

    /// The method's name.
    pub fn method(&self) -> &[u8] {
        if self.course.get {
            b"GET"
        } else {
            self.head.method_span.of(self.bytes())
        }
    }

    /// The name of the method of the request that the client made.
    pub fn client_method(&self) -> &[u8] {
        match &self.sub {
            Some(sub) if !sub.get => self.head.method_span.of(self.bytes()),
            _ => self.method(),
        }
    }

    /// Every try at an upstream, in order.
    pub fn attempts(&self) -> &[Attempt] {
        if self.proxied {
            self.session.attempts()
        } else {
            &[]
        }
    }

    /// Notes that a group's peers are tried from here on.
    pub fn begin_attempts(&mut self, group: usize) {
        if let Some(before) = self.group.filter(|_| self.proxied) {
            self.earlier
                .push((before, self.session.attempts().to_vec()));
        }
        self.group = Some(group);
        self.proxied = true;
    }

    /// How long the body is that was taken in.
    pub fn taken_len(&self) -> u64 {
        match &self.spool {
            Some(spool) => spool.len,
            None => self.held.as_ref().map_or(0, |held| held.len() as u64),
        }
    }

    /// Whether nobody is sent what comes of it.
    pub fn mute(&self) -> bool {
        self.sub.is_some() || self.course.posted
    }

    /// Whether the request has a body.
    pub fn has_body(&self) -> bool {
        !matches!(self.head.framing, Framing::None | Framing::Length(0))
    }
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}
