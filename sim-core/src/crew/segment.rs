//! One worker's run through one segment of time.

use std::{ops::Range, sync::Arc};

use crate::{
    connect::Emission,
    exchange::{Abandoned, Exchange, Remote, threads::Threads},
    ids::{PopulationId, SourceId},
    network::Plan,
    partition::{Emitter, Partition},
};

/// What the input ports emit in a tick.
#[derive(Clone, Debug)]
pub(crate) struct TickInput {
    pub(crate) tick: u64,
    /// By port.
    pub(crate) emissions: Vec<Vec<Emission>>,
}

/// What a worker's share of a population fired in a tick.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) tick: u64,
    /// The population's place in the order of evaluation.
    pub(crate) order: u16,
    pub(crate) population: usize,
    pub(crate) worker: usize,
    /// Where it lies in what the worker fired.
    pub(crate) fired: Range<usize>,
}

/// A partition, sent out to run ticks `start..end`.
pub(super) struct Task {
    pub(super) plan: Arc<Plan>,
    pub(super) inputs: Arc<Vec<TickInput>>,
    pub(super) partition: Partition,
    pub(super) exchange: Threads,
    pub(super) start: u64,
    pub(super) end: u64,
    /// Memory for what will be fired.
    pub(super) fired: Vec<Emission>,
}

/// A partition come home.
pub(super) struct Done {
    pub(super) partition: Partition,
    pub(super) exchange: Threads,
    pub(super) fired: Vec<Emission>,
    pub(super) records: Vec<Record>,
    /// Something happened in most of the segment.
    pub(super) busy: bool,
}

/// A task under way.
struct Run {
    task: Task,
    /// From other workers, for ticks that this one hasn't reached.
    early: Vec<Remote>,
    records: Vec<Record>,
    /// Ticks in which something happened.
    ticks: u64,
    /// Position in the inputs.
    input: usize,
}

impl Task {
    pub(super) fn run(mut self) -> Done {
        self.fired.clear();
        let ticks = self.end - self.start;
        let mut run =
            Run { task: self, early: Vec::new(), records: Vec::new(), ticks: 0, input: 0 };
        // Whoever left the others alone has panicked, and that is what is passed on.
        let Ok(()) = run.run() else { panic!("another worker of the simulation panicked") };
        let Run { task, records, ticks: used, .. } = run;
        let Self { partition, exchange, fired, .. } = task;
        Done { partition, exchange, fired, records, busy: used * 2 > ticks }
    }
}

impl Run {
    fn run(&mut self) -> Result<(), Abandoned> {
        let (mut tick, end) = (self.task.start, self.task.end);
        self.task.exchange.publish(tick);
        while tick < end {
            let early = &mut self.early;
            let limit = self.task.exchange.receive(tick, end, |remote| early.push(remote))?;
            while tick < limit {
                tick = self.depart_early(tick).min(limit);
                if tick < limit {
                    self.step(tick)?;
                    tick += 1;
                }
                self.task.exchange.publish(tick);
            }
        }
        let early = &mut self.early;
        self.task.exchange.finish(end, |remote| early.push(remote))?;
        self.depart_early(end);
        Ok(())
    }

    /// Sends what others emitted up to a tick on its way; returns the next tick, from this one on,
    /// in which something happens.
    fn depart_early(&mut self, tick: u64) -> u64 {
        let Task { plan, partition, inputs, .. } = &mut self.task;
        let mut waiting = u64::MAX;
        self.early.retain(|remote| {
            if remote.tick > tick {
                waiting = waiting.min(remote.tick);
                return true;
            }
            let source = SourceId::Population(PopulationId(remote.population));
            let emission = Emission { index: remote.index, multiplicity: remote.multiplicity };
            let emitter = Emitter::Elsewhere;
            partition.depart(plan, source, remote.tick, &[emission], emitter, tick);
            false
        });
        let input = inputs.get(self.input).map_or(u64::MAX, |input| input.tick);
        let due = partition.next_due(plan, tick).unwrap_or(u64::MAX);
        due.min(input).min(waiting)
    }

    fn step(&mut self, tick: u64) -> Result<(), Abandoned> {
        let Task { plan, partition, inputs, exchange, fired, .. } = &mut self.task;
        let input = inputs.get(self.input).filter(|input| input.tick == tick);
        let emissions = input.map_or(&[][..], |input| &input.emissions);
        partition.step(plan, tick, emissions);
        self.input += usize::from(input.is_some());
        self.ticks += 1;
        let worker = partition.worker;
        for (order, &PopulationId(id)) in (0..).zip(&plan.order) {
            let population = usize::from(id);
            let new = &partition.populations[population].fired;
            if new.is_empty() {
                continue;
            }
            for &to in &plan.audience[worker][population] {
                for &Emission { index, multiplicity } in new {
                    exchange.send(to, Remote { tick, index, multiplicity, population: id })?;
                }
            }
            if plan.populations[population].is_observed() {
                let first = fired.len();
                fired.extend_from_slice(new);
                let fired = first..fired.len();
                self.records.push(Record { tick, order, population, worker, fired });
            }
        }
        Ok(())
    }
}
