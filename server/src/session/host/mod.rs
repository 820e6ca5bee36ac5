//! A session's host: one task on the I/O thread that owns everything between streams and engine.
//!
//! It takes what producers send (always: small frames that pile up unread end a whole HTTP/2
//! connection), lets the protocol judge it, has the journal write it where there is one, and gives
//! it to the engine; it takes the engine's output, keeps it, and shows it to producers and
//! watchers as far as each has come. It waits for nobody: whatever is full is bounded and says so.

mod audience;
mod changing;
mod journaling;
mod latency;
mod metering;
mod passing;
mod request;
mod seat;
mod stepping;
mod timing;

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use spiked_proto::v1::{self, stream_request::Message};
use tokio::{
    sync::mpsc,
    task::yield_now,
    time::{Instant, Sleep, sleep_until},
};

use self::{
    audience::Audience, changing::Changes, latency::Measures, seat::Seat, stepping::Stepping,
};
pub(crate) use self::{
    audience::Watched,
    changing::Changing,
    journaling::{Journaling, Keeping},
    latency::Latencies,
    request::{Attach, Inbound, Request, Step, Watch},
};
use super::{
    chunk::Chunk,
    link::{Input, Link, Over},
    meter::Meter,
    positions::Level,
    protocol::{Actions, Protocol, Refusal, packed_frames},
    retained::Retained,
    settings::Pace,
};

/// Payload that a host takes before others on the I/O thread have their turn \[bytes\]: two batches as
/// busy clients send them, and many thousand small ones, which must not pile up unread.
const TURN_BYTES: usize = 64 << 10;

/// Everything that can wake the task.
enum Wake {
    /// The engine, a reader or a watcher moved.
    Moved,
    Request(Option<Request>),
    /// From a producer's stream; `None` when it closed.
    Inbound(usize, Heard),
    /// The journal has written what it was given.
    Journal(journaling::Written),
    /// It is time to look at the clock.
    Time,
}

/// What a stream said: a message, how it broke, or nothing more.
type Heard = Option<Result<Option<Message>, String>>;

/// How a session came to its end, for whoever made the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is left of it.
    Gone,
    /// It rests on disk.
    Saved,
}

impl Outcome {
    /// Its name in spans.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Saved => "saved",
        }
    }
}

/// The task's state.
pub(crate) struct Host {
    link: Arc<Link>,
    protocol: Protocol,
    seats: Vec<Seat>,
    /// Which seats have a stream, one bit each.
    attached: Arc<AtomicU32>,
    audience: Audience,
    retained: Retained,
    /// The error that ended the simulation, told before the end.
    failure: Option<v1::Error>,
    /// Input for which the ring had no slot; the last chunk grows.
    waiting: VecDeque<Input>,
    journaling: Option<Journaling>,
    stepping: Stepping,
    changes: Changes,
    measures: Measures,
    requests: mpsc::Receiver<Request>,
    /// Nobody holds the session's handle any more.
    requests_closed: bool,
    actions: Actions,
    lease: Duration,
    /// When the lease of an abandoned session runs out.
    lease_ends: Option<Instant>,
    /// When the clock is due under live pace.
    clock_due: Option<Instant>,
    /// What the tenant has left of what it may send, and when to look again.
    meter: Arc<Meter>,
    grant_due: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
    /// Whose stream is looked at first next time.
    turn: usize,
    /// Payload taken since others had their turn \[bytes\].
    taken_bytes: usize,
    /// Nobody came for the rest of a session that is over.
    lease_over: bool,
    moved_seen: bool,
    outcome: Outcome,
}

impl Host {
    /// The host of a session that begins, or begins again.
    pub(crate) fn new(
        link: Arc<Link>,
        protocol: Protocol,
        requests: mpsc::Receiver<Request>,
        output_position: u64,
        lease: Duration,
        journaling: Option<Journaling>,
        meter: Arc<Meter>,
    ) -> Self {
        let now = Instant::now();
        let seats = protocol.settings().producers.iter();
        let mut host = Self {
            seats: seats.map(|_| Seat::new(output_position)).collect(),
            attached: Arc::default(),
            audience: Audience::new(protocol.frame_channels()),
            retained: Retained::new(output_position),
            failure: None,
            waiting: VecDeque::new(),
            journaling,
            stepping: Stepping::default(),
            changes: Changes::default(),
            measures: Measures::default(),
            requests,
            requests_closed: false,
            actions: Actions::default(),
            lease,
            lease_ends: Some(now + lease),
            clock_due: None,
            meter,
            grant_due: None,
            alarm: Box::pin(sleep_until(now + lease)),
            turn: 0,
            taken_bytes: 0,
            lease_over: false,
            moved_seen: false,
            outcome: Outcome::Gone,
            link,
            protocol,
        };
        host.protocol.allow_from_scratch();
        host.grant();
        host.publish();
        host.announce_durable();
        host
    }

    /// Input that was journaled before, for the engine.
    pub(crate) fn replay(&mut self, chunks: Vec<Chunk>) {
        if !chunks.is_empty() || self.journaling.as_ref().is_some_and(Journaling::goes_on) {
            self.stepping.doubt();
        }
        self.waiting.extend(chunks.into_iter().map(Input::Chunk));
        self.push_waiting();
    }

    /// Which producers have a stream, one bit each.
    pub(crate) fn attached(&self) -> Arc<AtomicU32> {
        self.attached.clone()
    }

    /// Runs until the session is over and whoever reads has been told.
    pub(crate) async fn run(mut self) -> Outcome {
        while !self.is_done() {
            self.set_alarm();
            match poll_fn(|context| self.poll_wake(context)).await {
                Wake::Moved => self.look_after(),
                Wake::Request(Some(request)) => self.answer(request),
                Wake::Request(None) => self.requests_closed = true,
                Wake::Inbound(seat, Some(Ok(message))) => self.take(seat, message),
                Wake::Inbound(seat, Some(Err(why))) => self.break_off(seat, &why),
                Wake::Inbound(seat, None) => self.seats[seat].close(),
                Wake::Journal(written) => self.journaled(written),
                Wake::Time => self.see_to_time(),
            }
            if self.taken_bytes >= TURN_BYTES {
                self.taken_bytes = 0;
                // What wakes the task from here may have been the engine or a reader, as below.
                self.moved_seen = false;
                yield_now().await;
            }
        }
        self.leave().await;
        self.outcome
    }

    fn poll_wake(&mut self, context: &mut Context<'_>) -> Poll<Wake> {
        self.link.host.register(context.waker());
        if !std::mem::replace(&mut self.moved_seen, true) {
            return Poll::Ready(Wake::Moved);
        }
        if !self.requests_closed
            && let Poll::Ready(request) = self.requests.poll_recv(context)
        {
            return Poll::Ready(Wake::Request(request));
        }
        if let Some(journaling) = &mut self.journaling
            && let Poll::Ready(written) = journaling.poll_written(context)
        {
            return Poll::Ready(Wake::Journal(written));
        }
        if let Poll::Ready((seat, message)) = self.poll_inbound(context) {
            return Poll::Ready(Wake::Inbound(seat, message));
        }
        if self.alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Wake::Time);
        }
        // Whatever wakes the task from here may have been the engine or a reader.
        self.moved_seen = false;
        self.taken_bytes = 0;
        Poll::Pending
    }

    /// Looks at every producer's stream, each time beginning with another.
    fn poll_inbound(&mut self, context: &mut Context<'_>) -> Poll<(usize, Heard)> {
        let ended = matches!(self.link.over(), Some(Over::Ended(..)));
        if ended || self.journaling.as_ref().is_some_and(Journaling::is_congested) {
            return Poll::Pending;
        }
        let count = self.seats.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            if let Poll::Ready(message) = self.seats[index].poll_inbound(context) {
                self.turn = (index + 1) % count;
                return Poll::Ready((index, message));
            }
        }
        Poll::Pending
    }

    fn take(&mut self, seat: usize, message: Option<Message>) {
        let level = self.level();
        let (protocol, out) = (&mut self.protocol, &mut self.actions);
        match message {
            Some(Message::Events(batch)) => {
                self.taken_bytes += batch.payload.len();
                self.take_batch(seat, &batch, level);
            }
            Some(Message::Heartbeat(v1::Heartbeat { promise_us })) => {
                protocol.heartbeat(seat, promise_us, &level, out);
            }
            Some(Message::End(v1::EndOfInput {})) => protocol.end(seat, &level, out),
            Some(Message::Received(v1::Received { output_position })) => {
                self.seats[seat].received(output_position);
                self.move_output();
            }
            Some(Message::Open(_)) => protocol.refuse(seat, &Refusal::opened_twice(), out),
            Some(Message::Frames(frames)) => match packed_frames(&frames) {
                Ok(batch) => self.take_batch(seat, &batch, level),
                Err(refusal) => protocol.refuse(seat, &refusal, out),
            },
            Some(Message::Control(control)) => {
                let refusal = Refusal::unimplemented(control.sequence, "control events");
                protocol.refuse(seat, &refusal, out);
            }
            None => protocol.refuse(seat, &Refusal::empty(), out),
        }
        self.act();
    }

    /// The engine, a reader or a watcher moved.
    fn look_after(&mut self) {
        for seat in 0..self.seats.len() {
            self.seats[seat].settle();
            if self.seats[seat].is_left() {
                self.detach(seat, "its reader has gone");
            }
        }
        self.audience.forget_gone();
        if self.link.over().is_some() {
            self.renew_lease();
        }
        if !self.waiting.is_empty() && self.link.has_room() {
            self.push_waiting();
        }
        if self.waiting.is_empty() {
            let level = self.level();
            self.protocol.look_after(&level, &mut self.actions);
            self.act();
        }
        self.answer_changes();
        self.move_output();
    }

    /// Passes on what the protocol decided.
    fn act(&mut self) {
        for (producer, error) in self.actions.errors.drain(..) {
            self.seats[producer].tell(error);
        }
        self.grant();
        self.publish();
        // What the engine is given it answers with a wake, and an acknowledgement that says only
        // `accepted` would come just before the one that says more.
        if !self.pass_on() {
            for seat in &self.seats {
                seat.wake();
            }
        }
        if self.is_live() && self.clock_due.is_none() {
            self.clock_due = Some(Instant::now() + self.clock_period());
        }
    }

    /// How full the queue is. What waits for the journal, or for a slot of the ring, will move
    /// without a promise.
    fn level(&self) -> Level {
        let level = self.link.level();
        let rests = self.waiting.is_empty() && self.is_journal_at_rest();
        Level { idle: level.idle && rests, ..level }
    }

    fn publish(&mut self) {
        for (producer, accepted) in self.link.accepted.iter().enumerate() {
            accepted.publish(&self.protocol, producer);
        }
        self.link.queued.publish(&self.protocol, self.is_live());
        let bits = self.seats.iter().enumerate();
        let bits = bits.map(|(index, seat)| u32::from(seat.is_attached()) << index);
        // Ordering: Relaxed, figures.
        self.attached.store(bits.sum(), Relaxed);
    }

    fn is_live(&self) -> bool {
        matches!(self.protocol.settings().pace, Pace::Live { .. })
    }

    fn is_durable(&self) -> bool {
        self.protocol.is_durable()
    }

    /// The session is over, and whoever reads was given all.
    fn is_done(&self) -> bool {
        match self.link.over() {
            None => false,
            Some(Over::Ended(..)) => self.is_journaled(),
            Some(Over::Finished(_)) => {
                self.is_journaled()
                    && (self.lease_over || !self.seats.iter().any(Seat::awaits_delivery))
            }
        }
    }

    /// Tells everybody why it ends. Streams that have their end already keep it.
    async fn leave(&mut self) {
        self.answer_changes();
        let (reason, message) = match self.link.over() {
            Some(Over::Ended(reason, message)) => (*reason, message.clone()),
            Some(Over::Finished(reason)) => (*reason, String::new()),
            None => (v1::EndReason::Failed, String::new()),
        };
        for seat in &self.seats {
            seat.end(reason, &message);
        }
        self.audience.end(&self.retained, reason, &message);
        // Whoever asked for something that the engine will not answer any more is told so.
        while self.link.pop_input().is_some() {}
        self.close_journal(reason).await;
    }
}
