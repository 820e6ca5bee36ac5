//! The feeding half of a run: portions of the file become batches, each with its promise, sent as
//! fast as they are taken or when they are due.

use std::time::{Duration, Instant};

use spiked_client::{Error, Producer};
use spiked_recordings::CameraEvent;

use super::{
    live::Live,
    order::Order,
    reader::Portions,
    speed::{Schedule, Speed},
};
use crate::{args::RunArguments, failure::Failure};

/// Events in a batch, unless told otherwise.
const BATCH_EVENTS_ASAP: usize = 16_384;
const BATCH_EVENTS_TIMED: usize = 1_024;
/// How long a timed batch may wait for company, in real time \[µs\].
const GATHERING_US: f64 = 1_000.0;
/// In silence, promises move so often.
const BEAT: Duration = Duration::from_millis(10);

/// What became of the input so far.
#[derive(Debug)]
pub(crate) struct Fed {
    /// Events sent.
    pub(crate) events: u64,
    /// Times of the first and the latest of them \[µs\].
    pub(crate) times_us: Option<(u64, u64)>,
    /// Batches sent.
    pub(crate) batches: u64,
    /// The most that a timed batch left after it was due.
    pub(crate) lateness_max: Option<Duration>,
    /// The whole recording was sent.
    pub(crate) complete: bool,
    /// What is wrong with the recording, if that is why it wasn't.
    pub(crate) outcome: Result<(), Failure>,
}

impl Default for Fed {
    fn default() -> Self {
        Self {
            events: 0,
            times_us: None,
            batches: 0,
            lateness_max: None,
            complete: false,
            outcome: Ok(()),
        }
    }
}

impl Fed {
    /// Keeps the first thing that went wrong.
    pub(crate) fn note(&mut self, sent: Result<(), Stop>) {
        if let Err(Stop::Failed(failure)) = sent
            && self.outcome.is_ok()
        {
            self.outcome = Err(failure);
        }
    }
}

/// Sends a recording.
pub(crate) struct Feeder {
    speed: Speed,
    batch_events_max: usize,
    order: Order,
    schedule: Option<Schedule>,
    pub(crate) fed: Fed,
}

/// Why no more is sent.
pub(crate) enum Stop {
    /// The session takes nothing more; the other half knows why.
    Over,
    Failed(Failure),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::InputOver | Error::OutputDropped => Self::Over,
            error => Self::Failed(error.into()),
        }
    }
}

impl Feeder {
    pub(crate) fn new(arguments: &RunArguments) -> Self {
        let batch_events_max = match (arguments.batch, arguments.speed) {
            (Some(events), _) => events as usize,
            (None, Speed::Asap) => BATCH_EVENTS_ASAP,
            (None, Speed::Times(_)) => BATCH_EVENTS_TIMED,
        };
        Self {
            speed: arguments.speed,
            batch_events_max,
            order: Order::new(arguments.reorder),
            schedule: None,
            fed: Fed::default(),
        }
    }

    /// Sends everything, then ends the input. Giving up leaves what is known in `fed`.
    pub(crate) async fn feed(&mut self, mut producer: Producer, portions: Portions, live: Live) {
        let sent = self.send_all(&mut producer, portions, &live).await;
        self.fed.complete = sent.is_ok();
        self.fed.note(sent);
        // Also behind a fault: what came before it is processed.
        let ended = producer.finish().await.map_err(Stop::from);
        self.fed.note(ended);
    }

    async fn send_all(
        &mut self,
        producer: &mut Producer,
        mut portions: Portions,
        live: &Live,
    ) -> Result<(), Stop> {
        let mut waiting: Vec<CameraEvent> = Vec::new();
        while let Some(portion) = portions.recv().await {
            let portion = match portion {
                Ok(portion) => portion,
                Err(failure) => {
                    self.send_whole_batches(producer, &mut waiting, 1).await?;
                    return Err(Stop::Failed(failure));
                }
            };
            live.read(portion.bytes_read);
            waiting.extend_from_slice(&portion.events);
            self.send_whole_batches(producer, &mut waiting, self.batch_events_max).await?;
        }
        self.send_whole_batches(producer, &mut waiting, 1).await
    }

    /// Sends batches as long as so many events are there for the next.
    async fn send_whole_batches(
        &mut self,
        producer: &mut Producer,
        waiting: &mut Vec<CameraEvent>,
        events_min: usize,
    ) -> Result<(), Stop> {
        let mut sent = 0;
        while waiting.len() - sent >= events_min {
            let count = self.next_batch(&waiting[sent..]);
            let batch = &waiting[sent..sent + count];
            self.wait_until_due(producer, batch).await?;
            self.send(producer, batch).await?;
            sent += count;
        }
        waiting.drain(..sent);
        Ok(())
    }

    /// How many of the events make the next batch: as many as fit, and if they are sent as time
    /// passes, those of one moment.
    fn next_batch(&self, events: &[CameraEvent]) -> usize {
        let fitting = &events[..events.len().min(self.batch_events_max)];
        let Speed::Times(times) = self.speed else {
            return fitting.len();
        };
        let moment_us = GATHERING_US * times;
        let first_us = fitting.first().map_or(0, |event| event.t_us);
        let is_near =
            |event: &&CameraEvent| event.t_us.saturating_sub(first_us) as f64 <= moment_us;
        fitting.iter().take_while(is_near).count().max(1)
    }

    async fn send(&mut self, producer: &mut Producer, batch: &[CameraEvent]) -> Result<(), Stop> {
        let (in_order, verdict) = self.order.take(batch);
        let batch = &batch[..in_order];
        if let (Some(first), Some(latest_us)) =
            (batch.first(), batch.iter().map(|event| event.t_us).max())
        {
            producer.send_batch(0, batch, Some(self.order.promise_us())).await?;
            let (first_us, before_us) = self.fed.times_us.unwrap_or((first.t_us, 0));
            self.fed.times_us = Some((first_us, before_us.max(latest_us)));
            self.fed.events += batch.len() as u64;
            self.fed.batches += 1;
        }
        verdict.map_err(Stop::Failed)
    }

    /// Waits until the last event of a batch has happened, moving the promise meanwhile.
    async fn wait_until_due(
        &mut self,
        producer: &mut Producer,
        batch: &[CameraEvent],
    ) -> Result<(), Stop> {
        let (Speed::Times(times), [first, .., last] | [first @ last]) = (self.speed, batch) else {
            return Ok(());
        };
        let schedule =
            *self.schedule.get_or_insert_with(|| Schedule::new(times, Instant::now(), first.t_us));
        let due = schedule.due(last.t_us);
        let mut now = Instant::now();
        while now + BEAT < due {
            tokio::time::sleep(BEAT).await;
            now = Instant::now();
            let reached_us = schedule.reached_us(now).min(first.t_us);
            if let Some(promise_us) = self.order.promise_at(reached_us) {
                producer.promise(promise_us).await?;
                producer.flush().await?;
            }
        }
        tokio::time::sleep_until(due.into()).await;
        let late = Instant::now().saturating_duration_since(due);
        self.fed.lateness_max = self.fed.lateness_max.max(Some(late));
        Ok(())
    }
}
