//! How long after its sending a batch is simulated.
//!
//! A batch counts as simulated at the first acknowledgement whose `simulated_to` has reached every
//! tick that the batch's promise closes: from then on nothing that it caused is still to come,
//! but what its delays put later.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use hdrhistogram::Histogram;

use crate::{tables::Clock, v1};

/// Sent promises that wait for their acknowledgement; further ones are counted, not measured.
const WAITING_MAX: usize = 1 << 16;
/// Longest latency told apart \[ns\]: ten minutes.
const LATENCY_NS_MAX: u64 = 600_000_000_000;

/// Latencies of a session's batches, from sending to `simulated_to`; shared by both halves.
#[derive(Debug)]
pub struct Latencies(Mutex<State>);

#[derive(Debug)]
struct State {
    clock: Clock,
    waiting: VecDeque<(u64, Instant)>,
    histogram_ns: Histogram<u64>,
    unmeasured: u64,
    last_ns: u64,
}

impl Latencies {
    pub(crate) fn new(clock: Clock) -> Self {
        let histogram_ns = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3)
            .expect("constant bounds that the histogram allows");
        let waiting = VecDeque::new();
        Self(Mutex::new(State { clock, waiting, histogram_ns, unmeasured: 0, last_ns: 0 }))
    }

    /// All latencies so far \[ns\].
    #[must_use]
    pub fn histogram_ns(&self) -> Histogram<u64> {
        self.state().histogram_ns.clone()
    }

    /// The latest latency \[ns\]; 0 before the first.
    #[must_use]
    pub fn last_ns(&self) -> u64 {
        self.state().last_ns
    }

    /// Batches that were not measured, because too many waited at once.
    #[must_use]
    pub fn unmeasured(&self) -> u64 {
        self.state().unmeasured
    }

    pub(crate) fn sent(&self, promise_us: u64, at: Instant) {
        let mut state = self.state();
        if state.waiting.len() < WAITING_MAX {
            state.waiting.push_back((promise_us, at));
        } else {
            state.unmeasured += 1;
        }
    }

    pub(crate) fn acknowledged(&self, position: &v1::Acknowledgement, at: Instant) {
        let mut state = self.state();
        while let Some(&(promise_us, sent_at)) = state.waiting.front()
            && state.clock.has_closed(position, promise_us)
        {
            state.waiting.pop_front();
            let ns = u64::try_from(at.duration_since(sent_at).as_nanos()).unwrap_or(u64::MAX);
            state.last_ns = ns.clamp(1, LATENCY_NS_MAX);
            let latency_ns = state.last_ns;
            state.histogram_ns.saturating_record(latency_ns);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic between two of these lines leaves counts that are still counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_batch_is_over_when_the_ticks_that_it_promised_are() {
        let latencies = Latencies::new(Clock { tick_ns: 1_000_000 });
        let start = Instant::now();
        let after = |us| start + Duration::from_micros(us);
        latencies.sent(1_000, after(0));
        latencies.sent(2_500, after(100));
        latencies.sent(9_000, after(200));
        let position = |tick| v1::Acknowledgement {
            simulated_to_us: tick * 1_000,
            simulated_to_tick: tick,
            ..v1::Acknowledgement::default()
        };
        latencies.acknowledged(&position(0), after(300));
        assert_eq!(latencies.histogram_ns().len(), 0);
        latencies.acknowledged(&position(2), after(400));
        let histogram_ns = latencies.histogram_ns();
        assert_eq!(histogram_ns.len(), 2);
        assert!((399_000..=401_000).contains(&histogram_ns.max()));
        assert!((299_000..=301_000).contains(&latencies.last_ns()));
    }

    #[test]
    fn what_cannot_be_measured_is_counted() {
        let latencies = Latencies::new(Clock { tick_ns: 1_000 });
        let now = Instant::now();
        for promise_us in 0..WAITING_MAX as u64 + 3 {
            latencies.sent(promise_us, now);
        }
        assert_eq!(latencies.unmeasured(), 3);
    }
}
