//! Running: which tick is next, what happens in it, and what comes out of it.

use super::{Budget, Progress, Simulation};
use crate::{
    connect::Emission,
    crew::TickInput,
    error::SimulationError,
    event::{Decision, Output, Spike},
    readout::Tally,
    time::Tick,
};

impl Simulation {
    /// Runs closed ticks until none is left or the budget is used up. Empty time costs nothing.
    ///
    /// # Errors
    ///
    /// See [`SimulationError`]; the output of every tick before it is whole.
    pub fn advance(&mut self, budget: Budget) -> Result<Progress, SimulationError> {
        self.advance_until(budget, Tick(u64::MAX))
    }

    /// The same, but no tick from `stop` on runs: for looking at neurons in between.
    ///
    /// # Errors
    ///
    /// As [`Self::advance`].
    pub fn advance_until(
        &mut self,
        budget: Budget,
        stop: Tick,
    ) -> Result<Progress, SimulationError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.renew_ahead();
        self.encode(self.now);
        let end = self.closed().min(stop.0);
        let until = self.crew.deliveries().saturating_add(budget.deliveries);
        while let Some(tick) = self.next_due().filter(|&tick| tick < end) {
            if self.crew.is_one() {
                self.run_tick(tick)?;
            } else {
                // A sample stops all workers at once.
                let end = if self.own_plan.sampler().is_some() { tick + 1 } else { end };
                self.run_segment(tick, end)?;
            }
            if self.crew.deliveries() >= until {
                return Ok(Progress::More);
            }
        }
        self.now = self.now.max(end);
        Ok(Progress::Idle)
    }

    /// One worker runs one tick.
    fn run_tick(&mut self, tick: u64) -> Result<(), SimulationError> {
        if let Err(error) = self.gather(tick) {
            return Err(self.fail(tick, error));
        }
        if self.is_between_samples() {
            self.now = tick + 1;
            return Ok(());
        }
        let partition = self.crew.only();
        partition.step(&self.own_plan, tick, &self.emissions);
        self.in_flight = partition.in_flight(tick + 1);
        let first = self.outputs.len();
        for id in 0..self.own_plan.populations.len() {
            if self.crew.only().populations[id].fired.is_empty() {
                continue;
            }
            let fired = std::mem::take(&mut self.crew.only().populations[id].fired);
            self.collect(id, tick, &fired);
            self.crew.only().populations[id].fired = fired;
        }
        self.end_tick(tick, first);
        self.now = tick + 1;
        self.check_in_flight(tick)
    }

    /// All workers run some ticks from `tick` on, as far as `end`.
    fn run_segment(&mut self, tick: u64, end: u64) -> Result<(), SimulationError> {
        let mut end = self.crew.segment_end(&self.own_plan, tick, end, self.free_in_flight());
        let mut inputs = Vec::new();
        let mut failed = None;
        while let Some(due) = self.next_event().filter(|&due| due < end) {
            if let Err(error) = self.gather(due) {
                (end, failed) = (due, Some(error));
                break;
            }
            inputs.push(TickInput { tick: due, emissions: self.emissions.clone() });
        }
        if self.is_between_samples() {
            self.now = end;
        } else if tick < end {
            self.crew.run(&self.own_plan, tick, end, inputs);
            self.merge(tick, end);
            self.in_flight = self.crew.in_flight(end);
            self.now = end;
        }
        match failed {
            Some(error) => Err(self.fail(end, error)),
            None => self.check_in_flight(end - 1),
        }
    }

    /// Puts together, tick by tick, what the workers fired in a segment.
    fn merge(&mut self, from: u64, end: u64) {
        let mut records = self.crew.take_records();
        let mut at = 0;
        let mut fired = Vec::new();
        let mut from = from;
        loop {
            let decided = self.tallies.iter().filter_map(Tally::next_due).min();
            let recorded = records.get(at).map(|record| record.tick);
            let next = decided.into_iter().chain(recorded).min();
            let Some(tick) = next.filter(|&tick| tick < end) else { break };
            debug_assert!(tick >= from, "nothing is decided late");
            from = tick;
            let first = self.outputs.len();
            while let Some(record) = records.get(at).filter(|record| record.tick == tick) {
                let population = record.population;
                fired.clear();
                while let Some(record) = records
                    .get(at)
                    .filter(|record| record.tick == tick && record.population == population)
                {
                    fired.extend_from_slice(self.crew.fired(record));
                    at += 1;
                }
                self.collect(population, tick, &fired);
            }
            self.end_tick(tick, first);
        }
        records.clear();
        self.crew.recycle(records);
    }

    fn fail(&mut self, tick: u64, error: SimulationError) -> SimulationError {
        self.now = tick;
        self.failed = Some(error.clone());
        error
    }

    fn free_in_flight(&self) -> usize {
        self.options.in_flight_max.saturating_sub(self.in_flight)
    }

    /// The first tick that isn't closed.
    fn closed(&self) -> u64 {
        let tick = self.own_plan.tick;
        let ports = self.doors.iter().zip(&self.encodings).zip(&self.own_plan.inputs);
        let closed = ports.map(|((door, encoding), input)| {
            let closed_us = match (encoding, &input.frames) {
                (Some(encoding), Some(frames)) => encoding.closed_us(frames, door),
                _ => door.promise_us,
            };
            tick.closed_by(closed_us, self.options.origin_us).0
        });
        closed.min().unwrap_or(self.horizon)
    }

    /// The first tick in which anything happens.
    fn next_due(&self) -> Option<u64> {
        if self.is_between_samples() {
            return self.next_event();
        }
        let event = self.next_event();
        // Nothing can be earlier, and most ticks of a busy stream have events.
        if event == Some(self.now) {
            return event;
        }
        let readouts = self.tallies.iter().filter_map(Tally::next_due);
        let neurons = self.crew.next_due(&self.own_plan, self.now);
        event.into_iter().chain(readouts).chain(neurons).min()
    }

    /// The tick of the first event that is ready.
    fn next_event(&self) -> Option<u64> {
        let tick_of = |time_us| self.own_plan.tick.tick_of(time_us, self.options.origin_us);
        let ports = self.doors.iter().zip(&self.encodings);
        let first_us = ports.filter_map(|(door, encoding)| match encoding {
            Some(encoding) => encoding.next_us(),
            None => door.next_us(),
        });
        first_us.filter_map(tick_of).map(|tick| tick.0).min()
    }

    /// Ends a tick: lets the readouts decide, and orders what came out since `first`.
    #[inline]
    fn end_tick(&mut self, tick: u64, first: usize) {
        if !self.tallies.is_empty() || self.outputs.len() > first {
            self.decide(tick, first);
        }
    }

    fn decide(&mut self, tick: u64, first: usize) {
        let mut is_stopped = false;
        for (readout, tally) in self.own_plan.readouts.iter().zip(&mut self.tallies) {
            let Some(outcome) = tally.decide(&readout.rule, tick) else { continue };
            is_stopped |= outcome.verdict.is_some();
            let decision = |&port| {
                Output::Decision(Decision {
                    tick: Tick(tick),
                    rank: readout.rank,
                    port,
                    class: outcome.class,
                    votes: outcome.votes,
                    votes_total: outcome.total,
                    verdict: outcome.verdict,
                })
            };
            self.outputs.extend(readout.ports.iter().map(decision));
        }
        let outputs = &mut self.outputs[first..];
        if !outputs.is_sorted_by_key(Output::order) {
            outputs.sort_by_key(Output::order);
        }
        if is_stopped {
            self.rest(tick + 1);
        }
    }

    /// Hands what a population fired in a tick to its ports and readouts.
    fn collect(&mut self, id: usize, tick: u64, fired: &[Emission]) {
        let population = &self.own_plan.populations[id];
        for &(port, first_address) in &population.ports {
            let spike = |each: &Emission| {
                Output::Spike(Spike {
                    tick: Tick(tick),
                    rank: population.emits,
                    port,
                    address: first_address + each.index,
                    multiplicity: each.multiplicity,
                })
            };
            self.outputs.extend(fired.iter().map(spike));
        }
        for readout in &population.readouts {
            let rule = &self.own_plan.readouts[readout.0 as usize].rule;
            self.tallies[readout.0 as usize].add(rule, tick, fired);
        }
    }

    fn check_in_flight(&self, tick: u64) -> Result<(), SimulationError> {
        let (in_flight, cap) = (self.in_flight, self.options.in_flight_max);
        if in_flight > cap {
            return Err(SimulationError::InFlight { tick: Tick(tick), in_flight, cap });
        }
        Ok(())
    }
}
