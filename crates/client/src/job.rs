//! One request: what the driver asks of it, and its way from order to answer.

use std::io::IoSlice;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use surehop_engine::{Attempt, Cause, Facts, Notice, Phase, Session};
use surehop_hop::clock::{Millis, NEVER};
use surehop_hop::connections::{Connections, Upstream};
use surehop_hop::drive::{Driven, Exchange, Fault, Heard, Lost, Route, Stopped, drive};
use surehop_hop::socket::Socket;
use surehop_wire::{HeadScan, ResponseHead};

use crate::body::Reader;
use crate::connecting;
use crate::delivery;
use crate::host::{Host, Reply, Ticket};
use crate::order::{Event, Flags, Order, Question};
use crate::report::Report;
use crate::target::Target;
use crate::upload::Upload;

/// Bytes that an answer's head may have.
const HEAD_LIMIT: usize = 256 * 1024;
/// Pieces of a body that one send takes.
const PIECES: usize = 4;

/// A request under way.
pub(crate) struct Job<'a> {
    /// Where it is done.
    pub(crate) host: &'a Rc<Host>,
    /// Its post box.
    pub(crate) ticket: &'a Ticket,
    /// Where it goes.
    pub(crate) target: &'a Rc<Target>,
    /// What was ordered.
    pub(crate) order: &'a Order,
    /// The policy's view of it.
    pub(crate) session: Session,
    /// The answer's head.
    pub(crate) response: ResponseHead,
    /// Its bytes.
    pub(crate) raw: Vec<u8>,
    /// What was taken in of an answer's body before it was judged.
    pub(crate) taken: Option<(Reader, Vec<u8>)>,
    /// What it met.
    pub(crate) report: Report,
    /// When the time for everything is over.
    pub(crate) deadline: Millis,
    /// It holds one of the places.
    placed: bool,
    asked: bool,
    head: Vec<u8>,
    head_at: usize,
    body_at: usize,
    sent: u64,
    upload: Upload,
    scan: HeadScan,
}

impl Job<'_> {
    /// Whether the request was sent whole.
    pub(crate) fn whole(&self) -> bool {
        let body = self
            .order
            .body
            .as_ref()
            .map_or(0, |body| (**body).as_ref().len());
        let fed = !self.order.flags.has(Flags::UPLOAD) || (self.upload.over && self.upload.idle());
        self.head_at == self.head.len() && self.body_at == body && fed && !self.head.is_empty()
    }

    /// The number of the try under way.
    pub(crate) fn at(&self) -> usize {
        self.session.attempts().len().saturating_sub(1)
    }

    /// When the time for the try under way is over.
    pub(crate) fn try_deadline(&self) -> Millis {
        let limit = self.order.terms.plan.per_try;
        let started = self
            .session
            .attempts()
            .last()
            .map(|attempt| attempt.started);
        match (limit, started) {
            (Some(limit), Some(started)) => started.saturating_add(limit),
            _ => NEVER,
        }
    }

    /// Whether nobody waits for it any more, or its time is over; asks to be polled when it is.
    pub(crate) fn is_gone(&self) -> bool {
        self.host.rx.arm(self.deadline);
        self.ticket.cancelled.get() || self.host.rx.now() >= self.deadline
    }

    /// All that is known of it so far.
    pub(crate) fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.attempts.extend_from_slice(self.session.attempts());
        report
    }

    /// All that is known of it, at its end.
    pub(crate) fn take_report(&mut self) -> Report {
        let mut report = std::mem::take(&mut self.report);
        report.attempts.extend_from_slice(self.session.attempts());
        report
    }

    /// Says that there is no answer, or no more of it.
    pub(crate) fn fail(&mut self) {
        if !self.ticket.cancelled.get() {
            let report = Box::new(self.take_report());
            self.host.tell(self.ticket.number, Event::Failed(report));
        }
    }

    /// Takes a place for a connection; false if none came in time, or nobody wants it any more.
    pub(crate) async fn enter(&mut self) -> bool {
        if self.placed || self.host.places.take() {
            self.placed = true;
            return true;
        }
        let (rx, number) = (&self.host.rx, self.ticket.number);
        self.host.places.wait(number, rx.current());
        let until = self
            .order
            .terms
            .plan
            .pool
            .map_or(NEVER, |limit| rx.now().saturating_add(limit));
        let waited = rx
            .until(until, || {
                if self.host.places.came(number) {
                    return Poll::Ready(true);
                }
                if self.is_gone() {
                    return Poll::Ready(false);
                }
                Poll::Pending
            })
            .await;
        match waited {
            Ok(true) => {
                self.placed = true;
                return true;
            }
            Ok(false) => {}
            Err(_) => self.report.timeout = Some("pool"),
        }
        self.host.places.leave(number, rx);
        false
    }

    /// Gives its place up.
    pub(crate) fn exit(&mut self) {
        if std::mem::take(&mut self.placed) {
            self.host.places.give(&self.host.rx);
        }
    }

    /// Waits for the answer to a question; none if nobody wants the request any more.
    pub(crate) async fn reply(&self, until: Millis) -> Option<Reply> {
        let waited = self.host.rx.until(until, || {
            if let Some(reply) = self.ticket.reply.take() {
                return Poll::Ready(Some(reply));
            }
            if self.is_gone() {
                return Poll::Ready(None);
            }
            Poll::Pending
        });
        waited.await.ok().flatten()
    }

    /// Whether the answer's body is worth taking in before it is judged.
    fn weighs(&self, status: u16) -> bool {
        let terms = &self.order.terms.plan;
        ((terms.rounds > 1 || terms.ask) && status >= 400) || terms.ask_always
    }

    fn poll_feed(&mut self) -> Poll<()> {
        let Some(Reply::Fed(chunk)) = self.ticket.reply.take() else {
            if !std::mem::replace(&mut self.upload.asked, true) {
                let restart = std::mem::take(&mut self.upload.restart);
                let question = Question::Feed { restart };
                self.host
                    .tell(self.ticket.number, Event::Question(question));
            }
            return Poll::Pending;
        };
        self.upload.asked = false;
        if self.upload.restart {
            // It answers a question of the try before.
            return self.poll_feed();
        }
        self.upload.begun = true;
        if !self.order.flags.has(Flags::REWINDABLE) {
            self.session.body_lost();
        }
        let framed = self.order.flags.has(Flags::CHUNKED);
        match chunk {
            Some(chunk) => self.upload.push(chunk, framed),
            None => self.upload.end(framed),
        }
        Poll::Ready(())
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        self.exit();
    }
}

impl Exchange for Job<'_> {
    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn rewind(&mut self, _now: Millis) {
        let peer = self
            .session
            .attempts()
            .last()
            .map_or(0, |attempt| attempt.peer);
        self.head.clear();
        self.head.extend_from_slice(&self.order.line);
        if !self.order.flags.has(Flags::HOST_GIVEN) {
            self.head.extend_from_slice(b"host: ");
            let authority = &self.target.plan.peers[peer as usize].authority;
            self.head.extend_from_slice(authority.as_bytes());
            self.head.extend_from_slice(b"\r\n");
        }
        self.head.extend_from_slice(&self.order.rest);
        (self.head_at, self.body_at, self.sent) = (0, 0, 0);
        // What was fed is gone; the next question asks for the beginning again.
        let Upload {
            asked,
            begun,
            restart,
            ..
        } = self.upload;
        self.upload = Upload {
            asked,
            restart: begun || restart,
            ..Upload::default()
        };
        self.scan = HeadScan::response();
        self.taken = None;
        self.report.timeout = None;
        self.report.error.clear();
    }

    fn begun(&mut self, upstream: &Upstream) {
        let at = self.at();
        self.report.note_ends(at, upstream.ends.clone());
    }

    fn poll_send(&mut self, to: &Socket) -> Poll<Result<(), Stopped>> {
        loop {
            let head = &self.head[self.head_at..];
            let body = self.order.body.as_ref();
            let body = body.map_or(&[][..], |body| &(**body).as_ref()[self.body_at..]);
            if head.is_empty() && body.is_empty() && self.upload.idle() {
                if self.upload.over || !self.order.flags.has(Flags::UPLOAD) {
                    return Poll::Ready(Ok(()));
                }
                match self.poll_feed() {
                    Poll::Ready(()) => continue,
                    Poll::Pending => return Poll::Pending,
                }
            }
            let mut parts = [IoSlice::new(&[]); PIECES + 2];
            let mut count = 0;
            let skipped = std::iter::once(self.upload.at).chain(std::iter::repeat(0));
            let pieces = self.upload.pieces.iter().zip(skipped);
            let pieces = pieces.map(|(piece, skip)| &(**piece).as_ref()[skip..]);
            for part in [head, body].into_iter().chain(pieces.take(PIECES)) {
                if !part.is_empty() {
                    parts[count] = IoSlice::new(part);
                    count += 1;
                }
            }
            let (heads, bodies) = (head.len(), body.len());
            match to.poll_write(&parts[..count]) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(Stopped::Upstream(e))),
                Poll::Ready(Ok(n)) => {
                    self.sent += n as u64;
                    self.head_at += n.min(heads);
                    let n = n.saturating_sub(heads);
                    self.body_at += n.min(bodies);
                    self.upload.wrote(n.saturating_sub(bodies));
                }
            }
        }
    }

    fn waiting(&self) -> bool {
        self.upload.asked
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn gone(&mut self) -> bool {
        self.is_gone()
    }

    fn late(&mut self) -> bool {
        let deadline = self.try_deadline();
        if self.host.rx.now() < deadline {
            self.host.rx.arm(deadline);
            return false;
        }
        true
    }

    fn hear(&mut self, bytes: &[u8], limit: usize) -> Result<Heard, Cause> {
        let Some(end) = self.scan.advance(bytes) else {
            return match ResponseHead::refuse_early(bytes) {
                Ok(()) => Ok(Heard::More),
                Err(error) => Err(self.unheard(error, bytes)),
            };
        };
        if end > limit {
            return Err(Cause::TooBig);
        }
        let head = &bytes[..end];
        let parsed = self
            .response
            .parse(head, self.order.flags.has(Flags::HEAD))
            .and_then(|()| self.response.refuse_controls(head));
        if let Err(error) = parsed {
            return Err(self.unheard(error, head));
        }
        self.scan = HeadScan::response();
        if self.response.interim() {
            return Ok(Heard::Interim(end));
        }
        self.raw.clear();
        self.raw.extend_from_slice(head);
        Ok(Heard::Head(end, self.response.status))
    }

    fn failed(&mut self, _: &Attempt, fault: Fault, _: &[Notice], _: bool) {
        if fault.cause == Cause::AttemptTimedOut {
            self.report.timeout = Some("per_try");
        } else if fault.cause == Cause::TimedOut && self.report.timeout.is_none() {
            self.report.timeout = Some(match fault.phase {
                Phase::Send => "write",
                Phase::Head | Phase::Body => "read",
                _ => "connect",
            });
        }
    }

    fn no_live(&mut self, _attempt: &Attempt) {}

    fn noticed(&mut self, _notice: Notice) {}

    async fn connect(
        &mut self,
        hop: &Connections,
        route: &Route<'_>,
        peer: u32,
    ) -> Result<Upstream, Lost> {
        connecting::connect(self, hop, route, peer).await
    }

    async fn take_in(
        &mut self,
        _hop: &Connections,
        upstream: &mut Upstream,
        status: u16,
    ) -> Result<(), (Cause, i32)> {
        if self.order.terms.plan.rounds > 1 && !self.order.flags.has(Flags::STREAM) {
            return delivery::take_all(self, upstream).await;
        }
        if self.weighs(status) {
            delivery::take_in(self, upstream).await;
        }
        Ok(())
    }

    fn park(
        &mut self,
        hop: &Connections,
        route: &Route<'_>,
        upstream: Upstream,
    ) -> Option<Upstream> {
        delivery::park(self, hop, route, upstream)
    }

    fn pause(&mut self) {
        self.exit();
    }

    async fn resume(&mut self) -> bool {
        self.enter().await
    }

    fn retry_after(&self) -> Option<Millis> {
        delivery::retry_after(self)
    }

    fn poll_ask(&mut self, wait: Millis) -> Poll<(bool, Option<Millis>)> {
        if let Some(Reply::Answered(again, delay)) = self.ticket.reply.take() {
            self.asked = false;
            return Poll::Ready((again, delay));
        }
        if !std::mem::replace(&mut self.asked, true) {
            let event = Event::Question(delivery::question(self, wait));
            self.host.tell(self.ticket.number, event);
        }
        Poll::Pending
    }
}

impl Job<'_> {
    fn unheard(&mut self, error: surehop_wire::ResponseError, bytes: &[u8]) -> Cause {
        let mut text = Vec::new();
        error.message(bytes, &mut text);
        self.report.error = String::from_utf8_lossy(&text).into_owned();
        Cause::Invalid
    }
}

/// What must happen however a request ends.
struct Ending<'a> {
    host: &'a Rc<Host>,
    ticket: &'a Ticket,
    target: Option<(usize, &'a Rc<Target>)>,
    over: bool,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if let Some((index, target)) = self.target {
            self.host.leave(index, target);
        }
        if !self.over && !self.ticket.cancelled.get() {
            // Only a panic, or the end of the transport, comes here.
            let report = Box::new(Report {
                error: "internal error".to_owned(),
                ..Report::default()
            });
            self.host.tell(self.ticket.number, Event::Failed(report));
        }
        self.host.done(self.ticket.number);
    }
}

/// Works an order off.
pub(crate) async fn run(host: Rc<Host>, ticket: Rc<Ticket>, order: Order, begun: Instant) {
    let found = host.targets.get(order.target);
    let mut ending = Ending {
        host: &host,
        ticket: &ticket,
        target: None,
        over: false,
    };
    let Some((index, target)) = &found else {
        return;
    };
    target.busy.set(target.busy.get() + 1);
    ending.target = Some((*index, target));
    let terms = &order.terms;
    let now = host.rx.now();
    let mut job = Job {
        host: &host,
        ticket: &ticket,
        target,
        order: &order,
        session: host.session(),
        response: ResponseHead::default(),
        raw: Vec::new(),
        taken: None,
        report: Report {
            names: target.names.clone(),
            ..Report::default()
        },
        deadline: terms
            .plan
            .total
            .map_or(NEVER, |total| now.saturating_add(total)),
        placed: false,
        asked: false,
        head: Vec::new(),
        head_at: 0,
        body_at: 0,
        sent: 0,
        upload: Upload::default(),
        scan: HeadScan::response(),
    };
    let route = Route {
        group: &target.group,
        index: *index,
        addresses: &[],
        policy: &terms.policy,
        scope: 0,
        connect_timeout: terms.plan.connect.unwrap_or(FOREVER),
        send_timeout: terms.plan.write.unwrap_or(FOREVER),
        read_timeout: terms.plan.read.unwrap_or(FOREVER),
        head_limit: HEAD_LIMIT,
        manner: target.manner,
    };
    let facts = Facts {
        idempotent: order.flags.has(Flags::IDEMPOTENT),
        keyed: order.flags.has(Flags::KEYED),
        replayable: true,
    };
    if job.enter().await {
        match drive(&host.connections, &route, facts, &mut job).await {
            Driven::Response(upstream) => {
                delivery::deliver(&mut job, &route, Some(upstream), begun).await;
            }
            Driven::Held => delivery::deliver(&mut job, &route, None, begun).await,
            Driven::Failed(..) => job.fail(),
            Driven::Gone | Driven::SenderFailed => job.over(),
        }
    } else {
        job.over();
    }
    host.give_back(std::mem::take(&mut job.session));
    ending.over = true;
}

/// A time that never comes, and can be added to another.
const FOREVER: Millis = Millis::MAX / 4;

impl Job<'_> {
    /// Nobody waits for it any more, or its time is over.
    pub(crate) fn over(&mut self) {
        if self.report.timeout.is_none() && self.host.rx.now() >= self.deadline {
            self.report.timeout = Some("total");
        }
        let whole = self.whole();
        if let Some(attempt) = self.session.current_mut()
            && attempt.phase == Phase::Send
            && whole
        {
            attempt.phase = Phase::Head;
        }
        self.fail();
    }
}
