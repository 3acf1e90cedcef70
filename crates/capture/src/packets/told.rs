//! What a connection has to tell.

use super::exchange::{Asked, Moment};
use crate::event::{Event, Outcome};
use std::net::SocketAddr;

/// One piece of news of a connection.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub word: &'static str,
    pub outcome: Option<Outcome>,
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// The number of the connection.
    pub connection: u64,
    /// The packets that show it, from the first to the last.
    pub from: Moment,
    pub to: Moment,
    pub asked: Asked,
    pub reused: Option<bool>,
    pub idle_ms: Option<u64>,
    pub age_ms: Option<u64>,
    /// How long the close had been there when the request was sent; of `left`, how long the client waited.
    pub late_ms: Option<u64>,
    pub status: u16,
    pub tries: u8,
    /// What happened, in words.
    pub sentence: String,
}

impl Told {
    /// Hands it on as an event, with the line that stands for it.
    pub(super) fn hand(&self, take: &mut dyn FnMut(u64, &str, Event<'_>)) {
        let (from, to) = (self.from.packet, self.to.packet);
        let packets = if from == to {
            format!("packet {from}")
        } else {
            format!("packets {from}-{to}")
        };
        let Asked { method, target, .. } = &self.asked;
        let (client, server) = (self.client, self.server);
        let request = match &**method {
            "" => String::new(),
            method => format!("{method} {target}: "),
        };
        let line = format!("{packets}: {client} > {server}: {request}{}", self.sentence);
        let peer = server.to_string();
        let upstream = match &**target {
            target if target.starts_with('/') => format!("http://{server}{target}"),
            _ => String::new(),
        };
        let event = Event {
            at_ms: self.to.at / 1_000_000,
            outcome: self.outcome,
            peer: peer.as_bytes(),
            upstream: upstream.as_bytes(),
            method: method.as_bytes(),
            connection: self.connection,
            reused: self.reused,
            idle_ms: self.idle_ms,
            age_ms: self.age_ms,
            pause_ms: self.late_ms,
            status: self.status,
            tries: self.tries,
            ..Event::new("packets", self.word)
        };
        take(from, &line, event);
    }
}
