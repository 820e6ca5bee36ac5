//! The producing half of a session: events and promises go in here.
//!
//! Gathered events leave when a batch is full, when they have waited long enough, or on `flush`.
//! The waiting is watched by a task of its own, so that a producer that has nothing more to say
//! needn't be polled.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use spiked_proto::layout::EVENT_BYTES;
use tokio::{
    sync::{Mutex, Notify},
    task::JoinHandle,
};

use crate::{
    Error, Event, Frames, Latencies, Layout, PackedBatch, alarm::Alarm, gather::Batch,
    sending::Sending,
};

/// Bytes of camera words in one message.
const RAW_BYTES_MAX: usize = 16_384 * EVENT_BYTES;

/// The producing half of a session.
///
/// Every method waits when the daemon has given no credit; credit arrives with the output, so the
/// other half must be read meanwhile. Giving up a wait loses nothing that was gathered, but of the
/// events given to that very call an unknown number has been taken. Dropping a producer without
/// [`finish`](Self::finish) drops what is still gathered, and leaves the session without its end.
#[derive(Debug)]
pub struct Producer {
    shared: Arc<Shared>,
    latencies: Option<Arc<Latencies>>,
    timekeeper: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    sending: Mutex<Sending>,
    /// Something was gathered, and with it there is a deadline.
    begun: Notify,
}

impl Producer {
    /// Needs a runtime around it.
    pub(crate) fn new(sending: Sending) -> Self {
        let latencies = sending.latencies.clone();
        let shared = Arc::new(Shared { sending: Mutex::new(sending), begun: Notify::new() });
        let timekeeper = tokio::spawn(keep_time(Arc::clone(&shared)));
        Self { shared, latencies, timekeeper }
    }

    /// Gathers events of an input port (an index into [`Tables::inputs`](crate::Tables::inputs)),
    /// and sends each batch that is full. Events may come in any order above the promise.
    ///
    /// # Errors
    ///
    /// An event that cannot be packed, or a session that takes nothing more.
    pub async fn send<E: Event>(&mut self, port: u32, events: &[E]) -> Result<(), Error> {
        let mut sending = self.shared.sending.lock().await;
        sending.gather(port, events).await?;
        if sending.deadline.is_some() {
            self.shared.begun.notify_one();
        }
        Ok(())
    }

    /// Promises that no event before this time is still to come. The promise leaves with the
    /// gathered events, or alone when it has waited as long as they would.
    ///
    /// # Errors
    ///
    /// A promise below one already given.
    pub async fn promise(&mut self, time_us: u64) -> Result<(), Error> {
        let mut sending = self.shared.sending.lock().await;
        sending.promise(time_us)?;
        if sending.deadline.is_some() {
            self.shared.begun.notify_one();
        }
        Ok(())
    }

    /// Sends at once what is gathered, and the promise.
    ///
    /// # Errors
    ///
    /// A session that takes nothing more.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.shared.sending.lock().await.flush().await
    }

    /// Sends these events as exactly one batch, with a promise if one is given, behind what is
    /// gathered: for callers that cut their batches themselves. No events and a promise make an
    /// empty batch.
    ///
    /// # Errors
    ///
    /// Too many events for one message, times further apart than 71 minutes, an event before the
    /// promise already given or, in a session's first batch, before the batch's first.
    pub async fn send_batch<E: Event>(
        &mut self,
        port: u32,
        events: &[E],
        promise_us: Option<u64>,
    ) -> Result<(), Error> {
        let mut sending = self.shared.sending.lock().await;
        let earliest_us = events.iter().map(E::time_us).min();
        let first_us = events.first().map_or(0, E::time_us);
        let is_first = sending.sent.sequence == 0;
        let base_us = if is_first { first_us } else { earliest_us.unwrap_or(0) };
        let packed = PackedBatch::pack_from(port, events, base_us, promise_us)?;
        sending.send_packed(packed).await
    }

    /// Sends a batch that was packed ahead, behind what is gathered.
    ///
    /// # Errors
    ///
    /// A promise below one already given, or a session that takes nothing more.
    pub async fn send_packed(&mut self, batch: PackedBatch) -> Result<(), Error> {
        self.shared.sending.lock().await.send_packed(batch).await
    }

    /// Sends a sensor's own words ([`Layout::Evt2`] or [`Layout::Evt3`]) as they are; they may be
    /// cut anywhere. A promise, if one is given, goes with the last of them. The client doesn't
    /// look at the words, so [`finish`](Self::finish) promises nothing for them.
    ///
    /// # Errors
    ///
    /// A session that takes nothing more, or a promise below one already given.
    pub async fn send_raw(
        &mut self,
        port: u32,
        layout: Layout,
        words: Bytes,
        promise_us: Option<u64>,
    ) -> Result<(), Error> {
        let mut sending = self.shared.sending.lock().await;
        let mut rest = words;
        loop {
            let payload = rest.split_to(rest.len().min(RAW_BYTES_MAX));
            let promise_us = promise_us.filter(|_| rest.is_empty());
            let count = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            let batch = Batch { port, layout, base_us: 0, count, payload, promise_us };
            sending.send_batch(batch).await?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Sends frames of an input port, behind what is gathered, in as many batches as it takes; a
    /// promise, if one is given, goes with the last. Frames of a port come from one producer, in
    /// order of time, and a session's time stands at the last one until the next comes.
    ///
    /// # Errors
    ///
    /// Values that make no whole frames, times beyond what 64 bits hold, a session that takes
    /// nothing more, or a promise below one already given.
    pub async fn send_frames(
        &mut self,
        port: u32,
        frames: Frames<'_>,
        promise_us: Option<u64>,
    ) -> Result<(), Error> {
        let mut sending = self.shared.sending.lock().await;
        sending.latest_us = sending.latest_us.max(frames.check()?);
        let mut rest = frames;
        while let Some((batch, behind)) = rest.cut(port) {
            let promise_us = promise_us.filter(|_| behind.values.is_empty());
            sending.send_batch(Batch { promise_us, ..batch }).await?;
            rest = behind;
        }
        Ok(())
    }

    /// Ends the input: promises that nothing comes before the end of what came, sends everything,
    /// and lets the session run on and end.
    ///
    /// # Errors
    ///
    /// A session that takes nothing more.
    pub async fn finish(self) -> Result<(), Error> {
        self.shared.sending.lock().await.finish().await
    }

    /// The latencies of the batches sent, if the session was opened with
    /// [`OpenOptions::with_latency`](crate::OpenOptions::with_latency).
    #[must_use]
    pub fn latencies(&self) -> Option<&Arc<Latencies>> {
        self.latencies.as_ref()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.timekeeper.abort();
    }
}

/// Sends what is gathered once it has waited long enough.
async fn keep_time(shared: Arc<Shared>) {
    let mut alarm = None;
    loop {
        shared.begun.notified().await;
        loop {
            let mut sending = shared.sending.lock().await;
            let Some(deadline) = sending.deadline else {
                break;
            };
            if deadline <= Instant::now() {
                // Who sends next meets the same error, and can be told.
                if sending.flush().await.is_err() {
                    return;
                }
                continue;
            }
            drop(sending);
            if alarm.is_none() {
                alarm = Alarm::new().ok();
            }
            match &alarm {
                Some(alarm) => alarm.wait_until(deadline).await,
                None => tokio::time::sleep_until(deadline.into()).await,
            }
        }
    }
}
