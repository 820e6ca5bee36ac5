//! Which motion to play at each step: an endless sequence, chosen from a list, given by a seed.
//!
//! The two ways of switching suit two readers: the paper's, memoryless, and one for people to
//! look at, where every switch is a clear turn and leaves time to be detected.

use std::f64::consts::PI;
use std::num::NonZeroU32;

use crate::error::Error;
use crate::motion::Motion;
use crate::random::{Purpose, Stream};

/// Least change of direction between motions that are held \[rad\].
const TURN_MIN: f64 = PI / 3.0;
/// What directions lose to rounding \[rad\].
const TURN_SLACK: f64 = 1e-9;

/// When a trajectory goes on to another motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switching {
    /// At each step with probability `1 / mean_steps`, to any motion of the list, the same one
    /// included. The paper has 24 steps of 1 ms.
    Random {
        /// Mean number of steps from one choice to the next.
        mean_steps: NonZeroU32,
    },
    /// After `steps - jitter_steps ..= steps + jitter_steps` steps, all equally likely, to any
    /// motion whose direction differs by 60 degrees or more.
    Held {
        /// Mean number of steps that a motion is held.
        steps: u32,
        /// How far a hold may be from the mean \[steps\]; less than `steps`.
        jitter_steps: u32,
    },
}

/// An endless sequence of motions, one for each step.
#[derive(Clone, Debug)]
pub struct Trajectory {
    motions: Vec<Motion>,
    switching: Switching,
    numbers: Stream,
    /// Numbers drawn so far.
    drawn: u64,
    /// Place in `motions` of the motion that is being played.
    playing: usize,
    /// Steps before the next switch, when motions are held.
    left_steps: u64,
}

impl Trajectory {
    /// A trajectory over a list of motions; the first is any of them.
    ///
    /// # Errors
    ///
    /// An empty list; for held motions, a hold that could be of no step, or a motion with no
    /// other in the list that is 60 degrees or more away.
    pub fn new(seed: u64, motions: Vec<Motion>, switching: Switching) -> Result<Self, Error> {
        if motions.is_empty() {
            return Err(Error::NoMotions);
        }
        if let Switching::Held { steps, jitter_steps } = switching {
            if jitter_steps >= steps {
                return Err(Error::Hold { steps, jitter_steps });
            }
            let stuck = |from: &Motion| !motions.iter().any(|to| is_turn(from, to));
            if let Some(index) = motions.iter().position(stuck) {
                return Err(Error::NoTurn { index });
            }
        }
        let numbers = Stream::new(seed, Purpose::Trajectory);
        let mut trajectory =
            Self { motions, switching, numbers, drawn: 0, playing: 0, left_steps: 0 };
        trajectory.playing = trajectory.draw_below(trajectory.motions.len());
        trajectory.left_steps = trajectory.draw_hold();
        Ok(trajectory)
    }

    fn switch_if_due(&mut self) {
        match self.switching {
            Switching::Random { mean_steps } => {
                if self.draw(u64::from(mean_steps.get())) == 0 {
                    self.playing = self.draw_below(self.motions.len());
                }
            }
            Switching::Held { .. } => {
                self.left_steps -= 1;
                if self.left_steps == 0 {
                    self.turn();
                    self.left_steps = self.draw_hold();
                }
            }
        }
    }

    /// Chooses among the motions that are a clear turn from the one that is being played.
    fn turn(&mut self) {
        let from = self.motions[self.playing];
        let turns = |to: &Motion| is_turn(&from, to);
        let chosen = self.draw_below(self.motions.iter().filter(|to| turns(to)).count());
        let places = self.motions.iter().enumerate().filter(|(_, to)| turns(to));
        // The constructor has seen a turn from every motion, so one is always found.
        self.playing = places.map(|(place, _)| place).nth(chosen).unwrap_or(self.playing);
    }

    fn draw_hold(&mut self) -> u64 {
        let Switching::Held { steps, jitter_steps } = self.switching else {
            return 0;
        };
        u64::from(steps - jitter_steps) + self.draw(2 * u64::from(jitter_steps) + 1)
    }

    fn draw_below(&mut self, count: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "it is below a usize")]
        let chosen = self.draw(count as u64) as usize;
        chosen
    }

    fn draw(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        self.numbers.below(self.drawn, bound)
    }
}

impl Iterator for Trajectory {
    type Item = Motion;

    /// The motion of the next step; never `None`.
    fn next(&mut self) -> Option<Motion> {
        let motion = self.motions[self.playing];
        self.switch_if_due();
        Some(motion)
    }
}

fn is_turn(from: &Motion, to: &Motion) -> bool {
    from.angle_to(to) >= TURN_MIN - TURN_SLACK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::{motions_of_paper, twelve_directions};

    fn held(steps: u32, jitter_steps: u32) -> Switching {
        Switching::Held { steps, jitter_steps }
    }

    /// Lengths of the runs of equal motions, without the last, which is cut off.
    fn runs(motions: &[Motion]) -> Vec<usize> {
        let mut runs: Vec<usize> = motions.chunk_by(PartialEq::eq).map(<[Motion]>::len).collect();
        runs.pop();
        runs
    }

    #[test]
    fn random_switches_come_every_24_steps_on_average_and_reach_every_motion() {
        let switching = Switching::Random { mean_steps: NonZeroU32::new(24).unwrap() };
        let trajectory = Trajectory::new(1, motions_of_paper().to_vec(), switching).unwrap();
        let played: Vec<Motion> = trajectory.take(48_000).collect();
        let runs = runs(&played).len();
        // One switch in 36 goes to the same motion and is not seen.
        assert!((1_800..2_100).contains(&runs), "{runs} runs for 1944 expected");
        assert!(motions_of_paper().iter().all(|motion| played.contains(motion)));
    }

    /// Catches a hold that is off by one, and a turn that is too small.
    #[test]
    fn held_motions_last_as_long_as_asked_and_end_in_a_clear_turn() {
        let motions = twelve_directions(0.4);
        let trajectory = Trajectory::new(2, motions.to_vec(), held(250, 50)).unwrap();
        let played: Vec<Motion> = trajectory.take(200_000).collect();
        let runs = runs(&played);
        assert_eq!(runs.iter().min().copied(), Some(200));
        assert_eq!(runs.iter().max().copied(), Some(300));
        let turns = played.windows(2).filter(|pair| pair[0] != pair[1]);
        assert!(turns.clone().all(|pair| pair[0].angle_to(&pair[1]).to_degrees() > 59.9));
        let some_are_sixty = |pair: &[Motion]| pair[0].angle_to(&pair[1]).to_degrees() < 60.1;
        assert!(turns.clone().any(some_are_sixty));
        assert!(motions.iter().all(|motion| played.contains(motion)));
    }

    #[test]
    fn a_trajectory_is_given_by_its_seed() {
        let start = |seed| {
            let motions = twelve_directions(0.4).to_vec();
            Trajectory::new(seed, motions, held(5, 2)).unwrap().take(500).collect::<Vec<_>>()
        };
        assert_eq!(start(3), start(3));
        assert_ne!(start(3), start(4));
    }

    #[test]
    fn refuses_what_it_cannot_play() {
        let two = |second| vec![Motion::of_twelve(0, 0.4), Motion::of_twelve(second, 0.4)];
        let refused = |motions, switching| Trajectory::new(0, motions, switching).err();
        assert_eq!(refused(Vec::new(), held(9, 1)), Some(Error::NoMotions));
        assert_eq!(refused(two(1), held(9, 1)), Some(Error::NoTurn { index: 0 }));
        assert_eq!(refused(two(2), held(9, 1)), None);
        let hold = Error::Hold { steps: 9, jitter_steps: 9 };
        assert_eq!(refused(two(2), held(9, 9)), Some(hold));
    }
}
