//! From resolved parts to the plan's arrays: quanta, layouts, connectivity, tables, cost.

use super::{
    InputShape, Network, Neuron, ReadoutRule, WinnerTakeAll,
    check::{Draft, DraftKind, Shapes, size},
    order::Ranks,
    plan::{InputPlan, PopulationPlan, ProjectionPlan, ReadoutPlan},
    problem::Problems,
    quantum::Scale,
    resolve::{Named, ResolvedInput},
    scale,
    tables::{AddressRange, Cost, InputTable, OutputKind, OutputTable, PopulationCost},
};
use crate::{
    connect::{
        Connect,
        convolution::{self, Convolution, Target, quanta},
        one_to_one::OneToOne,
        rows::{Rows, SLOT_MAX, Synapse},
    },
    ids::{OutputId, PopulationId, ProjectionId, ReadoutId, SourceId},
    input::filter::{addresses, extents_of},
    neuron::{Model, accumulator::Accumulator, lif::Lif},
    readout::vote::Vote,
    sums::{Grid, LANES, Layout, Margin},
    time::Rank,
};

/// Everything known about a network before it is compiled.
pub(crate) struct Resolved<'a> {
    pub(crate) network: &'a Network,
    pub(crate) inputs: Vec<ResolvedInput>,
    pub(crate) shapes: Vec<Vec<u32>>,
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

/// A readout with its source.
pub(crate) struct Reads {
    pub(crate) source: PopulationId,
    pub(crate) vote: Vote,
    labels: Vec<String>,
}

pub(crate) fn readouts(
    network: &Network,
    shapes: &Shapes<'_>,
    problems: &mut Problems,
) -> Vec<Reads> {
    let mut reads = Vec::new();
    for readout in &network.readouts {
        let field = format!("readout.{}", readout.name);
        let ReadoutRule::Vote { window_ticks, every_ticks, labels } = &readout.rule;
        for (name, ticks) in [("window", *window_ticks), ("every", *every_ticks)] {
            problems.need(ticks > 0, &format!("{field}.vote.{name}"), || {
                "0 ticks; at least 1 is needed".into()
            });
        }
        let Some(Named::Source(SourceId::Population(source))) =
            shapes.names.get(readout.source.as_str())
        else {
            let message = format!("no population is named {:?}", readout.source);
            problems.note(format!("{field}.source"), message);
            continue;
        };
        let shape = &shapes.populations[source.0 as usize];
        let classes = shape[0];
        problems.need(
            labels.is_empty() || labels.len() == classes as usize,
            &format!("{field}.vote.labels"),
            || format!("{} labels for {classes} classes", labels.len()),
        );
        let vote = Vote {
            window_ticks: *window_ticks,
            every_ticks: *every_ticks,
            classes,
            neurons_per_class: size(&shape[1..]),
        };
        reads.push(Reads { source: *source, vote, labels: labels.clone() });
    }
    reads
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

/// Compiles everything.
pub(crate) fn parts(
    resolved: Resolved<'_>,
    scales: &[Scale],
    reads: Vec<Reads>,
    outputs: Vec<Output>,
    problems: &mut Problems,
) -> Parts {
    let layouts = layouts(&resolved);
    let Resolved { network, inputs, shapes, drafts, ranks } = resolved;
    let mut populations = Vec::new();
    let mut costs = Vec::new();
    for (id, population) in network.populations.iter().enumerate() {
        let id_here = PopulationId(id16(id));
        let held = scales[id];
        let outgoing = |draft: &Draft| draft.source == SourceId::Population(id_here);
        populations.push(PopulationPlan {
            size: size(&shapes[id]),
            model: model(population, network, held.quantum),
            layout: layouts[id].clone(),
            wide: held.wide,
            emits: ranks[id].emits,
            projections: positions(&drafts, outgoing),
            readouts: reads_of(&reads, id_here),
            ports: ports_of(&outputs, &shapes, id_here),
        });
        costs.push(PopulationCost {
            name: population.name.clone(),
            shape: shapes[id].clone(),
            quantum: held.quantum,
            rounding_max: scale::rounding_max(&drafts, id_here, held.quantum),
            sum_bits: if held.wide { 64 } else { 32 },
            rank: ranks[id].evaluated.0,
        });
    }
    let output_tables = output_tables(network, &outputs, &reads, &shapes);
    let input_tables = input_tables(network, &inputs);
    let projections = drafts
        .iter()
        .map(|draft| {
            let source = match draft.source {
                SourceId::Input(id) => &inputs[id.0 as usize].filtered_shape,
                SourceId::Population(id) => &shapes[id.0 as usize],
            };
            let target = draft.target.0 as usize;
            let connect =
                connect(draft, source, &layouts[target], scales[target].quantum, problems);
            ProjectionPlan { source: draft.source, target: draft.target, connect }
        })
        .collect();
    let input_plans = input_plans(network, inputs, &drafts);
    let mut order: Vec<PopulationId> =
        (0..populations.len()).map(|id| PopulationId(id16(id))).collect();
    order.sort_by_key(|id| ranks[id.0 as usize].evaluated);
    let readouts = readout_plans(reads, &outputs, &ranks);
    Parts {
        inputs: input_plans,
        populations,
        projections,
        readouts,
        order,
        input_tables,
        output_tables,
        costs,
    }
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

pub(crate) fn model(population: &super::Population, network: &Network, quantum: f64) -> Model {
    match &population.neuron {
        Neuron::Lif(parameters) => Model::Lif(Lif::new(parameters, network.tick, quantum)),
        Neuron::Accumulator(parameters) => {
            Model::Accumulator(Accumulator::new(parameters, quantum), population.winner_take_all)
        }
    }
}

/// Populations that a convolution or a competition reaches lie by place.
fn layouts(resolved: &Resolved<'_>) -> Vec<Layout> {
    let populations = resolved.network.populations.iter().zip(&resolved.shapes);
    let layout = |(id, (population, shape)): (usize, (&super::Population, &Vec<u32>))| {
        let convolved = resolved.drafts.iter().filter(|draft| usize::from(draft.target.0) == id);
        let margins: Vec<Margin> =
            convolved.filter_map(|draft| margin(resolved, draft, shape)).collect();
        if margins.is_empty() && population.winner_take_all == WinnerTakeAll::None {
            return Layout::Flat { size: size(shape) };
        }
        let margin = margins.into_iter().fold(Margin::default(), Margin::union);
        let [channels, height, width] = extents_of(shape);
        Layout::Grid(Grid { channels, height, width, margin })
    };
    populations.enumerate().map(layout).collect()
}

fn margin(resolved: &Resolved<'_>, draft: &Draft, target: &[u32]) -> Option<Margin> {
    let DraftKind::Convolution(kernel, taps) = &draft.kind else { return None };
    let source = match draft.source {
        SourceId::Input(id) => &resolved.inputs[id.0 as usize].filtered_shape,
        SourceId::Population(id) => &resolved.shapes[id.0 as usize],
    };
    let [_, height, width] = extents_of(source);
    let [_, rows, columns] = extents_of(target);
    Some(convolution::margin(kernel, taps, [height, width], [rows, columns]))
}

fn connect(
    draft: &Draft,
    source: &[u32],
    layout: &Layout,
    quantum: f64,
    problems: &mut Problems,
) -> Connect {
    match &draft.kind {
        DraftKind::OneToOne { weight, delay_ticks } => Connect::OneToOne(OneToOne::new(
            draft.delay_ticks + delay_ticks,
            quanta(*weight, quantum),
            size(source),
            layout.clone(),
        )),
        DraftKind::Explicit(synapses) => {
            let slots = layout.quads() as u64 * LANES as u64;
            problems.need(slots <= SLOT_MAX, "projection", || {
                format!("explicit synapses reach {SLOT_MAX} places at most; the target has {slots}")
            });
            let packed = (0..synapses.sources.len()).map(|at| Synapse {
                source: synapses.sources[at],
                delay_ticks: draft.delay_ticks + synapses.delays_ticks[at],
                slot: layout.slot(synapses.targets[at]),
                weight: quanta(synapses.weights[at], quantum),
            });
            Connect::Rows(Rows::new(size(source), packed.collect()))
        }
        DraftKind::Convolution(kernel, taps) => {
            let Layout::Grid(grid) = layout else {
                unreachable!("what a convolution reaches lies by place")
            };
            let target = Target { grid, delay_ticks: draft.delay_ticks, quantum };
            Connect::Convolution(Convolution::new(
                kernel,
                taps.clone(),
                extents_of(source),
                &target,
            ))
        }
    }
}

fn input_plans(network: &Network, inputs: Vec<ResolvedInput>, drafts: &[Draft]) -> Vec<InputPlan> {
    let plan = |(id, resolved): (usize, ResolvedInput)| {
        let port = &network.inputs[id];
        let from_here = |draft: &Draft| match draft.source {
            SourceId::Input(input) => usize::from(input.0) == id,
            SourceId::Population(_) => false,
        };
        InputPlan {
            addresses: addresses(&resolved.shape).expect("checked when it was resolved"),
            chain: resolved.chain,
            multiplicity_max: port.multiplicity_max,
            binary: port.binary,
            projections: positions(drafts, from_here),
        }
    };
    inputs.into_iter().enumerate().map(plan).collect()
}

fn input_tables(network: &Network, inputs: &[ResolvedInput]) -> Vec<InputTable> {
    let table = |(port, resolved): (&super::InputPort, &ResolvedInput)| InputTable {
        name: port.name.clone(),
        shape: resolved.shape.clone(),
        filtered_shape: resolved.filtered_shape.clone(),
        is_sensor: matches!(port.shape, InputShape::Sensor(_)),
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
            OutputKind::Decisions { labels: read.labels.clone(), classes: read.vote.classes }
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
            vote: read.vote,
            rank: Rank(ranks[read.source.0 as usize].emits.0 + 1),
            ports: ports.map(|(port, _)| OutputId(id16(port))).collect(),
        }
    };
    reads.into_iter().enumerate().map(plan).collect()
}

/// Adds up what compiled parts cost.
pub(crate) fn cost(parts: &Parts, longest_path_ticks: u64) -> Cost {
    let sums = |population: &PopulationPlan| {
        let lane = if population.wide { 8 } else { 4 };
        let quads = population.layout.quads() as u64;
        let touched = quads / 8;
        quads * LANES as u64 * lane
            + touched
            + u64::from(population.size) * population.model.state_bytes()
    };
    Cost {
        neurons: parts.populations.iter().map(|population| u64::from(population.size)).sum(),
        synapses: parts.projections.iter().map(|each| each.connect.synapses()).sum(),
        plan_bytes: parts.projections.iter().map(|each| each.connect.bytes()).sum(),
        session_bytes: parts.populations.iter().map(sums).sum::<u64>()
            + parts.inputs.iter().map(|input| input.chain.memory_bytes()).sum::<u64>(),
        longest_path_ticks,
        populations: parts.costs.clone(),
    }
}
