//! What goes in and what comes out.

use std::sync::Arc;

use crate::answer::Answer;
use crate::plan;
use crate::report::Report;
use surehop_engine::Policy;

/// Bytes that are sent, whoever holds them.
pub type Payload = Box<dyn AsRef<[u8]> + Send + Sync>;

/// What is special about a request, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// It may be done twice.
    pub const IDEMPOTENT: Self = Self(1);
    /// It carries an Idempotency-Key.
    pub const KEYED: Self = Self(2);
    /// Its answer has no body.
    pub const HEAD: Self = Self(4);
    /// The answer is handed over at its head; its body is read.
    pub const STREAM: Self = Self(8);
    /// Its body is fed.
    pub const UPLOAD: Self = Self(16);
    /// What is fed is framed in chunks.
    pub const CHUNKED: Self = Self(32);
    /// What is fed can be fed once more from its beginning.
    pub const REWINDABLE: Self = Self(64);
    /// It has a Host line of its own.
    pub const HOST_GIVEN: Self = Self(128);
    /// It says `Connection: close`, so nothing may come after it.
    pub const LAST: Self = Self(256);

    /// Whether all of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The terms of a request, as the transport uses them.
#[derive(Debug)]
pub struct Terms {
    /// As they were told.
    pub plan: plan::Terms,
    /// As the engine sees them.
    pub policy: Policy,
}

/// A request.
pub struct Order {
    /// Where it goes.
    pub target: u64,
    /// On what terms.
    pub terms: Arc<Terms>,
    /// What is special about it.
    pub flags: Flags,
    /// The request line with its CRLF.
    pub line: Vec<u8>,
    /// The header lines but for Host, with the empty line.
    pub rest: Vec<u8>,
    /// The body, if it is here whole.
    pub body: Option<Payload>,
}

/// What only the caller can do.
pub enum Question {
    /// Look a name up.
    Resolve {
        /// The name.
        host: String,
        /// The port that the addresses shall have.
        port: u16,
    },
    /// Give more of the body; `restart`: from its beginning.
    Feed {
        #[allow(missing_docs)]
        restart: bool,
    },
    /// Decide about another round.
    Ask {
        /// The answer, if one came; its body, if it was short.
        answer: Option<Box<Answer>>,
        /// Rounds so far.
        count: u32,
        /// The wait that the engine would take.
        delay: u64,
        /// What it met so far.
        report: Box<Report>,
    },
}

/// What comes out; at most one waits for each request.
pub enum Event {
    /// The answer, whole or its head.
    Answer(Box<Answer>),
    /// There is none.
    Failed(Box<Report>),
    /// Something is asked; the request waits.
    Question(Question),
    /// A part of a streamed body.
    Chunk(Vec<u8>),
    /// Its end.
    End,
}

/// What goes in.
pub enum Op {
    /// A new target by its number.
    Target(u64, Box<crate::target::Made>),
    /// A target that gets no more requests.
    Forget(u64),
    /// A new request by its number.
    Send(u64, Box<Order>),
    /// Answers `Resolve`: the addresses, or a Node-like code.
    Resolved(u64, Result<Vec<surehop_hop::socket::Address>, String>),
    /// Answers `Feed`; none is the end.
    Feed(u64, Option<Payload>),
    /// Answers `Ask`.
    Answered(u64, bool, Option<u64>),
    /// Asks for the next part of a streamed body.
    Read(u64),
    /// Gives a request up, or the rest of its answer.
    Cancel(u64),
    /// Closes all.
    Close,
}
