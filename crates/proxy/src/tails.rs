//! What an upstream says around its answer: hints before it (`early_hints`), trailers behind it
//! (`proxy_pass_trailers`).

use std::io::IoSlice;
use std::task::Poll;

use surehop_wire::header::Header;
use surehop_wire::request::Version;
use surehop_wire::response;
use surehop_wire::write;

use crate::ending::{Broken, current};
use crate::plan::Level;
use crate::send::Sender;
use crate::vars;

/// The trailers of an upstream's answer.
#[derive(Debug, Default)]
pub struct Trailers {
    raw: Vec<u8>,
    lines: Vec<Header>,
}

impl Trailers {
    /// Appends the value of `$upstream_trailer_…`; false if there is none.
    pub fn value(&self, name: &[u8], out: &mut Vec<u8>) -> bool {
        vars::all(out, self.lines.iter(), &self.raw, name)
    }
}

/// Takes trailers over, for variables and for the client.
pub fn pass(s: &mut Sender<'_>, raw: Vec<u8>) -> Result<(), Broken> {
    let lines = match response::trailers(&raw) {
        Ok(lines) => lines,
        Err(quoted) => {
            if let Some(attempt) = current(s) {
                s.tell(Level::Error, &attempt, |out| {
                    out.extend_from_slice(b"upstream sent invalid trailer: ");
                    out.extend_from_slice(&quoted);
                    out.extend_from_slice(b" while reading upstream");
                });
            }
            return Err(Broken::Told);
        }
    };
    for line in &lines {
        let name = line.name.of(&raw);
        if !s.proxy.hides(line.known, name) {
            write::header(&mut s.ex.reply.trailers, name, line.value.of(&raw));
        }
    }
    s.ex.reply.trailed |= s.ex.reply.chunked;
    s.ex.trailers = Some(Box::new(Trailers { raw, lines }));
    Ok(())
}

/// Passes a `103 Early Hints` on, if the client is to have it. What its socket does not take now is left
/// in `hints`. Lines that belong to this hop stay here.
pub fn hint(s: &mut Sender<'_>, raw: &[u8]) {
    const LINE: &[u8] = b"HTTP/1.1 103 Early Hints\r\n";
    let conditions = &s.proxy.plan.carriage.early_hints;
    if conditions.is_empty() || s.ex.mute() || s.ex.head.version != Version::Http11 {
        return;
    }
    let wanted = conditions.iter().any(|condition| {
        let mut value = Vec::new();
        vars::expand(s.worker, s.client, s.ex, condition, &mut value);
        !value.is_empty() && value != b"0"
    });
    if !wanted {
        return;
    }
    let mut hint = LINE.to_vec();
    for line in s.ex.response.headers.iter().filter(|line| line.forward) {
        let name = line.name.of(raw);
        if !s.proxy.hides(line.known, name) {
            write::header(&mut hint, name, line.value.of(raw));
        }
    }
    if hint.len() == LINE.len() {
        return;
    }
    hint.extend_from_slice(b"\r\n");
    s.hints.extend_from_slice(&hint);
    if let Poll::Ready(Ok(n)) = s.client.socket.poll_write(&[IoSlice::new(&s.hints)]) {
        s.hints.drain(..n);
        s.ex.head_sent += n as u64;
    }
}

/// Sends what is left of the hints, before anything else is sent.
pub async fn send_hints(s: &mut Sender<'_>) {
    let hints = std::mem::take(&mut s.hints);
    let mut at = 0;
    while at < hints.len() {
        let parts = [IoSlice::new(&hints[at..])];
        let Ok(n) = s.client.send(s.worker, s.ex.location, &parts).await else {
            return;
        };
        at += n;
        s.ex.head_sent += n as u64;
    }
}
