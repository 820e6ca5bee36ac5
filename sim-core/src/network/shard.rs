//! One worker's part of a plan: its share of each population, and the synapses onto it.

use std::{ops::Range, sync::Arc};

use super::{
    ShortTerm, Vectors, WinnerTakeAll,
    check::{DenseWeights, Draft, DraftKind, size},
    compile::Resolved,
    problem::Problems,
    quantum::Scale,
    spread::{self, Deliveries, Shares, Spread},
};
use crate::{
    connect::{
        Connect,
        convolution::{self, Convolution, Target, quanta},
        one_to_one::OneToOne,
        rows::{Rows, SLOT_MAX, Synapse},
    },
    ids::SourceId,
    input::filter::extents_of,
    sums::{Grid, LANES, Layout, Margin},
};

/// Planes of sums of one share \[bytes\]: what a processor's own cache holds with room to spare.
pub(super) const PLANES_BYTES: u64 = 1 << 20;
/// The most planes.
pub(super) const PLANES_MAX: u64 = 1_024;
/// Where even fewer would fit, so many: shorter visits of a row wait longer for memory than sums in
/// the next cache do (`workloads random --neurons 100000`: 16 were the fastest of 4 to 64).
pub(super) const PLANES_MIN: u64 = 16;
/// A source's rate, for what nothing better is known \[Hz\].
const EXPECTED_HZ: f64 = 10.0;
/// Sums for each tick pay from one delivery to so many neurons on.
const DENSE: f64 = 16.0;

/// One worker's part of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    pub(crate) populations: Vec<Share>,
    /// By projection: the synapses onto the shares.
    pub(crate) connects: Vec<Arc<Connect>>,
}

/// A worker's share of a population.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// The indices that it has.
    pub(crate) range: Range<u32>,
    pub(crate) layout: Layout,
    /// Ticks that deliveries are made ahead in sums of their own, a power of two; 1: they wait in
    /// the calendar.
    pub(crate) planes: u64,
    /// Whether all neurons are gone through; `None`: as it pays.
    pub(crate) sweeps: Option<bool>,
    pub(crate) vectors: Vectors,
}

impl Shard {
    /// Compiles the synapses onto some ranges of all populations.
    pub(crate) fn new(
        resolved: &Resolved<'_>,
        scales: &[Scale],
        ranges: &[Range<u32>],
        spread: Spread,
        problems: &mut Problems,
    ) -> Self {
        let layouts: Vec<Layout> =
            (0..ranges.len()).map(|id| layout(resolved, id, &ranges[id])).collect();
        let compile = |draft: &Draft| {
            let id = usize::from(draft.target.0);
            let unit = ShortTerm::unit(draft.short_term.as_ref());
            connect(resolved, draft, &ranges[id], &layouts[id], scales[id].quantum, problems)
                .counting(unit)
        };
        let mut connects: Vec<Connect> = resolved.drafts.iter().map(compile).collect();
        let shares = ranges.iter().zip(layouts).enumerate().map(|(id, (range, layout))| {
            let planes =
                planes(resolved, id, &layout, scales[id], &mut connects, spread.deliveries);
            let sweeps = match spread.deliveries {
                Deliveries::Expected => (planes > 1).then_some(true),
                Deliveries::Sweep => Some(true),
                Deliveries::Calendar => Some(false),
            };
            let (range, vectors) = (range.clone(), spread.vectors);
            Share { range, layout, planes, sweeps, vectors }
        });
        Self {
            populations: shares.collect(),
            connects: connects.into_iter().map(Arc::new).collect(),
        }
    }
}

/// What a convolution or a competition reaches lies by place.
fn layout(resolved: &Resolved<'_>, id: usize, range: &Range<u32>) -> Layout {
    if !resolved.lies_by_place(id) || range.is_empty() {
        return Layout::Flat { size: range.end - range.start };
    }
    let shape = &resolved.shapes[id];
    let onto = resolved.drafts.iter().filter(|draft| usize::from(draft.target.0) == id);
    let margins = onto.filter_map(|draft| margin(resolved, draft, shape));
    let margin = margins.fold(Margin::default(), Margin::union);
    let [channels, height, width] = extents_of(shape);
    Layout::Grid(Grid { channels, height, width, margin })
}

impl Resolved<'_> {
    /// Who has which neurons.
    pub(crate) fn shares(&self, spread: Spread, problems: &mut Problems) -> Shares {
        let sizes: Vec<u32> = self.shapes.iter().map(|shape| size(shape)).collect();
        let whole: Vec<bool> = (0..sizes.len()).map(|id| self.lies_by_place(id)).collect();
        spread::shares(spread, &sizes, &whole, &self.drafts, problems)
    }

    /// Sums of each neuron of a population.
    fn receptors(&self, id: usize) -> usize {
        self.network.populations[id].neuron.receptors().len().max(1)
    }

    /// Whether a population lies by place, and so stays whole.
    pub(crate) fn lies_by_place(&self, id: usize) -> bool {
        let convolved = |draft: &Draft| {
            usize::from(draft.target.0) == id && matches!(draft.kind, DraftKind::Convolution(..))
        };
        self.network.populations[id].winner_take_all != WinnerTakeAll::None
            || self.drafts.iter().any(convolved)
    }

    /// The shape of a projection's source.
    pub(crate) fn source_shape(&self, draft: &Draft) -> &[u32] {
        match draft.source {
            SourceId::Input(id) => &self.inputs[id.0 as usize].filtered_shape,
            SourceId::Population(id) => &self.shapes[id.0 as usize],
        }
    }
}

fn margin(resolved: &Resolved<'_>, draft: &Draft, target: &[u32]) -> Option<Margin> {
    let DraftKind::Convolution(kernel, taps) = &draft.kind else { return None };
    let [_, height, width] = extents_of(resolved.source_shape(draft));
    let [_, rows, columns] = extents_of(target);
    Some(convolution::margin(kernel, taps, [height, width], [rows, columns]))
}

fn connect(
    resolved: &Resolved<'_>,
    draft: &Draft,
    range: &Range<u32>,
    layout: &Layout,
    quantum: f64,
    problems: &mut Problems,
) -> Connect {
    let source = resolved.source_shape(draft);
    let lanes = layout.quads() as u64 * LANES as u64;
    let first_slot = lanes * u64::from(draft.receptor);
    let slots = lanes * (u64::from(draft.receptor) + 1);
    let rows = matches!(
        draft.kind,
        DraftKind::Explicit(_) | DraftKind::Random(_) | DraftKind::Dense { .. }
    );
    problems.need(!rows || slots <= SLOT_MAX, "projection", || {
        format!("rows reach {SLOT_MAX} places at most; the target has {slots} on one worker")
    });
    let first_slot = u32::try_from(first_slot).unwrap_or(u32::MAX);
    let slot_of = |target: u32| first_slot + layout.slot(target - range.start);
    match &draft.kind {
        DraftKind::OneToOne { weight, delay_ticks } => Connect::OneToOne(OneToOne::new(
            draft.delay_ticks + delay_ticks,
            quanta(*weight, quantum),
            range.clone(),
            layout.clone(),
        )),
        DraftKind::Explicit(synapses) => {
            let here = |at: &usize| range.contains(&synapses.targets[*at]);
            let synapse = |at: usize| Synapse {
                source: synapses.sources[at],
                delay_ticks: draft.delay_ticks + synapses.delays_ticks[at],
                slot: slot_of(synapses.targets[at]),
                weight: quanta(synapses.weights[at], quantum),
            };
            let all = || (0..synapses.sources.len()).filter(here);
            Connect::Rows(Rows::new(
                size(source),
                draft.delay_ticks_max,
                |each| all().for_each(|at| each(synapses.sources[at])),
                |each| all().for_each(|at| each(synapse(at))),
            ))
        }
        DraftKind::Dense { weights, delay_ticks } => {
            let delay_ticks = draft.delay_ticks + delay_ticks;
            Connect::Rows(dense(weights, delay_ticks, size(source), range, slot_of, quantum))
        }
        DraftKind::Random(draw) => Connect::Rows(Rows::new(
            size(source),
            draft.delay_ticks_max,
            |each| draw.pairs(range.clone(), |source, _| each(source)),
            |each| {
                draw.synapses(range.clone(), |drawn| {
                    each(Synapse {
                        source: drawn.source,
                        delay_ticks: draft.delay_ticks + drawn.delay_ticks,
                        slot: slot_of(drawn.target),
                        weight: quanta(drawn.weight, quantum),
                    });
                });
            },
        )),
        DraftKind::Convolution(kernel, taps) => match layout {
            Layout::Grid(grid) => {
                let target = Target { grid, delay_ticks: draft.delay_ticks, quantum };
                let source = extents_of(source);
                Connect::Convolution(Convolution::new(kernel, taps.clone(), source, &target))
            }
            // Another worker has the whole population.
            Layout::Flat { .. } => Connect::None,
        },
    }
}

/// Every source to every target of a range.
fn dense(
    weights: &DenseWeights,
    delay_ticks: u32,
    sources: u32,
    range: &Range<u32>,
    slot_of: impl Fn(u32) -> u32,
    quantum: f64,
) -> Rows {
    let pairs =
        || (0..sources).flat_map(|source| range.clone().map(move |target| (source, target)));
    let synapse = |(source, target): (u32, u32)| {
        let weight = quanta(weights.of(target, source, sources), quantum);
        Synapse { source, delay_ticks, slot: slot_of(target), weight }
    };
    Rows::new(
        sources,
        delay_ticks.into(),
        |each| pairs().for_each(|(source, _)| each(source)),
        |each| pairs().map(synapse).for_each(each),
    )
}

/// Whether deliveries are made ahead in sums of their own, and how many ticks; limits the cursors'
/// windows to that.
fn planes(
    resolved: &Resolved<'_>,
    id: usize,
    layout: &Layout,
    scale: Scale,
    connects: &mut [Connect],
    deliveries: Deliveries,
) -> u64 {
    let onto = |draft: &Draft| usize::from(draft.target.0) == id;
    let mut rows: Vec<(&mut Rows, u64)> = Vec::new();
    for (connect, draft) in connects.iter_mut().zip(&resolved.drafts) {
        if let Connect::Rows(each) = connect
            && onto(draft)
            && each.delays_ticks().is_empty()
        {
            rows.push((each, draft.delay_ticks_max));
        }
    }
    let lanes = (layout.quads() * LANES) as u64 * resolved.receptors(id) as u64;
    let synapses: u64 = rows.iter().map(|(rows, _)| rows.synapses()).sum();
    let tick_s = resolved.network.tick.ms() / 1e3;
    let dense = synapses as f64 * EXPECTED_HZ * tick_s * DENSE >= lanes as f64;
    let wanted = match deliveries {
        Deliveries::Expected => dense || resolved.swept[id],
        Deliveries::Sweep => true,
        Deliveries::Calendar => false,
    };
    let longest = rows.iter().map(|(_, delay)| *delay).max().unwrap_or(0);
    let fitting = PLANES_BYTES / (lanes.max(1) * if scale.wide { 8 } else { 4 });
    let planes = (longest + 1).next_power_of_two().min(1 << fitting.max(PLANES_MIN).ilog2());
    if !wanted || rows.is_empty() {
        return 1;
    }
    let planes = planes.min(PLANES_MAX);
    rows.iter_mut().for_each(|(rows, _)| rows.set_window(planes));
    planes
}
