//! From the doors into a tick: filters, and what comes to one address at once.

use super::{Excess, Simulation};
use crate::{
    connect::Emission, error::SimulationError, ids::InputId, input::tray::Tray, network::InputPlan,
    time::Tick,
};

impl Simulation {
    /// Takes the events of a tick through the filters: what each port emits, in index order.
    pub(super) fn gather(&mut self, tick: u64) -> Result<(), SimulationError> {
        let end_us = self.own_plan.tick.first_us(Tick(tick).next(), self.options.origin_us);
        self.encode_before(end_us);
        self.begin_sample(tick);
        if self.is_between_samples() {
            self.drop_events(end_us);
            return Ok(());
        }
        for port in 0..self.doors.len() {
            let input = &self.own_plan.inputs[port];
            let (memory, tray) = (&mut self.memories[port], &mut self.trays[port]);
            let events = match &mut self.encodings[port] {
                Some(encoding) => encoding.take_before(end_us),
                None => self.doors[port].take_before(end_us),
            };
            let mut count = 0;
            if input.chain.is_empty() {
                tray.put(events.iter().map(|event| {
                    count += u64::from(event.multiplicity);
                    (event.address, event.multiplicity)
                }));
            } else {
                let filtered = &mut self.counters.events_filtered;
                tray.put(events.iter().filter_map(|event| {
                    count += u64::from(event.multiplicity);
                    let index = input.chain.pass(memory, event.time_us, event.address);
                    *filtered += if index.is_none() { event.multiplicity.into() } else { 0 };
                    Some((index?, event.multiplicity))
                }));
            }
            self.counters.events += count;
            let excess = emit(tray, input, &mut self.emissions[port]);
            if let (Some((address, events)), Excess::Fail) = (excess.first, self.options.excess) {
                let allowed = input.multiplicity_max;
                let port = InputId(u16::try_from(port).expect("ports are bounded"));
                let tick = Tick(tick);
                return Err(SimulationError::Excess { port, tick, address, events, allowed });
            }
            self.counters.events_excess += excess.beyond;
        }
        self.encode_before(end_us);
        Ok(())
    }

    /// Encodes the frames that are ready, as far as it takes to know the first spike from a tick on.
    pub(super) fn encode(&mut self, tick: u64) {
        let from_us = self.own_plan.tick.first_us(Tick(tick), self.options.origin_us);
        self.encode_before(from_us);
    }

    /// Encodes the frames that are ready before a time, and further ones up to the first spike.
    fn encode_before(&mut self, end_us: u64) {
        let ports = self.encodings.iter_mut().zip(&mut self.doors).zip(&self.own_plan.inputs);
        for ((encoding, door), input) in ports {
            if let (Some(encoding), Some(frames)) = (encoding, &input.frames) {
                encoding.fill(frames, door, end_us);
            }
        }
    }
}

/// Events of a tick that a port doesn't allow.
#[derive(Default)]
struct Beyond {
    /// The first address with too many, and how many.
    first: Option<(u32, u64)>,
    /// How many are too many, in all.
    beyond: u64,
}

/// What a port emits of a tick's events, in index order. What it doesn't allow is cut, and told.
fn emit(tray: &mut Tray, input: &InputPlan, emissions: &mut Vec<Emission>) -> Beyond {
    let mut excess = Beyond::default();
    let (allowed, told_beyond) = match input.binary {
        true => (1, u64::MAX),
        false => (input.multiplicity_max, input.multiplicity_max.into()),
    };
    emissions.clear();
    tray.empty(|index, events| {
        if events > told_beyond {
            excess.first.get_or_insert((index, events));
            excess.beyond += events - told_beyond;
        }
        #[expect(clippy::cast_possible_truncation, reason = "no more than is allowed")]
        let multiplicity = events.min(allowed.into()) as u32;
        emissions.push(Emission { index, multiplicity });
    });
    excess
}
