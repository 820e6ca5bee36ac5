//! What was really played: the ground truth beside a stream of events.
//!
//! A list of switches in rising order of steps; a motion is in force from its switch up to the
//! next. It grows by one entry a switch, so whoever streams without end decides how much to keep.

use std::io::{self, Write};

use crate::motion::Motion;

/// From one step on, one motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Switch {
    /// First step of the motion.
    pub step: u64,
    /// The motion from there on.
    pub motion: Motion,
}

/// Which motion was played when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    switches: Vec<Switch>,
}

impl Truth {
    /// Notes the motion of a step; steps come in rising order, and only a change is kept.
    pub fn note(&mut self, step: u64, motion: Motion) {
        let last = self.switches.last();
        debug_assert!(last.is_none_or(|last| last.step < step), "steps come in rising order");
        if last.is_none_or(|last| last.motion != motion) {
            self.switches.push(Switch { step, motion });
        }
    }

    /// All switches, in order of steps; the first is the beginning.
    #[must_use]
    pub fn switches(&self) -> &[Switch] {
        &self.switches
    }

    /// The last switch at or before a step; none before the first.
    #[must_use]
    pub fn switch_before(&self, step: u64) -> Option<Switch> {
        let after = self.switches.partition_point(|switch| switch.step <= step);
        self.switches[..after].last().copied()
    }

    /// The motion that a step was played with; none before the first switch.
    #[must_use]
    pub fn motion_at(&self, step: u64) -> Option<Motion> {
        self.switch_before(step).map(|switch| switch.motion)
    }

    /// Writes a line for each switch: `t_us,direction_deg,speed_px_per_ms`, where degrees count
    /// clockwise from the right as seen on the screen.
    ///
    /// # Errors
    ///
    /// What the writer gives.
    pub fn write_csv(&self, step_us: u32, to: &mut impl Write) -> io::Result<()> {
        writeln!(to, "t_us,direction_deg,speed_px_per_ms")?;
        for Switch { step, motion } in &self.switches {
            let t_us = step * u64::from(step_us);
            let direction_deg = motion.direction_rad.to_degrees();
            let speed_px_per_ms = motion.speed_px_per_step * 1_000.0 / f64::from(step_us);
            writeln!(to, "{t_us},{direction_deg:.3},{speed_px_per_ms:.6}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_motion_is_in_force_from_its_switch_up_to_the_next() {
        let [east, south] = [0, 3].map(|index| Motion::of_twelve(index, 0.5));
        let mut truth = Truth::default();
        assert_eq!(truth.motion_at(0), None);
        for (step, motion) in [(10, east), (11, east), (12, south), (13, south), (20, east)] {
            truth.note(step, motion);
        }
        let kept: Vec<u64> = truth.switches().iter().map(|switch| switch.step).collect();
        assert_eq!(kept, [10, 12, 20]);
        let expected = [(9, None), (10, Some(east)), (11, Some(east)), (12, Some(south))];
        for (step, motion) in expected.into_iter().chain([(19, Some(south)), (99, Some(east))]) {
            assert_eq!(truth.motion_at(step), motion, "step {step}");
        }
    }

    #[test]
    fn the_file_speaks_of_times_and_speeds_whatever_the_step() {
        let mut truth = Truth::default();
        truth.note(0, Motion::of_twelve(1, 0.25));
        truth.note(40, Motion::of_twelve(9, 0.25));
        let mut file = Vec::new();
        truth.write_csv(500, &mut file).unwrap();
        assert_eq!(
            String::from_utf8(file).unwrap(),
            "t_us,direction_deg,speed_px_per_ms\n0,30.000,0.500000\n20000,270.000,0.500000\n"
        );
    }
}
