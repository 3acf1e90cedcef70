//! The handshake: refused, answered late, never answered, given up.

use super::super::exchange::{Moment, State};
use super::super::segment::{ACK, SYN, Segment};
use super::super::side::COPY;
use super::super::told::Told;
use super::{AT_ONCE, Flow, PATIENCE, failed};
use surehop_engine::{Cause, Phase};

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// The first SYN, if it was seen.
    pub syn: Option<Moment>,
    /// The last one.
    last: Moment,
    syns: u32,
    sequence: u32,
    pub answer: Option<Moment>,
    /// Whether the client has acknowledged the answer.
    pub done: bool,
    /// ms until the client tried another address instead.
    elsewhere: Option<u64>,
}

impl Flow {
    /// Whether a SYN is another connection's than this one.
    pub(in super::super) fn is_past(&self, segment: &Segment<'_>) -> bool {
        let opens = segment.has(SYN) && !segment.has(ACK);
        opens && !(self.opening.syns > 0 && self.opening.sequence == segment.sequence)
    }

    /// Whether its SYN waits for an answer.
    pub(in super::super) fn is_opening(&self) -> bool {
        self.opening.syn.is_some() && self.opening.answer.is_none() && self.ending.is_none()
    }

    /// The client tries another address, so many ms after its SYN.
    pub(in super::super) fn went_elsewhere(&mut self, after: u64) {
        self.opening.elsewhere.get_or_insert(after);
    }

    /// Nothing more of it comes, or none is remembered.
    pub(in super::super) fn end(&mut self, now: Moment) {
        let Some(syn) = self.opening.syn.filter(|_| self.is_opening()) else {
            return;
        };
        let (syns, waited) = (self.opening.syns, now.since(syn));
        if let (Some(after), 1) = (self.opening.elsewhere, syns) {
            let sentence = format!("given up for another address after {after} ms");
            self.given_up(syn, self.last, after, sentence);
        } else if syns > 1 || waited >= 3 * PATIENCE {
            let sentence = match syns {
                1 => format!("no answer to the SYN in {waited} ms"),
                _ => format!("no answer to {syns} SYNs in {waited} ms"),
            };
            self.news.push(Told {
                outcome: Some(failed(Phase::Connect, Cause::TimedOut, false)),
                age_ms: Some(waited),
                ..self.told("connect", syn, self.last, sentence)
            });
        }
    }

    pub(super) fn syn(&mut self, segment: &Segment<'_>, now: Moment) {
        let opening = &mut self.opening;
        if opening.syn.is_none() {
            opening.syn = Some(now);
            opening.sequence = segment.sequence;
            self.up.next = Some(segment.sequence.wrapping_add(1));
        } else if now.at - opening.last.at < COPY {
            return;
        }
        opening.syns += 1;
        opening.last = now;
    }

    pub(super) fn syn_answered(&mut self, segment: &Segment<'_>, now: Moment) {
        let from = self.opening.syn.unwrap_or(now);
        if let Some(before) = self.opening.answer {
            let again = self.opening.done && now.at - before.at >= COPY;
            if again && self.exchange.state(now) == State::Silent {
                let sentence = "the server answers the SYN once more, though that was acknowledged";
                self.news
                    .push(self.told("queue full", from, now, sentence.to_owned()));
            }
            return;
        }
        self.down.next = Some(segment.sequence.wrapping_add(1));
        self.opening.answer = Some(now);
        let (waited, syns) = (now.since(from), self.opening.syns);
        let sentence = format!("accepted in {waited} ms");
        let mut accepted = Told {
            age_ms: Some(waited),
            ..self.told("accepted", from, now, sentence)
        };
        self.news.push(accepted.clone());
        if syns > 1 {
            accepted.word = "late";
            accepted.sentence = format!("accepted in {waited} ms, on SYN {syns}");
            self.news.push(accepted);
        }
    }

    pub(super) fn refused(&mut self, now: Moment) {
        let syn = self.opening.syn.unwrap_or(now);
        self.news.push(Told {
            outcome: Some(failed(Phase::Connect, Cause::Refused, false)),
            age_ms: Some(now.since(syn)),
            ..self.told("refused", syn, now, "refused: RST to the SYN".to_owned())
        });
    }

    /// The client resets: had it given up before its SYN was answered?
    pub(super) fn answered_too_late(&mut self, now: Moment) {
        let opening = &self.opening;
        let (Some(syn), Some(answer), false, None) =
            (opening.syn, opening.answer, opening.done, self.ending)
        else {
            return;
        };
        let waited = answer.since(syn);
        if waited >= AT_ONCE {
            let after = opening.elsewhere.unwrap_or(waited);
            let sentence = format!("answered after {waited} ms, when the client had given it up");
            self.given_up(syn, now, after, sentence);
        }
    }

    fn given_up(&mut self, syn: Moment, now: Moment, after: u64, sentence: String) {
        self.news.push(Told {
            outcome: Some(failed(Phase::Connect, Cause::AttemptTimedOut, false)),
            age_ms: Some(after),
            ..self.told("given up", syn, now, sentence)
        });
    }
}
