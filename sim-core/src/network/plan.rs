//! The plan: what a session executes. Immutable and shared; flat arrays, indices, no names on an
//! event's path.

use std::sync::Arc;

use super::{
    Network, NoisePlan, Population, Projection, SensorSize, WinnerTakeAll,
    check::{self, Draft, Shapes},
    compile, identity, memory,
    order::{self, Hop, Ranks},
    problem::{PlanError, Problems},
    readout, resolve, scale,
    shard::Shard,
    spread::{self, Spread},
    tables::{Cost, InputTable, OutputTable, ProjectionTable},
    update,
};
use crate::{
    connect::{Connect, rows::Rows, short_term::ShortTerm, strength::PARTS},
    ids::{OutputId, PopulationId, ProjectionId, ReadoutId, SourceId},
    input::{encode::FramePlan, filter::Chain, tray::Tray},
    neuron::Model,
    readout::{Rule, confidence::Confidence},
    time::{Rank, TickLength},
};

/// Parts of one kind in a network, so that an index fits 16 bits.
const PARTS_MAX: usize = 4_096;

/// A network that can run. Sessions share it; one that changes weights gets a copy, which has what
/// doesn't change in common with it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) name: String,
    pub(crate) hash: [u8; 32],
    pub(crate) tick: TickLength,
    pub(crate) seed: u64,
    pub(crate) inputs: Vec<InputPlan>,
    pub(crate) populations: Vec<PopulationPlan>,
    pub(crate) projections: Vec<ProjectionPlan>,
    pub(crate) readouts: Vec<ReadoutPlan>,
    /// Populations in the order in which they are evaluated within a tick.
    pub(crate) order: Vec<PopulationId>,
    /// One a worker.
    pub(crate) shards: Vec<Shard>,
    /// By worker and worker: the shortest delay through which the first reaches the second
    /// \[ticks\]; `u64::MAX` where it never does.
    pub(crate) lookahead: Vec<Vec<u64>>,
    /// By worker and population: the other workers that what it fires there concerns.
    pub(crate) audience: Vec<Vec<Vec<usize>>>,
    /// The most spikes that can set out in one tick.
    pub(crate) emissions_max: u64,
    input_tables: Vec<InputTable>,
    output_tables: Vec<OutputTable>,
    projection_tables: Vec<ProjectionTable>,
    cost: Cost,
}

/// An input port.
#[derive(Clone, Debug)]
pub(crate) struct InputPlan {
    /// Addresses before the filters.
    pub(crate) addresses: u32,
    pub(crate) chain: Chain,
    /// For a port of frames, whose addresses are values.
    pub(crate) frames: Option<Arc<FramePlan>>,
    pub(crate) multiplicity_max: u32,
    pub(crate) binary: bool,
    pub(crate) projections: Vec<ProjectionId>,
}

impl InputPlan {
    /// What a session keeps of it \[bytes\].
    pub(crate) fn memory_bytes(&self) -> u64 {
        let encoder = self.frames.as_ref().map_or(0, |frames| frames.memory_bytes());
        self.chain.memory_bytes() + encoder + Tray::memory_bytes(self.emitters())
    }

    /// Addresses behind the filters.
    pub(crate) fn emitters(&self) -> u32 {
        self.chain.extents().iter().product()
    }
}

/// A population.
#[derive(Clone, Debug)]
pub(crate) struct PopulationPlan {
    pub(crate) size: u32,
    pub(crate) model: Model,
    /// As its author described it.
    pub(crate) described: Population,
    pub(crate) quantum: f64,
    pub(crate) wide: bool,
    /// By how much the largest sum of a tick may grow beyond the plan's bound \[quanta\].
    pub(crate) headroom: i64,
    pub(crate) emits: Rank,
    pub(crate) projections: Vec<ProjectionId>,
    pub(crate) noise: Vec<NoisePlan>,
    pub(crate) readouts: Vec<ReadoutId>,
    /// Where its spikes leave: the port, and the address of its first neuron there.
    pub(crate) ports: Vec<(OutputId, u32)>,
}

impl PopulationPlan {
    /// The first tick, not before `from`, at which it does something of itself.
    pub(crate) fn next_due(&self, from: u64) -> Option<u64> {
        if self.noise.is_empty() { self.model.next_due(from) } else { Some(from) }
    }

    /// Whether anybody sees its spikes.
    pub(crate) fn is_observed(&self) -> bool {
        !self.ports.is_empty() || !self.readouts.is_empty()
    }
}

/// A projection.
#[derive(Clone, Debug)]
pub(crate) struct ProjectionPlan {
    pub(crate) source: SourceId,
    pub(crate) target: PopulationId,
    pub(crate) receptor: u8,
    pub(crate) travel: Travel,
    pub(crate) short_term: Option<ShortTerm>,
    /// How often a synapse delivers its weight in one tick at most.
    pub(crate) times_max: u32,
}

/// How long a spike is in flight on a projection, which no partition changes.
#[derive(Clone, Debug)]
pub(crate) enum Travel {
    /// What is emitted in a tick travels together, as long as the longest delay. The flights of
    /// this shard stand for all.
    Together { counted_in: usize },
    /// Each spike travels alone: the longest delay of each source \[ticks\], if it has a synapse.
    Alone { longest_ticks: Vec<Option<u32>> },
}

impl Travel {
    /// Of a projection's synapses on each shard.
    pub(crate) fn of<'a>(connects: impl Iterator<Item = &'a Connect> + Clone) -> Self {
        let rows = connects.clone().filter_map(Connect::rows);
        let mut delays = rows.clone().filter(|rows| rows.synapses() > 0).map(Rows::delays_ticks);
        let first = delays.next();
        let uniform =
            delays.all(|delay| Some(delay) == first) && first.is_none_or(|delay| !delay.is_empty());
        if uniform {
            let counted_in = connects.clone().position(|each| !each.delays_ticks().is_empty());
            return Self::Together { counted_in: counted_in.unwrap_or(0) };
        }
        let mut longest_ticks = Vec::new();
        for rows in rows {
            rows.raise_longest(&mut longest_ticks);
        }
        Self::Alone { longest_ticks }
    }

    /// When a spike of a source that travels alone arrives last.
    pub(crate) fn ends(&self, source: u32, emitted: u64) -> Option<u64> {
        let Self::Alone { longest_ticks } = self else { return None };
        longest_ticks[source as usize].map(|ticks| emitted.saturating_add(ticks.into()))
    }
}

/// A readout.
#[derive(Clone, Debug)]
pub(crate) struct ReadoutPlan {
    pub(crate) rule: Rule,
    pub(crate) rank: Rank,
    pub(crate) ports: Vec<OutputId>,
}

impl Plan {
    /// Validates a description as a whole and compiles it for one worker. `sensors` gives the sizes
    /// of input ports that leave them open.
    ///
    /// # Errors
    ///
    /// Every problem found, by part and field.
    pub fn new(network: &Network, sensors: &[(String, SensorSize)]) -> Result<Self, PlanError> {
        Self::spread(network, sensors, Spread::default())
    }

    /// The same, spread over workers. Every spread has the same identity, results and snapshots.
    ///
    /// # Errors
    ///
    /// Every problem found, by part and field.
    pub fn spread(
        network: &Network,
        sensors: &[(String, SensorSize)],
        spread: Spread,
    ) -> Result<Self, PlanError> {
        let mut problems = Problems::default();
        count_parts(network, &mut problems);
        let names = resolve::names(network, &mut problems);
        let inputs = resolve::inputs(network, sensors, &mut problems);
        problems.settle()?;
        let shapes = resolve::population_shapes(network, &inputs, &mut problems);
        problems.settle()?;
        // Each neuron that differs is looked at next, of however many a few bytes speak.
        memory::check_varied(network, &shapes, spread, &mut problems);
        problems.settle()?;
        check::populations(network, &shapes, &mut problems);
        let known = Shapes { network, names: &names, inputs: &inputs, populations: &shapes };
        let draft = |(id, projection)| check::projection(id, projection, &known, &mut problems);
        let drafts: Vec<Draft> = (0..).zip(&network.projections).filter_map(draft).collect();
        let reads = readout::readouts(network, &known, &mut problems);
        let outputs = compile::outputs(network, &known, &mut problems);
        problems.settle()?;
        let hops = hops(&drafts);
        let ranks = rank(network, &hops, &mut problems);
        problems.settle()?;
        memory::check((network, &inputs), &shapes, &drafts, spread, &mut problems);
        problems.settle()?;
        let swept = update::swept(network, &shapes, &drafts, &mut problems);
        problems.settle()?;
        let output_parts: Vec<Vec<u32>> = outputs.iter().map(compile::Output::encoded).collect();
        let of = identity::Resolved { network, inputs: &inputs, shapes: &shapes, swept: &swept };
        let hash = identity::hash(&of, &drafts, &reads, &output_parts);
        let longest_path_ticks = order::longest_path_ticks(network.populations.len(), &hops);
        let spikes_max = Vec::new();
        let mut resolved =
            compile::Resolved { network, inputs, shapes, swept, spikes_max, drafts, ranks };
        let spikes_max = |id| compile::model(&resolved, id, 1.0).multiplicity_max();
        resolved.spikes_max = (0..network.populations.len()).map(spikes_max).collect();
        let scales = scale::scales(&resolved, &mut problems);
        let shares = resolved.shares(spread, &mut problems);
        problems.settle()?;
        let shard = |ranges: &Vec<_>| Shard::new(&resolved, &scales, ranges, spread, &mut problems);
        let shards: Vec<Shard> = shares.iter().map(shard).collect();
        problems.settle()?;
        let parts = compile::parts(&resolved, &scales, &shards, reads, &outputs);
        let sources = |draft: &Draft| u64::from(check::size(resolved.source_shape(draft)));
        let emissions_max = resolved.drafts.iter().map(sources).sum();
        let table = |(projection, draft): (&Projection, &Draft)| ProjectionTable {
            name: projection.name.clone(),
            sources: check::size(resolved.source_shape(draft)),
            target: projection.target.clone(),
        };
        let projection_tables =
            network.projections.iter().zip(&resolved.drafts).map(table).collect();
        let cost = compile::cost(&parts, &shards, longest_path_ticks);
        Ok(Self {
            name: network.name.clone(),
            hash,
            tick: network.tick,
            seed: network.seed,
            inputs: parts.inputs,
            populations: parts.populations,
            projections: parts.projections,
            readouts: parts.readouts,
            order: parts.order,
            lookahead: spread::lookahead(&shares, &resolved.drafts),
            audience: spread::audience(&shares, &resolved.drafts),
            emissions_max,
            shards,
            input_tables: parts.input_tables,
            output_tables: parts.output_tables,
            projection_tables,
            cost,
        })
    }

    /// The most that one source of a projection emits in a tick: spikes, or parts of a weight.
    pub(crate) fn emission_max(&self, projection: usize) -> u32 {
        let part = &self.projections[projection];
        if part.short_term.is_some() { PARTS } else { part.times_max }
    }

    /// Worker threads that a simulation of it uses.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.shards.len()
    }

    /// SHA-256 of the canonical encoding: the network's identity.
    #[must_use]
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The network's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length of a tick.
    #[must_use]
    pub const fn tick(&self) -> TickLength {
        self.tick
    }

    /// Input ports by index.
    #[must_use]
    pub fn inputs(&self) -> &[InputTable] {
        &self.input_tables
    }

    /// Output ports by index.
    #[must_use]
    pub fn outputs(&self) -> &[OutputTable] {
        &self.output_tables
    }

    /// Projections by index.
    #[must_use]
    pub fn projections(&self) -> &[ProjectionTable] {
        &self.projection_tables
    }

    /// A population by index, as its author described it.
    #[must_use]
    pub fn population(&self, id: PopulationId) -> Option<&Population> {
        self.populations.get(id.0 as usize).map(|population| &population.described)
    }

    /// What it costs and how its numbers are held.
    #[must_use]
    pub const fn cost(&self) -> &Cost {
        &self.cost
    }

    /// Indices that a projection's source can have.
    pub(crate) fn sources_of(&self, projection: usize) -> u32 {
        match self.projections[projection].source {
            SourceId::Input(id) => self.inputs[id.0 as usize].emitters(),
            SourceId::Population(id) => self.populations[id.0 as usize].size,
        }
    }

    /// The readout that stops samples, where the network lives in them.
    pub(crate) fn sampler(&self) -> Option<(usize, &Confidence)> {
        self.readouts.iter().enumerate().find_map(|(id, readout)| match &readout.rule {
            Rule::Confidence(confidence) => Some((id, confidence)),
            Rule::Vote(_) => None,
        })
    }

    pub(crate) fn projections_of(&self, source: SourceId) -> &[ProjectionId] {
        match source {
            SourceId::Input(id) => &self.inputs[id.0 as usize].projections,
            SourceId::Population(id) => &self.populations[id.0 as usize].projections,
        }
    }
}

fn count_parts(network: &Network, problems: &mut Problems) {
    let counts = [
        ("input", network.inputs.len()),
        ("population", network.populations.len()),
        ("projection", network.projections.len()),
        ("readout", network.readouts.len()),
        ("output", network.outputs.len()),
    ];
    for (part, count) in counts {
        problems.need(count <= PARTS_MAX, part, || format!("{count} of them; {PARTS_MAX} at most"));
    }
    problems.need(!network.inputs.is_empty() || !network.populations.is_empty(), "network", || {
        "has neither an input nor a population".into()
    });
}

fn hops(drafts: &[Draft]) -> Vec<Hop> {
    let hop = |draft: &Draft| Hop {
        source: draft.source,
        target: draft.target,
        delay_ticks_min: draft.delay_ticks_min,
        delay_ticks_max: draft.delay_ticks_max,
    };
    drafts.iter().map(hop).collect()
}

fn rank(network: &Network, hops: &[Hop], problems: &mut Problems) -> Vec<Ranks> {
    let competes: Vec<bool> = network
        .populations
        .iter()
        .map(|population| population.winner_take_all != WinnerTakeAll::None)
        .collect();
    order::ranks(&competes, hops).unwrap_or_else(|cycle| {
        let name = check::cycle_name(network, &cycle);
        problems.note("projection", format!("a cycle without any delay: {name}"));
        Vec::new()
    })
}
