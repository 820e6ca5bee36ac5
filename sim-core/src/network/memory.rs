//! What a plan and a session of it are going to take, before anything large is allocated.

use super::{
    Network,
    check::{Draft, DraftKind, size},
    problem::Problems,
    spread::Spread,
};
use crate::ids::SourceId;

/// A synapse in its row.
const SYNAPSE_BYTES: u64 = 8;
/// A row's beginning, one a source and worker.
const ROW_BYTES: u64 = 4;
/// A neuron with its state and sums, about.
const NEURON_BYTES: u64 = 128;
/// Parameters of a neuron that has its own, about.
const PARAMETERS_BYTES: u64 = 1_024;

/// Refuses a network that would take more than is allowed.
pub(crate) fn check(
    network: &Network,
    shapes: &[Vec<u32>],
    drafts: &[Draft],
    spread: Spread,
    problems: &mut Problems,
) {
    let (needed, allowed) =
        (needed_bytes(network, shapes, drafts, spread), spread.memory_bytes_max);
    problems.need(needed <= allowed, "memory", || {
        format!("about {needed} bytes are needed for neurons and synapses; {allowed} are allowed")
    });
}

fn needed_bytes(network: &Network, shapes: &[Vec<u32>], drafts: &[Draft], spread: Spread) -> u64 {
    let sources = |draft: &Draft| match draft.source {
        SourceId::Population(id) => u64::from(size(&shapes[id.0 as usize])),
        // Whose sizes are the ports' own bound.
        SourceId::Input(_) => 0,
    };
    let rows = |draft: &Draft| match draft.kind {
        DraftKind::Explicit(_) | DraftKind::Dense { .. } | DraftKind::Random(_) => {
            let starts = sources(draft) * ROW_BYTES * u64::from(spread.workers);
            draft.kind.synapses().saturating_mul(SYNAPSE_BYTES).saturating_add(starts)
        }
        // Never materialised.
        DraftKind::OneToOne { .. } | DraftKind::Convolution(..) => 0,
    };
    let neurons = network.populations.iter().zip(shapes).map(|(population, shape)| {
        let differ = population.vary.iter().any(|vary| !vary.parameter.starts_with("initial"));
        let each = NEURON_BYTES + if differ { PARAMETERS_BYTES } else { 0 };
        u64::from(size(shape)) * each
    });
    drafts.iter().map(rows).chain(neurons).fold(0, u64::saturating_add)
}
