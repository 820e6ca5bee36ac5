//! Steps of a closed loop: input in, run to a time, output back, in one exchange.
//!
//! One step at a time; its output is gathered as it comes and answered once every tick before the
//! step's time is closed.

use sim_core::Tick;
use spiked_proto::v1::{self, stream_response::Message};
use tokio::sync::oneshot;

use super::{Host, request::Step};
use crate::{
    error::Error,
    session::{link::Over, retained::positions},
};

/// Output of one step \[bytes\]: what fits a message.
const OUTPUT_BYTES_MAX: usize = 8 << 20;

/// The step at hand, and where the next one's output begins.
pub(super) struct Stepping {
    at: u64,
    step: Option<Running>,
}

struct Running {
    until_us: u64,
    from: u64,
    /// What it refused of its own input.
    refused: Option<v1::Error>,
    bytes: usize,
    answer: v1::StepSessionResponse,
    reply: oneshot::Sender<Result<v1::StepSessionResponse, Error>>,
}

impl Stepping {
    pub(super) const fn new(position: u64) -> Self {
        Self { at: position, step: None }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.step.is_some()
    }

    /// The first output that the step at hand still needs.
    pub(super) fn needs(&self) -> u64 {
        self.step.as_ref().map_or(u64::MAX, |step| step.from)
    }
}

impl Host {
    pub(super) fn step(&mut self, step: Step) {
        let Step { request, reply } = step;
        if let Err(error) = self.begin_step(&request) {
            let _ = reply.send(Err(error));
            return;
        }
        let level = self.link.level();
        for batch in &request.events {
            self.protocol.batch(0, batch, &level, &mut self.actions);
        }
        if request.until_us > self.protocol.promise_of(0) {
            self.protocol.heartbeat(0, request.until_us, &level, &mut self.actions);
        }
        let refused = self.actions.errors.iter().find(|(_, error)| error.fatal);
        let refused = refused.map(|(_, error)| error.clone());
        let from = request.output_from.unwrap_or(self.stepping.at);
        self.seats[0].resume_at(from);
        self.stepping.step = Some(Running {
            until_us: request.until_us,
            from,
            refused,
            bytes: 0,
            answer: v1::StepSessionResponse::default(),
            reply,
        });
        self.renew_lease();
        self.act();
        self.move_output();
    }

    fn begin_step(&self, request: &v1::StepSessionRequest) -> Result<(), Error> {
        if self.seats[0].is_attached() {
            return Err(self.conflict("has a producer already"));
        }
        if self.stepping.is_waiting() {
            return Err(self.conflict("is in a step already"));
        }
        if self.link.over().is_some() {
            return Err(self.conflict("has just ended"));
        }
        if let Some(held_us) = self.protocol.held_below(0, request.until_us) {
            return Err(Error::StepHeld { until_us: request.until_us, held_us });
        }
        let from = request.output_from.unwrap_or(self.stepping.at);
        if self.retained.is_gone(from) {
            return Err(Error::OutputLost { from, kept_from: self.retained.start() });
        }
        Ok(())
    }

    /// Gathers what has come of the step at hand; `closed` and `emptied` as the output was moved.
    pub(super) fn step_on(&mut self, closed: Tick, emptied: bool) {
        let Some(mut step) = self.stepping.step.take() else {
            return;
        };
        while let Some(item) = self.retained.get(step.from) {
            step.bytes += item.bytes();
            step.from += positions(&item.message).map_or(0, |(_, count)| count);
            match item.message.as_ref() {
                Message::Spikes(batch) => step.answer.spikes.push(batch.clone()),
                Message::Decision(decision) => step.answer.decisions.push(*decision),
                Message::Value(value) => step.answer.values.push(value.clone()),
                _ => {}
            }
        }
        // What the step has gathered is out of the way of what is to come.
        self.seats[0].resume_at(step.from);
        let over = self.link.over().is_some();
        let acknowledgement = self.link.acknowledgement(0, closed);
        let reached = emptied && acknowledgement.simulated_to_us >= self.tick_start(step.until_us);
        if step.bytes > OUTPUT_BYTES_MAX {
            let _ = step.reply.send(Err(Error::StepTooLarge { bytes: OUTPUT_BYTES_MAX as u64 }));
        } else if let Some(error) = step.refused.take() {
            let _ = step.reply.send(Err(Error::Refused(Box::new(error))));
        } else if reached || (over && emptied) {
            self.finish_step(step, acknowledgement);
            return;
        } else if matches!(self.link.over(), Some(Over::Ended(..))) {
            let _ = step.reply.send(Err(self.conflict("has just ended")));
        } else {
            self.stepping.step = Some(step);
            return;
        }
        self.renew_lease();
    }

    fn finish_step(&mut self, step: Running, acknowledgement: v1::Acknowledgement) {
        let Running { from, mut answer, reply, .. } = step;
        answer.acknowledgement = Some(acknowledgement);
        answer.output_position = from;
        self.stepping.at = from;
        self.seats[0].resume_at(from);
        let _ = reply.send(match &self.failure {
            Some(error) => Err(Error::Refused(Box::new(error.clone()))),
            None => Ok(answer),
        });
        self.lease_ends = None;
        self.renew_lease();
    }

    /// Where the tick of a time starts \[µs\]: every tick before it is closed by then.
    fn tick_start(&self, time_us: u64) -> u64 {
        let origin_us = self.link.origin_us.get().copied().unwrap_or(0);
        let tick = self.link.tick;
        tick.start_us(tick.closed_by(time_us, origin_us), origin_us)
    }
}
