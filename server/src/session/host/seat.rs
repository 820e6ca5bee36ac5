//! The place of one producer: its stream while it has one, and where its reading stands.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use spiked_proto::v1::{self, stream_request::Message};
use tokio::time::Instant;

use super::request::Inbound;
use crate::session::{
    outlet::{Outlet, Passage},
    retained::{Place, Retained, positions},
};

/// Between a closed request side and the end of input.
const CLOSING: Duration = Duration::from_millis(250);

/// One producer's place.
pub(super) struct Seat {
    inbound: Option<Inbound>,
    outlet: Option<Arc<Outlet>>,
    place: Place,
    /// Output is for others.
    without_output: bool,
    /// Since when it has no stream.
    absent_since: Instant,
    /// Its request side closed without an end; until then it is waited for the other side.
    closing: Option<Instant>,
    /// It will read no more.
    done: bool,
}

impl Seat {
    pub(super) fn new(position: u64) -> Self {
        Self {
            inbound: None,
            outlet: None,
            place: Place { next: position, received: None },
            without_output: false,
            absent_since: Instant::now(),
            closing: None,
            done: false,
        }
    }

    pub(super) fn is_attached(&self) -> bool {
        self.outlet.is_some()
    }

    /// A stream takes the place.
    pub(super) fn attach(&mut self, inbound: Inbound, outlet: Arc<Outlet>, without_output: bool) {
        self.inbound = Some(inbound);
        self.outlet = Some(outlet);
        self.without_output = without_output;
        self.closing = None;
        self.done = false;
    }

    /// The stream leaves its place.
    pub(super) fn detach(&mut self, reason: v1::EndReason, message: &str) {
        (self.inbound, self.closing) = (None, None);
        self.absent_since = Instant::now();
        if let Some(outlet) = self.outlet.take() {
            outlet.end(reason, message);
        }
    }

    /// The request side of the stream has closed. Whoever goes closes both sides, one after the
    /// other; whoever reads on has nothing more to send.
    pub(super) fn close(&mut self) {
        self.inbound = None;
        self.release();
        self.closing = Some(Instant::now() + CLOSING);
    }

    /// When a closed request side says that nothing more is sent.
    pub(super) fn closes_at(&self) -> Option<Instant> {
        self.closing
    }

    /// It has closed, and its reader stayed.
    pub(super) fn take_closed(&mut self, now: Instant) -> bool {
        let closed = self.closing.is_some_and(|at| at <= now) && !self.is_left();
        if closed {
            self.closing = None;
        }
        closed
    }

    /// When output is no longer kept for it, while it stays away from a session that others hold.
    pub(super) fn lapses_at(&self, lease: Duration) -> Option<Instant> {
        let kept_for = !self.is_attached() && self.needs().is_some();
        kept_for.then(|| self.absent_since + lease)
    }

    /// It has stayed away too long: what it has not read is kept for it no longer.
    pub(super) fn lapse(&mut self) {
        self.done = true;
    }

    /// Somebody reads in its place without a stream.
    pub(super) fn stand_in(&mut self) {
        self.absent_since = Instant::now();
        self.done = false;
    }

    pub(super) fn poll_inbound(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Option<Message>, String>>> {
        match &mut self.inbound {
            Some(inbound) => inbound.as_mut().poll_next(context),
            None => Poll::Pending,
        }
    }

    /// Its reader went before it was told everything.
    pub(super) fn is_left(&self) -> bool {
        self.outlet.as_ref().is_some_and(|outlet| outlet.is_gone() && !outlet.is_delivered())
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn resume_at(&mut self, position: u64) {
        self.place.next = position;
        if self.place.received.is_some() {
            self.place.received = Some(position);
        }
    }

    /// The reader says that it has everything below.
    pub(super) fn received(&mut self, position: u64) {
        let before = self.place.received.unwrap_or(0);
        let received = position.min(self.place.next).max(before);
        self.place.received = Some(received);
        if self.has_end() && received == self.place.next {
            self.release();
        }
    }

    /// Nothing more is waited for before its stream closes.
    fn release(&self) {
        if let Some(outlet) = &self.outlet {
            outlet.release();
        }
    }

    /// The first output that it may still need; `None` where it needs none.
    pub(super) fn needs(&self) -> Option<u64> {
        (!self.without_output && !self.done).then(|| self.place.needs())
    }

    /// Shows as much of the kept output as there is room for; true if it has seen all.
    pub(super) fn show(&mut self, retained: &Retained) -> bool {
        let Some(outlet) = &self.outlet else {
            return false;
        };
        while !self.without_output
            && let Some(item) = retained.get(self.place.next)
        {
            let count = positions(&item.message).map_or(0, |(_, count)| count);
            if !outlet.put(&Passage::Output(item)) {
                return false;
            }
            self.place.next += count;
        }
        true
    }

    pub(super) fn moved_to(&self, tick: sim_core::Tick) {
        if let Some(outlet) = &self.outlet {
            outlet.moved_to(tick);
        }
    }

    pub(super) fn tell(&self, error: v1::Error) {
        if let Some(outlet) = &self.outlet {
            outlet.put_error(error);
        }
    }

    pub(super) fn wake(&self) {
        if let Some(outlet) = &self.outlet {
            outlet.wake();
        }
    }

    /// The stream ends once it has taken what is there.
    pub(super) fn end(&self, reason: v1::EndReason, message: &str) {
        if let Some(outlet) = &self.outlet {
            outlet.end(reason, message);
        }
    }

    /// The same once it has seen all output, which it may have to report first.
    pub(super) fn end_seen(&self, reason: v1::EndReason) {
        let Some(outlet) = &self.outlet else {
            return;
        };
        let reports = self.inbound.is_some() && !self.without_output;
        match self.place.received {
            Some(received) if reports && received < self.place.next => outlet.end_held(reason, ""),
            _ => outlet.end(reason, ""),
        }
    }

    pub(super) fn has_end(&self) -> bool {
        self.outlet.as_ref().is_some_and(|outlet| outlet.has_end())
    }

    /// All output below `end` was shown to it, or is for others.
    pub(super) fn has_seen(&self, end: u64) -> bool {
        self.without_output || self.place.next >= end
    }

    /// Its stream said everything and went.
    pub(super) fn settle(&mut self) {
        if self.outlet.as_ref().is_some_and(|outlet| outlet.is_gone() && outlet.is_delivered()) {
            (self.inbound, self.outlet) = (None, None);
            self.done = true;
        }
    }

    /// The session is over, and this one has yet to be told: it reads, or it may come back.
    pub(super) fn awaits_delivery(&self) -> bool {
        match &self.outlet {
            Some(outlet) => !outlet.is_delivered(),
            None => !self.done && !self.without_output,
        }
    }
}
