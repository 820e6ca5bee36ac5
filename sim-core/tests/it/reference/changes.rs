//! Weights that are set while a network runs: parts of those that a source's synapses were given.

use super::{Wires, synapses::Synapse};
use crate::random::changes::{Change, What};

/// Makes a change at its tick. `given` are the synapses of each projection as described.
pub(super) fn make(change: &Change, wires: &mut [Vec<Wires<'_>>], given: &[Vec<Synapse>]) {
    let What::Weights(change) = &change.what else { panic!("the reference sets no parameters") };
    let mut all = wires.iter_mut().flatten();
    let wires = all.find(|wires| wires.projection == usize::from(change.projection));
    let mut given: Vec<&Synapse> = given[usize::from(change.projection)]
        .iter()
        .filter(|synapse| synapse.source == change.source)
        .collect();
    let order = |a: &&Synapse, b: &&Synapse| {
        (a.delay, a.target).cmp(&(b.delay, b.target)).then(a.weight.total_cmp(&b.weight))
    };
    given.sort_by(order);
    let weights: Vec<f64> = given.iter().map(|synapse| synapse.weight).collect();
    let by_delay = &mut wires.expect("onto some population").by_delay;
    for synapses in by_delay.values_mut() {
        synapses.retain(|synapse| synapse.source != change.source);
    }
    for (synapse, weight) in given.into_iter().zip(change.of(&weights)) {
        by_delay.entry(synapse.delay).or_default().push(Synapse { weight, ..*synapse });
    }
}
