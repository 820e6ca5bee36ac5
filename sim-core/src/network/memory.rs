//! What a plan and a session of it are going to take, before anything large is allocated.

use super::{
    Network,
    check::{Draft, DraftKind, size},
    problem::Problems,
    resolve::ResolvedInput,
    spread::Spread,
};
use crate::ids::SourceId;

/// A synapse in its row.
const SYNAPSE_BYTES: u64 = 8;
/// A row's beginning, one a source and worker.
const ROW_BYTES: u64 = 4;
/// A neuron with its state and sums, about.
const NEURON_BYTES: u64 = 128;
/// The sums of one receptor for some ticks ahead.
const SUMS_BYTES: u64 = 16 * 8;
/// Parameters of a neuron that has its own, about; once more for each step of the drive.
const PARAMETERS_BYTES: u64 = 1_024;
/// What short-term plasticity remembers of a source, one a worker.
const SHORT_TERM_BYTES: u64 = 32;

/// Refuses a network that would take more than is allowed.
pub(crate) fn check(
    (network, inputs): (&Network, &[ResolvedInput]),
    shapes: &[Vec<u32>],
    drafts: &[Draft],
    spread: Spread,
    problems: &mut Problems,
) {
    let (needed, allowed) =
        (needed_bytes((network, inputs), shapes, drafts, spread), spread.memory_bytes_max);
    problems.need(needed <= allowed, "memory", || {
        format!("about {needed} bytes are needed for neurons and synapses; {allowed} are allowed")
    });
}

fn needed_bytes(
    (network, inputs): (&Network, &[ResolvedInput]),
    shapes: &[Vec<u32>],
    drafts: &[Draft],
    spread: Spread,
) -> u64 {
    let sources = |draft: &Draft| match draft.source {
        SourceId::Population(id) => u64::from(size(&shapes[id.0 as usize])),
        SourceId::Input(id) => {
            inputs[id.0 as usize].filtered_shape.iter().map(|&extent| u64::from(extent)).product()
        }
    };
    let workers = u64::from(spread.workers);
    let rows = |draft: &Draft| match draft.kind {
        DraftKind::Explicit(_) | DraftKind::Dense { .. } | DraftKind::Random(_) => {
            let starts = sources(draft) * ROW_BYTES * workers;
            draft.kind.synapses().saturating_mul(SYNAPSE_BYTES).saturating_add(starts)
        }
        // Never materialised.
        DraftKind::OneToOne { .. } | DraftKind::Convolution(..) => 0,
    };
    let neurons = network.populations.iter().zip(shapes).map(|(population, shape)| {
        let differ = population.vary.iter().any(|vary| !vary.parameter.starts_with("initial"));
        let sets = if differ { 1 + population.drive_steps.len() as u64 } else { 0 };
        let receptors = population.neuron.receptors().len().max(1) as u64;
        let each = NEURON_BYTES + receptors * SUMS_BYTES + sets * PARAMETERS_BYTES;
        u64::from(size(shape)).saturating_mul(each)
    });
    let remembered = drafts.iter().filter(|draft| draft.short_term.is_some());
    let remembered = remembered.map(|draft| sources(draft) * SHORT_TERM_BYTES * workers);
    drafts.iter().map(rows).chain(neurons).chain(remembered).fold(0, u64::saturating_add)
}
