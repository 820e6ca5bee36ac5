//! Steps of a closed loop: input in, run to a time, output back, in one exchange.
//!
//! One step at a time; its output is gathered as it comes and answered once every tick before the
//! step's time is closed.

use sim_core::Tick;
use spiked_proto::v1::{self, stream_response::Message};
use tokio::sync::oneshot;

use super::{Host, request::Step};
use crate::{
    error::{Error, HAS_ENDED},
    session::{link::Over, retained::positions},
};

/// Output of one step \[bytes\]: what fits a message.
const OUTPUT_BYTES_MAX: usize = 8 << 20;

/// The step at hand. Where the next one's output begins is where the first producer's place is.
#[derive(Default)]
pub(super) struct Stepping {
    step: Option<Running>,
    /// A daemon before this one may have answered with more than the session's state knows of.
    unsure: bool,
}

struct Running {
    until_us: u64,
    /// Where its output begins, and the first that it still needs.
    began: u64,
    from: u64,
    /// What it refused of its own input.
    refused: Option<v1::Error>,
    bytes: usize,
    answer: v1::StepSessionResponse,
    reply: oneshot::Sender<Result<v1::StepSessionResponse, Error>>,
}

impl Stepping {
    /// What was answered before is not known here.
    pub(super) const fn doubt(&mut self) {
        self.unsure = true;
    }

    /// Somebody waits for a step's answer.
    pub(super) fn is_waiting(&self) -> bool {
        self.step.as_ref().is_some_and(|step| !step.reply.is_closed())
    }

    /// The first output that the step at hand still needs.
    pub(super) fn needs(&self) -> u64 {
        self.step.as_ref().map_or(u64::MAX, |step| step.from)
    }
}

impl Host {
    pub(super) fn step(&mut self, step: Step) {
        let Step { request, reply } = step;
        self.grant();
        if let Err(error) = self.begin_step(&request).and_then(|()| self.check_rate(&request)) {
            let _ = reply.send(Err(error));
            return;
        }
        let level = self.level();
        for batch in &request.events {
            self.take_batch(0, batch, level);
        }
        if !self.protocol.has_origin() {
            self.act();
            let problem = "no time is known before the first batch: step with an event";
            let _ = reply.send(Err(Error::field("until_us", problem)));
            return;
        }
        if let Some(stands_us) = self.protocol.waits_for_frame(request.until_us) {
            self.act();
            let _ = reply.send(Err(Error::StepWaits { until_us: request.until_us, stands_us }));
            return;
        }
        let is_new = request.until_us > self.protocol.promise_of(0);
        if let Some(last_us) = self.protocol.frame_from(request.until_us).filter(|_| is_new) {
            self.act();
            let problem = format!("must lie behind the last frame, which is at {last_us} us");
            let _ = reply.send(Err(Error::field("until_us", problem)));
            return;
        }
        if is_new {
            self.protocol.heartbeat(0, request.until_us, &level, &mut self.actions);
        }
        let refused = self.actions.errors.iter().find(|(_, error)| error.fatal);
        let refused = refused.map(|(_, error)| error.clone());
        let began = self.output_from(&request);
        let gathered = self.stepping.step.take().filter(|left| left.began == began);
        let (from, bytes, answer) = match gathered {
            Some(left) => (left.from, left.bytes, left.answer),
            None => (began, 0, v1::StepSessionResponse::default()),
        };
        self.seats[0].resume_at(from);
        self.seats[0].stand_in();
        self.retained.need(from);
        self.stepping.unsure = false;
        let until_us = request.until_us;
        let running = Running { until_us, began, from, refused, bytes, answer, reply };
        self.stepping.step = Some(running);
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
            return Err(self.conflict(HAS_ENDED));
        }
        if let Some(held_us) = self.protocol.held_below(0, request.until_us) {
            return Err(Error::StepHeld { until_us: request.until_us, held_us });
        }
        if self.stepping.unsure && request.output_from.is_none() {
            let problem = "is needed after the daemon began again: where the last answer's \
                           `output_position` was";
            return Err(Error::field("output_from", problem));
        }
        let from = self.output_from(request);
        // A step whose caller left has gathered what this one asks for.
        let gathered = self.stepping.step.as_ref().is_some_and(|left| left.began == from);
        if !gathered && self.retained.is_gone(from) {
            return Err(Error::OutputLost { from, kept_from: self.retained.start() });
        }
        Ok(())
    }

    /// Where a step's output begins.
    fn output_from(&self, request: &v1::StepSessionRequest) -> u64 {
        let left = self.stepping.step.as_ref().map(|left| left.began);
        let next = left.unwrap_or_else(|| self.seats[0].place().next);
        request.output_from.unwrap_or(next)
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
            let _ = step.reply.send(Err(self.conflict(HAS_ENDED)));
        } else {
            self.stepping.step = Some(step);
            return;
        }
        self.renew_lease();
    }

    fn finish_step(&mut self, step: Running, acknowledgement: v1::Acknowledgement) {
        let Running { began, from, mut answer, reply, .. } = step;
        answer.acknowledgement = Some(acknowledgement);
        answer.output_position = from;
        let answered = reply.send(match &self.failure {
            Some(error) => Err(Error::Refused(Box::new(error.clone()))),
            None => Ok(answer),
        });
        // Whoever left without its answer finds it by asking again, as far back as is kept.
        self.seats[0].resume_at(if answered.is_ok() { from } else { began });
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
