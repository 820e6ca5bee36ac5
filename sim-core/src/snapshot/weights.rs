//! Weights that differ from the plan's: of each projection that has such, the sources, whole.
//!
//! A projection is its number and the number of its sources; each source its index, the number of
//! its synapses, and their weights \[quanta\] in the order of [`Simulation::synapses`].

use std::sync::Arc;

use super::bytes::{Reader, Writer};
use crate::{
    error::{SnapshotError, WeightsError},
    ids::ProjectionId,
    simulation::{Simulation, places},
};

/// What a projection and a source take at least.
const PROJECTION_BYTES: usize = 12;
const SOURCE_BYTES: usize = 12;
const WEIGHT_BYTES: usize = 4;

type Row = (u32, Vec<i32>);

pub(super) fn write(simulation: &Simulation, to: &mut Writer) {
    let projections = (0..).take(simulation.own_plan.projections.len()).map(ProjectionId);
    let set = projections.map(|id| (id, rows_that_differ(simulation, id)));
    let set: Vec<(ProjectionId, Vec<Row>)> = set.filter(|(_, rows)| !rows.is_empty()).collect();
    to.u64(set.len() as u64);
    for (id, rows) in set {
        to.u32(id.0.into());
        to.u64(rows.len() as u64);
        for (source, weights) in rows {
            to.u32(source);
            to.u64(weights.len() as u64);
            weights.iter().for_each(|weight| to.u32(weight.cast_unsigned()));
        }
    }
}

fn rows_that_differ(simulation: &Simulation, projection: ProjectionId) -> Vec<Row> {
    let (plan, own) = (simulation.plan(), &simulation.own_plan);
    let id = projection.0 as usize;
    let mut shards = plan.shards.iter().zip(&own.shards);
    if shards.all(|(shard, own)| Arc::ptr_eq(&shard.connects[id], &own.connects[id])) {
        return Vec::new();
    }
    let row = |source: u32| {
        let set = places(own, projection, source);
        (set != places(plan, projection, source))
            .then(|| (source, set.iter().map(|place| place.weight).collect()))
    };
    (0..plan.sources_of(id)).filter_map(row).collect()
}

pub(super) fn read(
    from: &mut Reader<'_>,
    simulation: &mut Simulation,
) -> Result<(), SnapshotError> {
    let mut set = Vec::new();
    for _ in 0..from.count(PROJECTION_BYTES)? {
        let id = from.below(crate::sums::to_u32(simulation.own_plan.projections.len()))?;
        let projection = ProjectionId(u16::try_from(id).expect("below the number of parts"));
        for _ in 0..from.count(SOURCE_BYTES)? {
            let source = from.below(simulation.own_plan.sources_of(id as usize))?;
            let mut weights = Vec::new();
            for _ in 0..from.count(WEIGHT_BYTES)? {
                let weight = from.u32()?.cast_signed();
                if weight.unsigned_abs() >= 1 << 23 {
                    return Err(from.value(format!("a weight of {weight} quanta")));
                }
                weights.push(weight);
            }
            let put = simulation.put_weights(projection, source, &weights);
            put.map_err(|error| from.value(error.to_string()))?;
        }
        set.push(projection);
    }
    // Only all of them together are known to fit.
    let beyond = set.into_iter().find_map(|id| {
        let target = simulation.own_plan.projections[id.0 as usize].target;
        let size = simulation.own_plan.populations[target.0 as usize].size;
        simulation.beyond_bound(id, 0..size)
    });
    if let Some(target) = beyond {
        return Err(from.value(WeightsError::Sum { target }.to_string()));
    }
    Ok(())
}
