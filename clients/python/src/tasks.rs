//! The two tasks of a session: one sends what Python put into the flow, one reads what comes back.
//!
//! Each has a half of the client's session for itself. What is sent waits for credit, which comes with
//! the output; so the reading goes on while there is room to keep what is read.

use std::sync::Arc;

use spiked_client::{AddressEvent, CameraEvent, Error, Event, Frames, Output, Producer};

use crate::{
    errors::Failure,
    flow::{Flow, Task},
    input::Given,
};

/// Events after which a promise goes along, where one is wanted: an array may be longer than credit.
const PROMISE_EVERY: usize = 1 << 14;

/// Sends task after task, to the end of input or of the session.
pub(crate) async fn send_all(flow: Arc<Flow>, producer: Producer) {
    let mut sending = Sending { producer, promised_us: 0 };
    let outcome = loop {
        let task = flow.until(|state| state.next()).await;
        let values = task.values();
        let done = match task {
            Task::Send { port, given, promise } => sending.send(port, &given, promise).await,
            Task::Promise(time_us) => sending.promise(time_us).await,
            Task::Flush => sending.producer.flush().await,
            Task::End => {
                let ended = sending.producer.finish().await;
                flow.change(|state| state.done(values));
                break ended;
            }
        };
        match done {
            // Who waits for room or for a flush looks again.
            Ok(()) => flow.change(|state| state.done(values)),
            Err(error) => break Err(error),
        }
    };
    let outcome = match outcome {
        // Then the output says why.
        Err(Error::InputOver | Error::OutputDropped) => Ok(()),
        outcome => outcome.map_err(|error| Failure::of(&error)),
    };
    flow.change(|state| state.sent(outcome));
}

/// Reads item after item, as long as there is room to keep them.
pub(crate) async fn read_all(flow: Arc<Flow>, mut output: Output) {
    let outcome = loop {
        flow.until(|state| (!state.is_full()).then_some(())).await;
        match output.next().await {
            Some(Ok(item)) => flow.change(|state| state.keep(item)),
            Some(Err(error)) => break Err(Failure::of(&error)),
            None => break Ok(()),
        }
    };
    flow.change(|state| state.heard(outcome));
}

struct Sending {
    producer: Producer,
    /// The highest promise given \[µs\].
    promised_us: u64,
}

impl Sending {
    async fn send(&mut self, port: u32, given: &Given, promise: bool) -> Result<(), Error> {
        match given {
            Given::Camera(events) => {
                self.send_events(port, events, |event: &CameraEvent| event.t_us, promise).await
            }
            Given::Addresses(events) => {
                self.send_events(port, events, |event: &AddressEvent| event.time, promise).await
            }
            &Given::Frames { base_ns, period_ns, channels, ref values } => {
                let frames = Frames { base_ns, period_ns, channels, values };
                self.producer.send_frames(port, frames, None).await
            }
        }
    }

    /// Piece by piece, each with the promise that nothing before what is left of them is to come.
    async fn send_events<E: Event>(
        &mut self,
        port: u32,
        events: &[E],
        time_us: impl Fn(&E) -> u64,
        promise: bool,
    ) -> Result<(), Error> {
        let least_us = |piece: &[E]| piece.iter().map(&time_us).min();
        let latest_us = events.iter().map(&time_us).max().unwrap_or(0);
        let pieces: Vec<&[E]> = events.chunks(PROMISE_EVERY).collect();
        // Of each piece, the earliest event behind it.
        let mut behind_us = vec![latest_us; pieces.len()];
        for index in (1..pieces.len()).rev() {
            behind_us[index - 1] =
                least_us(pieces[index]).map_or(latest_us, |least| least.min(behind_us[index]));
        }
        for (piece, behind_us) in pieces.into_iter().zip(behind_us) {
            self.producer.send(port, piece).await?;
            if promise && behind_us > self.promised_us {
                self.promise(behind_us).await?;
            }
        }
        Ok(())
    }

    async fn promise(&mut self, time_us: u64) -> Result<(), Error> {
        self.promised_us = self.promised_us.max(time_us);
        self.producer.promise(time_us).await
    }
}
