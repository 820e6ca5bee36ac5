//! How each population's numbers are held: its weights weighed, its quantum chosen (law 3).
//!
//! Runs before anything large is compiled, so that a network whose sums could overflow is refused
//! while it is still a description.

use super::{
    check::{DenseWeights, Draft, DraftKind, size},
    compile::Resolved,
    neurons::LARGEST,
    noise,
    problem::Problems,
    quantum::{self, Load, Scale},
};
use crate::{
    connect::convolution::quanta,
    ids::{PopulationId, SourceId},
};

/// The scale of every population; a sum that could overflow is a problem.
pub(crate) fn scales(resolved: &Resolved<'_>, problems: &mut Problems) -> Vec<Scale> {
    let populations = resolved.network.populations.iter().zip(&resolved.shapes);
    let mut scales = Vec::new();
    for (id, (population, shape)) in populations.enumerate() {
        let mut largest = 0.0_f64;
        let mut heaviest = Load::default();
        for draft in resolved.drafts.iter().filter(|draft| usize::from(draft.target.0) == id) {
            let times = times_max(resolved, draft);
            let (weight, load) = load(draft, times.into(), shape);
            largest = largest.max(weight);
            heaviest = heaviest.plus(load);
        }
        for noise in &population.noise {
            let most = noise::table(noise, resolved.network.tick).max_count();
            largest = largest.max(noise.weight.abs());
            heaviest = heaviest.plus(times_of(noise.weight, most.into()));
        }
        problems.need(largest <= LARGEST, &format!("population.{}", population.name), || {
            format!("a weight of {largest:e} onto it; {LARGEST:e} is the most")
        });
        let scale = quantum::choose(largest, heaviest);
        problems.need(scale.is_some(), &format!("population.{}", population.name), || {
            format!("a sum of up to {:.3e} in one tick could overflow 64 bits", heaviest.magnitude)
        });
        scales.push(scale.unwrap_or(Scale { quantum: 1.0, wide: true, headroom: 0 }));
    }
    scales
}

/// How often a synapse delivers its weight in one tick at most. Under short-term plasticity, the
/// spikes of a tick share its resources: they deliver it once.
pub(crate) fn times_max(resolved: &Resolved<'_>, draft: &Draft) -> u32 {
    match draft.short_term {
        Some(_) => 1,
        None => multiplicity_max(resolved, draft.source),
    }
}

/// How often a source can fire at one index in one tick.
fn multiplicity_max(resolved: &Resolved<'_>, source: SourceId) -> u32 {
    match source {
        SourceId::Input(id) => {
            let port = &resolved.network.inputs[id.0 as usize];
            if port.binary { 1 } else { port.multiplicity_max }
        }
        SourceId::Population(id) => {
            let id = id.0 as usize;
            resolved.spikes_max[id]
        }
    }
}

/// The largest weight of a projection, and the most that reaches one target in one tick.
fn load(draft: &Draft, times: f64, target: &[u32]) -> (f64, Load) {
    let mut largest = 0.0_f64;
    let heaviest = |loads: Vec<Load>| {
        loads.into_iter().fold(Load::default(), |heaviest, load| Load {
            magnitude: heaviest.magnitude.max(load.magnitude),
            arrivals: heaviest.arrivals.max(load.arrivals),
        })
    };
    let load = match &draft.kind {
        DraftKind::OneToOne { weight, .. } => {
            largest = weight.abs();
            let mut load = Load::default();
            load.add(*weight, times);
            load
        }
        DraftKind::Explicit(synapses) => {
            let mut loads = vec![Load::default(); size(target) as usize];
            for (&target, &weight) in synapses.targets.iter().zip(&synapses.weights) {
                largest = largest.max(weight.abs());
                loads[target as usize].add(weight, times);
            }
            heaviest(loads)
        }
        DraftKind::Dense { weights, .. } => {
            largest = bound(weights.bounds);
            let sources = weights.pairs / u64::from(size(target).max(1));
            times_of(largest, times * sources as f64)
        }
        DraftKind::Random(draw) => {
            largest = bound(draw.weight_bounds());
            times_of(largest, times * f64::from(draw.in_degree_max()))
        }
        DraftKind::Convolution(kernel, taps) => {
            let mut loads = vec![Load::default(); kernel.shape[0] as usize];
            for tap in taps {
                largest = largest.max(tap.weight.abs());
                loads[tap.out_channel as usize].add(tap.weight, times);
            }
            heaviest(loads)
        }
    };
    (largest, load)
}

/// The largest magnitude between two values.
fn bound((min, max): (f64, f64)) -> f64 {
    min.abs().max(max.abs())
}

fn times_of(weight: f64, times: f64) -> Load {
    let mut load = Load::default();
    load.add(weight, times);
    load
}

/// The largest change of a weight of one target by rounding.
pub(crate) fn rounding_max(drafts: &[Draft], target: PopulationId, quantum: f64) -> f64 {
    let change = |weight: f64| (f64::from(quanta(weight, quantum)) * quantum - weight).abs();
    let of_draft = |draft: &Draft| match &draft.kind {
        DraftKind::OneToOne { weight, .. } => change(*weight),
        DraftKind::Explicit(synapses) => {
            synapses.weights.iter().map(|&weight| change(weight)).fold(0.0, f64::max)
        }
        DraftKind::Convolution(_, taps) => {
            taps.iter().map(|tap| change(tap.weight)).fold(0.0, f64::max)
        }
        DraftKind::Dense { weights: DenseWeights { bounds: (min, max), .. }, .. } if min == max => {
            change(*min)
        }
        // Weights that are drawn may lie anywhere between two quanta.
        DraftKind::Dense { .. } => quantum * 0.5,
        DraftKind::Random(draw) => match draw.weight_bounds() {
            (min, max) if min == max => change(min),
            _ => quantum * 0.5,
        },
    };
    drafts.iter().filter(|draft| draft.target == target).map(of_draft).fold(0.0, f64::max)
}
