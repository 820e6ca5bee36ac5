//! How fast a recording is replayed, and when each of its moments is due.
//!
//! The schedule is absolute: a moment is due at the start plus its distance from the first event
//! divided by the speed. Being late once therefore makes nothing else late.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

/// How fast a recording is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    /// As fast as the simulation takes it.
    Asap,
    /// So many times as fast as it was recorded.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "asap" {
            return Ok(Self::Asap);
        }
        let times = text.strip_suffix('x').and_then(|number| number.parse::<f64>().ok());
        match times {
            Some(times) if times.is_finite() && (1e-6..=1e6).contains(&times) => {
                Ok(Self::Times(times))
            }
            _ => Err("expected asap, or a number and an x, like 1x or 0.5x".into()),
        }
    }
}

/// When the moments of a recording are due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    times: f64,
    start: Instant,
    first_us: u64,
}

impl Schedule {
    pub(crate) fn new(times: f64, start: Instant, first_us: u64) -> Self {
        Self { times, start, first_us }
    }

    /// When the event at `t_us` is due.
    pub(crate) fn due(&self, t_us: u64) -> Instant {
        let since_us = t_us.saturating_sub(self.first_us) as f64 / self.times;
        // Years ahead is as good as never.
        self.start + Duration::from_secs_f64((since_us / 1e6).min(1e8))
    }

    /// The time of the recording that is due at a moment \[µs\].
    pub(crate) fn reached_us(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.start).mul_f64(self.times.min(1e6));
        self.first_us.saturating_add(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_asap_or_a_number_of_times() {
        assert_eq!("asap".parse(), Ok(Speed::Asap));
        assert_eq!("1x".parse(), Ok(Speed::Times(1.0)));
        assert_eq!("0.5x".parse(), Ok(Speed::Times(0.5)));
        for text in ["", "x", "1", "0x", "-1x", "nanx", "infx", "fast"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_due_by_their_distance_from_the_first() {
        let start = Instant::now();
        let schedule = Schedule::new(2.0, start, 913_000_000);
        assert_eq!(schedule.due(913_000_000), start);
        assert_eq!(schedule.due(914_000_000) - start, Duration::from_millis(500));
        assert_eq!(schedule.due(0), start);
        assert_eq!(schedule.reached_us(start + Duration::from_millis(500)), 914_000_000);
    }
}
