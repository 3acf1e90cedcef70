//! Upgraded connections, those of `WebSocket` say: behind a `101` that was asked for, bytes go both ways,
//! whatever they mean, until one side has closed and what it sent has been passed on.

use std::future::poll_fn;
use std::io::IoSlice;
use std::task::Poll;

use rustix::io::Errno;
use surehop_engine::Cause;
use surehop_hop::buffer::Buf;
use surehop_hop::clock::{Millis, NEVER};
use surehop_hop::connections::{Upstream, cause_of};
use surehop_hop::drive::Route;
use surehop_hop::socket::Socket;
use surehop_wire::header::Known;

use crate::client::Body;
use crate::coming::grow;
use crate::config::LocationConf;
use crate::connection::After;
use crate::ending::{SWITCHING, current, learn, settle};
use crate::log;
use crate::plan::Level;
use crate::send::Sender;
use crate::worker::Worker;

/// How many rounds one poll makes before the other connections have their turn.
const ROUNDS: usize = 16;

/// Whether the answer that was heard switches protocols, and the client asked for that: its `Upgrade` must
/// have gone upstream, and the request must be over there as it is here. Otherwise the two sides would not
/// agree on what the bytes behind it are.
pub fn asked(s: &Sender<'_>) -> bool {
    s.ex.response.status == SWITCHING
        && s.ex.status == SWITCHING
        && !s.ex.mute()
        && s.ex.head.find(Known::Upgrade).is_some()
        && passed(&s.ex.upstream_head)
        && s.body.done()
        && s.ex.body.as_ref().is_none_or(Body::done)
        && s.whole()
        && !hidden(s)
}

/// Whether the tunnel would hold HTTP again, whose requests pass by every location; that is told. nginx takes
/// no offence, so neither does who is to be like it.
fn hidden(s: &Sender<'_>) -> bool {
    let ex = &s.ex;
    let spoken = match (
        ex.response.find(Known::Upgrade),
        ex.head.find(Known::Upgrade),
    ) {
        (Some(line), _) => line.value.of(&ex.response_raw),
        // It must be what was asked for.
        (None, Some(line)) => line.value.of(ex.bytes()),
        (None, None) => &[],
    };
    let hidden = s.worker.config.plan.strict && names_http(spoken);
    if let (true, Some(attempt)) = (hidden, current(s)) {
        s.tell(Level::Error, &attempt, |out| {
            out.extend_from_slice(b"upstream switched to \"");
            out.extend_from_slice(spoken);
            out.extend_from_slice(
                b"\", whose requests no location would see, while reading response header from upstream",
            );
        });
    }
    hidden
}

/// Whether an `Upgrade` line names HTTP itself, of whatever version.
fn names_http(line: &[u8]) -> bool {
    line.split(|&byte| byte == b',').any(|name| {
        let name = name.trim_ascii();
        name.eq_ignore_ascii_case(b"h2c")
            || name.eq_ignore_ascii_case(b"h2")
            || name.len() >= 5 && name[..5].eq_ignore_ascii_case(b"http/")
    })
}

/// Whether a request that was composed has an `Upgrade` line.
fn passed(head: &[u8]) -> bool {
    head.split(|&byte| byte == b'\n')
        .skip(1)
        .any(|line| line.len() > 8 && line[..8].eq_ignore_ascii_case(b"upgrade:"))
}

/// One of the two ways through a tunnel.
#[derive(Default)]
struct Way {
    /// What its end has not taken yet; none while there is nothing.
    buf: Option<Buf>,
    /// Whether its beginning has sent all it ever will.
    ended: bool,
}

impl Way {
    fn data(&self) -> &[u8] {
        self.buf.as_ref().map_or(&[], Buf::data)
    }

    fn is_empty(&self) -> bool {
        self.buf.as_ref().is_none_or(Buf::is_empty)
    }

    fn clear(&mut self) {
        if let Some(buf) = &mut self.buf {
            buf.clear();
        }
    }

    fn consume(&mut self, n: usize) {
        if let Some(buf) = &mut self.buf {
            buf.consume(n);
        }
    }

    /// Receives as much as there is room for: how many bytes, or 0 if nothing came, or nothing more will.
    fn fill(&mut self, worker: &Worker, from: &Socket) -> Result<usize, Errno> {
        if self.ended {
            return Ok(0);
        }
        if !from.seen_readable() {
            from.wait_read();
            return Ok(0);
        }
        let buf = self.buf.get_or_insert_with(|| worker.buffers.small());
        if buf.space().len() < buf.capacity() / 4 {
            buf.compact();
        }
        if buf.space().is_empty() {
            return Ok(0);
        }
        match from.poll_read(buf.space()) {
            Poll::Pending => Ok(0),
            Poll::Ready(Ok(0)) => {
                self.ended = true;
                Ok(0)
            }
            Poll::Ready(Ok(n)) => {
                buf.filled(n);
                // Who sends much gets more room.
                if buf.space().is_empty() {
                    grow(worker, buf);
                }
                Ok(n)
            }
            Poll::Ready(Err(e)) => {
                self.ended = true;
                Err(e)
            }
        }
    }

    /// A way without bytes holds no buffer.
    fn rest(&mut self, worker: &Worker) {
        if let Some(empty) = self.buf.take_if(|buf| buf.is_empty()) {
            worker.buffers.give(empty);
        }
    }
}

/// How a tunnel ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// One side closed.
    Closed,
    /// The client's socket failed.
    ClientFailed,
    /// The client took nothing for too long.
    ClientTimedOut,
    /// The upstream sent, or took, nothing for too long.
    UpstreamTimedOut,
    /// The worker's time is up.
    Stopped,
}

struct Tunnel {
    upstream: Upstream,
    /// From the client.
    up: Way,
    /// From the upstream.
    down: Way,
    /// How much of the head the client has.
    head_at: usize,
    received: u64,
    /// When something went either way last.
    progress: Millis,
    /// What the upstream's socket failed of.
    died: Option<Errno>,
    /// Whether the upstream takes nothing any more.
    deaf: bool,
}

/// Sends the head of a `101` and passes on what follows it, both ways. As in nginx, neither connection is used
/// for anything else.
pub async fn tunnel(
    s: &mut Sender<'_>,
    route: &Route<'_>,
    location: &LocationConf,
    mut upstream: Upstream,
) -> After {
    let worker = s.worker;
    s.lighten();
    let attempt = s.ex.session.current_mut();
    let mut t = Tunnel {
        up: Way {
            buf: s.client.buf.take(),
            ended: false,
        },
        down: Way {
            buf: upstream.buf.take(),
            ended: false,
        },
        head_at: 0,
        received: attempt.map_or(0, |attempt| attempt.received),
        progress: worker.reactor.now(),
        died: None,
        deaf: false,
        upstream,
    };
    let send_timeout = location.plan.send_timeout_ms;
    let end = poll_fn(|_| t.poll(s, route, send_timeout)).await;
    match end {
        End::ClientTimedOut => tell(s, Level::Info, b"client timed out", Errno::TIMEDOUT),
        End::UpstreamTimedOut => tell(s, Level::Info, b"upstream timed out", Errno::TIMEDOUT),
        End::Closed | End::ClientFailed | End::Stopped => {}
    }
    for buf in [t.up.buf.take(), t.down.buf.take()].into_iter().flatten() {
        worker.buffers.give(buf);
    }
    learn(s, false);
    // Who said nothing for long may do so: only a connection that broke is told of.
    let died: Option<(Cause, i32)> = t.died.map(|e| (cause_of(e), e.raw_os_error()));
    settle(s, route, t.upstream, false, died, (t.received, 0));
    s.client.timed_out |= end == End::ClientTimedOut;
    s.ex.complete = !t.deaf && matches!(end, End::Closed | End::UpstreamTimedOut);
    After::Close
}

/// Tells of what happened to a tunnel.
fn tell(s: &Sender<'_>, level: Level, what: &[u8], errno: Errno) {
    if let Some(attempt) = current(s) {
        s.tell(level, &attempt, |out| {
            out.extend_from_slice(what);
            log::errno(out, errno.raw_os_error());
            out.extend_from_slice(b" while proxying upgraded connection");
        });
    }
}

impl Tunnel {
    fn poll(&mut self, s: &mut Sender<'_>, route: &Route<'_>, send_timeout: Millis) -> Poll<End> {
        let worker = s.worker;
        let rx = &worker.reactor;
        if worker.expired() {
            return Poll::Ready(End::Stopped);
        }
        for round in 0.. {
            if round == ROUNDS {
                rx.again();
                return Poll::Pending;
            }
            // The upstream's last words go before the client's end is seen.
            let down = match self.poll_down(s) {
                Ok(moved) => moved,
                Err(end) => return Poll::Ready(end),
            };
            let up = self.poll_up(s);
            if self.over(s) {
                return Poll::Ready(End::Closed);
            }
            if !down && !up {
                break;
            }
            self.progress = rx.now();
        }
        self.up.rest(worker);
        self.down.rest(worker);
        // As in nginx, what goes one way puts off the deadlines of both.
        let to_client = self.head_at < s.ex.out.len() || !self.down.is_empty();
        let client = self.deadline(to_client, send_timeout);
        let upstream = self
            .deadline(!self.up.is_empty(), route.send_timeout)
            .min(self.deadline(
                !self.down.ended && !self.upstream.socket.seen_readable(),
                route.read_timeout,
            ));
        let now = rx.now();
        if now >= client {
            return Poll::Ready(End::ClientTimedOut);
        }
        if now >= upstream {
            return Poll::Ready(End::UpstreamTimedOut);
        }
        rx.arm(client.min(upstream));
        Poll::Pending
    }

    fn deadline(&self, waits: bool, timeout: Millis) -> Millis {
        if waits {
            self.progress.saturating_add(timeout)
        } else {
            NEVER
        }
    }

    /// As in nginx, nobody waits for the other side once one has closed and all of it has been passed on.
    fn over(&self, s: &Sender<'_>) -> bool {
        let told = self.head_at == s.ex.out.len() && self.down.is_empty();
        self.down.ended && told || self.up.ended && self.up.is_empty()
    }

    /// Passes on what the upstream sent; true if something went.
    fn poll_down(&mut self, s: &mut Sender<'_>) -> Result<bool, End> {
        let mut moved = false;
        let head = &s.ex.out[self.head_at..];
        let data = self.down.data();
        if !head.is_empty() || !data.is_empty() {
            let socket = &s.client.socket;
            let wrote = if head.is_empty() {
                socket.poll_write(&[IoSlice::new(data)])
            } else {
                socket.poll_write(&[IoSlice::new(head), IoSlice::new(data)])
            };
            match wrote {
                Poll::Pending => {}
                Poll::Ready(Ok(n)) => {
                    let of_head = n.min(head.len());
                    self.head_at += of_head;
                    s.ex.head_sent += of_head as u64;
                    s.ex.body_sent += (n - of_head) as u64;
                    self.down.consume(n - of_head);
                    moved = true;
                }
                // It had closed before: what it sent still has somewhere to go.
                Poll::Ready(Err(_)) if self.up.ended => {
                    self.head_at = s.ex.out.len();
                    self.down.clear();
                }
                Poll::Ready(Err(e)) => {
                    tell(s, Level::Info, b"send() failed", e);
                    return Err(End::ClientFailed);
                }
            }
        }
        let n = self.down.fill(s.worker, &self.upstream.socket);
        if let Err(e) = n
            && self.died.is_none()
        {
            tell(s, Level::Error, b"recv() failed", e);
            self.died = Some(e);
        }
        self.received += n.unwrap_or(0) as u64;
        Ok(moved || n.is_ok_and(|n| n > 0))
    }

    /// Passes on what the client sent; true if something went.
    fn poll_up(&mut self, s: &mut Sender<'_>) -> bool {
        let mut moved = false;
        if self.deaf {
            self.up.clear();
        }
        if !self.up.is_empty() {
            let data = [IoSlice::new(self.up.data())];
            match self.upstream.socket.poll_write(&data) {
                Poll::Pending => {}
                Poll::Ready(Ok(n)) => {
                    s.count(n);
                    self.up.consume(n);
                    moved = true;
                }
                Poll::Ready(Err(e)) => {
                    // What it has sent before is the client's all the same.
                    if !self.down.ended {
                        tell(s, Level::Error, b"send() failed", e);
                        self.upstream.socket.suspect();
                        self.died = Some(e);
                    }
                    self.deaf = true;
                    self.up.clear();
                    moved = true;
                }
            }
        }
        let n = self.up.fill(s.worker, &s.client.socket);
        if let Err(e) = n {
            tell(s, Level::Info, b"recv() failed", e);
        }
        moved || n.is_ok_and(|n| n > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{names_http, passed};

    #[test]
    fn an_upgrade_is_passed_on_by_a_line_of_its_own() {
        let table: &[(&[u8], bool)] = &[
            (b"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n", true),
            (b"GET / HTTP/1.1\r\nHost: h\r\nuPGRADE: x\r\n\r\n", true),
            (b"GET / HTTP/1.1\r\nConnection: upgrade\r\n\r\n", false),
            (b"GET / HTTP/1.1\r\nX: Upgrade: x\r\n\r\n", false),
            (b"GET / HTTP/1.1\r\nUpgrade-To: x\r\n\r\n", false),
            (b"Upgrade: HTTP/1.1\r\n\r\n", false),
        ];
        for (head, expected) in table {
            assert_eq!(passed(head), *expected, "{head:?}");
        }
    }

    #[test]
    fn http_within_a_tunnel_is_known_by_its_names() {
        let table: &[(&[u8], bool)] = &[
            (b"h2c", true),
            (b"websocket, H2C", true),
            (b"HTTP/2.0", true),
            (b"websocket", false),
            (b"h2cc", false),
            (b"", false),
        ];
        for (line, expected) in table {
            assert_eq!(names_http(line), *expected, "{line:?}");
        }
    }
}
