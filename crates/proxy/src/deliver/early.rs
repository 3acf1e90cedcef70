//! The upstream's side of a relay that is over before the client's is.

use std::task::Poll;

use surehop_hop::buffer::Buf;
use surehop_hop::connections::Upstream;
use surehop_hop::drive::Route;
use surehop_wire::request::Method;
use surehop_wire::response::BodyFraming;

use super::{Delivery, learn};
use crate::ahead::Ahead;
use crate::coming::Coming;
use crate::ending::{Broken, SWITCHING, current, settle, tell, tell_refused};
use crate::head;
use crate::plan::Level;
use crate::send::Sender;

impl Delivery {
    /// Receives into a file, as far as that is allowed; true if something came.
    pub(super) fn poll_ahead(&mut self, s: &Sender<'_>) -> Poll<Result<bool, Broken>> {
        let most = s.proxy.plan.carriage.max_temp_file_size;
        let total = self.ahead.as_ref().map_or(0, |ahead| ahead.total());
        if !self.buffered || total >= most || self.ahead.is_none() && !self.go_ahead(s) {
            // Nobody listens to the upstream meanwhile, so it owes nothing.
            self.upstream_progress = s.worker.reactor.now();
            return Poll::Ready(Ok(false));
        }
        let mut fresh = s.worker.buffers.large();
        let read = self.receive(s, &mut fresh);
        let put = self.ahead.as_mut().map(|ahead| ahead.put(fresh.data()));
        s.worker.buffers.give(fresh);
        if let Some(Err(refused)) = put {
            tell_refused(s, &refused);
            return Poll::Ready(Err(Broken::Told));
        }
        read
    }

    /// Makes the file; false if it can't be made, and that has been told of.
    pub(super) fn go_ahead(&mut self, s: &Sender<'_>) -> bool {
        let folder = &s.worker.config.plan.temp_paths[s.proxy.plan.carriage.temp];
        match Ahead::new(folder) {
            Ok(ahead) => {
                if let Some(attempt) = current(s) {
                    s.tell(Level::Warn, &attempt, |out| {
                        out.extend_from_slice(
                            b"an upstream response is buffered to a temporary file ",
                        );
                        out.extend_from_slice(ahead.path());
                        out.extend_from_slice(b" while reading upstream");
                    });
                }
                self.ahead = Some(Box::new(ahead));
                true
            }
            Err(refused) => {
                tell_refused(s, &refused);
                self.buffered = false;
                false
            }
        }
    }

    /// Whether the client has got all that there is.
    pub(super) fn drained(&self, s: &Sender<'_>) -> bool {
        self.head_at == s.ex.out.len()
            && self.framer.idle()
            && self.upstream.buf.as_ref().is_none_or(Buf::is_empty)
            && self.ahead.as_ref().is_none_or(|ahead| ahead.is_empty())
            && s.ex.packer.as_ref().is_none_or(|packer| !packer.held)
            && s.ex.packer.as_ref().is_none_or(|packer| !packer.held)
    }

    /// Lets an upstream go that broke off; the client still gets what has come. False if there is no use
    /// in that.
    pub(super) fn cut_off(
        &mut self,
        s: &mut Sender<'_>,
        route: &Route<'_>,
        broken: Broken,
    ) -> bool {
        let upstreams = matches!(broken, Broken::Upstream(..) | Broken::Short);
        let live = self.upstream.live.take_if(|_| upstreams);
        let (Some(live), Some(attempt)) = (live, current(s)) else {
            return false;
        };
        tell(s, &attempt, broken);
        learn(s, false);
        let counts = (self.received, self.length);
        settle(s, route, live, false, broken.died(), counts);
        self.coming = Coming::Done;
        self.cut = Some(broken);
        true
    }

    /// Lets the upstream go, which has sent all, while the client still takes it.
    pub(super) fn release(&mut self, s: &mut Sender<'_>, route: &Route<'_>) {
        let Some(live) = self.upstream.live.take() else {
            return;
        };
        self.surplus(s);
        learn(s, false);
        let reusable = self.reusable(s, &live);
        settle(s, route, live, reusable, None, (self.received, self.length));
    }

    /// Whether a connection whose body has come can be used for another request.
    pub(super) fn reusable(&self, s: &Sender<'_>, live: &Upstream) -> bool {
        !self.surplus
            && s.ex.response.status != SWITCHING
            && !s.ex.response.connection_close
            && s.whole()
            && !live.socket.seen_closed()
    }

    /// Tells of bytes that nobody asked for.
    pub(super) fn surplus(&self, s: &Sender<'_>) {
        let unwanted = head::bodiless(s.ex) && s.ex.response.framing != BodyFraming::None;
        let head_alone = unwanted || s.ex.head.method == Method::Head;
        if let (Some(attempt), true) = (current(s), self.surplus && !head_alone) {
            s.tell(Level::Warn, &attempt, |out| {
                out.extend_from_slice(if s.ex.response.framing == BodyFraming::Chunked {
                    b"upstream sent data after final chunk"
                } else {
                    b"upstream sent more data than specified in \"Content-Length\" header"
                });
                out.extend_from_slice(b" while reading upstream");
            });
        }
    }
}
