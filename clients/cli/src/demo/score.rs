//! Is the direction seen the direction played? Step by step, with no decision counted as wrong.
//!
//! A step is scored when it starts 40 ms or more after the last change: by then the delays and the
//! vote hold nothing of the motion before.

use spiked_sensors::{Motion, motion::COMPASS, truth::Switch};

/// Steps after a change that are not scored.
pub(super) const SETTLING_STEPS: u64 = 40;
/// The demo needs so many scored steps, and this share of them right.
pub(super) const SCORED_STEPS_MIN: u64 = 200;
pub(super) const RIGHT_SHARE_MIN: f64 = 0.80;
/// How far off a direction that counts as right may be \[rad\], and what rounding may add.
const OFF_MAX: f64 = std::f64::consts::PI / 6.0 + 1e-9;

/// Steps scored so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    pub(super) scored: u64,
    pub(super) right: u64,
}

impl Score {
    /// Scores a step, of which the last change and what was seen are known.
    pub(super) fn add(&mut self, step: u64, played: Switch, seen: Option<Motion>) {
        if step < played.step + SETTLING_STEPS {
            return;
        }
        self.scored += 1;
        self.right += u64::from(is_right(played.motion, seen));
    }

    /// The share of scored steps that were right; 0 before the first.
    pub(super) fn share(&self) -> f64 {
        if self.scored == 0 { 0.0 } else { self.right as f64 / self.scored as f64 }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.scored >= SCORED_STEPS_MIN && self.share() >= RIGHT_SHARE_MIN
    }
}

/// Whether a direction was seen, and was within 30 degrees of what was played.
pub(super) fn is_right(played: Motion, seen: Option<Motion>) -> bool {
    seen.is_some_and(|seen| seen.angle_to(&played) <= OFF_MAX)
}

/// The direction that a class is, by its label.
pub(super) fn direction(label: &str) -> Option<Motion> {
    let index = COMPASS.iter().position(|&name| name == label)?;
    Some(Motion::of_twelve(index, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(step: u64, direction: usize) -> Switch {
        Switch { step, motion: Motion::of_twelve(direction, 0.4) }
    }

    fn seen(direction: usize) -> Option<Motion> {
        Some(Motion::of_twelve(direction, 1.0))
    }

    /// Catches a settling time that is off by one, and silence that is left out.
    #[test]
    fn counts_from_the_fortieth_step_on_and_silence_is_wrong() {
        let mut score = Score::default();
        for step in 100..150 {
            score.add(step, played(100, 3), None);
        }
        assert_eq!((score.scored, score.right), (10, 0));
        score.add(150, played(100, 3), seen(3));
        assert_eq!((score.scored, score.right), (11, 1));
    }

    #[test]
    fn the_neighbouring_directions_are_right_and_the_next_are_not() {
        let motion = Motion::of_twelve(0, 0.4);
        let right: Vec<usize> = (0..12).filter(|&index| is_right(motion, seen(index))).collect();
        assert_eq!(right, [0, 1, 11]);
        assert!(!is_right(motion, None));
    }

    #[test]
    fn enough_is_many_steps_and_most_of_them_right() {
        let enough = |scored, right| Score { scored, right }.is_enough();
        assert!(enough(200, 160));
        assert!(!enough(199, 199));
        assert!(!enough(200, 159));
        assert!(!enough(0, 0));
    }

    #[test]
    fn a_label_is_a_direction() {
        assert_eq!(direction("S").map(|motion| motion.compass()), Some("S"));
        assert_eq!(direction("up"), None);
    }
}
