//! Closed loops: input in, run to a time, output back, in a call each.

use std::sync::Arc;

use spiked_proto::v1::{self, EventBatch};

use crate::{
    BATCH_EVENTS_MAX, Client, Error, Event, Frames, OpenOptions, Spikes, Tables, counts,
    gather::{Batch, Gather},
    sessions::missing,
};

impl Client {
    /// Opens a session that runs step by step, for somebody who waits for its output before there is
    /// further input. Its time moves with the steps alone.
    ///
    /// # Errors
    ///
    /// What the daemon refuses about the options.
    pub async fn open_steps(&self, options: &OpenOptions) -> Result<Steps, Error> {
        let opened = counts::begun(self.open_without_stream(options).await?)?;
        let accepted = opened.accepted;
        let tables = Arc::new(Tables::new(opened));
        Ok(Steps { client: self.clone(), tables, accepted, waiting: Vec::new() })
    }
}

/// A session that runs step by step.
///
/// A step that failed may be made again: the input goes with it, and is taken once.
#[derive(Debug)]
pub struct Steps {
    client: Client,
    tables: Arc<Tables>,
    /// The last batch that the daemon is known to have.
    accepted: u64,
    /// Numbered, for the next step.
    waiting: Vec<EventBatch>,
}

/// What came out of a step.
#[derive(Clone, Debug)]
pub struct Stepped {
    /// Spikes, in order.
    pub spikes: Vec<Spikes>,
    /// Decisions, in order.
    pub decisions: Vec<v1::Decision>,
    /// Where everything stands.
    pub position: v1::Acknowledgement,
}

impl Stepped {
    fn read(answer: v1::StepSessionResponse, tables: &Tables) -> Result<Self, Error> {
        let position = answer.acknowledgement.ok_or_else(|| missing("position"))?;
        let spikes = answer.spikes.into_iter().map(|batch| Spikes::new(batch, tables.clock()));
        let spikes = spikes.collect::<Result<_, _>>()?;
        Ok(Self { spikes, decisions: answer.decisions, position })
    }
}

impl Steps {
    /// The session's ports and clock.
    #[must_use]
    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// Adds events to the next step.
    ///
    /// # Errors
    ///
    /// The first event that its layout cannot hold; those before it are added.
    pub fn put<E: Event>(&mut self, port: u32, events: &[E]) -> Result<(), Error> {
        let mut gather = Gather::new(BATCH_EVENTS_MAX);
        let mut rest = events;
        while !rest.is_empty() {
            let taken = gather.take(port, rest, None)?;
            rest = &rest[taken..];
            if let Some(batch) = gather.cut(None) {
                self.add(batch);
            }
        }
        Ok(())
    }

    /// Adds frames of an input port to the next step, which then ends at the last of them.
    ///
    /// # Errors
    ///
    /// Values that make no whole frames, or times beyond what 64 bits hold.
    pub fn put_frames(&mut self, port: u32, frames: Frames<'_>) -> Result<(), Error> {
        frames.check()?;
        let mut rest = frames;
        while let Some((batch, behind)) = rest.cut(port) {
            self.add(batch);
            rest = behind;
        }
        Ok(())
    }

    fn add(&mut self, batch: Batch) {
        let sequence = self.accepted + self.waiting.len() as u64 + 1;
        self.waiting.push(batch.numbered(sequence));
    }

    /// Runs every tick before a time \[µs, sender's clock\], with the input that was added.
    ///
    /// # Errors
    ///
    /// Input that the daemon refuses, a time before that of the last step, or more output than one
    /// answer holds.
    pub async fn step(&mut self, until_us: u64) -> Result<Stepped, Error> {
        let request = v1::StepSessionRequest {
            session_id: self.tables.session_id.clone(),
            events: self.waiting.clone(),
            until_us,
            output_from: None,
        };
        let answer = self.client.step_session(request).await?;
        let position = answer.acknowledgement.as_ref().ok_or_else(|| missing("position"))?;
        self.accepted = counts::count("batches accepted", position.accepted)?;
        self.waiting.clear();
        Stepped::read(answer, &self.tables)
    }

    /// Ends the session.
    ///
    /// # Errors
    ///
    /// A refusal, or a connection that broke.
    pub async fn close(self) -> Result<(), Error> {
        self.client.close_session(&self.tables.session_id).await.map(drop)
    }
}

#[cfg(test)]
mod fuzz;
