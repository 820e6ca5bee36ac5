//! A session's time: where it begins, how far it is promised, and where it ends.

use sim_core::Tick;

use super::{Actions, Op, Pace, Protocol};
use crate::session::positions::Level;

impl Protocol {
    /// The first batch fixes the origin, where none is given.
    pub(super) fn begin_at(&mut self, first_us: Option<u64>, out: &mut Actions) {
        let (None, Some(time_us)) = (self.origin_us, first_us) else {
            return;
        };
        self.origin_us = Some(time_us);
        self.push(Op::Origin { time_us }, out);
        if self.promised_us > time_us {
            self.push(Op::Promise { time_us: self.promised_us }, out);
        }
        self.promised_us = self.promised_us.max(time_us);
        for producer in &mut self.producers {
            producer.promise_us = producer.promise_us.max(time_us);
        }
    }

    pub(super) fn promise(&mut self, producer: usize, promise_us: u64, out: &mut Actions) {
        self.producers[producer].promise_us = promise_us;
        self.raise_to_smallest(out);
    }

    /// The session is promised what the slowest of its producers promises.
    pub(super) fn raise_to_smallest(&mut self, out: &mut Actions) {
        let sending = self.producers.iter().filter(|producer| !producer.ended);
        if let Some(time_us) = sending.map(|producer| producer.promise_us).min() {
            self.raise(time_us, out);
        }
    }

    pub(super) fn raise(&mut self, time_us: u64, out: &mut Actions) {
        if time_us <= self.promised_us {
            return;
        }
        self.promised_us = time_us;
        if self.origin_us.is_some() {
            self.push(Op::Promise { time_us }, out);
        }
    }

    /// The sensor of a producer had reached this time by now.
    pub(super) fn hear(&mut self, producer: usize, sensor_us: Option<u64>, level: &Level) {
        if let (Pace::Live { .. }, Some(sensor_us)) = (self.settings.pace, sensor_us) {
            self.clocks[producer].heard(level.now_us, sensor_us);
        }
    }

    /// A later tick that the clock closes, under live pace: what the slowest sensor says.
    pub(super) fn clock_says(&self, now_us: u64) -> Option<u64> {
        let (Pace::Live { lateness_us, .. }, false) = (self.settings.pace, self.ended) else {
            return None;
        };
        let origin_us = self.origin_us?;
        let sending = self.producers.iter().zip(&self.clocks);
        let sending = sending.filter(|(producer, _)| !producer.ended);
        let says = sending.filter_map(|(_, clock)| clock.watermark(now_us, lateness_us)).min()?;
        let closed = |time_us| -> Tick { self.tick.closed_by(time_us, origin_us) };
        (closed(says) > closed(self.promised_us)).then_some(says)
    }

    pub(super) fn end_producer(&mut self, producer: usize, out: &mut Actions) {
        self.producers[producer].ended = true;
        if self.producers.iter().all(|producer| producer.ended) {
            self.finish(false, out);
        } else {
            self.raise_to_smallest(out);
        }
    }

    pub(super) fn finish(&mut self, failed: bool, out: &mut Actions) {
        if !self.ended {
            self.ended = true;
            self.push(Op::End { run_to_us: self.run_to_us(), failed }, out);
        }
    }

    /// The time below which everything runs after the end of input: the last promise, or the tick
    /// after the last event, rounded up to whole ticks, and `run_on` further. Rounded up because
    /// with the input the last tick is over too, and a spike in it travels the whole `run_on`.
    pub(super) fn run_to_us(&self) -> Option<u64> {
        let origin_us = self.origin_us?;
        let ends = self.producers.iter().map(|producer| {
            let applied = producer.status.events_applied > 0;
            let after_us = if applied { producer.last_event_us.saturating_add(1) } else { 0 };
            producer.promise_us.max(after_us)
        });
        let last_us = ends.fold(self.promised_us, u64::max);
        let since_us = last_us.saturating_sub(origin_us);
        let tick_ns = u128::from(self.tick.ns());
        let input_ticks = (u128::from(since_us) * 1_000).div_ceil(tick_ns);
        let run_on_ticks = (u128::from(self.run_on_us) * 1_000).div_ceil(tick_ns);
        let run_us = ((input_ticks + run_on_ticks) * tick_ns).div_ceil(1_000);
        Some(origin_us.saturating_add(u64::try_from(run_us).unwrap_or(u64::MAX)))
    }
}
