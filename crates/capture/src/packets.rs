//! Captures: packets -> connections -> what became of each.
//!
//! What is told has one of these words; those with a star tell of a try that failed.
//!
//! | word | |
//! | --- | --- |
//! | `accepted` | a connection was made |
//! | `refused` * | RST to the SYN |
//! | `connect` * | the SYN was sent again and again, and never answered |
//! | `late` | the SYN was answered, but only when it was sent again |
//! | `queue full` | the handshake is over, and the server goes on with it: its accept queue is full |
//! | `given up` * | the client tried another address, or was gone when the answer came |
//! | `idle close`, `idle reset` | the server ended a connection at rest, by FIN or RST |
//! | `closed together` | it ended many at one moment, however long they had rested |
//! | `race` * | a request met the server's close on a connection that had rested |
//! | `stale` * | a request was sent although the close had long been there |
//! | `closed at once` * | accepted, then closed |
//! | `closed` * | the connection ended instead of an answer; its status is what the same request got before |
//! | `cut off` * | it ended in the middle of an answer |
//! | `body unread` * | an early answer, and RST behind it, since the request's body was not read |
//! | `unanswered` * | a request was sent again and again, and not even acknowledged |
//! | `no answer` * | the client gave up waiting |
//! | `left` | it did so within a second: a short time-out, or somebody who changed his mind |

mod exchange;
mod file;
mod flow;
mod http;
mod link;
#[cfg(test)]
mod made;
mod pcapng;
mod reading;
mod segment;
mod side;
mod table;
mod tls;
mod told;

use crate::event::Event;
use exchange::Moment;
use file::{File, Packet};
use link::UnknownLink;
use segment::Layer;
use table::Table;

pub use reading::CaptureReading;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All packets.
    pub packets: u64,
    /// Segments of TCP.
    pub segments: u64,
    /// Those that could not be judged: of a link that is not known, parts of packets, which are not put
    /// together, and those of which not even the headers were kept.
    pub unknown: u64,
    /// Connections.
    pub connections: u64,
    /// Whether the file is damaged or cut off.
    pub broken: bool,
}

/// Reads one capture, fed in any pieces, in bounded memory. What it tells goes to a function: the number of
/// the first packet that shows it, a line that says it in words, and the event.
#[derive(Debug)]
pub struct Packets {
    file: File,
    table: Table,
    counts: Counts,
}

impl Default for Packets {
    fn default() -> Self {
        Self::new()
    }
}

impl Packets {
    /// A reader of a capture that begins now.
    pub fn new() -> Self {
        Self {
            file: File::new(),
            table: Table::default(),
            counts: Counts::default(),
        }
    }

    /// Whether a file that begins with these bytes is a capture.
    pub fn knows(head: &[u8]) -> bool {
        File::knows(head)
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8], take: &mut dyn FnMut(u64, &str, Event<'_>)) {
        let Self {
            file,
            table,
            counts,
        } = self;
        file.feed(bytes, |packet| count(counts, table, &packet, take));
    }

    /// How many connections are remembered now: at most 50,000.
    pub fn remembered(&self) -> usize {
        self.table.remembered()
    }

    /// The file is over: tells what was waited for, and what was read.
    pub fn end(mut self, take: &mut dyn FnMut(u64, &str, Event<'_>)) -> Counts {
        self.table.end(&mut |told| told.hand(take));
        Counts {
            packets: self.file.packets(),
            connections: self.table.connections(),
            broken: self.file.is_broken(),
            ..self.counts
        }
    }
}

fn count(
    counts: &mut Counts,
    table: &mut Table,
    packet: &Packet<'_>,
    take: &mut dyn FnMut(u64, &str, Event<'_>),
) {
    let inner = match link::inner(packet.link, packet.data) {
        Ok(Some(inner)) => inner,
        Ok(None) => return,
        Err(UnknownLink) => {
            counts.unknown += 1;
            return;
        }
    };
    let size = packet.size.saturating_sub(packet.data.len() - inner.len());
    match segment::read(inner, size) {
        Layer::Tcp(segment) => {
            counts.segments += 1;
            let now = Moment {
                at: packet.at,
                packet: packet.number,
            };
            table.take(&segment, now, &mut |told| told.hand(take));
        }
        Layer::Fragment | Layer::Cut => counts.unknown += 1,
        Layer::Other => {}
    }
}

#[cfg(test)]
#[path = "packets_tests.rs"]
mod tests;
