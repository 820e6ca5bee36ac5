//! The state of short-term plasticity: by projection that has it, its sources that have emitted.
//!
//! Each source is its index, the tick of its last spike, and the resources x and their share u that
//! this spike met. Whoever has a source writes it; a port is the first worker's.

use super::bytes::{Reader, Writer};
use crate::{
    connect::short_term::Resources, error::SnapshotError, ids::SourceId, simulation::Simulation,
};

/// Index, tick, x, u.
const SOURCE_BYTES: usize = 28;

pub(super) fn write(simulation: &Simulation, to: &mut Writer) {
    let plan = &simulation.own_plan;
    for (id, projection) in plan.projections.iter().enumerate() {
        if projection.short_term.is_none() {
            continue;
        }
        let shares = plan.shards.iter().zip(simulation.crew.partitions());
        let sources = shares.flat_map(|(shard, partition)| {
            let own = match projection.source {
                SourceId::Input(_) if partition.worker == 0 => 0..plan.sources_of(id),
                SourceId::Input(_) => 0..0,
                SourceId::Population(source) => shard.populations[source.0 as usize].range.clone(),
            };
            let states = partition.transmitters.of(id);
            own.filter_map(|source| states[source as usize].map(|state| (source, state)))
        });
        let sources: Vec<(u32, Resources)> = sources.collect();
        to.u64(sources.len() as u64);
        for (source, Resources { tick, available, used }) in sources {
            to.u32(source);
            to.u64(tick);
            to.f64(available);
            to.f64(used);
        }
    }
}

pub(super) fn read(
    from: &mut Reader<'_>,
    simulation: &mut Simulation,
) -> Result<(), SnapshotError> {
    for id in 0..simulation.own_plan.projections.len() {
        if simulation.own_plan.projections[id].short_term.is_none() {
            continue;
        }
        for _ in 0..from.count(SOURCE_BYTES)? {
            let source = from.below(simulation.own_plan.sources_of(id))?;
            let state = read_state(from, simulation.now)?;
            for partition in simulation.crew.partitions_mut() {
                partition.transmitters.set(id, source, state);
            }
        }
    }
    Ok(())
}

fn read_state(from: &mut Reader<'_>, now: u64) -> Result<Resources, SnapshotError> {
    let (tick, available, used) = (from.u64()?, from.finite()?, from.finite()?);
    if tick >= now {
        return Err(from.value(format!("a spike in tick {tick}, which is not over")));
    }
    for share in [available, used] {
        if !(0.0..=1.0).contains(&share) {
            return Err(from.value(format!("a share of {share} of a synapse's resources")));
        }
    }
    Ok(Resources { tick, available, used })
}
