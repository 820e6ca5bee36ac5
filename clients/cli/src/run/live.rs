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

/// Rates between one look at the counters and the next, over one session or several in a row.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    at: Instant,
    /// At the last look, of all sessions.
    seen: Counts,
    /// Of the sessions that are over: each counts from nothing.
    over: Counts,
}

/// Events, deliveries and spikes.
type Counts = [u64; 3];
const UNITS: [&str; 3] = ["events", "deliveries", "spikes"];

impl Rates {
    pub(crate) fn new(at: Instant) -> Self {
        Self { at, seen: Counts::default(), over: Counts::default() }
    }

    /// Events, deliveries and spikes a second since the last look; `None` when that was a moment
    /// ago.
    pub(crate) fn look(&mut self, position: &Acknowledgement, now: Instant) -> Option<[String; 3]> {
        let passed = now.saturating_duration_since(self.at);
        if passed < terminal::REFRESH {
            return None;
        }
        let counts = self.with(position);
        let since = |at: usize| counts[at].saturating_sub(self.seen[at]);
        let rates = std::array::from_fn(|at| rate(since(at), passed, UNITS[at]));
        *self = Self { at: now, seen: counts, ..*self };
        Some(rates)
    }

    /// A session is over, and another one follows.
    fn end(&mut self, r#final: &Acknowledgement) {
        self.over = self.with(r#final);
    }

    /// What the sessions that are over and this one came to.
    fn with(&self, position: &Acknowledgement) -> Counts {
        let counts = [position.events_accepted, position.deliveries, position.spikes];
        std::array::from_fn(|at| self.over[at].saturating_add(counts[at]))
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
            let mut line = rates.join("  ");
            if let Some(latencies) = &self.latencies {
                let latency = duration(Duration::from_nanos(latencies.last_ns()));
                line += &format!("  latency {latency}");
            }
            self.bar.set_message(line);
        }
    }

    /// One of several sessions is over, where the daemon had come so far.
    pub(crate) fn end(&self, r#final: &Acknowledgement) {
        self.show(r#final);
        self.rates.lock().unwrap_or_else(PoisonError::into_inner).end(r#final);
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

    fn position(events_accepted: u64) -> Acknowledgement {
        Acknowledgement {
            events_accepted,
            deliveries: 10 * events_accepted,
            ..Acknowledgement::default()
        }
    }

    #[test]
    fn rates_count_from_the_last_look() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        assert_eq!(rates.look(&position(5), start + Duration::from_millis(9)), None);
        let looked = rates.look(&position(1_000), start + Duration::from_secs(1));
        let expected = ["1.00 k events/s", "10.0 k deliveries/s", "0.00 spikes/s"];
        assert_eq!(looked, Some(expected.map(str::to_owned)));
        let looked = rates.look(&position(1_500), start + Duration::from_secs(2));
        assert_eq!(looked.map(|rates| rates[0].clone()).as_deref(), Some("500 events/s"));
    }

    #[test]
    fn a_session_that_follows_another_counts_on() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        let events = |rates: &mut Rates, count, seconds| {
            let looked = rates.look(&position(count), start + Duration::from_secs(seconds));
            looked.map(|rates| rates[0].clone())
        };
        assert_eq!(events(&mut rates, 400, 1).as_deref(), Some("400 events/s"));
        rates.end(&position(500));
        assert_eq!(events(&mut rates, 100, 2).as_deref(), Some("200 events/s"));
        rates.end(&position(100));
        rates.end(&position(700));
        assert_eq!(events(&mut rates, 0, 3).as_deref(), Some("700 events/s"));
    }
}
