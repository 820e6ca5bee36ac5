//! Spikes in flight: what a source emitted in one tick, on its way along one projection.

use crate::{
    connect::{Connect, Emission, convolution::Place},
    ids::ProjectionId,
};

/// What a source emitted in one tick.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) projection: ProjectionId,
    /// When \[ticks\].
    pub(crate) emitted: u64,
    /// In index order.
    pub(crate) emissions: Vec<Emission>,
    /// What the projection works out once for all stops.
    pub(crate) places: Vec<Place>,
    /// Whether it stands for the same flight on other workers.
    pub(crate) counted: bool,
}

/// All flights. Memory of those that have ended serves the next ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights {
    slots: Vec<Flight>,
    free: Vec<u32>,
    spikes: usize,
}

impl Flights {
    /// Spikes on their way.
    pub(crate) fn spikes(&self) -> usize {
        self.spikes
    }

    pub(crate) fn get(&self, flight: u32) -> &Flight {
        &self.slots[flight as usize]
    }

    pub(crate) fn insert(
        &mut self,
        connect: &Connect,
        projection: ProjectionId,
        emitted: u64,
        emissions: &[Emission],
        counted: bool,
    ) -> u32 {
        self.spikes += if counted { emissions.len() } else { 0 };
        let id = self.free.pop().unwrap_or_else(|| {
            let (emissions, places) = (Vec::new(), Vec::new());
            self.slots.push(Flight { projection, emitted, emissions, places, counted });
            crate::sums::to_u32(self.slots.len() - 1)
        });
        let flight = &mut self.slots[id as usize];
        (flight.projection, flight.emitted, flight.counted) = (projection, emitted, counted);
        flight.emissions.extend_from_slice(emissions);
        connect.place(&flight.emissions, &mut flight.places);
        id
    }

    pub(crate) fn remove(&mut self, flight: u32) {
        let slot = &mut self.slots[flight as usize];
        self.spikes -= if slot.counted { slot.emissions.len() } else { 0 };
        slot.emissions.clear();
        slot.places.clear();
        self.free.push(flight);
    }
}
