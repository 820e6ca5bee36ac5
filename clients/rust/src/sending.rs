//! Numbering, promises and credit: the one way out for everything that a producer sends.
//!
//! Behind the gathering ([`crate::gather`]), in front of the stream. A batch that is cut waits in
//! `ready` until credit and the stream have room; giving up a wait therefore loses nothing, the
//! next call sends it first. The order on the stream is the order of the calls.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use spiked_proto::layout::frames::{HEADER_BYTES, VALUE_BYTES};
use tokio::sync::mpsc;

use crate::{
    Error, Latencies, Layout, PackedBatch,
    credit::{Amount, Gate, Sent},
    event::sealed::Packed,
    gather::{Batch, Gather},
    v1::{self, stream_request::Message},
};

/// What a producer holds while it sends.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) requests: mpsc::Sender<v1::StreamRequest>,
    pub(crate) gate: Gate,
    pub(crate) gather: Gather,
    pub(crate) patience: Duration,
    pub(crate) latencies: Option<Arc<Latencies>>,
    pub(crate) sent: Sent,
    /// The highest promise given; the one sent is in `sent`.
    pub(crate) promise_us: Option<u64>,
    /// The latest event \[µs\].
    pub(crate) latest_us: Option<u64>,
    pub(crate) ready: Option<Batch>,
    /// When what is gathered has to leave.
    pub(crate) deadline: Option<Instant>,
}

impl Sending {
    /// Gathers events; sends each batch that is full.
    pub(crate) async fn gather<E: Packed>(&mut self, port: u32, events: &[E]) -> Result<(), Error> {
        let mut rest = events;
        while !rest.is_empty() {
            self.send_ready().await?;
            let taken = self.gather.take(port, rest, self.base_floor_us(rest[0].time_us()))?;
            self.note_latest(&rest[..taken]);
            rest = &rest[taken..];
            if !rest.is_empty() || self.gather.is_full() {
                self.cut();
                self.send_ready().await?;
            }
        }
        self.start_waiting();
        Ok(())
    }

    /// Gives a promise, which leaves with the gathered events.
    pub(crate) fn promise(&mut self, promise_us: u64) -> Result<(), Error> {
        if let Some(given) = self.promise_us.filter(|&given| given > promise_us) {
            return Err(Error::PromiseBackwards { given_us: promise_us, promise_us: given });
        }
        self.promise_us = Some(promise_us);
        self.start_waiting();
        Ok(())
    }

    /// Sends what is gathered, and the promise.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        self.send_ready().await?;
        self.cut();
        self.send_ready().await?;
        if let Some(promise_us) = self.unsent_promise() {
            self.put(Message::Heartbeat(v1::Heartbeat { promise_us })).await?;
            self.sent.promise_us = Some(promise_us);
        }
        self.deadline = None;
        Ok(())
    }

    /// Sends exactly one batch, behind what is gathered, with the promise that it comes with or one
    /// that waits.
    pub(crate) async fn send_batch(&mut self, batch: Batch) -> Result<(), Error> {
        self.flush_events().await?;
        if let Some(promise_us) = batch.promise_us {
            self.promise(promise_us)?;
        }
        let promise_us = batch.promise_us.or(self.unsent_promise());
        self.ready = Some(Batch { promise_us, ..batch });
        self.send_ready().await?;
        self.deadline = None;
        Ok(())
    }

    /// The same with one that was packed ahead.
    pub(crate) async fn send_packed(&mut self, packed: PackedBatch) -> Result<(), Error> {
        self.latest_us = self.latest_us.max(packed.latest_us);
        self.send_batch(packed.batch).await
    }

    /// Promises that nothing is to come before the end of what came, and says that it was all.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        if let Some(end_us) = self.latest_us.map(|latest_us| latest_us.saturating_add(1)) {
            self.promise(self.promise_us.unwrap_or(0).max(end_us))?;
        }
        self.flush().await?;
        self.put(Message::End(v1::EndOfInput {})).await
    }

    pub(crate) fn note_latest<E: Packed>(&mut self, events: &[E]) {
        self.latest_us = self.latest_us.max(latest_us(events));
    }

    /// Below this no event comes, as far as a batch's base time is concerned.
    pub(crate) fn base_floor_us(&self, first_us: u64) -> Option<u64> {
        // The first batch's base time may be the session's origin: it is the first event's.
        if self.sent.sequence == 0 { Some(first_us) } else { Some(self.promise_us.unwrap_or(0)) }
    }

    async fn flush_events(&mut self) -> Result<(), Error> {
        self.send_ready().await?;
        self.cut();
        self.send_ready().await
    }

    fn cut(&mut self) {
        let promise_us = self.unsent_promise();
        if let Some(batch) = self.gather.cut(promise_us) {
            self.ready = Some(batch);
        }
        self.deadline = None;
    }

    async fn send_ready(&mut self) -> Result<(), Error> {
        let Some(batch) = &self.ready else {
            return Ok(());
        };
        let cost = cost(batch.layout, &batch.payload);
        self.gate.wait(&self.sent, cost).await?;
        let room = self.requests.reserve().await.map_err(|_closed| Error::InputOver)?;
        let Some(batch) = self.ready.take() else {
            return Ok(());
        };
        self.sent.sequence += 1;
        self.sent.amount = self.sent.amount.plus(cost);
        let promise_us = batch.promise_us;
        room.send(v1::StreamRequest {
            message: Some(Message::Events(batch.numbered(self.sent.sequence))),
        });
        if let Some(promise_us) = promise_us {
            self.sent.promise_us = Some(promise_us);
            if let Some(latencies) = &self.latencies {
                latencies.sent(promise_us, Instant::now());
            }
        }
        Ok(())
    }

    async fn put(&mut self, message: Message) -> Result<(), Error> {
        let request = v1::StreamRequest { message: Some(message) };
        self.requests.send(request).await.map_err(|_closed| Error::InputOver)
    }

    fn unsent_promise(&self) -> Option<u64> {
        self.promise_us.filter(|&given| self.sent.promise_us.is_none_or(|sent| sent < given))
    }

    fn start_waiting(&mut self) {
        let waits = !self.gather.is_empty() || self.unsent_promise().is_some();
        if waits && self.deadline.is_none() {
            self.deadline = Some(Instant::now() + self.patience);
        }
    }
}

/// The latest of some events \[µs\].
pub(crate) fn latest_us<E: Packed>(events: &[E]) -> Option<u64> {
    events.iter().map(Packed::time_us).max()
}

/// What a payload costs of the credit. A word that two batches share counts for both.
fn cost(layout: Layout, payload: &Bytes) -> Amount {
    let word = match layout {
        Layout::Evt2 => 4,
        Layout::Evt3 => 2,
        _ => 8,
    };
    let bytes = payload.len() as u64;
    if layout == Layout::Frames {
        let values = payload.len().saturating_sub(HEADER_BYTES) / VALUE_BYTES;
        return Amount { events: values as u64, bytes };
    }
    Amount { events: bytes.div_ceil(word), bytes }
}
