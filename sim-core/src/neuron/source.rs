//! Sources: spikes from nothing, at random or at regular intervals.
//!
//! A Poisson source draws each interval from (seed, population, neuron, number of the interval), so
//! that a seed means the same on any thread. A regular source's n-th spike is worked out from n, so
//! that rounding never adds up. A spike's tick is the first at or after its moment.

use std::ops::Range;

use super::{Compile, Sets, moment::Moment};
use crate::{
    connect::Emission,
    network::{Neuron, PoissonParameters, RegularParameters},
    random::{Key, Purpose, exponential},
    time::TickLength,
};

/// Of a Poisson source: so many standard deviations above the mean, and so many more, are the most
/// spikes of one tick; what is beyond waits for the next tick.
const SPREAD: f64 = 12.0;

/// A population of sources.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    sets: Sets<Kind>,
    position: u16,
    multiplicity_max: u32,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Mean interval \[ticks\].
    Poisson {
        interval_ticks: f64,
    },
    Regular {
        interval_ticks: f64,
        first_ticks: f64,
    },
}

/// A source's next spike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Next {
    pub(crate) at: Moment,
    /// Spikes before it.
    pub(crate) number: u64,
}

/// The state of some sources.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SourceNeurons {
    pub(crate) next: Vec<Next>,
    seed: u64,
}

impl Kind {
    fn new(neuron: &Neuron, tick: TickLength) -> Self {
        match neuron {
            Neuron::Poisson(PoissonParameters { rate_hz }) => {
                Self::Poisson { interval_ticks: 1e3 / rate_hz / tick.ms() }
            }
            Neuron::Regular(RegularParameters { interval_ms, first_ms }) => Self::Regular {
                interval_ticks: interval_ms / tick.ms(),
                first_ticks: first_ms / tick.ms(),
            },
            _ => unreachable!("a population of sources"),
        }
    }

    fn multiplicity_max(&self) -> u32 {
        let (Self::Poisson { interval_ticks } | Self::Regular { interval_ticks, .. }) = *self;
        let mean = 1.0 / interval_ticks;
        let most = match self {
            Self::Poisson { .. } => mean + SPREAD * (mean.sqrt() + 1.0),
            Self::Regular { .. } => mean + 1.0,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let most = most.ceil() as u32;
        most
    }

    /// The spike with a number, after the one before it.
    fn spike(self, number: u64, before: Moment, key: Key) -> Moment {
        let at = match self {
            Self::Poisson { interval_ticks } => {
                before.after(exponential(key.draw(number)) * interval_ticks)
            }
            Self::Regular { interval_ticks, first_ticks } => {
                Moment::at(0).after(first_ticks + number as f64 * interval_ticks)
            }
        };
        at.unwrap_or(Moment::BEYOND)
    }
}

impl Source {
    pub(crate) fn new(compile: &Compile<'_>) -> Self {
        let each = compile.each();
        let sets = if each.start_differently() {
            let kinds = (0..compile.size).map(|index| Kind::new(&each.of(index), compile.tick));
            Sets::each(kinds.collect())
        } else {
            Sets::same(Kind::new(&compile.population.neuron, compile.tick))
        };
        let multiplicity_max = sets.iter().map(Kind::multiplicity_max).max().unwrap_or(1);
        Self { sets, position: compile.position, multiplicity_max }
    }

    pub(crate) fn multiplicity_max(&self) -> u32 {
        self.multiplicity_max
    }

    fn key(&self, seed: u64, index: u32) -> Key {
        Key::new(seed, Purpose::Source).with(self.position.into()).with(index.into())
    }

    pub(crate) fn at_start(&self, range: &Range<u32>, seed: u64) -> SourceNeurons {
        let first = |index| {
            let at = self.sets.of(index).spike(0, Moment::at(0), self.key(seed, index));
            Next { at, number: 0 }
        };
        SourceNeurons { next: range.clone().map(first).collect(), seed }
    }

    /// Lets the neurons that were called fire, and names their next calls. `first` is the
    /// description's index of the share's first.
    pub(crate) fn fire(
        &self,
        neurons: &mut SourceNeurons,
        called: &[u32],
        tick: u64,
        first: u32,
        fired: &mut Vec<Emission>,
        calls: &mut impl FnMut(u32, u64),
    ) {
        for &neuron in called {
            let index = first + neuron;
            let (kind, key) = (self.sets.of(index), self.key(neurons.seed, index));
            let next = &mut neurons.next[neuron as usize];
            let mut multiplicity = 0;
            while next.at.ceil() <= tick && multiplicity < self.multiplicity_max {
                let number = next.number + 1;
                *next = Next { at: kind.spike(number, next.at, key), number };
                multiplicity += 1;
            }
            if multiplicity > 0 {
                fired.push(Emission { index, multiplicity });
            }
            if next.at < Moment::BEYOND {
                calls(neuron, next.at.ceil().max(tick + 1));
            }
        }
    }
}

impl SourceNeurons {
    /// Sources as a snapshot found them.
    pub(crate) fn restored(next: Vec<Next>, seed: u64) -> Self {
        Self { next, seed }
    }

    pub(crate) fn share(&self, range: Range<usize>) -> Self {
        Self { next: self.next[range].to_vec(), seed: self.seed }
    }

    pub(crate) fn call_all(&self, now: u64, mut call: impl FnMut(u32, u64)) {
        for (neuron, next) in (0..).zip(&self.next) {
            if next.at < Moment::BEYOND {
                call(neuron, next.at.ceil().max(now));
            }
        }
    }
}
