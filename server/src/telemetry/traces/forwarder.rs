//! The far end of the queue: batches of spans to the collector, and again while it is not there.

use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use tokio::{
    select,
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};
use tonic::Status;

use super::{
    TALLY,
    collector::{Collector, may_pass},
};

/// Spans of one call.
const BATCH: usize = 512;
/// How long the first span of a call waits for company.
const COMPANY: Duration = Duration::from_millis(200);
/// Between the first two attempts at a batch; each pause is twice the one before.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Attempts at one batch, over about twenty seconds: what is older than that makes room.
const ATTEMPTS: u32 = 8;
/// Between two warnings about a collector that comes and goes.
const SILENCE: Duration = Duration::from_secs(60);
/// Characters of what a collector says that are repeated.
const SAID_MAX: usize = 200;

/// What empties the queue.
pub(super) struct Forwarder {
    spans: mpsc::Receiver<SpanData>,
    collector: Collector,
    /// Taken from the queue and not sent.
    batch: Vec<SpanData>,
    trouble: Trouble,
}

/// Whether the collector takes spans, and what was said of it.
#[derive(Default)]
struct Trouble {
    is_there: bool,
    is_said: bool,
    said_at: Option<Instant>,
    /// Spans lost before it began.
    lost_before: u64,
}

impl Forwarder {
    pub(super) fn new(spans: mpsc::Receiver<SpanData>, collector: Collector) -> Self {
        Self { spans, collector, batch: Vec::with_capacity(BATCH), trouble: Trouble::default() }
    }

    /// Forwards until it is told to end, and for as long as it is told then.
    pub(super) async fn run(mut self, closing: oneshot::Receiver<Duration>) {
        let patience = select! {
            told = closing => told.unwrap_or_default(),
            () = self.forward() => return,
        };
        self.spans.close();
        // A batch that was under way is sent again: the collector may see it twice, or never would.
        let in_time = timeout(patience, self.flush()).await.is_ok();
        let left = self.batch.len() + self.spans.len();
        if left > 0 {
            TALLY.unsent(left as u64);
            tracing::warn!(spans = left, in_time, "spans were left behind");
        }
    }

    /// Never ends while spans may come.
    async fn forward(&mut self) {
        while self.spans.recv_many(&mut self.batch, BATCH).await > 0 {
            if self.batch.len() < BATCH {
                sleep(COMPANY).await;
                self.fill();
            }
            self.deliver().await;
        }
    }

    /// Sends what is left, each batch once.
    async fn flush(&mut self) {
        loop {
            self.fill();
            if self.batch.is_empty() || self.attempt().await.is_err() {
                return;
            }
            self.batch.clear();
        }
    }

    fn fill(&mut self) {
        while self.batch.len() < BATCH
            && let Ok(span) = self.spans.try_recv()
        {
            self.batch.push(span);
        }
    }

    /// Sends the batch, or counts it as lost.
    async fn deliver(&mut self) {
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            match self.attempt().await {
                Ok(()) => return self.batch.clear(),
                Err(status) if !may_pass(&status) => {
                    TALLY.refused(self.batch.len() as u64);
                    return self.batch.clear();
                }
                Err(_) if attempt < ATTEMPTS => sleep(pause).await,
                Err(_) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
        TALLY.unsent(self.batch.len() as u64);
        self.batch.clear();
    }

    async fn attempt(&mut self) -> Result<(), Status> {
        let spans = self.batch.len() as u64;
        match self.collector.send(self.batch.clone()).await {
            Ok(rejected) => {
                let rejected = rejected.min(spans);
                TALLY.sent(spans - rejected);
                TALLY.refused(rejected);
                self.trouble.passes();
                Ok(())
            }
            Err(status) => {
                self.trouble.comes(&status);
                Err(status)
            }
        }
    }
}

impl Trouble {
    /// Said once, and not again within [`SILENCE`].
    fn comes(&mut self, status: &Status) {
        if !self.is_there {
            (self.is_there, self.is_said, self.lost_before) = (true, false, TALLY.lost());
        }
        let is_quiet = self.said_at.is_none_or(|said_at| said_at.elapsed() >= SILENCE);
        if !self.is_said && is_quiet {
            (self.is_said, self.said_at) = (true, Some(Instant::now()));
            let said: String = status.message().chars().take(SAID_MAX).collect();
            tracing::warn!(code = ?status.code(), ?said, "the collector takes no spans: they wait");
        }
    }

    fn passes(&mut self) {
        if self.is_there && self.is_said {
            let lost = TALLY.lost().saturating_sub(self.lost_before);
            tracing::info!(lost, "the collector takes spans again");
        }
        self.is_there = false;
    }
}
