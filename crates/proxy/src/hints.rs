//! What an upstream says before its answer: `early_hints`.

use std::io::IoSlice;
use std::task::Poll;

use surehop_wire::request::Version;
use surehop_wire::write;

use crate::send::Sender;
use crate::vars;

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
