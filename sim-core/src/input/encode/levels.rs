//! Level crossing (send on delta): one event for each level that a value crosses.
//!
//! Levels lie a step apart, counted from the value's first; the next event needs a whole step from
//! the last level crossed, so a move of d gives exactly floor(|d| / step) events, and a value that
//! trembles at a level gives none. Between two frames the value runs straight.

use super::{FramePlan, Sink};
use crate::network::{COMPONENT_COUNT, LevelCrossing};

/// Forces come before moments.
const FORCES: usize = 3;

/// What is remembered of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Level {
    /// Its first value; `None` before there is any.
    pub(crate) first: Option<f32>,
    /// The last level crossed.
    pub(crate) level: i64,
}

/// Distances between levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    steps: [f64; 2],
}

impl Level {
    /// The first value.
    pub(super) fn begin(&mut self, value: f32) {
        self.first = Some(value);
    }
}

impl Levels {
    pub(super) const fn new(levels: &LevelCrossing) -> Self {
        Self { steps: [levels.force_mn, levels.moment_unm] }
    }

    /// Values run straight from those before to those after, or jump where there is no time.
    pub(super) fn stretch(
        &self,
        plan: &FramePlan,
        levels: &mut [Level],
        before: &[f32],
        after: &[f32],
        sink: &mut Sink<'_>,
    ) {
        for (channel, level) in levels.iter_mut().enumerate() {
            let (from, to) = (before[channel], after[channel]);
            let (whisker, component) =
                (channel / COMPONENT_COUNT as usize, channel % COMPONENT_COUNT as usize);
            let step = self.steps[usize::from(component >= FORCES)];
            let Some(first) = level.first else {
                // A value that the first frames left out; zero stands for none.
                if to != 0.0 {
                    level.begin(to);
                }
                continue;
            };
            if step > 0.0 && from.to_bits() != to.to_bits() {
                let run = Run { first, step, from: from.into(), to: to.into() };
                level.cross(&run, sink, |rises| {
                    plan.address(
                        whisker,
                        component + if rises { COMPONENT_COUNT as usize } else { 0 },
                    )
                });
            }
        }
    }
}

/// A value's way from one frame to the next.
struct Run {
    first: f32,
    step: f64,
    from: f64,
    to: f64,
}

impl Level {
    fn cross(&mut self, run: &Run, sink: &mut Sink<'_>, address: impl Fn(bool) -> u32) {
        let first = f64::from(run.first);
        let steps = (run.to - first) / run.step;
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the description")]
        let (up, down) = (steps.floor() as i64, steps.ceil() as i64);
        let span_s = sink.span_s();
        let when = |level: i64| {
            let share = (first + level as f64 * run.step - run.from) / (run.to - run.from);
            share.clamp(0.0, 1.0) * span_s
        };
        while self.level < up {
            self.level += 1;
            sink.emit(when(self.level), address(true));
        }
        while self.level > down {
            self.level -= 1;
            sink.emit(when(self.level), address(false));
        }
    }
}
