//! The end of a connection, and what it does to the request that is under way.

use super::super::exchange::{Asked, Moment, State};
use super::super::segment::{ACK, Segment};
use super::super::side::before;
use super::super::told::Told;
use super::{AT_ONCE, Flow, PATIENCE, failed};
use surehop_engine::{Cause, Phase};

/// A connection at rest that the server ends by FIN.
pub(in super::super) const IDLE_CLOSE: &str = "idle close";
/// The same by RST.
pub(in super::super) const IDLE_RESET: &str = "idle reset";
/// The end of one on which a request waits, instead of its answer.
pub(in super::super) const CLOSED: &str = "closed";
/// How often data must be sent again, without any answer, for the other side to be silent.
pub(super) const SILENT: u32 = 3;
/// ms: what had rested for less was not closed for it just as the next request came.
const RESTED: u64 = 500;
/// ms that the close and the request may be apart in a race.
const RACE: u64 = 50;
/// ms: who ends a connection sooner after a request has not worked on it.
const UNREAD: u64 = 5;

/// The first end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    by_client: bool,
    cause: Cause,
    now: Moment,
    state: State,
    /// What must have been acknowledged by who knew of it.
    end: u32,
}

impl Flow {
    /// Notes who ended it. The first one counts.
    pub(super) fn ends(
        &mut self,
        by_client: bool,
        cause: Cause,
        segment: &Segment<'_>,
        now: Moment,
    ) -> Option<Ending> {
        if self.ending.is_some() {
            return None;
        }
        self.ending = Some(Ending {
            by_client,
            cause,
            now,
            state: self.exchange.state(now),
            end: segment.end(),
        });
        self.ending
    }

    pub(super) fn client_ends(&mut self, cause: Cause, segment: &Segment<'_>, now: Moment) {
        let ending = self.ends(true, cause, segment, now);
        let heard = segment.has(ACK) && self.answered_unseen(segment.acknowledged);
        if heard || ending.is_none_or(|ending| ending.state != State::Asked) {
            return;
        }
        let waited = self.waited(now);
        if waited >= PATIENCE {
            let sentence = format!("the client gave up after {waited} ms without an answer");
            self.fails("no answer", Phase::Head, Cause::TimedOut, now, sentence);
        } else if waited >= AT_ONCE {
            self.left(waited, now);
        }
    }

    /// The client went soon: who changed his mind, or a short time-out.
    fn left(&mut self, waited: u64, now: Moment) {
        let asked = self.exchange.awaited().map_or(now, |asked| asked.now);
        let sentence = format!("the client went after {waited} ms without an answer");
        self.news.push(Told {
            late_ms: Some(waited),
            reused: self.reused(),
            ..self.told("left", asked, now, sentence)
        });
    }

    pub(super) fn server_ends(&mut self, cause: Cause, segment: &Segment<'_>, now: Moment) {
        let Some(ending) = self.ends(false, cause, segment, now) else {
            return;
        };
        let how = how(cause);
        match ending.state {
            State::Idle if !self.exchange.closing => self.closed_at_rest(cause, now),
            State::Asked => self.closed_under(segment, cause, now),
            State::Heading => {
                let sentence = format!("{how} by the server in the head of an answer");
                self.fails(CLOSED, Phase::Head, cause, now, sentence);
            }
            State::Answering => {
                let sentence = format!("{how} by the server in the middle of an answer");
                self.fails("cut off", Phase::Body, cause, now, sentence);
            }
            _ => {}
        }
    }

    fn closed_at_rest(&mut self, cause: Cause, now: Moment) {
        let word = if cause == Cause::Reset {
            IDLE_RESET
        } else {
            IDLE_CLOSE
        };
        let since = self.exchange.idle_since().unwrap_or(now);
        let idle = now.since(since);
        let sentence = format!("{} by the server after {idle} ms of rest", how(cause));
        self.news.push(Told {
            reused: Some(true),
            idle_ms: Some(idle),
            ..self.told(word, since, now, sentence)
        });
    }

    /// The server ends the connection, and a request is out of which nothing was answered.
    fn closed_under(&mut self, segment: &Segment<'_>, cause: Cause, now: Moment) {
        if self.answered_unseen(segment.sequence) || self.gave_the_client_up(cause, now) {
            return;
        }
        let how = how(cause);
        let waited = self.waited(now);
        let unseen = (self.up.next).is_some_and(|next| before(segment.acknowledged, next));
        let idle = self.exchange.rested();
        let (word, sentence) = match idle {
            Some(idle) if unseen => (
                "race",
                format!("{how} by the server, which had not seen it yet, after {idle} ms of rest"),
            ),
            Some(idle) if idle >= RESTED && waited <= RACE => (
                "race",
                format!("{how} by the server just as it came, after {idle} ms of rest"),
            ),
            None if self.was_turned_away(now)
                && (unseen || (cause == Cause::Reset && waited <= UNREAD)) =>
            {
                (
                    "closed at once",
                    format!("accepted, then {how} by the server"),
                )
            }
            _ => (
                CLOSED,
                format!("{how} by the server instead of an answer, after {waited} ms"),
            ),
        };
        self.fails(word, Phase::Head, cause, now, sentence);
    }

    /// The client asks; perhaps on a connection that the server has ended.
    pub(super) fn asked_too_late(&mut self, now: Moment) {
        let Some(ending) = self.ending.filter(|ending| !ending.by_client) else {
            return;
        };
        let how = how(ending.cause);
        let gap = now.since(ending.now);
        let knew = (self.down.acknowledged).is_some_and(|heard| before(ending.end, heard));
        let (word, sentence) = match ending.state {
            State::Silent if self.was_turned_away(ending.now) => (
                "closed at once",
                format!("accepted, then {how} by the server"),
            ),
            State::Idle | State::Silent if !knew || gap <= RACE => {
                ("race", format!("sent {gap} ms behind the server's {how}"))
            }
            State::Idle | State::Silent => (
                "stale",
                format!("sent {gap} ms after the server's {how} had come"),
            ),
            _ => return,
        };
        self.fails(word, Phase::Head, ending.cause, now, sentence);
    }

    pub(super) fn unanswered(&mut self, now: Moment) {
        let (times, rested) = (SILENT + 1, self.rested);
        let sentence =
            format!("sent {times} times, not even acknowledged, after {rested} ms of rest");
        self.fails("unanswered", Phase::Head, Cause::TimedOut, now, sentence);
    }

    pub(super) fn leaves_body_unread(&self, now: Moment) -> bool {
        let refused = self
            .exchange
            .last
            .is_some_and(|last| last.body && last.status >= 400 && now.since(last.now) < AT_ONCE);
        match self.ending {
            None => self.exchange.is_answered_early() || refused,
            Some(ending) => !ending.by_client && self.exchange.is_answered_early(),
        }
    }

    pub(super) fn body_unread(&mut self, now: Moment) {
        let last = self.exchange.last;
        let from = last.map_or(now, |last| last.now);
        let sentence = "RST by the server behind its answer, with the request's body unread";
        self.judged = true;
        self.news.push(Told {
            outcome: Some(failed(Phase::Send, Cause::Reset, false)),
            status: last.map_or(0, |last| last.status),
            reused: self.reused(),
            ..self.told("body unread", from, now, sentence.to_owned())
        });
    }

    /// The request that is awaited has failed; that is told once.
    fn fails(
        &mut self,
        word: &'static str,
        phase: Phase,
        cause: Cause,
        now: Moment,
        sentence: String,
    ) {
        let Some(asked) = self.exchange.awaited().filter(|_| !self.judged) else {
            return;
        };
        let asked = asked.clone();
        let from = match self.ending {
            Some(ending) if ending.now.packet < asked.now.packet => ending.now,
            _ => asked.now,
        };
        self.judged = true;
        self.news.push(Told {
            outcome: Some(failed(phase, cause, self.exchange.answered > 0)),
            reused: self.reused(),
            idle_ms: self.exchange.rested(),
            age_ms: self.opening.syn.map(|syn| asked.now.since(syn)),
            late_ms: (from.packet < asked.now.packet).then(|| asked.now.since(from)),
            asked,
            ..self.told(word, from, now, sentence)
        });
    }

    /// Whether the server has sent up to `number`, of which the capture has nothing.
    pub(super) fn answered_unseen(&self, number: u32) -> bool {
        self.expected.is_some_and(|begins| before(begins, number))
    }

    /// Whether the client had stopped in the middle of its request.
    fn gave_the_client_up(&self, cause: Cause, now: Moment) -> bool {
        cause == Cause::Closed && self.exchange.is_asking() && self.up.silence(now) >= PATIENCE
    }

    fn waited(&self, now: Moment) -> u64 {
        let asked = self.exchange.awaited().map(|asked: &Asked| asked.now);
        asked.map_or(0, |asked| now.since(asked))
    }

    /// Whether it ends just after it was accepted, and had served nothing.
    fn was_turned_away(&self, now: Moment) -> bool {
        let accepted = self.opening.answer;
        self.is_fresh() && accepted.is_some_and(|accepted| now.since(accepted) < AT_ONCE)
    }
}

fn how(cause: Cause) -> &'static str {
    if cause == Cause::Reset { "RST" } else { "FIN" }
}
