//! Samples one after another on one clock: each begins a gap behind the end of the one before.

use super::Sample;

/// Where samples come to lie.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    gap_us: u64,
    next_us: u64,
}

/// Where a sample lies: its spikes are from the start on and before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where the sample's own time is 0 \[µs\].
    pub start_us: u64,
    /// The first µs behind its last spike; without spikes, its start.
    pub end_us: u64,
}

impl Timeline {
    /// From 0 on, with so much between a sample's end and the next sample's start \[µs\].
    #[must_use]
    pub const fn new(gap_us: u64) -> Self {
        Self { gap_us, next_us: 0 }
    }

    /// Puts a sample behind those before it, and its spikes at the times that they have there. `None`, and
    /// nothing is changed, where time would pass 2^63 µs.
    pub fn place(&mut self, sample: &mut Sample) -> Option<Placed> {
        let start_us = self.next_us;
        let lasts_us = if sample.spikes.is_empty() { 0 } else { sample.last_us() + 1 };
        let end_us = start_us.checked_add(lasts_us)?;
        let next_us = end_us.checked_add(self.gap_us)?;
        i64::try_from(next_us).ok()?;
        self.next_us = next_us;
        for spike in &mut sample.spikes {
            spike.time += start_us;
        }
        Some(Placed { start_us, end_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{AddressEvent, Label};

    fn sample(times: &[u64]) -> Sample {
        let spikes = times.iter().map(|&time| AddressEvent { time, index: 3 }).collect();
        let (label, backward_steps) = (Label::Class(0), 0);
        Sample { index: 0, label, speaker: None, key: None, spikes, backward_steps }
    }

    #[test]
    fn samples_lie_behind_one_another_with_a_gap_between() {
        let mut timeline = Timeline::new(10);
        let mut place = |times: &[u64]| {
            let mut sample = sample(times);
            let Placed { start_us, end_us } = timeline.place(&mut sample).unwrap();
            let times: Vec<u64> = sample.spikes.iter().map(|spike| spike.time).collect();
            (start_us, end_us, times)
        };
        assert_eq!(place(&[0, 5, 5]), (0, 6, vec![0, 5, 5]));
        assert_eq!(place(&[2]), (16, 19, vec![18]));
        assert_eq!(place(&[]), (29, 29, vec![]));
        assert_eq!(place(&[0]), (39, 40, vec![39]));
    }

    #[test]
    fn where_time_ends_nothing_is_placed() {
        let mut timeline = Timeline::new(u64::MAX);
        let mut one = sample(&[1]);
        assert_eq!(timeline.place(&mut one), None);
        assert_eq!(one, sample(&[1]));
    }
}
