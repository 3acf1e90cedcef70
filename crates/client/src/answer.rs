//! An answer, as it is handed over.

use surehop_wire::header::{Known, Span};
use surehop_wire::request::Version;
use surehop_wire::response::ResponseHead;

use crate::report::Report;

/// An answer: its head, and its body unless that is read piece by piece.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The head's bytes; the spans point into them.
    pub head: Vec<u8>,
    /// Name and value of every header line.
    pub lines: Vec<(Span, Span)>,
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub reason: Span,
    /// Whether it is HTTP/1.0.
    pub old: bool,
    /// What the caller will look at, as bits.
    pub marks: u32,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// Microseconds from the order to here.
    pub elapsed: u64,
    /// What its request met.
    pub report: Report,
}

/// It sets cookies.
const COOKIE: u32 = 1;
/// It leads elsewhere.
const REDIRECT: u32 = 2;
/// Its body is encoded.
const ENCODED: u32 = 4;

/// What the caller will look at.
pub(crate) fn marks(head: &[u8], response: &ResponseHead) -> u32 {
    let mut marks = 0;
    for header in &response.headers {
        let name = header.name.of(head);
        marks |= match name.len() {
            10 if name.eq_ignore_ascii_case(b"set-cookie") => COOKIE,
            16 if name.eq_ignore_ascii_case(b"content-encoding") => ENCODED,
            _ => 0,
        };
    }
    if (300..400).contains(&response.status) && response.find(Known::Location).is_some() {
        marks |= REDIRECT;
    }
    marks
}

impl Answer {
    /// The head of an answer.
    pub fn new(head: Vec<u8>, response: &ResponseHead) -> Self {
        Self {
            marks: marks(&head, response),
            lines: response.headers.iter().map(|h| (h.name, h.value)).collect(),
            status: response.status,
            reason: response.reason,
            old: response.version == Version::Http10,
            body: None,
            elapsed: 0,
            report: Report::default(),
            head,
        }
    }
}
