//! What a plan and a session of it are going to take, before anything large is allocated.

use super::{
    Network, Population,
    check::{Draft, DraftKind, size},
    problem::Problems,
    resolve::ResolvedInput,
    shard::{PLANES_BYTES, PLANES_MAX, PLANES_MIN},
    spread::Spread,
};
use crate::ids::SourceId;

/// A synapse in its row.
const SYNAPSE_BYTES: u64 = 8;
/// A row's beginning, one a source and worker.
const ROW_BYTES: u64 = 4;
/// A neuron with its state and sums, about.
const NEURON_BYTES: u64 = 128;
/// One sum, at most.
const SUM_BYTES: u64 = 8;
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
    need(needed_bytes((network, inputs), shapes, drafts, spread), spread, problems);
}

/// The same of those neurons alone whose parameters vary, before each of them is looked at.
pub(crate) fn check_varied(
    network: &Network,
    shapes: &[Vec<u32>],
    spread: Spread,
    problems: &mut Problems,
) {
    let varied = network.populations.iter().zip(shapes).filter(|(one, _)| !one.vary.is_empty());
    let bytes = varied.map(|(one, shape)| u64::from(size(shape)).saturating_mul(neuron_bytes(one)));
    need(bytes.fold(0, u64::saturating_add), spread, problems);
}

fn need(needed: u64, spread: Spread, problems: &mut Problems) {
    let allowed = spread.memory_bytes_max;
    problems.need(needed <= allowed, "memory", || {
        format!("about {needed} bytes are needed for neurons and synapses; {allowed} are allowed")
    });
}

/// A neuron without its sums.
fn neuron_bytes(population: &Population) -> u64 {
    let differ = population.vary.iter().any(|vary| !vary.parameter.starts_with("initial"));
    let sets = if differ { 1 + population.drive_steps.len() as u64 } else { 0 };
    NEURON_BYTES + sets * PARAMETERS_BYTES
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
    let neurons =
        network.populations.iter().zip(shapes).enumerate().map(|(id, (population, shape))| {
            let receptors = population.neuron.receptors().len().max(1) as u64;
            let neurons = u64::from(size(shape));
            let sums =
                sums_bytes(neurons.saturating_mul(receptors), longest_wait(id, drafts), workers);
            neurons.saturating_mul(neuron_bytes(population)).saturating_add(sums)
        });
    let remembered = drafts.iter().filter(|draft| draft.short_term.is_some());
    let remembered = remembered.map(|draft| sources(draft) * SHORT_TERM_BYTES * workers);
    drafts.iter().map(rows).chain(neurons).chain(remembered).fold(0, u64::saturating_add)
}

/// The longest delay of the rows onto a population \[ticks\]; `None` if there are none.
fn longest_wait(id: usize, drafts: &[Draft]) -> Option<u64> {
    let onto = drafts.iter().filter(|draft| usize::from(draft.target.0) == id);
    let rows = onto.filter(|draft| {
        matches!(
            draft.kind,
            DraftKind::Explicit(_) | DraftKind::Dense { .. } | DraftKind::Random(_)
        )
    });
    rows.map(|draft| draft.delay_ticks_max).max()
}

/// Planes of so many sums: one for each tick that the longest delay reaches ahead, as far as they
/// fit the cache, and some in any case.
fn sums_bytes(sums: u64, longest_ticks: Option<u64>, workers: u64) -> u64 {
    let reach = longest_ticks.map_or(PLANES_MIN, |ticks| (ticks + 1).next_power_of_two());
    let of = |planes: u64| sums.saturating_mul(SUM_BYTES * planes);
    of(reach.min(PLANES_MIN)).max(of(reach.min(PLANES_MAX)).min(PLANES_BYTES * workers))
}
