//! Index i to index i, one delay for all, and one weight until a session sets others.

use std::ops::Range;

use super::{
    Emission,
    strength::{Strength, Unit},
};
use crate::sums::{Layout, Plane, Touched};

/// \[quanta\]
#[derive(Clone, Debug)]
enum Weights {
    Same(i32),
    /// One a target that is here.
    Each(Vec<i32>),
}

#[derive(Clone, Debug)]
pub(crate) struct OneToOne {
    delay_ticks: [u32; 1],
    weights: Weights,
    /// The targets that are here.
    targets: Range<u32>,
    layout: Layout,
    /// What multiplicities count.
    unit: Unit,
}

impl OneToOne {
    pub(crate) fn new(delay_ticks: u32, weight: i32, targets: Range<u32>, layout: Layout) -> Self {
        let (weights, unit) = (Weights::Same(weight), Unit::default());
        Self { delay_ticks: [delay_ticks], weights, targets, layout, unit }
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

    /// The delay and the weight of a source's synapse, if its target is here.
    pub(crate) fn synapse(&self, source: u32) -> Option<(u32, i32)> {
        self.targets.contains(&source).then(|| (self.delay_ticks[0], self.weight(source)))
    }

    fn weight(&self, source: u32) -> i32 {
        match &self.weights {
            Weights::Same(weight) => *weight,
            Weights::Each(weights) => weights[(source - self.targets.start) as usize],
        }
    }

    /// Gives the synapse of a source, whose target is here, another weight \[quanta\].
    pub(crate) fn set_weight(&mut self, source: u32, weight: i32) {
        let here = (source - self.targets.start) as usize;
        match &mut self.weights {
            Weights::Each(weights) => weights[here] = weight,
            Weights::Same(same) => {
                let mut weights = vec![*same; self.targets.len()];
                weights[here] = weight;
                self.weights = Weights::Each(weights);
            }
        }
    }

    /// The emissions that have a target here, each with the target's place.
    fn here<'a>(&'a self, emissions: &'a [Emission]) -> impl Iterator<Item = (u32, Emission)> + 'a {
        let here = emissions.iter().filter(|emission| self.targets.contains(&emission.index));
        here.map(|emission| (self.layout.slot(emission.index - self.targets.start), *emission))
    }

    pub(crate) fn deliver(&self, emissions: &[Emission], mut sums: Plane<'_>) -> u64 {
        let (Plane::Narrow(quads), Weights::Same(weight), Unit::Spikes, Layout::Flat { .. }) =
            (&mut sums, &self.weights, self.unit, &self.layout)
        else {
            return self.deliver_any(emissions, sums);
        };
        // What most are: nothing to decide about an emission.
        let lanes = quads.as_flattened_mut();
        let here = self.within(emissions);
        for &Emission { index, multiplicity } in here {
            lanes[(index - self.targets.start) as usize] += weight * multiplicity.cast_signed();
        }
        here.len() as u64
    }

    /// The emissions, in index order, that have a target here.
    fn within<'a>(&self, emissions: &'a [Emission]) -> &'a [Emission] {
        let below = |end: u32| emissions.partition_point(|emission| emission.index < end);
        let is_within = |emission: Option<&Emission>| {
            emission.is_none_or(|emission| self.targets.contains(&emission.index))
        };
        if is_within(emissions.first()) && is_within(emissions.last()) {
            return emissions;
        }
        &emissions[below(self.targets.start)..below(self.targets.end)]
    }

    fn deliver_any(&self, emissions: &[Emission], mut sums: Plane<'_>) -> u64 {
        let mut delivered = 0;
        for (slot, Emission { index, multiplicity }) in self.here(emissions) {
            let weight = self.weight(index);
            match self.unit.strength(multiplicity) {
                Strength::Part(part) => sums.add(slot, part.of(weight), 1),
                Strength::Few(_) | Strength::Many(_) => sums.add(slot, weight, multiplicity),
            }
            delivered += 1;
        }
        delivered
    }

    pub(crate) fn touch(&self, emissions: &[Emission], touched: &mut Touched) {
        self.here(emissions).for_each(|(slot, _)| touched.slot(slot));
    }
}
