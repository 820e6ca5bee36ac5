//! Weights of a running session, read and set between ticks.
//!
//! A synapse is named by its projection, its source, and its place among the source's synapses: by
//! delay, then target; parallel synapses of one delay by the weight that the plan gave them. The plan
//! is shared and stays as it is: a session that sets weights gets a copy of that projection's
//! synapses.
//!
//! A weight is read when a spike arrives, so one in flight arrives with the weight that is set while
//! it travels. Deliveries are made ahead of time; they are made anew before the next tick runs, as
//! after a snapshot.
//!
//! Sums stay bounded (law 3): by how much the magnitudes of the weights onto each neuron have grown
//! beyond the plan's is counted, and may not exceed what the plan's bound leaves free.

use std::{collections::BTreeMap, sync::Arc};

use super::Simulation;
use crate::{connect::Connect, error::WeightsError, ids::ProjectionId, network::Plan, sums::LANES};

/// Magnitude of a weight \[quanta\]: rows have 24 bits, sign included.
const QUANTA_MAX: i32 = (1 << 23) - 1;

/// A synapse of a given source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Synapse {
    /// Index of its target.
    pub target: u32,
    /// Axonal and dendritic parts included \[ticks\].
    pub delay_ticks: u32,
    /// In the unit of the target's weights, rounded to its quantum.
    pub weight: f64,
}

/// A synapse, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    delay_ticks: u32,
    target: u32,
    /// Among those of its source on its worker.
    position: u32,
    worker: usize,
    /// \[quanta\]
    pub(crate) weight: i32,
}

/// The synapses of a source, in order. None for a convolution.
pub(crate) fn places(plan: &Plan, projection: ProjectionId, source: u32) -> Vec<Place> {
    let target = plan.projections[projection.0 as usize].target.0 as usize;
    let mut places = Vec::new();
    for (worker, shard) in plan.shards.iter().enumerate() {
        let share = &shard.populations[target];
        match shard.connects[projection.0 as usize].as_ref() {
            Connect::OneToOne(one_to_one) => {
                places.extend(one_to_one.synapse(source).map(|(delay_ticks, weight)| Place {
                    delay_ticks,
                    target: source,
                    position: 0,
                    worker,
                    weight,
                }));
            }
            Connect::Rows(rows) => {
                let lanes = crate::sums::to_u32(share.layout.quads() * LANES);
                let mut position = 0;
                rows.each_synapse(source, |delay_ticks, slot, weight| {
                    let neuron = share.layout.neuron(slot % lanes).expect("rows lead to neurons");
                    let target = share.range.start + neuron;
                    places.push(Place { delay_ticks, target, position, worker, weight });
                    position += 1;
                });
            }
            Connect::Convolution(_) | Connect::None => (),
        }
    }
    places.sort_unstable();
    places
}

/// Another weight for one synapse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightChange {
    /// Index of its source.
    pub source: u32,
    /// Its place among the source's, in the order of [`Simulation::synapses`].
    pub synapse: u32,
    /// In the unit of the target's weights.
    pub weight: f64,
}

impl Plan {
    /// The synapses of a source, as a session begins with them, in the order of
    /// [`Simulation::synapses`].
    ///
    /// # Errors
    ///
    /// As [`Simulation::synapses`].
    pub fn synapses(
        &self,
        projection: ProjectionId,
        source: u32,
    ) -> Result<Vec<Synapse>, WeightsError> {
        let quantum = self.quantum_onto(projection, source)?;
        let synapse = |place: Place| Synapse {
            target: place.target,
            delay_ticks: place.delay_ticks,
            weight: f64::from(place.weight) * quantum,
        };
        Ok(places(self, projection, source).into_iter().map(synapse).collect())
    }

    /// How many synapses a source has in a projection.
    ///
    /// # Errors
    ///
    /// As [`Simulation::synapses`].
    pub fn synapses_of(&self, projection: ProjectionId, source: u32) -> Result<u32, WeightsError> {
        self.quantum_onto(projection, source)?;
        let count = |connect: &Arc<Connect>| match connect.as_ref() {
            Connect::OneToOne(one_to_one) => one_to_one.synapse(source).into_iter().count(),
            Connect::Rows(rows) => rows.synapses_of(source),
            Connect::Convolution(_) | Connect::None => 0,
        };
        let shards = self.shards.iter().map(|shard| &shard.connects[projection.0 as usize]);
        Ok(crate::sums::to_u32(shards.map(count).sum()))
    }

    fn quantum_onto(&self, projection: ProjectionId, source: u32) -> Result<f64, WeightsError> {
        let id = projection.0 as usize;
        let projections = self.projections.len();
        let Some(part) = self.projections.get(id) else {
            return Err(WeightsError::Projection { projection: projection.0, projections });
        };
        let sources = self.sources_of(id);
        if source >= sources {
            return Err(WeightsError::Source { source_index: source, sources });
        }
        let convolves = |connect: &Arc<Connect>| matches!(**connect, Connect::Convolution(_));
        if self.shards.iter().any(|shard| convolves(&shard.connects[id])) {
            return Err(WeightsError::Shared);
        }
        Ok(self.populations[part.target.0 as usize].quantum)
    }
}

impl Simulation {
    /// The synapses of a source: by delay, then target, parallel ones of one delay by the weight that
    /// the plan gave them.
    ///
    /// # Errors
    ///
    /// A projection or a source that there isn't, or a convolution, whose places share their weights.
    pub fn synapses(
        &self,
        projection: ProjectionId,
        source: u32,
    ) -> Result<Vec<Synapse>, WeightsError> {
        self.own_plan.synapses(projection, source)
    }

    /// Gives the synapses of a source other weights, in the order of [`Self::synapses`]. Each is
    /// rounded to its target's quantum, once. They hold for whatever arrives from the next tick on.
    ///
    /// # Errors
    ///
    /// As [`Self::synapses`]; weights that are too many, too few, not finite, beyond 24 bits of
    /// quanta, or with which a sum could overflow. Nothing is changed then.
    pub fn set_weights(
        &mut self,
        projection: ProjectionId,
        source: u32,
        weights: &[f64],
    ) -> Result<(), WeightsError> {
        let quantum = self.own_plan.quantum_onto(projection, source)?;
        let quanta =
            (0..).zip(weights).map(|(position, weight)| rounded(position, *weight, quantum));
        let quanta = quanta.collect::<Result<Vec<_>, _>>()?;
        self.replace_weights(projection, BTreeMap::from([(source, quanta)]))
    }

    /// Gives some synapses of a projection other weights, all at once. The others keep theirs; of
    /// changes to one synapse the last counts.
    ///
    /// # Errors
    ///
    /// As [`Self::set_weights`], and a synapse that its source has not; positions are those of the
    /// changes. Nothing is changed then.
    pub fn change_weights(
        &mut self,
        projection: ProjectionId,
        changes: &[WeightChange],
    ) -> Result<(), WeightsError> {
        let mut rows = BTreeMap::new();
        for (position, &WeightChange { source, synapse, weight }) in changes.iter().enumerate() {
            let quantum = self.own_plan.quantum_onto(projection, source)?;
            let quanta = rounded(position, weight, quantum)?;
            let row = rows.entry(source).or_insert_with(|| self.quanta(projection, source));
            let synapses = row.len();
            let Some(one) = row.get_mut(synapse as usize) else {
                return Err(WeightsError::Synapse {
                    position,
                    synapse,
                    source_index: source,
                    synapses,
                });
            };
            *one = quanta;
        }
        self.replace_weights(projection, rows)
    }

    fn quanta(&self, projection: ProjectionId, source: u32) -> Vec<i32> {
        places(&self.own_plan, projection, source).iter().map(|place| place.weight).collect()
    }

    /// Sets whole rows \[quanta\] if no sum can overflow with all of them.
    fn replace_weights(
        &mut self,
        projection: ProjectionId,
        rows: BTreeMap<u32, Vec<i32>>,
    ) -> Result<(), WeightsError> {
        let mut before = Vec::new();
        let mut refused = None;
        for (source, quanta) in rows {
            let row = self.quanta(projection, source);
            if let Err(error) = self.put_weights(projection, source, &quanta) {
                refused = Some(error);
                break;
            }
            before.push((source, row));
        }
        if refused.is_none() {
            let set =
                before.iter().flat_map(|(source, _)| places(&self.own_plan, projection, *source));
            let beyond = self.beyond_bound(projection, set.map(|place| place.target));
            refused = beyond.map(|target| WeightsError::Sum { target });
        }
        if let Some(error) = refused {
            for (source, quanta) in before {
                self.put_weights(projection, source, &quanta)?;
            }
            return Err(error);
        }
        self.is_ahead_outdated = true;
        Ok(())
    }

    /// Sets the weights of a source's synapses \[quanta\]. Whoever does sees to it that sums stay within
    /// their bound, and that what is in flight is put on its way anew.
    pub(crate) fn put_weights(
        &mut self,
        projection: ProjectionId,
        source: u32,
        quanta: &[i32],
    ) -> Result<(), WeightsError> {
        let places = places(&self.own_plan, projection, source);
        if places.len() != quanta.len() {
            return Err(WeightsError::Count { given: quanta.len(), synapses: places.len() });
        }
        self.grow(projection, &places, quanta);
        let id = projection.0 as usize;
        let mut by_worker: Vec<Vec<(u32, i32)>> = vec![Vec::new(); self.own_plan.workers()];
        for (place, &weight) in places.iter().zip(quanta) {
            by_worker[place.worker].push((place.position, weight));
        }
        let plan = Arc::make_mut(&mut self.own_plan);
        for (shard, mut weights) in plan.shards.iter_mut().zip(by_worker) {
            if weights.is_empty() {
                continue;
            }
            weights.sort_unstable();
            let mut weights = weights.into_iter().map(|(_, weight)| weight);
            match Arc::make_mut(&mut shard.connects[id]) {
                Connect::OneToOne(one_to_one) => {
                    weights.by_ref().for_each(|weight| one_to_one.set_weight(source, weight))
                }
                Connect::Rows(rows) => rows.set_weights(source, weights),
                Connect::Convolution(_) | Connect::None => unreachable!("they have no places"),
            }
        }
        Ok(())
    }

    /// Counts by how much the weights onto each target grow.
    fn grow(&mut self, projection: ProjectionId, places: &[Place], quanta: &[i32]) {
        let part = &self.own_plan.projections[projection.0 as usize];
        let id = part.target.0 as usize;
        let grown = &mut self.grown[id];
        grown.resize(self.own_plan.populations[id].size as usize, 0);
        for (place, weight) in places.iter().zip(quanta) {
            let change = i64::from(weight.abs()) - i64::from(place.weight.abs());
            grown[place.target as usize] += change * i64::from(part.times_max);
        }
    }

    /// One of some targets of a projection whose sum could overflow, if there is one.
    pub(crate) fn beyond_bound(
        &self,
        projection: ProjectionId,
        mut targets: impl Iterator<Item = u32>,
    ) -> Option<u32> {
        let id = self.own_plan.projections[projection.0 as usize].target.0 as usize;
        let headroom = self.own_plan.populations[id].headroom;
        // Nothing has grown where nothing was set.
        let grown = &self.grown[id];
        targets.find(|&target| grown.get(target as usize).is_some_and(|&grown| grown > headroom))
    }

    /// Puts everything in flight on its way anew, if deliveries that were made ahead are outdated.
    pub(super) fn renew_ahead(&mut self) {
        if std::mem::take(&mut self.is_ahead_outdated) {
            self.crew.restart(&self.own_plan, self.now);
        }
    }
}

/// A weight in quanta.
fn rounded(position: usize, weight: f64, quantum: f64) -> Result<i32, WeightsError> {
    let most = f64::from(QUANTA_MAX);
    let rounded = (weight / quantum).round_ties_even();
    let is_lost = rounded == 0.0 && weight != 0.0;
    if rounded.is_nan() || rounded.abs() > most || is_lost {
        return Err(WeightsError::Weight { position, weight, limit: most * quantum });
    }
    #[expect(clippy::cast_possible_truncation, reason = "24 bits")]
    Ok(rounded as i32)
}
