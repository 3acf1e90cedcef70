//! Who failed and then answered again: from line to line, and from block to block.

use crate::kept::Line;

/// How many peers are watched.
const WATCHED: usize = 16;
/// The word for the first answer of a peer since a try failed there.
const AGAIN: &str = "answered again";
/// The same where the try failed before this block, which only who has the blocks in order can know.
pub(crate) const PERHAPS: &str = "answered, perhaps again";

/// The peers of one block of lines, or of all blocks so far.
#[derive(Debug, Default)]
pub(crate) struct Returns {
    /// At these a try failed, and nothing was answered since.
    out: Vec<Vec<u8>>,
    /// These answered in this block.
    answered: Vec<Vec<u8>>,
}

impl Returns {
    /// Notes that a try failed at a peer.
    pub(crate) fn failed(&mut self, peer: &[u8]) {
        note(&mut self.out, peer);
    }

    /// Notes an answer, and gives the word for it if it may be news.
    pub(crate) fn answered(&mut self, peer: &[u8]) -> Option<&'static str> {
        if peer.is_empty() {
            return None;
        }
        let is_first = note(&mut self.answered, peer);
        let out = self.out.iter().position(|known| known == peer);
        match out.map(|at| self.out.swap_remove(at)) {
            Some(_) => Some(AGAIN),
            None => is_first.then_some(PERHAPS),
        }
    }

    /// Goes on with what a block has, and keeps of its lines those that are news indeed.
    pub(crate) fn follow(&mut self, block: &Self, told: &mut Vec<Line<'_>>) {
        told.retain_mut(|line| {
            if line.event.word != PERHAPS {
                return true;
            }
            line.event.word = AGAIN;
            self.out.iter().any(|peer| peer == line.event.peer)
        });
        self.out.retain(|peer| !block.answered.contains(peer));
        for peer in &block.out {
            self.failed(peer);
        }
    }
}

/// Puts a peer among others; `false` where it is there, or there is no room.
fn note(peers: &mut Vec<Vec<u8>>, peer: &[u8]) -> bool {
    let is_new = !peers.iter().any(|known| known == peer) && peers.len() < WATCHED;
    if is_new {
        peers.push(peer.to_vec());
    }
    is_new
}
