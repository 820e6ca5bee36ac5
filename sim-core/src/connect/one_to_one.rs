//! Index i to index i, one weight and one delay for all.

use std::ops::Range;

use super::{
    Emission,
    strength::{Strength, Unit},
};
use crate::sums::{Layout, Plane, Touched};

#[derive(Debug)]
pub(crate) struct OneToOne {
    delay_ticks: [u32; 1],
    /// \[quanta\]
    weight: i32,
    /// The targets that are here.
    targets: Range<u32>,
    layout: Layout,
    /// What multiplicities count.
    unit: Unit,
}

impl OneToOne {
    pub(crate) fn new(delay_ticks: u32, weight: i32, targets: Range<u32>, layout: Layout) -> Self {
        Self { delay_ticks: [delay_ticks], weight, targets, layout, unit: Unit::default() }
    }

    /// The same synapses for emissions that count something else.
    pub(crate) fn counting(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// None where no target is: a spike then has no stop here, which its other targets' delays
    /// would bring too late.
    pub(crate) fn delays_ticks(&self) -> &[u32] {
        if self.targets.is_empty() { &[] } else { &self.delay_ticks }
    }

    pub(crate) fn synapses(&self) -> u64 {
        self.targets.len() as u64
    }

    /// The emissions that have a target here, with its place.
    fn here<'a>(&'a self, emissions: &'a [Emission]) -> impl Iterator<Item = (u32, u32)> + 'a {
        let here = emissions.iter().filter(|emission| self.targets.contains(&emission.index));
        here.map(|emission| {
            (self.layout.slot(emission.index - self.targets.start), emission.multiplicity)
        })
    }

    pub(crate) fn deliver(&self, emissions: &[Emission], mut sums: Plane<'_>) -> u64 {
        let mut delivered = 0;
        for (slot, multiplicity) in self.here(emissions) {
            match self.unit.strength(multiplicity) {
                Strength::Part(part) => sums.add(slot, part.of(self.weight), 1),
                Strength::Few(_) | Strength::Many(_) => sums.add(slot, self.weight, multiplicity),
            }
            delivered += 1;
        }
        delivered
    }

    pub(crate) fn touch(&self, emissions: &[Emission], touched: &mut Touched) {
        self.here(emissions).for_each(|(slot, _)| touched.slot(slot));
    }
}
