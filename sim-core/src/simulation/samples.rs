//! Samples: a network with a readout on confidence lives in them alone.
//!
//! An event on the readout's port begins one, its decision stops it. Each is what a simulation that
//! begins with it would make of it: neurons, filters, readouts and what is under way are as before
//! tick 0. Weights and parameters that were set stay.

use super::Simulation;
use crate::{readout::Tally, time::Tick};

impl Simulation {
    /// Whether nothing happens until the next sample begins.
    pub(super) fn is_between_samples(&self) -> bool {
        let sampler = self.own_plan.sampler();
        sampler.is_some_and(|(id, _)| match &self.tallies[id] {
            Tally::Confidence(evidence) => evidence.began().is_none(),
            Tally::Vote(_) => false,
        })
    }

    /// Begins a sample with a tick, if an event says so. All ticks before it are over.
    pub(super) fn begin_sample(&mut self, tick: u64) {
        let Some((id, confidence)) = self.own_plan.sampler() else { return };
        let end_us = self.own_plan.tick.first_us(Tick(tick).next(), self.options.origin_us);
        let begins = self.doors[confidence.begins.0 as usize].next_us();
        if begins.is_none_or(|time_us| time_us >= end_us) {
            return;
        }
        let confidence = confidence.clone();
        self.rest(tick);
        if let Tally::Confidence(evidence) = &mut self.tallies[id] {
            evidence.begin(&confidence, tick);
        }
    }

    /// Drops all that is under way, and makes everything as it is before tick 0.
    pub(super) fn rest(&mut self, now: u64) {
        let seed = self.options.seed_of(&self.own_plan);
        self.crew.rest(&self.own_plan, seed, now);
        self.in_flight = 0;
        self.is_ahead_outdated = false;
        let readouts = self.own_plan.readouts.iter();
        self.tallies = readouts.map(|readout| readout.rule.tally()).collect();
        self.memories = self.own_plan.inputs.iter().map(|input| input.chain.memory()).collect();
    }

    /// Takes the events of a tick between two samples, which reach nobody.
    pub(super) fn drop_events(&mut self, end_us: u64) {
        for (door, emissions) in self.doors.iter_mut().zip(&mut self.emissions) {
            emissions.clear();
            let events = door.take_before(end_us);
            let dropped: u64 = events.iter().map(|event| u64::from(event.multiplicity)).sum();
            self.counters.events += dropped;
            self.counters.events_outside_samples += dropped;
        }
    }
}
