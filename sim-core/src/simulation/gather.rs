//! From the doors into a tick: filters, and what comes to one address at once.

use super::{Excess, Simulation};
use crate::{
    connect::Emission, error::SimulationError, ids::InputId, network::InputPlan, time::Tick,
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
            let (memory, emissions) = (&mut self.memories[port], &mut self.emissions[port]);
            emissions.clear();
            let events = match &mut self.encodings[port] {
                Some(encoding) => encoding.take_before(end_us),
                None => self.doors[port].take_before(end_us),
            };
            for event in events {
                let count = u64::from(event.multiplicity);
                self.counters.events += count;
                match input.chain.pass(memory, event.time_us, event.address) {
                    Some(index) => {
                        emissions.push(Emission { index, multiplicity: event.multiplicity });
                    }
                    None => self.counters.events_filtered += count,
                }
            }
            let excess = merge(emissions, input);
            let first = excess.first();
            if let (Some(&(address, events)), Excess::Fail) = (first, self.options.excess) {
                let allowed = input.multiplicity_max;
                let port = InputId(u16::try_from(port).expect("ports are bounded"));
                let tick = Tick(tick);
                return Err(SimulationError::Excess { port, tick, address, events, allowed });
            }
            let beyond = |&(_, events): &(u32, u64)| events - u64::from(input.multiplicity_max);
            self.counters.events_excess += excess.iter().map(beyond).sum::<u64>();
        }
        self.encode(tick + 1);
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

/// Sorts a tick's emissions by index and adds up those of one index; what a port doesn't allow is
/// cut, and returned with the number of events there.
fn merge(emissions: &mut Vec<Emission>, input: &InputPlan) -> Vec<(u32, u64)> {
    // As one number: a tick's few emissions are sorted without a branch an element.
    emissions
        .sort_unstable_by_key(|each| (u64::from(each.index) << 32) | u64::from(each.multiplicity));
    let mut excess = Vec::new();
    let mut kept = 0;
    let mut at = 0;
    while at < emissions.len() {
        let index = emissions[at].index;
        let mut events = 0;
        while let Some(each) = emissions.get(at).filter(|each| each.index == index) {
            events += u64::from(each.multiplicity);
            at += 1;
        }
        let allowed = if input.binary { 1 } else { input.multiplicity_max };
        if !input.binary && events > u64::from(allowed) {
            excess.push((index, events));
        }
        let multiplicity = u32::try_from(events).unwrap_or(u32::MAX).min(allowed);
        emissions[kept] = Emission { index, multiplicity };
        kept += 1;
    }
    emissions.truncate(kept);
    excess
}
