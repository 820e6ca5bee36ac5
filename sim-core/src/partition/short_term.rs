//! One worker's state of short-term plasticity: what each source's last spike met.
//!
//! A worker advances a source's state with every emission of it that it sees. All that see them see
//! the same, in the same order, so copies agree. The copy of the worker that has the source is the
//! one that counts; those of workers that see none of its emissions stay behind, and nobody reads
//! them.

use crate::{
    connect::{
        Emission,
        short_term::{Resources, ShortTerm},
    },
    ids::ProjectionId,
    network::{Plan, ProjectionPlan},
};

#[derive(Clone, Debug)]
pub(crate) struct Transmitters {
    /// By projection and source, as far as it has emitted; empty where nothing is plastic.
    sources: Vec<Vec<Option<Resources>>>,
}

impl Transmitters {
    /// Before any spike.
    pub(super) fn new(plan: &Plan) -> Self {
        let sources = |(id, projection): (usize, &ProjectionPlan)| {
            let plastic = projection.short_term.is_some();
            vec![None; if plastic { plan.sources_of(id) as usize } else { 0 }]
        };
        Self { sources: plan.projections.iter().enumerate().map(sources).collect() }
    }

    /// Turns spikes into the parts of each weight that they transmit.
    pub(super) fn transmit(
        &mut self,
        (id, rule): (ProjectionId, ShortTerm),
        tick: u64,
        spikes: &[Emission],
        parts: &mut Vec<Emission>,
    ) {
        let sources = &mut self.sources[id.0 as usize];
        parts.clear();
        parts.extend(spikes.iter().map(|spike| {
            let state = &mut sources[spike.index as usize];
            let multiplicity = rule.transmit(state, tick, spike.multiplicity);
            Emission { index: spike.index, multiplicity }
        }));
    }

    /// The sources of a projection, by index.
    pub(crate) fn of(&self, projection: usize) -> &[Option<Resources>] {
        &self.sources[projection]
    }

    /// Puts back what a snapshot found.
    pub(crate) fn set(&mut self, projection: usize, source: u32, state: Resources) {
        self.sources[projection][source as usize] = Some(state);
    }
}
