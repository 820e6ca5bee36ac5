//! The line that moves while a recording runs: how far, how fast, how late.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use spiked_client::{Latencies, v1::Acknowledgement};

use crate::{
    numbers::{duration, rate},
    terminal,
};

/// Rates between one look at the counters and the next.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    at: Instant,
    events: u64,
    deliveries: u64,
    spikes: u64,
}

impl Rates {
    pub(crate) fn new(at: Instant) -> Self {
        Self { at, events: 0, deliveries: 0, spikes: 0 }
    }

    /// Events, deliveries and spikes a second since the last look; `None` when that was a moment
    /// ago.
    pub(crate) fn look(&mut self, position: &Acknowledgement, now: Instant) -> Option<[String; 3]> {
        let passed = now.saturating_duration_since(self.at);
        if passed < terminal::REFRESH {
            return None;
        }
        let since =
            |total: u64, before: u64, unit| rate(total.saturating_sub(before), passed, unit);
        let rates = [
            since(position.events_accepted, self.events, "events"),
            since(position.deliveries, self.deliveries, "deliveries"),
            since(position.spikes, self.spikes, "spikes"),
        ];
        *self = Self {
            at: now,
            events: position.events_accepted,
            deliveries: position.deliveries,
            spikes: position.spikes,
        };
        Some(rates)
    }
}

/// The bar and its line, shared by both halves of a run.
#[derive(Clone)]
pub(crate) struct Live {
    bar: ProgressBar,
    rates: Arc<Mutex<Rates>>,
    latencies: Option<Arc<Latencies>>,
    /// The bar shows the simulation's time, not a file's bytes.
    follows_time: bool,
}

impl Live {
    pub(crate) fn new(bytes_total: Option<u64>, latencies: Option<Arc<Latencies>>) -> Self {
        let rates = Arc::new(Mutex::new(Rates::new(Instant::now())));
        Self { bar: terminal::file_bar(bytes_total), rates, latencies, follows_time: false }
    }

    /// For a network that runs by itself for so long \[µs\].
    pub(crate) fn of_time(span_us: u64) -> Self {
        Self { follows_time: true, ..Self::new(Some(span_us), None) }
    }

    /// The file has been read so far.
    pub(crate) fn read(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// The daemon has come so far.
    pub(crate) fn show(&self, position: &Acknowledgement) {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if self.follows_time {
            self.bar.set_position(position.simulated_to_us);
        }
        if let Some(rates) = rates.look(position, Instant::now()) {
            if self.follows_time {
                return self.bar.set_message(rates[1..].join("  "));
            }
            let last_ns = self.latencies.as_ref().map_or(0, |latencies| latencies.last_ns());
            let latency = duration(Duration::from_nanos(last_ns));
            self.bar.set_message(format!("{}  latency {latency}", rates.join("  ")));
        }
    }

    /// A line above the bar.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| terminal::say(line));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_count_from_the_last_look() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        let position = |events_accepted| Acknowledgement {
            events_accepted,
            deliveries: 10 * events_accepted,
            ..Acknowledgement::default()
        };
        assert_eq!(rates.look(&position(5), start + Duration::from_millis(9)), None);
        let looked = rates.look(&position(1_000), start + Duration::from_secs(1));
        let expected = ["1.00 k events/s", "10.0 k deliveries/s", "0.00 spikes/s"];
        assert_eq!(looked, Some(expected.map(str::to_owned)));
        let looked = rates.look(&position(1_500), start + Duration::from_secs(2));
        assert_eq!(looked.map(|rates| rates[0].clone()).as_deref(), Some("500 events/s"));
    }
}
