//! Checks of parameters and connectivity, before anything is compiled.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Connectivity, Convolution, ExplicitSynapses, Network, Neuron, Population, Projection, Sampler,
    ShortTerm, Values, WinnerTakeAll, neurons,
    problem::Problems,
    resolve::{Named, ResolvedInput},
};
use crate::{
    connect::{
        drawn::Draw,
        prune,
        taps::{self, Tap},
    },
    ids::{PopulationId, SourceId},
    input::filter::extents_of,
    random::{Key, Purpose},
};

/// Kernel extents, strides and dilations.
const KERNEL_SIDE_MAX: u32 = 1_024;
/// Synapses of one explicit projection.
const SYNAPSES_MAX: usize = 1 << 31;

/// A projection whose ends are known and whose connectivity fits them.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) source: SourceId,
    pub(crate) target: PopulationId,
    /// Position among the target's receptors.
    pub(crate) receptor: u8,
    /// Axonal and dendritic \[ticks\].
    pub(crate) delay_ticks: u32,
    pub(crate) delay_ticks_min: u64,
    pub(crate) delay_ticks_max: u64,
    pub(crate) kind: DraftKind,
    pub(crate) short_term: Option<ShortTerm>,
}

#[derive(Debug)]
pub(crate) enum DraftKind {
    OneToOne { weight: f64, delay_ticks: u32 },
    Explicit(Arc<ExplicitSynapses>),
    Convolution(Arc<Convolution>, Vec<Tap>),
    Dense { weights: DenseWeights, delay_ticks: u32 },
    Random(Draw),
}

/// The weights of a dense projection, drawn by position where they are random.
#[derive(Clone, Debug)]
pub(crate) struct DenseWeights {
    key: Key,
    sampler: Sampler,
    pub(crate) bounds: (f64, f64),
    pub(crate) pairs: u64,
}

impl DenseWeights {
    pub(crate) fn of(&self, target: u32, source: u32, sources: u32) -> f64 {
        self.sampler.sample(self.key, u64::from(target) * u64::from(sources) + u64::from(source))
    }
}

impl DraftKind {
    /// Synapses to expect; for a convolution, of one place.
    pub(crate) fn synapses(&self) -> u64 {
        match self {
            Self::OneToOne { .. } => 1,
            Self::Explicit(synapses) => synapses.sources.len() as u64,
            Self::Convolution(_, taps) => taps.len() as u64,
            Self::Dense { weights, .. } => weights.pairs,
            Self::Random(draw) => draw.expected(),
        }
    }
}

/// The shapes of everything that can be a source or a target.
pub(crate) struct Shapes<'a> {
    pub(crate) network: &'a Network,
    pub(crate) names: &'a BTreeMap<&'a str, Named>,
    pub(crate) inputs: &'a [ResolvedInput],
    pub(crate) populations: &'a [Vec<u32>],
}

impl Shapes<'_> {
    pub(crate) fn of(&self, source: SourceId) -> &[u32] {
        match source {
            SourceId::Input(id) => &self.inputs[id.0 as usize].filtered_shape,
            SourceId::Population(id) => &self.populations[id.0 as usize],
        }
    }
}

pub(crate) fn size(shape: &[u32]) -> u32 {
    shape.iter().product()
}

/// Checks the populations' parameters.
pub(crate) fn populations(network: &Network, shapes: &[Vec<u32>], problems: &mut Problems) {
    for (id, (part, shape)) in (0..).zip(network.populations.iter().zip(shapes)) {
        population(part, id, network, shape, problems);
    }
}

fn population(
    population: &Population,
    id: u16,
    network: &Network,
    shape: &[u32],
    problems: &mut Problems,
) {
    let field = format!("population.{}", population.name);
    neurons::population(population, (id, network), shape, &field, problems);
    let competes = population.winner_take_all != WinnerTakeAll::None;
    let accumulates = matches!(population.neuron, Neuron::Accumulator(_));
    problems.need(!competes || accumulates, &format!("{field}.winner_take_all"), || {
        "is available for accumulators only".into()
    });
    if population.winner_take_all == WinnerTakeAll::PerLocation {
        problems.need(shape.len() == 3, &format!("{field}.winner_take_all"), || {
            format!("needs a shape of [channels, height, width], not {shape:?}")
        });
    }
}

/// Checks a projection against its ends.
pub(crate) fn projection(
    id: u16,
    projection: &Projection,
    shapes: &Shapes<'_>,
    problems: &mut Problems,
) -> Option<Draft> {
    let field = format!("projection.{}", projection.name);
    let (source, target) = ends(projection, shapes, &field, problems)?;
    let receptor = receptor(projection, shapes.network, target, &field, problems)?;
    if let Some(short_term) = &projection.short_term {
        let field = format!("{field}.short_term");
        short_term.check(&projection.connectivity, &field, problems);
    }
    let sum = projection.axonal_delay_ticks.checked_add(projection.dendritic_delay_ticks);
    let ends = [shapes.of(source), shapes.of(SourceId::Population(target))];
    let (kind, own) = match &projection.connectivity {
        Connectivity::OneToOne { weight, delay_ticks } => {
            one_to_one(*weight, ends, &format!("{field}.one_to_one"), problems)?;
            let kind = DraftKind::OneToOne { weight: *weight, delay_ticks: *delay_ticks };
            (kind, [*delay_ticks; 2])
        }
        Connectivity::Explicit(synapses) => {
            let field = format!("{field}.synapses");
            explicit(synapses, ends.map(size), &field, problems)?;
            let range = range(synapses.delays_ticks.iter().copied());
            (DraftKind::Explicit(Arc::clone(synapses)), range)
        }
        Connectivity::Dense { weights, delay_ticks } => {
            let key = Key::new(shapes.network.seed, Purpose::Weight).with(id.into());
            let weights = dense(weights, key, ends.map(size), &format!("{field}.dense"), problems)?;
            (DraftKind::Dense { weights, delay_ticks: *delay_ticks }, [*delay_ticks; 2])
        }
        Connectivity::Random(random) => {
            let recurrent = source == SourceId::Population(target);
            let [sources, targets] = ends.map(size);
            if let Err((part, message)) = random.check(sources, targets, recurrent) {
                problems.note(format!("{field}.random.{part}"), message);
                return None;
            }
            let (min, max) = random.delays_ticks.bounds_ticks();
            let seed = shapes.network.seed;
            let draw = Draw::new(random, seed, id, [sources, targets], recurrent);
            (DraftKind::Random(draw), [min, max])
        }
        Connectivity::Convolution(kernel) => {
            let field = format!("{field}.convolution");
            let taps = convolution(kernel, ends, &field, problems)?;
            let delays = taps.iter().map(|tap| tap.delay_index * kernel.delay_step_ticks);
            let range = range(delays);
            (DraftKind::Convolution(Arc::clone(kernel), taps), range)
        }
    };
    let [min, max] = own.map(|delay| sum.and_then(|sum| sum.checked_add(delay)));
    let (Some(delay_ticks), Some(min), Some(max)) = (sum, min, max) else {
        problems.note(field, "axonal, dendritic and synaptic delay are above 2^32 ticks together");
        return None;
    };
    let [delay_ticks_min, delay_ticks_max] = [min, max].map(u64::from);
    Some(Draft {
        source,
        target,
        receptor,
        delay_ticks,
        delay_ticks_min,
        delay_ticks_max,
        kind,
        short_term: projection.short_term,
    })
}

fn receptor(
    projection: &Projection,
    network: &Network,
    target: PopulationId,
    field: &str,
    problems: &mut Problems,
) -> Option<u8> {
    if projection.receptor.is_empty() {
        return Some(0);
    }
    let names = network.populations[target.0 as usize].neuron.receptors();
    let found = names.iter().position(|name| *name == projection.receptor);
    problems.need(found.is_some(), &format!("{field}.receptor"), || {
        let (receptor, target) = (&projection.receptor, &projection.target);
        format!("{target:?} has no receptor {receptor:?}; it has {names:?}")
    });
    found.and_then(|position| u8::try_from(position).ok())
}

/// The shortest and the longest delay. Without any synapse nothing arrives without delay either.
fn range(delays: impl Iterator<Item = u32>) -> [u32; 2] {
    let start = [u32::MAX, 0];
    let [min, max] = delays.fold(start, |[min, max], delay| [min.min(delay), max.max(delay)]);
    if min > max { [1, 1] } else { [min, max] }
}

fn ends(
    projection: &Projection,
    shapes: &Shapes<'_>,
    field: &str,
    problems: &mut Problems,
) -> Option<(SourceId, PopulationId)> {
    let find = |name: &str| match shapes.names.get(name) {
        Some(Named::Source(source)) => Some(*source),
        Some(Named::Readout(_)) | None => None,
    };
    let source = find(&projection.source);
    problems.need(source.is_some(), &format!("{field}.source"), || {
        format!("no input port or population is named {:?}", projection.source)
    });
    let target = match find(&projection.target) {
        Some(SourceId::Population(target)) => Some(target),
        _ => None,
    };
    problems.need(target.is_some(), &format!("{field}.target"), || {
        format!("no population is named {:?}", projection.target)
    });
    Some((source?, target?))
}

fn one_to_one(
    weight: f64,
    [source, target]: [&[u32]; 2],
    field: &str,
    problems: &mut Problems,
) -> Option<()> {
    problems.need(weight.is_finite(), &format!("{field}.weight"), || {
        format!("{weight} is not a finite number")
    });
    let same = size(source) == size(target);
    problems.need(same, field, || {
        format!("source has shape {source:?} and target {target:?}; their sizes differ")
    });
    (same && weight.is_finite()).then_some(())
}

fn dense(
    weights: &Values,
    key: Key,
    [sources, targets]: [u32; 2],
    field: &str,
    problems: &mut Problems,
) -> Option<DenseWeights> {
    let pairs = u64::from(sources) * u64::from(targets);
    let fits = usize::try_from(pairs).is_ok_and(|pairs| pairs <= SYNAPSES_MAX);
    problems.need(fits, field, || format!("{pairs} synapses; {SYNAPSES_MAX} are possible"));
    let checked = weights.check(usize::try_from(pairs).ok());
    let sound = checked.is_ok();
    if let Err(message) = checked {
        problems.note(format!("{field}.weights"), message);
    }
    let bounds = weights.bounds();
    (fits && sound).then(|| DenseWeights { key, sampler: weights.sampler(), bounds, pairs })
}

fn explicit(
    synapses: &ExplicitSynapses,
    [sources, targets]: [u32; 2],
    field: &str,
    problems: &mut Problems,
) -> Option<()> {
    let count = synapses.sources.len();
    let lengths = [synapses.targets.len(), synapses.weights.len(), synapses.delays_ticks.len()];
    if lengths != [count; 3] || count > SYNAPSES_MAX {
        problems.note(field, format!(
            "{count} sources, {} targets, {} weights, {} delays; equal numbers up to {SYNAPSES_MAX} \
             are needed",
            lengths[0], lengths[1], lengths[2]
        ));
        return None;
    }
    let mut sound = true;
    let mut need = |bad: Option<usize>, part: &str, message: &dyn Fn(usize) -> String| {
        if let Some(position) = bad {
            problems.note(format!("{field}.{part}[{position}]"), message(position));
            sound = false;
        }
    };
    need(synapses.sources.iter().position(|&index| index >= sources), "sources", &|position| {
        format!("{} is not below {sources}", synapses.sources[position])
    });
    need(synapses.targets.iter().position(|&index| index >= targets), "targets", &|position| {
        format!("{} is not below {targets}", synapses.targets[position])
    });
    need(synapses.weights.iter().position(|weight| !weight.is_finite()), "weights", &|position| {
        format!("{} is not a finite number", synapses.weights[position])
    });
    sound.then_some(())
}

fn convolution(
    kernel: &Convolution,
    [source, target]: [&[u32]; 2],
    field: &str,
    problems: &mut Problems,
) -> Option<Vec<Tap>> {
    let [channels, height, width] = extents_of(source);
    let sides = 1..=KERNEL_SIDE_MAX;
    for (name, value) in
        [("stride", kernel.stride), ("dilation", kernel.dilation), ("groups", kernel.groups)]
    {
        problems.need(sides.contains(&value), &format!("{field}.{name}"), || {
            format!("{value} is not in 1..={KERNEL_SIDE_MAX}")
        });
    }
    problems.need(kernel.delay_step_ticks > 0, &format!("{field}.delay_step"), || {
        "a step of 0 ticks; at least 1 is needed".into()
    });
    problems.need(kernel.keep > 0.0 && kernel.keep <= 1.0, &format!("{field}.keep"), || {
        format!("{} is not in (0, 1]", kernel.keep)
    });
    kernel_itself(kernel, channels, field, problems)?;
    if kernel.stride == 0 || kernel.dilation == 0 || !(kernel.keep > 0.0 && kernel.keep <= 1.0) {
        return None;
    }
    let [out_channels, _, _, rows, columns] = kernel.shape;
    let extent = |source, side| taps::target_extent(kernel, source, side);
    let expected = [Some(out_channels), extent(height, rows), extent(width, columns)];
    if expected.map(Option::unwrap_or_default) != *target {
        let expected = expected.map(Option::unwrap_or_default);
        let message = format!(
            "from {source:?} this kernel {:?} makes {expected:?}, but the target is {target:?}",
            kernel.shape
        );
        problems.note(field, message);
        return None;
    }
    let kept = prune::kept_per_class(&kernel.kernel, out_channels as usize, kernel.keep);
    Some(taps::taps(kernel, &kept))
}

fn kernel_itself(
    kernel: &Convolution,
    channels: u32,
    field: &str,
    problems: &mut Problems,
) -> Option<()> {
    let [out_channels, in_channels, delays, rows, columns] = kernel.shape;
    let numbers = kernel.shape.iter().try_fold(1_usize, |n, &e| n.checked_mul(e as usize));
    let field = &format!("{field}.kernel");
    if numbers != Some(kernel.kernel.len()) || numbers == Some(0) {
        let message = format!("{} numbers for shape {:?}", kernel.kernel.len(), kernel.shape);
        problems.note(field, message);
        return None;
    }
    let groups = kernel.groups.max(1);
    let fits = in_channels.checked_mul(groups) == Some(channels) && out_channels % groups == 0;
    problems.need(fits, field, || {
        format!(
            "shape {:?} in {groups} groups does not take a source of {channels} channels",
            kernel.shape
        )
    });
    let sides = rows <= KERNEL_SIDE_MAX && columns <= KERNEL_SIDE_MAX && delays <= 1 << 20;
    problems.need(sides, field, || format!("shape {:?} is too large", kernel.shape));
    let reach = (delays - 1).checked_mul(kernel.delay_step_ticks);
    problems.need(reach.is_some(), field, || "its last delay is above 2^32 ticks".into());
    let bad = kernel.kernel.iter().position(|weight| !weight.is_finite());
    problems.need(bad.is_none(), field, || {
        let position = bad.unwrap_or_default();
        format!("number {position} is {}, not finite", kernel.kernel[position])
    });
    (fits && sides && reach.is_some() && bad.is_none()).then_some(())
}

/// Names a cycle the way a user would write it.
pub(crate) fn cycle_name(network: &Network, cycle: &[PopulationId]) -> String {
    let name = |id: &PopulationId| network.populations[id.0 as usize].name.as_str();
    cycle.iter().map(name).collect::<Vec<_>>().join(" -> ")
}
