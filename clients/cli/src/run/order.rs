//! The promise that a recording's events allow, and the refusal of events that break it.
//!
//! With a window of `w`, an event may come up to `w` behind the latest one before it; so no event
//! before `latest - w` is still to come, nor one before the recording's first, where the session
//! starts. What lies further back is an error that names it, the same however the recording is cut
//! into batches.

use spiked_recordings::CameraEvent;

use crate::{failure::Failure, numbers::grouped};

/// How far a recording has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    window_us: u64,
    first_us: u64,
    latest_us: u64,
    events: u64,
}

impl Order {
    pub(crate) fn new(window_us: u64) -> Self {
        Self { window_us, first_us: 0, latest_us: 0, events: 0 }
    }

    /// Takes further events; returns how many are in order, which is all but after an error.
    pub(crate) fn take(&mut self, events: &[CameraEvent]) -> (usize, Result<(), Failure>) {
        for (position, event) in events.iter().enumerate() {
            if self.events == 0 {
                self.first_us = event.t_us;
            }
            if event.t_us < self.promise_us() {
                return (position, Err(self.out_of_order(event.t_us)));
            }
            self.latest_us = self.latest_us.max(event.t_us);
            self.events += 1;
        }
        (events.len(), Ok(()))
    }

    /// No event before this is still to come \[µs\].
    pub(crate) fn promise_us(&self) -> u64 {
        self.latest_us.saturating_sub(self.window_us).max(self.first_us)
    }

    /// Time has come so far without an event: the promise that this allows, if it is a new one.
    pub(crate) fn promise_at(&mut self, reached_us: u64) -> Option<u64> {
        if self.events == 0 || reached_us <= self.latest_us {
            return None;
        }
        self.latest_us = reached_us;
        Some(self.promise_us())
    }

    fn out_of_order(&self, t_us: u64) -> Failure {
        let number = grouped(self.events + 1);
        let behind_us = self.latest_us - t_us;
        let latest_us = self.latest_us;
        let message = format!(
            "event {number} is at {t_us} µs, {behind_us} µs before one that came earlier (at \
             {latest_us} µs)"
        );
        let wide = behind_us.next_power_of_two();
        let hint = format!("--reorder {wide} takes events that far out of order");
        Failure::failed(message).with_hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(times: &[u64]) -> Vec<CameraEvent> {
        times.iter().map(|&t_us| CameraEvent { t_us, ..CameraEvent::default() }).collect()
    }

    #[test]
    fn promises_what_the_window_leaves() {
        let mut order = Order::new(5);
        assert!(order.take(&events(&[3, 20, 15, 18])).1.is_ok());
        assert_eq!(order.promise_us(), 15);
        let mut order = Order::new(5);
        assert!(order.take(&events(&[30, 31])).1.is_ok());
        assert_eq!(order.promise_us(), 30);
        assert!(order.take(&events(&[29])).1.is_err());
    }

    #[test]
    fn silence_moves_the_promise_and_never_back() {
        let mut order = Order::new(5);
        assert_eq!(order.promise_at(50), None);
        assert!(order.take(&events(&[20])).1.is_ok());
        assert_eq!(order.promise_at(50), Some(45));
        assert_eq!(order.promise_at(50), None);
    }

    /// Catches a promise that depends on where the batches are cut.
    #[test]
    fn refuses_the_same_event_however_the_recording_is_cut() {
        let all = events(&[10, 12, 12, 11, 13]);
        for cut in 0..=all.len() {
            let mut order = Order::new(0);
            let (first, earlier) = order.take(&all[..cut]);
            let (second, later) =
                if earlier.is_ok() { order.take(&all[cut..]) } else { (0, Ok(())) };
            assert_eq!(first + second, 3, "cut at {cut}");
            assert!(earlier.is_err() || later.is_err());
        }
    }
}
