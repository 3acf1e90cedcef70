//! One connection: who opened it, what was asked on it, who ended it, and when.

mod ending;
mod opening;

use super::exchange::{Asked, Exchange, Moment};
use super::segment::{ACK, FIN, RST, SYN, Segment};
use super::side::{Side, before};
use super::told::Told;
use crate::event::Outcome;
use ending::{Ending, SILENT};
use opening::Opening;
use std::net::SocketAddr;
use surehop_engine::{Cause, Phase, Reason};

pub(super) use ending::{CLOSED, IDLE_CLOSE, IDLE_RESET};

/// ms: what ends a connection sooner after its beginning did not want it.
const AT_ONCE: u64 = 100;
/// ms: who waits for less and goes has changed his mind.
const PATIENCE: u64 = 1000;

#[derive(Debug)]
pub(super) struct Flow {
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub number: u64,
    /// What it had to tell since somebody took it.
    pub news: Vec<Told>,
    last: Moment,
    opening: Opening,
    up: Side,
    down: Side,
    exchange: Exchange,
    ending: Option<Ending>,
    /// ms without any packet before the last request.
    rested: u64,
    /// Where what the server sends next begins: behind what was there when it was asked, or seen since.
    expected: Option<u32>,
    /// Whether the fate of the request that is awaited was told.
    judged: bool,
}

impl Flow {
    pub(super) fn new(number: u64, client: SocketAddr, server: SocketAddr, now: Moment) -> Self {
        Self {
            client,
            server,
            number,
            news: Vec::new(),
            last: now,
            opening: Opening::default(),
            up: Side::default(),
            down: Side::default(),
            exchange: Exchange::default(),
            ending: None,
            rested: 0,
            expected: None,
            judged: false,
        }
    }

    pub(super) fn take(&mut self, segment: &Segment<'_>, now: Moment) {
        let by_client = segment.source == self.client;
        match (segment.has(RST), segment.has(SYN), by_client) {
            (true, _, true) => self.client_resets(segment, now),
            (true, _, false) => self.server_resets(segment, now),
            (_, true, true) => self.syn(segment, now),
            (_, true, false) => self.syn_answered(segment, now),
            (_, _, true) => self.client_sends(segment, now),
            (_, _, false) => self.server_sends(segment, now),
        }
        self.last = now;
    }

    fn client_sends(&mut self, segment: &Segment<'_>, now: Moment) {
        self.opening.done = true;
        self.down.acknowledge(segment);
        if let Some(stretch) = self.up.stretch(segment, now) {
            if segment.has(ACK) && self.answered_unseen(segment.acknowledged) {
                self.exchange.answered_unseen();
            }
            if self.exchange.client(stretch, self.opening.answer.is_some()) {
                self.rested = now.since(self.last);
                self.judged = false;
                self.expected = segment.has(ACK).then_some(segment.acknowledged);
                self.asked_too_late(now);
            }
        } else if self.up.again == SILENT && self.ending.is_none() {
            self.unanswered(now);
        }
        if segment.has(FIN) {
            self.client_ends(Cause::Closed, segment, now);
        }
    }

    fn server_sends(&mut self, segment: &Segment<'_>, now: Moment) {
        self.up.acknowledge(segment);
        if let Some(stretch) = self.down.stretch(segment, now) {
            let whole = self.opening.answer.is_some();
            if self
                .expected
                .is_some_and(|begins| before(begins, segment.end()))
            {
                self.expected = Some(segment.end());
            }
            self.exchange.server(stretch, whole);
        }
        if segment.has(FIN) {
            self.server_ends(Cause::Closed, segment, now);
        }
    }

    fn client_resets(&mut self, segment: &Segment<'_>, now: Moment) {
        self.answered_too_late(now);
        self.client_ends(Cause::Reset, segment, now);
    }

    fn server_resets(&mut self, segment: &Segment<'_>, now: Moment) {
        if self.is_opening() {
            self.refused(now);
            self.ends(false, Cause::Refused, segment, now);
        } else if self.leaves_body_unread(now) {
            self.body_unread(now);
            self.ends(false, Cause::Reset, segment, now);
        } else {
            self.server_ends(Cause::Reset, segment, now);
        }
    }

    fn told(&self, word: &'static str, from: Moment, to: Moment, sentence: String) -> Told {
        Told {
            word,
            outcome: None,
            client: self.client,
            server: self.server,
            connection: self.number,
            from,
            to,
            asked: Asked::default(),
            reused: None,
            idle_ms: None,
            age_ms: None,
            late_ms: None,
            status: 0,
            tries: 1,
            sentence,
        }
    }

    /// The mark of the request that was answered just now, and the status.
    pub(super) fn answered(&mut self) -> Option<(u64, u16)> {
        self.exchange.news.take()
    }

    fn is_fresh(&self) -> bool {
        self.opening.answer.is_some() && self.exchange.answered == 0
    }

    /// Whether it had carried a request before; unknown where its beginning was not seen.
    fn reused(&self) -> Option<bool> {
        match self.exchange.answered {
            0 => self.opening.answer.map(|_| false),
            _ => Some(true),
        }
    }
}

fn failed(phase: Phase, cause: Cause, reused: bool) -> Outcome {
    (phase, cause, Reason::of(phase, cause, reused, 1, 0))
}
