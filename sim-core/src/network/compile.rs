//! From resolved parts to the plan's arrays: quanta, layouts, connectivity, tables, cost.

use std::sync::Arc;

use super::{
    InputShape, Network, NoisePlan,
    check::{Draft, Shapes, size},
    order::Ranks,
    plan::{InputPlan, PopulationPlan, ProjectionPlan, ReadoutPlan, Travel},
    problem::Problems,
    quantum::Scale,
    readout::Reads,
    resolve::{Named, ResolvedInput},
    scale,
    shard::{Shard, Share},
    tables::{AddressRange, Cost, InputTable, OutputKind, OutputTable, PopulationCost},
};
use crate::{
    connect::{Connect, short_term::Resources},
    ids::{OutputId, PopulationId, ProjectionId, ReadoutId, SourceId},
    input::filter::addresses,
    neuron::{Compile, Model},
    sums::LANES,
    time::Rank,
};

/// Everything known about a network before it is compiled.
pub(crate) struct Resolved<'a> {
    pub(crate) network: &'a Network,
    pub(crate) inputs: Vec<ResolvedInput>,
    pub(crate) shapes: Vec<Vec<u32>>,
    /// By population, whether it is re-based at every tick.
    pub(crate) swept: Vec<bool>,
    /// By population, the most spikes of a neuron in one tick.
    pub(crate) spikes_max: Vec<u32>,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) ranks: Vec<Ranks>,
}

/// The plan's arrays.
pub(crate) struct Parts {
    pub(crate) inputs: Vec<InputPlan>,
    pub(crate) populations: Vec<PopulationPlan>,
    pub(crate) projections: Vec<ProjectionPlan>,
    pub(crate) readouts: Vec<ReadoutPlan>,
    pub(crate) order: Vec<PopulationId>,
    pub(crate) input_tables: Vec<InputTable>,
    pub(crate) output_tables: Vec<OutputTable>,
    costs: Vec<PopulationCost>,
}

impl Parts {
    /// State of short-term plasticity on one worker.
    fn short_term_bytes(&self) -> u64 {
        let plastic = self.projections.iter().filter(|each| each.short_term.is_some());
        let sources = plastic.map(|projection| match projection.source {
            SourceId::Input(id) => size(&self.input_tables[id.0 as usize].filtered_shape),
            SourceId::Population(id) => self.populations[id.0 as usize].size,
        });
        sources.map(u64::from).sum::<u64>() * size_of::<Option<Resources>>() as u64
    }
}

/// An output port's sources.
pub(crate) enum Output {
    Spikes(Vec<PopulationId>),
    Decisions(ReadoutId),
}

impl Output {
    /// For the network's identity.
    pub(crate) fn encoded(&self) -> Vec<u32> {
        match self {
            Self::Spikes(populations) => {
                let ids = populations.iter().map(|id| u32::from(id.0));
                std::iter::once(1).chain(ids).collect()
            }
            Self::Decisions(readout) => vec![2, readout.0.into()],
        }
    }
}

pub(crate) fn outputs(
    network: &Network,
    shapes: &Shapes<'_>,
    problems: &mut Problems,
) -> Vec<Output> {
    let mut outputs = Vec::new();
    for output in &network.outputs {
        let field = format!("output.{}", output.name);
        let named = output.sources.iter().map(|name| shapes.names.get(name.as_str()).copied());
        let named: Vec<Option<Named>> = named.collect();
        let population = |named: &Option<Named>| match named {
            Some(Named::Source(SourceId::Population(id))) => Some(*id),
            _ => None,
        };
        let populations: Option<Vec<_>> = named.iter().map(population).collect();
        match (named.as_slice(), populations) {
            ([Some(Named::Readout(readout))], _) => outputs.push(Output::Decisions(*readout)),
            ([_, ..], Some(populations)) => {
                let sizes = populations.iter().map(|id| size(&shapes.populations[id.0 as usize]));
                let total = sizes.fold(0_u64, |sum, size| sum + u64::from(size));
                problems.need(u32::try_from(total).is_ok(), &field, || {
                    format!("{total} addresses; a port has 2^32 at most")
                });
                outputs.push(Output::Spikes(populations));
            }
            _ => problems.note(
                format!("{field}.sources"),
                format!("{:?} are not populations, nor one readout", output.sources),
            ),
        }
    }
    outputs
}

/// Compiles everything but the synapses.
pub(crate) fn parts(
    resolved: &Resolved<'_>,
    scales: &[Scale],
    shards: &[Shard],
    reads: Vec<Reads>,
    outputs: &[Output],
) -> Parts {
    let Resolved { network, inputs, shapes, drafts, ranks, .. } = resolved;
    let mut populations = Vec::new();
    let mut costs = Vec::new();
    for (id, population) in network.populations.iter().enumerate() {
        let id_here = PopulationId(id16(id));
        let held = scales[id];
        let outgoing = |draft: &Draft| draft.source == SourceId::Population(id_here);
        populations.push(PopulationPlan {
            size: size(&shapes[id]),
            model: model(resolved, id, held.quantum),
            described: population.clone(),
            noise: NoisePlan::of(population, id_here.0, network.tick, held.quantum),
            quantum: held.quantum,
            wide: held.wide,
            headroom: held.headroom,
            emits: ranks[id].emits,
            projections: positions(drafts, outgoing),
            readouts: reads_of(&reads, id_here),
            ports: ports_of(outputs, shapes, id_here),
        });
        costs.push(PopulationCost {
            name: population.name.clone(),
            shape: shapes[id].clone(),
            quantum: held.quantum,
            rounding_max: scale::rounding_max(drafts, id_here, held.quantum),
            sum_bits: if held.wide { 64 } else { 32 },
            rank: ranks[id].evaluated.0,
        });
    }
    let mut order: Vec<PopulationId> =
        (0..populations.len()).map(|id| PopulationId(id16(id))).collect();
    order.sort_by_key(|id| ranks[id.0 as usize].evaluated);
    Parts {
        inputs: input_plans(network, inputs, drafts),
        projections: projection_plans(resolved, shards),
        output_tables: output_tables(network, outputs, &reads, shapes),
        input_tables: input_tables(network, inputs),
        readouts: readout_plans(reads, outputs, ranks),
        populations,
        order,
        costs,
    }
}

fn projection_plans(resolved: &Resolved<'_>, shards: &[Shard]) -> Vec<ProjectionPlan> {
    let plan = |(id, draft): (usize, &Draft)| ProjectionPlan {
        source: draft.source,
        target: draft.target,
        receptor: draft.receptor,
        travel: Travel::of(shards.iter().map(|shard| shard.connects[id].as_ref())),
        short_term: draft.short_term.map(|rule| rule.compile(resolved.network.tick)),
        times_max: scale::times_max(resolved, draft),
    };
    resolved.drafts.iter().enumerate().map(plan).collect()
}

fn id16(position: usize) -> u16 {
    u16::try_from(position).expect("the number of parts is bounded")
}

fn positions(drafts: &[Draft], outgoing: impl Fn(&Draft) -> bool) -> Vec<ProjectionId> {
    let all = drafts.iter().enumerate();
    all.filter(|(_, draft)| outgoing(draft)).map(|(id, _)| ProjectionId(id16(id))).collect()
}

fn reads_of(reads: &[Reads], population: PopulationId) -> Vec<ReadoutId> {
    let all = reads.iter().enumerate();
    all.filter(|(_, read)| read.source == population).map(|(id, _)| ReadoutId(id16(id))).collect()
}

fn ports_of(
    outputs: &[Output],
    shapes: &[Vec<u32>],
    population: PopulationId,
) -> Vec<(OutputId, u32)> {
    let mut ports = Vec::new();
    for (port, output) in outputs.iter().enumerate() {
        let Output::Spikes(populations) = output else { continue };
        let mut first = 0;
        for id in populations {
            if *id == population {
                ports.push((OutputId(id16(port)), first));
            }
            first += size(&shapes[id.0 as usize]);
        }
    }
    ports
}

/// The model of a population.
pub(crate) fn model(resolved: &Resolved<'_>, id: usize, quantum: f64) -> Model {
    let Network { tick, seed, ref populations, .. } = *resolved.network;
    let (population, size) = (&populations[id], size(&resolved.shapes[id]));
    let (position, swept) = (id16(id), resolved.swept[id]);
    Compile { population, size, seed, position, tick, quantum, swept }.model()
}

fn input_plans(network: &Network, inputs: &[ResolvedInput], drafts: &[Draft]) -> Vec<InputPlan> {
    let plan = |(id, resolved): (usize, &ResolvedInput)| {
        let port = &network.inputs[id];
        let from_here = |draft: &Draft| match draft.source {
            SourceId::Input(input) => usize::from(input.0) == id,
            SourceId::Population(_) => false,
        };
        InputPlan {
            addresses: addresses(&resolved.shape).expect("checked when it was resolved"),
            chain: resolved.chain.clone(),
            frames: resolved.frames.clone(),
            multiplicity_max: port.multiplicity_max,
            binary: port.binary,
            projections: positions(drafts, from_here),
        }
    };
    inputs.iter().enumerate().map(plan).collect()
}

fn input_tables(network: &Network, inputs: &[ResolvedInput]) -> Vec<InputTable> {
    let table = |(port, resolved): (&super::InputPort, &ResolvedInput)| InputTable {
        name: port.name.clone(),
        shape: resolved.shape.clone(),
        filtered_shape: resolved.filtered_shape.clone(),
        is_sensor: matches!(port.shape, InputShape::Sensor(_)),
        frames: resolved.frames.as_ref().map(|frames| Arc::clone(&frames.source)),
    };
    network.inputs.iter().zip(inputs).map(table).collect()
}

fn output_tables(
    network: &Network,
    outputs: &[Output],
    reads: &[Reads],
    shapes: &[Vec<u32>],
) -> Vec<OutputTable> {
    let kind = |output: &Output| match output {
        Output::Decisions(readout) => {
            let read = &reads[readout.0 as usize];
            OutputKind::Decisions {
                labels: read.labels.clone(),
                classes: read.rule.classes().count,
            }
        }
        Output::Spikes(populations) => {
            let mut first_address = 0;
            let range = |id: &PopulationId| {
                let shape = shapes[id.0 as usize].clone();
                let first = first_address;
                first_address += size(&shape);
                let population = network.populations[id.0 as usize].name.clone();
                AddressRange { population, first_address: first, shape }
            };
            OutputKind::Spikes { ranges: populations.iter().map(range).collect() }
        }
    };
    let named = network.outputs.iter().zip(outputs);
    named
        .map(|(port, output)| OutputTable { name: port.name.clone(), kind: kind(output) })
        .collect()
}

fn readout_plans(reads: Vec<Reads>, outputs: &[Output], ranks: &[Ranks]) -> Vec<ReadoutPlan> {
    let plan = |(id, read): (usize, Reads)| {
        let here = |output: &Output| match output {
            Output::Decisions(readout) => usize::from(readout.0) == id,
            Output::Spikes(_) => false,
        };
        let ports = outputs.iter().enumerate().filter(|(_, output)| here(output));
        ReadoutPlan {
            rule: read.rule,
            rank: Rank(ranks[read.source.0 as usize].emits.0 + 1),
            ports: ports.map(|(port, _)| OutputId(id16(port))).collect(),
        }
    };
    reads.into_iter().enumerate().map(plan).collect()
}

/// Adds up what compiled parts cost.
pub(crate) fn cost(parts: &Parts, shards: &[Shard], longest_path_ticks: u64) -> Cost {
    let share = |(population, share): (&PopulationPlan, &Share)| {
        let lane = if population.wide { 8 } else { 4 };
        let quads = share.layout.quads() as u64;
        let sums = quads * LANES as u64 * lane * population.model.receptors() as u64 * share.planes;
        sums + quads / 8 + share.range.len() as u64 * population.model.state_bytes()
    };
    let shares =
        |shard: &Shard| parts.populations.iter().zip(&shard.populations).map(share).sum::<u64>();
    let connects = || shards.iter().flat_map(|shard| &shard.connects).map(Arc::as_ref);
    Cost {
        neurons: parts.populations.iter().map(|population| u64::from(population.size)).sum(),
        synapses: connects().map(Connect::synapses).sum(),
        plan_bytes: connects().map(Connect::bytes).sum(),
        session_bytes: shards.iter().map(shares).sum::<u64>()
            + parts.inputs.iter().map(InputPlan::memory_bytes).sum::<u64>()
            + parts.short_term_bytes() * shards.len() as u64,
        longest_path_ticks,
        populations: parts.costs.clone(),
    }
}
