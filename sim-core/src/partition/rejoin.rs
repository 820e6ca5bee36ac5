//! Spikes in flight, named for a snapshot, and put back on their way.
//!
//! All else that a partition holds beside neurons follows from them: the calendar, cursors, and
//! deliveries that were made ahead.

use super::{Departed, Partition, Stop, is_counted};
use crate::{
    connect::{Connect, Emission},
    ids::ProjectionId,
    network::Plan,
};

impl Partition {
    /// Names what is in flight here and stands for all workers, each flight once.
    pub(crate) fn each_in_flight(&self, mut each: impl FnMut(ProjectionId, u64, &[Emission])) {
        for flight in self.stops.iter().map(|stop| self.flights.get(stop.flight)) {
            if flight.counted {
                each(flight.projection, flight.emitted, &flight.emissions);
            }
        }
        for departed in self.departed.iter() {
            each(departed.projection, departed.emitted, &[departed.emission]);
        }
    }

    /// Forgets all that follows from neurons and spikes in flight; the latter must rejoin.
    pub(crate) fn restart(&mut self, plan: &Plan, now: u64) {
        let neurons = self.populations.iter().zip(&self.shard(plan).populations);
        let neurons = neurons.map(|(state, share)| {
            let all = 0..share.range.end - share.range.start;
            state.neurons.share(&all)
        });
        let fresh = Self::new(plan, (self.worker, self.seed), neurons.collect(), now);
        let before = std::mem::replace(self, fresh);
        self.transmitters = before.transmitters;
        (self.deliveries, self.spikes) = (before.deliveries, before.spikes);
    }

    /// Puts a flight that a snapshot found back on its way, from the first stop not before `now`.
    pub(crate) fn rejoin(
        &mut self,
        plan: &Plan,
        projection: ProjectionId,
        emitted: u64,
        emissions: &[Emission],
        now: u64,
    ) {
        let travel = &plan.projections[projection.0 as usize].travel;
        let shard = self.shard(plan);
        let connect = shard.connects[projection.0 as usize].as_ref();
        if self.worker == 0 {
            for &emission in emissions {
                if let Some(end) = travel.ends(emission.index, emitted).filter(|&end| end >= now) {
                    self.departed.push(end, Departed { projection, emitted, emission });
                }
            }
        }
        if let Connect::Rows(rows) = connect
            && rows.delays_ticks().is_empty()
        {
            for &emission in emissions {
                let start = rows.depart(emission, projection.0, emitted);
                if let Some((cursor, due)) = rows.skip(start, now) {
                    self.cursors.push(due, cursor);
                }
            }
            return;
        }
        let waited = now.saturating_sub(emitted);
        let delays = connect.delays_ticks();
        let step = delays.partition_point(|&delay| u64::from(delay) < waited);
        if let Some(&delay) = delays.get(step) {
            let counted = is_counted(travel, self.worker);
            let flight = self.flights.insert(connect, projection, emitted, emissions, counted);
            let stop = Stop { flight, step: crate::sums::to_u32(step) };
            self.stops.push(emitted.saturating_add(delay.into()), stop);
        }
    }
}
