//! The receiving end of a session: messages in, checked chunks out, on the I/O thread.
//!
//! One task a session owns its protocol from opening to end, with or without a stream. It always
//! takes what the stream has (small frames that pile up unread end a whole HTTP/2 connection):
//! what the ring has no slot for gathers in `waiting`, which credit bounds.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::Stream;
use spiked_proto::v1::{self, stream_request::Message};
use tokio::sync::{mpsc, oneshot};

use super::{
    chunk::Chunk,
    link::{Input, Link, Over},
    protocol::{Actions, Protocol, Refusal, Status},
    snapshot::Frozen,
};

/// What a stream delivers; the error is how it broke.
pub(crate) type Inbound = Pin<Box<dyn Stream<Item = Result<Option<Message>, String>> + Send>>;

/// What others ask of a session.
pub(crate) enum Request {
    /// A stream feeds the session from here on.
    Attach(Inbound),
    /// Freeze everything that has been accepted.
    Snapshot(oneshot::Sender<Frozen>),
}

/// Everything that can wake the task.
#[expect(clippy::large_enum_variant, reason = "looked at once, never kept")]
enum Wake {
    /// The session is over.
    Over,
    /// Nobody reads the stream any more.
    ReaderGone,
    /// The ring has room for what waits, or the queue's level changed.
    Engine,
    Request(Request),
    /// From the stream; `None` when it closed.
    Inbound(Option<Result<Option<Message>, String>>),
}

/// The task's state.
pub(crate) struct Intake {
    link: Arc<Link>,
    protocol: Protocol,
    /// Input for which the ring had no slot; the last chunk grows.
    waiting: VecDeque<Input>,
    inbound: Option<Inbound>,
    requests: mpsc::Receiver<Request>,
    actions: Actions,
    /// `waiting` was seen to, or the stall looked for, since the engine's last change.
    engine_seen: bool,
}

impl Intake {
    /// The intake of a session.
    pub(crate) fn new(
        link: Arc<Link>,
        protocol: Protocol,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        link.accepted.publish(protocol.status());
        Self {
            link,
            protocol,
            waiting: VecDeque::new(),
            inbound: None,
            requests,
            actions: Actions::default(),
            engine_seen: true,
        }
    }

    /// Runs until the session is over.
    pub(crate) async fn run(mut self) {
        loop {
            match poll_fn(|context| self.poll_wake(context)).await {
                Wake::Over => return,
                Wake::ReaderGone => self.break_off("its reader has gone"),
                Wake::Engine => self.look_after_queue(),
                Wake::Request(Request::Attach(inbound)) => {
                    self.inbound = Some(inbound);
                    self.link.wake_engine();
                }
                Wake::Request(Request::Snapshot(reply)) => {
                    let protocol = self.protocol.save();
                    self.waiting.push_back(Input::Snapshot { protocol, reply });
                    self.push_waiting();
                }
                Wake::Inbound(Some(Ok(message))) => self.take(message),
                Wake::Inbound(Some(Err(error))) => self.break_off(&error),
                Wake::Inbound(None) => {
                    // A stream that closes says what `end` says.
                    self.inbound = None;
                    self.protocol.end(&mut self.actions);
                    self.act();
                }
            }
        }
    }

    fn poll_wake(&mut self, context: &mut Context<'_>) -> Poll<Wake> {
        self.link.intake.register(context.waker());
        if self.link.over().is_some() {
            return Poll::Ready(Wake::Over);
        }
        if self.link.reader_gone() {
            return Poll::Ready(Wake::ReaderGone);
        }
        if !std::mem::replace(&mut self.engine_seen, true) {
            return Poll::Ready(Wake::Engine);
        }
        if let Poll::Ready(Some(request)) = self.requests.poll_recv(context) {
            return Poll::Ready(Wake::Request(request));
        }
        if let Some(inbound) = &mut self.inbound
            && let Poll::Ready(message) = inbound.as_mut().poll_next(context)
        {
            return Poll::Ready(Wake::Inbound(message));
        }
        // Whatever wakes the task from here may have been the engine.
        self.engine_seen = false;
        Poll::Pending
    }

    fn take(&mut self, message: Option<Message>) {
        let (protocol, out) = (&mut self.protocol, &mut self.actions);
        match message {
            Some(Message::Events(batch)) => protocol.batch(&batch, &self.link.level(), out),
            Some(Message::Heartbeat(v1::Heartbeat { promise_us })) => {
                protocol.heartbeat(promise_us, out);
            }
            Some(Message::End(v1::EndOfInput {})) => protocol.end(out),
            // Output is forgotten once it has been sent; there is nothing to free.
            Some(Message::Received(v1::Received { .. })) => {}
            Some(Message::Open(_)) => protocol.refuse(&Refusal::opened_twice(), out),
            Some(Message::Frames(frames)) => {
                protocol.refuse(&Refusal::unimplemented(frames.sequence, "frames"), out);
            }
            Some(Message::Control(control)) => {
                let refusal = Refusal::unimplemented(control.sequence, "control events");
                protocol.refuse(&refusal, out);
            }
            None => protocol.refuse(&Refusal::empty(), out),
        }
        self.act();
    }

    /// Passes on what the protocol decided.
    fn act(&mut self) {
        self.link.accepted.publish(self.protocol.status());
        for error in self.actions.errors.drain(..) {
            self.link.push_error(error);
        }
        if !self.actions.chunk.is_empty() {
            let chunk = std::mem::replace(&mut self.actions.chunk, self.link.spare_chunk());
            self.enqueue(chunk);
        }
        self.link.reader.wake();
    }

    fn enqueue(&mut self, mut chunk: Chunk) {
        if let Some(Input::Chunk(last)) = self.waiting.back_mut() {
            last.append(&mut chunk);
            self.link.recycle(chunk);
        } else {
            self.waiting.push_back(Input::Chunk(chunk));
        }
        self.push_waiting();
    }

    fn push_waiting(&mut self) {
        while let Some(input) = self.waiting.pop_front() {
            if let Err(input) = self.link.push_input(input) {
                self.waiting.push_front(input);
                break;
            }
        }
        self.link.wake_engine();
    }

    /// The engine took input, or came to rest.
    fn look_after_queue(&mut self) {
        if !self.waiting.is_empty() {
            if self.link.has_room() {
                self.push_waiting();
            }
            return;
        }
        self.protocol.check_stall(&self.link.level(), &mut self.actions);
        if !self.actions.errors.is_empty() {
            self.act();
        }
    }

    fn break_off(&self, why: &str) {
        let Status { accepted, events_applied, .. } = self.protocol.status();
        tracing::warn!(
            session = self.link.id(),
            accepted,
            events_applied,
            "the session ends because its stream broke: {why}"
        );
        let message = format!("the stream broke: {why}");
        self.link.end(Over::Ended(v1::EndReason::Failed, message));
    }
}
