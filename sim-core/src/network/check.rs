//! Checks of parameters and connectivity, before anything is compiled.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    AccumulatorParameters, Connectivity, Convolution, ExplicitSynapses, LifParameters, Network,
    Neuron, Population, Projection, WinnerTakeAll,
    problem::Problems,
    resolve::{Named, ResolvedInput},
};
use crate::{
    connect::{
        prune,
        taps::{self, Tap},
    },
    ids::{PopulationId, SourceId},
    input::filter::extents_of,
    neuron::lif::Lif,
    time::TickLength,
};

/// A neuron that fires more often in one tick than this is refused.
const CROSSINGS_MAX: f64 = 65_535.0;
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
}

#[derive(Debug)]
pub(crate) enum DraftKind {
    OneToOne { weight: f64, delay_ticks: u32 },
    Explicit(Arc<ExplicitSynapses>),
    Convolution(Arc<Convolution>, Vec<Tap>),
}

impl DraftKind {
    /// Synapses to expect; for a convolution, of one place.
    pub(crate) fn synapses(&self) -> u64 {
        match self {
            Self::OneToOne { .. } => 1,
            Self::Explicit(synapses) => synapses.sources.len() as u64,
            Self::Convolution(_, taps) => taps.len() as u64,
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

/// Checks a population's parameters.
pub(crate) fn population(
    population: &Population,
    shape: &[u32],
    tick: TickLength,
    problems: &mut Problems,
) {
    let field = format!("population.{}", population.name);
    match &population.neuron {
        Neuron::Lif(parameters) => {
            lif(parameters, tick, &format!("{field}.lif"), problems);
            let competes = population.winner_take_all != WinnerTakeAll::None;
            problems.need(!competes, &format!("{field}.winner_take_all"), || {
                "is available for accumulators only".into()
            });
        }
        Neuron::Accumulator(parameters) => {
            accumulator(parameters, &format!("{field}.accumulator"), problems);
        }
    }
    if population.winner_take_all == WinnerTakeAll::PerLocation {
        problems.need(shape.len() == 3, &format!("{field}.winner_take_all"), || {
            format!("needs a shape of [channels, height, width], not {shape:?}")
        });
    }
}

fn lif(parameters: &LifParameters, tick: TickLength, field: &str, problems: &mut Problems) {
    let values = [
        ("tau", parameters.tau_ms),
        ("rest", parameters.rest_mv),
        ("threshold", parameters.threshold_mv),
        ("reset", parameters.reset_mv),
        ("drive", parameters.drive_mv),
        ("refractory", parameters.refractory_ms),
        ("initial", parameters.initial_mv),
    ];
    let mut finite = true;
    for (name, value) in values {
        finite &= value.is_finite();
        problems.need(value.is_finite(), &format!("{field}.{name}"), || {
            format!("{value} is not a finite number")
        });
    }
    if !finite {
        return;
    }
    problems.need(parameters.tau_ms > 0.0, &format!("{field}.tau"), || {
        format!("{} ms; a time constant is above 0", parameters.tau_ms)
    });
    problems.need(parameters.refractory_ms >= 0.0, &format!("{field}.refractory"), || {
        format!("{} ms; a refractory time is 0 or above", parameters.refractory_ms)
    });
    let threshold_mv = parameters.threshold_mv;
    for (name, value) in [("reset", parameters.reset_mv), ("initial", parameters.initial_mv)] {
        problems.need(value < threshold_mv, &format!("{field}.{name}"), || {
            format!("{value} mV is not below the threshold of {threshold_mv} mV")
        });
    }
    let crossings = 1.0 / Lif::new(parameters, tick, 1.0).period_ticks();
    problems.need(crossings <= CROSSINGS_MAX || parameters.tau_ms <= 0.0, field, || {
        format!("would fire {crossings:.0} times a tick by its drive; {CROSSINGS_MAX} are possible")
    });
}

fn accumulator(parameters: &AccumulatorParameters, field: &str, problems: &mut Problems) {
    let threshold = parameters.threshold;
    problems.need(threshold.is_finite() && threshold > 0.0, &format!("{field}.threshold"), || {
        format!("{threshold}; a threshold is a finite number above 0")
    });
}

/// Checks a projection against its ends.
pub(crate) fn projection(
    projection: &Projection,
    shapes: &Shapes<'_>,
    problems: &mut Problems,
) -> Option<Draft> {
    let field = format!("projection.{}", projection.name);
    let (source, target) = ends(projection, shapes, &field, problems)?;
    let receptor = receptor(projection, shapes.network, target, &field, problems)?;
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
    Some(Draft { source, target, receptor, delay_ticks, delay_ticks_min, delay_ticks_max, kind })
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
