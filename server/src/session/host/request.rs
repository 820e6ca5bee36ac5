//! What calls ask of a host, and its answers.

use std::{pin::Pin, sync::Arc};

use futures::Stream;
use spiked_proto::v1::{self, stream_request::Message};
use tokio::sync::oneshot;

use super::{Host, audience::Watched, changing::Changing};
use crate::{
    error::{Error, HAS_ENDED},
    session::{
        link::{Input, Over},
        outlet::Outlet,
        probing::Probe,
        protocol::Status,
        snapshot::Frozen,
        tuning::Reading,
    },
};

/// What a stream delivers; the error is how it broke.
pub(crate) type Inbound = Pin<Box<dyn Stream<Item = Result<Option<Message>, String>> + Send>>;

/// What calls ask of a session.
pub(crate) enum Request {
    /// A stream takes a producer's place.
    Attach(Attach),
    /// Somebody watches.
    Watch(Watch),
    /// Inject, run, and give the output.
    Step(Step),
    /// Freeze everything that has been accepted.
    Snapshot(oneshot::Sender<Frozen>),
    /// Set weights or parameters.
    Change(Changing),
    /// Read weights or parameters.
    Read(Reading),
    /// How long batches take.
    Latencies(oneshot::Sender<v1::GetLatenciesResponse>),
    /// The daemon shuts down: put the session to rest on disk if it is durable, else end it.
    ShutDown,
}

/// A stream for a producer.
pub(crate) struct Attach {
    pub(crate) producer: usize,
    /// The stream showed the resume token: who holds the place gives way.
    pub(crate) resumes: bool,
    pub(crate) output_from: Option<u64>,
    pub(crate) without_output: bool,
    pub(crate) inbound: Inbound,
    pub(crate) outlet: Arc<Outlet>,
    /// The position that it reads from.
    pub(crate) reply: oneshot::Sender<Result<u64, Error>>,
}

/// A watcher.
pub(crate) struct Watch {
    pub(crate) watched: Watched,
    pub(crate) from_position: Option<u64>,
    pub(crate) probe: Option<Box<Probe>>,
    pub(crate) outlet: Arc<Outlet>,
    /// The position that it reads from.
    pub(crate) reply: oneshot::Sender<Result<u64, Error>>,
}

/// A step of a closed loop.
pub(crate) struct Step {
    pub(crate) request: v1::StepSessionRequest,
    pub(crate) reply: oneshot::Sender<Result<v1::StepSessionResponse, Error>>,
}

impl Host {
    pub(super) fn answer(&mut self, request: Request) {
        // Whoever asked may have left: then the answer has nowhere to go.
        match request {
            Request::Attach(attach) => self.attach(attach),
            Request::Watch(watch) => self.watch(watch),
            Request::Step(step) => self.step(step),
            // An engine that has ended answers nothing.
            Request::Snapshot(_) | Request::Latencies(_) | Request::Read(_)
                if self.link.over().is_some() => {}
            Request::Snapshot(reply) => self.freeze(reply),
            Request::Change(changing) => self.change(changing),
            Request::Read(reading) => self.enqueue_other(Input::Read(reading)),
            Request::Latencies(reply) => {
                let latencies = v1::GetLatenciesResponse {
                    queue: self.measures.queue.to_bytes().into(),
                    core: bytes::Bytes::new(),
                    wire: self.measures.wire.to_bytes().into(),
                };
                self.enqueue_other(Input::Latencies { latencies, reply });
            }
            Request::ShutDown if self.is_durable() => {
                self.save("the daemon shuts down: the session was saved");
            }
            Request::ShutDown => {
                let message = "the daemon shuts down".to_owned();
                self.link.end(Over::Ended(v1::EndReason::Shutdown, message));
            }
        }
    }

    /// Has the engine freeze what was accepted, when all of it has reached the engine.
    fn freeze(&mut self, reply: oneshot::Sender<Frozen>) {
        match &mut self.journaling {
            Some(journaling) if !journaling.rests() => journaling.freeze_later(reply),
            _ => {
                let protocol = self.protocol.save();
                self.enqueue_other(Input::Snapshot { protocol, reply });
            }
        }
    }

    fn attach(&mut self, attach: Attach) {
        let Attach { producer, resumes, output_from, without_output, inbound, outlet, reply } =
            attach;
        let admitted = self.admit(producer, resumes, output_from);
        let Ok(from) = admitted else {
            let _ = reply.send(admitted);
            return;
        };
        let seat = &mut self.seats[producer];
        if seat.is_attached() {
            let message = "another stream took this one's place";
            seat.detach(v1::EndReason::Superseded, message);
        }
        seat.resume_at(from);
        seat.attach(inbound, outlet, without_output);
        self.retained.need(from);
        let _ = reply.send(Ok(from));
        self.renew_lease();
        self.link.wake_engine();
        self.move_output();
    }

    /// Where a stream that takes a producer's place reads from.
    fn admit(
        &self,
        producer: usize,
        resumes: bool,
        output_from: Option<u64>,
    ) -> Result<u64, Error> {
        let seat = &self.seats[producer];
        if seat.is_attached() && !resumes {
            return Err(self.conflict("has a producer already"));
        }
        if matches!(self.link.over(), Some(Over::Ended(..))) {
            return Err(self.conflict(HAS_ENDED));
        }
        let place = seat.place();
        let from = output_from.unwrap_or_else(|| place.needs().max(self.retained.start()));
        if self.retained.is_gone(from) {
            return Err(Error::OutputLost { from, kept_from: self.retained.start() });
        }
        Ok(from)
    }

    pub(super) fn conflict(&self, problem: &'static str) -> Error {
        Error::SessionConflict { id: self.link.id().to_owned(), problem }
    }

    fn watch(&mut self, watch: Watch) {
        let Watch { watched, from_position, probe, outlet, reply } = watch;
        let from = from_position.unwrap_or(self.retained.end());
        if self.retained.is_gone(from) {
            let kept_from = self.retained.start();
            let _ = reply.send(Err(Error::OutputLost { from, kept_from }));
            return;
        }
        self.audience.admit(outlet, watched, from);
        if let Some(probe) = probe {
            self.enqueue_other(Input::Probe(probe));
        }
        let _ = reply.send(Ok(from));
        self.move_output();
    }

    /// A stream broke. The session goes on, and waits for it as long as the lease says.
    pub(super) fn break_off(&mut self, seat: usize, why: &str) {
        self.detach(seat, why);
    }

    pub(super) fn detach(&mut self, seat: usize, why: &str) {
        let Status { accepted, events_applied, .. } = self.protocol.status(seat);
        tracing::info!(
            session = self.link.id(),
            producer = seat,
            accepted,
            events_applied,
            "a stream broke: {why}"
        );
        let message = format!("the stream broke: {why}");
        self.seats[seat].detach(v1::EndReason::Failed, &message);
        self.renew_lease();
        self.leave_untouched();
    }

    /// A session that nobody has fed is not kept for anybody, unless it was asked for: streams that
    /// are opened and left must not fill the daemon.
    fn leave_untouched(&mut self) {
        let asked_for = self.protocol.settings().lease_us.is_some() || self.is_durable();
        if self.lease_ends.is_some() && self.protocol.is_untouched() && !asked_for {
            let message = "left before anything was sent".to_owned();
            self.link.end(Over::Ended(v1::EndReason::Abandoned, message));
        }
    }
}
