//! Who computes what: populations cut into shares, one a worker.
//!
//! A share is a range of a population's indices. Cuts balance the deliveries to expect. A
//! population that lies by place stays whole, so that a winner-take-all group is never split;
//! populations that meet without delay stay together, so that workers influence each other a tick
//! later at the soonest. No cut changes a result.

use std::ops::Range;

use super::{
    Vectors,
    check::{Draft, DraftKind},
    problem::Problems,
};
use crate::{
    ids::SourceId,
    random::{Key, Purpose, below},
};

/// The most workers of one simulation.
const WORKERS_MAX: u32 = 64;
/// What a neuron costs, in deliveries.
const NEURON_COST: u64 = 16;
/// A population with fewer neurons a worker isn't worth cutting.
const NEURONS_MIN: u32 = 16;

/// How a network is spread over worker threads, and how deliveries are gathered. Nothing here
/// changes a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Worker threads, 1 to 64 and not more than there are neurons.
    pub workers: u32,
    /// Cuts at random places instead of balanced ones, for tests.
    pub seed: Option<u64>,
    /// How deliveries wait for their tick.
    pub deliveries: Deliveries,
    /// Which vector instructions are used.
    pub vectors: Vectors,
    /// The most memory that the plan and one session of it may take, about \[bytes\]; a network that
    /// needs more is refused before any of it is allocated.
    pub memory_bytes_max: u64,
}

impl Spread {
    /// Balanced over so many workers.
    #[must_use]
    pub const fn over(workers: u32) -> Self {
        Self {
            workers,
            seed: None,
            deliveries: Deliveries::Expected,
            vectors: Vectors::Detected,
            memory_bytes_max: u64::MAX,
        }
    }
}

impl Default for Spread {
    fn default() -> Self {
        Self::over(1)
    }
}

/// How deliveries wait for their tick, and how populations are gone through. Equal results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deliveries {
    /// Each population as its connectivity lets expect.
    #[default]
    Expected,
    /// In sums of their own for each tick; populations are swept.
    Sweep,
    /// In the calendar; only neurons that received something are looked at.
    Calendar,
}

/// The range of each population that each worker has: `shares[worker][population]`.
pub(crate) type Shares = Vec<Vec<Range<u32>>>;

/// Cuts populations of some sizes. `whole[p]`: population p can't be cut.
pub(crate) fn shares(
    spread: Spread,
    sizes: &[u32],
    whole: &[bool],
    drafts: &[Draft],
    problems: &mut Problems,
) -> Shares {
    let neurons = sizes.iter().map(|&size| u64::from(size)).sum::<u64>();
    let most = u64::from(WORKERS_MAX).min(neurons.max(1));
    let workers = u64::from(spread.workers);
    if !(1..=most).contains(&workers) {
        let message = format!("{workers} workers; 1 to {most} are possible for {neurons} neurons");
        problems.note("workers", message);
        return Vec::new();
    }
    let mut shares: Shares = vec![vec![0..0; sizes.len()]; spread.workers as usize];
    let mut load = vec![0_u64; spread.workers as usize];
    for group in groups(sizes.len(), drafts) {
        let cost = |id: &usize| u64::from(sizes[*id]) * (NEURON_COST + degree(*id, sizes, drafts));
        let costs: u64 = group.iter().map(cost).sum();
        let [only] = group.as_slice() else {
            let worker = least_loaded(&load);
            group.iter().for_each(|&id| shares[worker][id] = 0..sizes[id]);
            load[worker] += costs;
            continue;
        };
        if whole[*only] || sizes[*only] < NEURONS_MIN * spread.workers && spread.seed.is_none() {
            let worker = least_loaded(&load);
            shares[worker][*only] = 0..sizes[*only];
            load[worker] += costs;
            continue;
        }
        for (worker, range) in cut(spread, *only, sizes[*only], drafts).into_iter().enumerate() {
            load[worker] += costs * range.len() as u64 / u64::from(sizes[*only].max(1));
            shares[worker][*only] = range;
        }
    }
    shares
}

fn least_loaded(load: &[u64]) -> usize {
    (0..load.len()).min_by_key(|&worker| load[worker]).expect("at least one worker")
}

/// Populations that meet without delay, each group in order.
fn groups(populations: usize, drafts: &[Draft]) -> Vec<Vec<usize>> {
    let mut group_of: Vec<usize> = (0..populations).collect();
    for draft in drafts.iter().filter(|draft| draft.delay_ticks_min == 0) {
        if let SourceId::Population(source) = draft.source {
            let (from, to) = (group_of[source.0 as usize], group_of[draft.target.0 as usize]);
            group_of.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
        }
    }
    let members = |group| (0..populations).filter(|&id| group_of[id] == group).collect::<Vec<_>>();
    (0..populations).map(members).filter(|members| !members.is_empty()).collect()
}

/// Synapses onto one neuron, on average.
fn degree(population: usize, sizes: &[u32], drafts: &[Draft]) -> u64 {
    let onto = drafts.iter().filter(|draft| usize::from(draft.target.0) == population);
    onto.map(|draft| draft.kind.synapses()).sum::<u64>() / u64::from(sizes[population].max(1))
}

/// Cuts one population into a range a worker.
fn cut(spread: Spread, population: usize, size: u32, drafts: &[Draft]) -> Vec<Range<u32>> {
    let workers = u64::from(spread.workers);
    let mut ends: Vec<u32> = match spread.seed {
        Some(seed) => {
            let key = Key::new(seed, Purpose::Spread).with(population as u64);
            (1..workers).map(|at| below(key.draw(at), size + 1)).collect()
        }
        None => balanced(workers, population, size, drafts),
    };
    ends.sort_unstable();
    ends.push(size);
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, &end)| start..end).collect()
}

/// Where shares of equal cost end, all but the last.
fn balanced(workers: u64, population: usize, size: u32, drafts: &[Draft]) -> Vec<u32> {
    let mut costs = vec![NEURON_COST; size as usize];
    for draft in drafts.iter().filter(|draft| usize::from(draft.target.0) == population) {
        match &draft.kind {
            DraftKind::Explicit(synapses) => {
                synapses.targets.iter().for_each(|&target| costs[target as usize] += 1);
            }
            kind => {
                let each = kind.synapses() / u64::from(size);
                costs.iter_mut().for_each(|cost| *cost += each);
            }
        }
    }
    let all: u64 = costs.iter().sum();
    let mut ends = Vec::new();
    let mut sum = 0;
    for (index, cost) in (0..).zip(costs) {
        while sum * workers >= all * (ends.len() as u64 + 1) && (ends.len() as u64) < workers - 1 {
            ends.push(index);
        }
        sum += cost;
    }
    ends.resize(usize::try_from(workers - 1).expect("few workers"), size);
    ends
}

/// The shortest delay through which each worker reaches each other \[ticks\].
pub(crate) fn lookahead(shares: &Shares, drafts: &[Draft]) -> Vec<Vec<u64>> {
    let shortest = |from: &Vec<Range<u32>>, to: &Vec<Range<u32>>| {
        let reaching = drafts.iter().filter(|draft| match draft.source {
            // Every worker sees what comes in from outside.
            SourceId::Input(_) => false,
            SourceId::Population(source) => {
                !from[source.0 as usize].is_empty() && !to[draft.target.0 as usize].is_empty()
            }
        });
        reaching.map(|draft| draft.delay_ticks_min).min().unwrap_or(u64::MAX)
    };
    let others = |(me, from): (usize, &Vec<Range<u32>>)| {
        let each = shares.iter().enumerate();
        each.map(|(to, shares)| if to == me { u64::MAX } else { shortest(from, shares) }).collect()
    };
    shares.iter().enumerate().map(others).collect()
}

/// By worker and population: the other workers with neurons that its share reaches.
pub(crate) fn audience(shares: &Shares, drafts: &[Draft]) -> Vec<Vec<Vec<usize>>> {
    let reached = |population: usize, worker: usize| {
        drafts.iter().any(|draft| match draft.source {
            SourceId::Input(_) => false,
            SourceId::Population(source) => {
                usize::from(source.0) == population
                    && !shares[worker][draft.target.0 as usize].is_empty()
            }
        })
    };
    let of = |worker: usize, population: usize| -> Vec<usize> {
        (0..shares.len()).filter(|&to| to != worker && reached(population, to)).collect()
    };
    let populations = |worker: usize| (0..shares[worker].len()).map(move |id| of(worker, id));
    (0..shares.len()).map(|worker| populations(worker).collect()).collect()
}
