//! Requests and answers of one connection: what is awaited at any moment.

use super::http::{Messages, News, is_request, is_response};
use super::tls::{Records, is_record};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many requests may be under way at once; more are no longer told apart.
const PIPELINED: usize = 32;
/// ns without a byte after which an answer of unknown length is taken to be whole.
const QUIET: i64 = 1_000_000_000;

/// When something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// ns since 1970.
    pub at: i64,
    /// The number of the packet.
    pub packet: u64,
}

impl Moment {
    /// ms from another moment to this one.
    pub(super) fn since(self, other: Self) -> u64 {
        u64::try_from((self.at - other.at) / 1_000_000).unwrap_or(0)
    }
}

/// The new data of a segment, with how many bytes are missing before and after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch<'a> {
    pub before: u64,
    pub data: &'a [u8],
    pub after: u64,
    pub now: Moment,
}

/// A request. Of one in TLS neither method nor target is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub method: Box<str>,
    pub target: Box<str>,
    pub now: Moment,
}

impl Asked {
    /// A number by which the same request is known again.
    pub(super) fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.method, &self.target).hash(&mut hasher);
        hasher.finish()
    }
}

/// The last answer that was whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub status: u16,
    pub now: Moment,
    /// Whether its request had a body.
    pub body: bool,
}

/// What the two are doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was asked yet.
    Silent,
    /// All that was asked is answered.
    Idle,
    /// A request is under way, of an answer there is nothing yet.
    Asked,
    /// The head of an answer is under way.
    Heading,
    /// The body of an answer is under way.
    Answering,
    /// An answer is under way, and the close ends it.
    UntilClose,
    /// Nobody can tell.
    Unknown,
}

#[derive(Debug, Default)]
enum Language {
    #[default]
    Unknown,
    Http,
    Tls(Records, Records),
    /// Something else.
    Other,
}

/// What one connection carries.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    language: Language,
    request: Messages,
    response: Messages,
    waiting: VecDeque<Asked>,
    /// Whether a byte of the answer to the first of those that wait is here.
    begun: bool,
    /// When the server sent something last.
    heard: Moment,
    /// How many answers are whole.
    pub answered: u32,
    pub last: Option<Answered>,
    /// The request that was answered just now, and how, until somebody takes it.
    pub news: Option<(u64, u16)>,
    /// Whether one side said that the connection ends after this.
    pub closing: bool,
}

impl Exchange {
    /// The request that is to be answered next.
    pub(super) fn awaited(&self) -> Option<&Asked> {
        self.waiting.front()
    }

    /// Whether an answer has come, or its beginning, while a part of its request is still to come.
    pub(super) fn is_answered_early(&self) -> bool {
        self.is_asking() && (self.begun || self.waiting.is_empty())
    }

    /// Whether a part of the request is still to come.
    pub(super) fn is_asking(&self) -> bool {
        matches!(self.language, Language::Http)
            && self.request.is_under_way()
            && !self.request.is_blind()
    }

    pub(super) fn state(&self, now: Moment) -> State {
        match self.language {
            Language::Other => State::Unknown,
            _ if self.waiting.is_empty() && self.is_asking() => State::Unknown,
            _ if self.waiting.is_empty() && self.answered > 0 => State::Idle,
            Language::Unknown => State::Silent,
            _ if self.waiting.is_empty() => State::Silent,
            _ if !self.begun => State::Asked,
            Language::Http if self.response.ends_with_close() => State::UntilClose,
            Language::Http if self.response.is_in_head() => State::Heading,
            Language::Http if !self.response.is_blind() => State::Answering,
            _ if now.at - self.heard.at >= QUIET => State::Idle,
            _ => State::Unknown,
        }
    }

    /// ms that the connection had rested before the request that is awaited.
    pub(super) fn rested(&self) -> Option<u64> {
        Some(self.awaited()?.now.since(self.last?.now))
    }

    /// What is awaited has come, and the capture has nothing of it; who asks in the middle of an answer does not wait
    /// for its end.
    pub(super) fn answered_unseen(&mut self) {
        if !self.begun && matches!(self.language, Language::Http) {
            self.waiting.clear();
        }
    }

    /// When the last answer was over, as far as that is known.
    pub(super) fn idle_since(&self) -> Option<Moment> {
        if self.begun {
            Some(self.heard)
        } else {
            self.last.map(|last| last.now)
        }
    }

    /// What the client sent; whether a request began in it.
    pub(super) fn client(&mut self, stretch: Stretch<'_>, whole: bool) -> bool {
        if matches!(self.language, Language::Unknown) {
            self.language = if stretch.before == 0 && is_request(stretch.data) {
                Language::Http
            } else if stretch.before == 0 && is_record(stretch.data) {
                Language::Tls(Records::default(), Records::default())
            } else if whole {
                Language::Other
            } else {
                Language::Unknown
            };
        }
        match &mut self.language {
            Language::Http => self.requests(stretch),
            Language::Tls(records, _) => {
                let carries = records.take(stretch.before, stretch.data, stretch.after);
                if carries != Some(true) || (!self.waiting.is_empty() && !self.begun) {
                    return false;
                }
                self.ask(Asked {
                    now: stretch.now,
                    ..Asked::default()
                });
                true
            }
            Language::Unknown | Language::Other => false,
        }
    }

    /// What the server sent.
    pub(super) fn server(&mut self, stretch: Stretch<'_>, whole: bool) {
        match &mut self.language {
            Language::Unknown if whole => self.language = Language::Other,
            Language::Unknown | Language::Other => {}
            Language::Http => self.responses(stretch),
            Language::Tls(_, records) => {
                let carries = records.take(stretch.before, stretch.data, stretch.after);
                if carries != Some(false) {
                    self.begun |= !self.waiting.is_empty();
                    self.heard = stretch.now;
                }
            }
        }
    }

    fn ask(&mut self, asked: Asked) {
        if self.begun && (self.response.is_blind() || matches!(self.language, Language::Tls(..))) {
            // Who asks again has the answer, though nobody saw its end.
            self.answer(0);
            self.response.restart();
        }
        if self.waiting.len() == PIPELINED {
            self.language = Language::Other;
        }
        self.waiting.push_back(asked);
    }

    fn answer(&mut self, status: u16) {
        let asked = self.waiting.pop_front();
        self.news = asked.map(|asked| (asked.mark(), status)).or(self.news);
        self.begun = false;
        self.answered += 1;
        self.last = Some(Answered {
            status,
            now: self.heard,
            body: self.request.head.has_body(),
        });
    }

    fn requests(&mut self, stretch: Stretch<'_>) -> bool {
        self.request.gap(stretch.before);
        if self.request.is_blind() && is_request(stretch.data) {
            self.request.restart();
        }
        let (mut data, mut asked) = (stretch.data, false);
        while !data.is_empty() && matches!(self.language, Language::Http) {
            let (used, news) = self.request.step(data);
            data = &data[used..];
            asked |= self.requested(news, stretch.now);
        }
        let news = self.request.gap(stretch.after);
        self.requested(news, stretch.now) || asked
    }

    fn requested(&mut self, news: Option<News>, now: Moment) -> bool {
        let head = &self.request.head;
        match news {
            Some(News::Line) => self.ask(Asked {
                method: head.method.clone(),
                target: head.target.clone(),
                now,
            }),
            Some(News::Done) => self.closing |= head.closes,
            None => {}
        }
        news == Some(News::Line)
    }

    fn responses(&mut self, stretch: Stretch<'_>) {
        self.heard = stretch.now;
        self.respond(stretch.before, &[]);
        if self.response.is_blind() && is_response(stretch.data) {
            self.response.restart();
        }
        self.respond(0, stretch.data);
        self.respond(stretch.after, &[]);
    }

    /// Takes bytes that are missing, then some that are not.
    fn respond(&mut self, missing: u64, mut data: &[u8]) {
        self.begun |= !self.waiting.is_empty() && (missing > 0 || !data.is_empty());
        let mut news = self.response.gap(missing);
        loop {
            match news {
                Some(News::Line) => self.head(),
                Some(News::Done) => self.whole(),
                None => {}
            }
            if data.is_empty() || !matches!(self.language, Language::Http) {
                return;
            }
            let used;
            (used, news) = self.response.step(data);
            data = &data[used..];
        }
    }

    /// The first line of a response is here.
    fn head(&mut self) {
        let method = self.waiting.front().map_or("", |asked| &*asked.method);
        let head = &mut self.response.head;
        head.bodiless = method == "HEAD" || matches!(head.status, 100..200 | 204 | 304);
        if head.status == 101 || (method == "CONNECT" && head.status / 100 == 2) {
            self.language = Language::Other;
        }
    }

    fn whole(&mut self) {
        let head = &self.response.head;
        if head.status / 100 == 1 {
            self.begun = false;
        } else if self.waiting.is_empty() {
            // Nobody asked: a time-out that is told, say.
            self.closing = true;
        } else {
            self.closing |= head.closes;
            self.answer(head.status);
        }
    }
}
