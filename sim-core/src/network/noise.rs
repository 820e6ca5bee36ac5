//! Noise: a Poisson process onto every neuron, as one counted draw a neuron and tick.

use std::ops::Range;

use super::{Noise, Population};
use crate::{
    connect::convolution::quanta,
    random::{Key, Purpose, poisson::PoissonTable},
    sums::{Lane, Layout, to_u32},
    time::TickLength,
};

/// A population's noise, with its weight in quanta.
#[derive(Clone, Debug)]
pub(crate) struct NoisePlan {
    pub(crate) receptor: u8,
    position: u16,
    weight: i32,
    table: PoissonTable,
}

impl NoisePlan {
    /// The noise of a population that was checked.
    pub(crate) fn of(
        population: &Population,
        position: u16,
        tick: TickLength,
        quantum: f64,
    ) -> Vec<Self> {
        let names = population.neuron.receptors();
        let plan = |noise: &Noise| Self {
            receptor: position_of(&names, &noise.receptor),
            position,
            weight: quanta(noise.weight, quantum),
            table: table(noise, tick),
        };
        population.noise.iter().map(plan).collect()
    }

    /// Of all draws of one tick; `number` counts the noises of the population.
    pub(crate) fn key(&self, seed: u64, number: u64, tick: u64) -> Key {
        Key::new(seed, Purpose::Noise).with(self.position.into()).with(number).with(tick)
    }

    /// Draws for some neurons, by index in the description, and adds to their sums.
    pub(crate) fn add<S: Lane>(
        &self,
        key: Key,
        range: &Range<u32>,
        layout: &Layout,
        sums: &mut [S],
    ) {
        for (neuron, index) in range.clone().enumerate() {
            let count = self.table.count(key.draw(index.into()));
            sums[layout.slot(to_u32(neuron)) as usize].add(count.cast_signed() * self.weight);
        }
    }
}

/// The counts of one tick.
pub(crate) fn table(noise: &Noise, tick: TickLength) -> PoissonTable {
    PoissonTable::new(noise.rate_hz * (tick.ms() / 1e3))
}

/// Position of a receptor; the first if it has no name.
fn position_of(names: &[&str], receptor: &str) -> u8 {
    let found = names.iter().position(|name| *name == receptor).unwrap_or(0);
    u8::try_from(found).expect("receptors are few")
}
