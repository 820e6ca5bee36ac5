//! What is set while a network runs: weights, to parts of those that a source's synapses were given,
//! and parameters, to multiples of what they are.

use sim_core::network::{AccumulatorParameters, LifParameters};

use super::{Membrane, Neurons, Wires, synapses::Synapse};
use crate::random::changes::{ParameterChange, WeightChange};

/// Gives a source's synapses other weights. `given` are those of each projection as described.
pub(super) fn weights(change: &WeightChange, wires: &mut [Vec<Wires<'_>>], given: &[Vec<Synapse>]) {
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

/// Gives neurons another value of a parameter, from the start of a tick on.
pub(super) fn parameter(change: &ParameterChange, neurons: &mut Neurons, tick: u64, tick_ms: f64) {
    let ParameterChange { name, times, only, .. } = change;
    let asked = only.unwrap_or(0) as usize;
    let set = |all: usize| if only.is_some() { asked..asked + 1 } else { 0..all };
    let known = "a parameter of the model";
    match neurons {
        Neurons::Accumulators(AccumulatorParameters { threshold, .. }) => *threshold *= times,
        Neurons::Plain(all) => {
            let len = all.len();
            let value = *all[asked].0.field_mut(name).expect(known) * times;
            for (lif, membrane) in &mut all[set(len)] {
                rebase(membrane, lif, tick_ms, tick);
                let rest_mv = lif.rest_mv;
                *lif.field_mut(name).expect(known) = value;
                membrane.v += rest_mv - lif.rest_mv;
            }
        }
        Neurons::Linear(all) => {
            let len = all.len();
            let value = *all[asked].parameters.field_mut(name).expect(known) * times;
            for linear in &mut all[set(len)] {
                linear.change(tick, |lif| *lif.field_mut(name).expect(known) = value);
            }
        }
        Neurons::Clocked(all) => {
            let len = all.len();
            let value = *all[asked].neuron.field_mut(name).expect(known) * times;
            for clocked in &mut all[set(len)] {
                *clocked.neuron.field_mut(name).expect(known) = value;
            }
        }
        Neurons::Sources(_) => unreachable!("nothing of a source can be set"),
    }
}

/// Brings a membrane to the last tick that has run: it rounds there.
fn rebase(membrane: &mut Membrane, lif: &LifParameters, tick_ms: f64, tick: u64) {
    let Some(last) = tick.checked_sub(1) else { return };
    if membrane.since < (last, 0.0) {
        *membrane = Membrane { v: membrane.at(lif, tick_ms, last), since: (last, 0.0) };
    }
}
