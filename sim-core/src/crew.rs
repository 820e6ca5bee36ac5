//! The workers of one simulation: one alone, or threads that run side by side.
//!
//! Time is cut into segments. Within one, each worker runs its partition on its own thread, as far
//! ahead of the others as delays allow, and they exchange emissions through rings. Between two, all
//! partitions are at home: that is when input is gathered, output put together, silence skipped and
//! a snapshot taken. How time is cut changes no result.

mod segment;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use segment::{Done, Task};
pub(crate) use segment::{Record, TickInput};

use crate::{
    connect::Emission,
    exchange::threads::{Threads, threads},
    ids::{PopulationId, ProjectionId},
    network::Plan,
    neuron::{Model, Neurons},
    partition::Partition,
    simulation::Counters,
};

/// Emissions that wait between two workers.
const RING_CAPACITY: usize = 4_096;
/// The shortest and the longest segment, in lookaheads.
const SEGMENT_MIN: u64 = 1;
const SEGMENT_MAX: u64 = 1_024;

/// What is in flight, by projection and tick of emission.
pub(crate) type Flights = BTreeMap<(ProjectionId, u64), Vec<Emission>>;

/// All workers of a simulation.
#[derive(Debug)]
pub(crate) struct Crew {
    partitions: Vec<Partition>,
    /// Threads of all workers but the first, which the caller's own runs; started when needed.
    threads: Vec<Thread>,
    /// The workers' ends of the exchange; empty until needed.
    ends: Vec<Threads>,
    /// What each worker fired in the last segment.
    fired: Vec<Vec<Emission>>,
    records: Vec<Record>,
    /// Length of the next segment, in lookaheads.
    segment: u64,
}

#[derive(Debug)]
struct Thread {
    tasks: Option<SyncSender<Task>>,
    done: Receiver<Done>,
    handle: Option<JoinHandle<()>>,
}

impl Crew {
    /// Every neuron as it is before tick 0.
    pub(crate) fn at_start(plan: &Plan, seed: u64) -> Self {
        Self::of((0..plan.workers()).map(|worker| at_rest(plan, seed, worker, 0)).collect())
    }

    /// Makes every neuron at the start of a tick as it is before tick 0, and drops what is in flight.
    pub(crate) fn rest(&mut self, plan: &Plan, seed: u64, now: u64) {
        for (worker, partition) in self.partitions.iter_mut().enumerate() {
            let (deliveries, spikes) = (partition.deliveries, partition.spikes);
            *partition = at_rest(plan, seed, worker, now);
            (partition.deliveries, partition.spikes) = (deliveries, spikes);
        }
    }

    /// Neurons as a snapshot found them, nothing in flight yet.
    pub(crate) fn restored(
        plan: &Plan,
        seed: u64,
        neurons: &[Neurons],
        now: u64,
        counters: &Counters,
    ) -> Self {
        let partition = |worker: usize| {
            let shares = neurons.iter().zip(&plan.shards[worker].populations);
            let share =
                |(neurons, share): (&Neurons, &crate::network::Share)| neurons.share(&share.range);
            Partition::new(plan, (worker, seed), shares.map(share).collect(), now)
        };
        let mut crew = Self::of((0..plan.workers()).map(partition).collect());
        crew.partitions[0].deliveries = counters.deliveries;
        crew.partitions[0].spikes = counters.spikes;
        crew
    }

    fn of(partitions: Vec<Partition>) -> Self {
        Self {
            fired: vec![Vec::new(); partitions.len()],
            partitions,
            threads: Vec::new(),
            ends: Vec::new(),
            records: Vec::new(),
            segment: SEGMENT_MIN,
        }
    }

    /// Whether there is nobody to exchange anything with.
    pub(crate) fn is_one(&self) -> bool {
        self.partitions.len() == 1
    }

    /// The partition of the only worker.
    pub(crate) fn only(&mut self) -> &mut Partition {
        &mut self.partitions[0]
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = &Partition> + Clone {
        self.partitions.iter()
    }

    /// The partitions, all at home.
    pub(crate) fn partitions_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.partitions.iter_mut()
    }

    /// Synaptic events so far.
    pub(crate) fn deliveries(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.deliveries).sum()
    }

    /// Spikes so far, each crossing counted.
    pub(crate) fn spikes(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.spikes).sum()
    }

    /// Spikes on their way at the start of a tick.
    pub(crate) fn in_flight(&mut self, tick: u64) -> usize {
        self.partitions.iter_mut().map(|partition| partition.in_flight(tick)).sum()
    }

    /// The first tick, not before `from`, at which a neuron has something to do.
    pub(crate) fn next_due(&self, plan: &Plan, from: u64) -> Option<u64> {
        self.partitions.iter().filter_map(|partition| partition.next_due(plan, from)).min()
    }

    /// What is in flight, by projection and tick of emission.
    pub(crate) fn flights(&self) -> Flights {
        let mut flights = Flights::new();
        for partition in &self.partitions {
            partition.each_in_flight(|projection, emitted, emissions| {
                flights.entry((projection, emitted)).or_default().extend_from_slice(emissions);
            });
        }
        // One state has one order, whatever the calendar's own.
        flights.values_mut().for_each(|emissions| emissions.sort_unstable());
        flights
    }

    /// Works out anew, at the start of a tick, all that follows from neurons and spikes in flight.
    pub(crate) fn restart(&mut self, plan: &Plan, now: u64) {
        let flights = self.flights();
        self.partitions.iter_mut().for_each(|partition| partition.restart(plan, now));
        for ((projection, emitted), emissions) in flights {
            self.rejoin(plan, projection, emitted, &emissions, now);
        }
    }

    /// Brings the neurons of a population, before a tick, to another model.
    pub(crate) fn change_model(&mut self, plan: &Plan, id: PopulationId, to: &Model, now: u64) {
        let id = id.0 as usize;
        for (partition, shard) in self.partitions.iter_mut().zip(&plan.shards) {
            let first = shard.populations[id].range.start;
            let neurons = &mut partition.populations[id].neurons;
            neurons.change_model(&plan.populations[id].model, to, first, now);
        }
    }

    /// Makes the neurons of a population, whose state is one of a model already, fit it.
    pub(crate) fn take_up_model(&mut self, id: PopulationId, model: &Model) {
        for partition in &mut self.partitions {
            partition.populations[id.0 as usize].neurons.take_up_model(model);
        }
    }

    /// Puts a flight that a snapshot found back on its way.
    pub(crate) fn rejoin(
        &mut self,
        plan: &Plan,
        projection: ProjectionId,
        emitted: u64,
        emissions: &[Emission],
        now: u64,
    ) {
        for partition in &mut self.partitions {
            partition.rejoin(plan, projection, emitted, emissions, now);
        }
    }

    /// Where a segment from a tick on ends: so soon that spikes in flight can't pass their cap in
    /// it unseen.
    pub(crate) fn segment_end(&self, plan: &Plan, tick: u64, end: u64, free: usize) -> u64 {
        let lookahead = plan.lookahead.iter().flatten().copied().min().unwrap_or(u64::MAX);
        let ticks = lookahead.saturating_mul(self.segment).min(1 << 20);
        let safe = (free as u64 / plan.emissions_max.max(1)).max(1);
        end.min(tick.saturating_add(ticks.min(safe)))
    }

    /// Runs all partitions from a tick to another. What they fired is then in the records.
    pub(crate) fn run(&mut self, plan: &Arc<Plan>, start: u64, end: u64, inputs: Vec<TickInput>) {
        self.start_threads(plan);
        let inputs = Arc::new(inputs);
        let mut tasks = Vec::new();
        let fired = self.fired.drain(..);
        for ((partition, exchange), fired) in
            self.partitions.drain(..).zip(self.ends.drain(..)).zip(fired)
        {
            let (plan, inputs) = (Arc::clone(plan), Arc::clone(&inputs));
            tasks.push(Task { plan, inputs, partition, exchange, start, end, fired });
        }
        let mut tasks = tasks.into_iter();
        let own = tasks.next().expect("at least one worker");
        for (thread, task) in self.threads.iter().zip(tasks) {
            let tasks = thread.tasks.as_ref().expect("open until the crew is dropped");
            tasks.send(task).expect("a worker lives as long as its crew");
        }
        let own = own.run();
        let mut busy = own.busy;
        self.take_home(own);
        for worker in 0..self.threads.len() {
            match self.threads[worker].done.recv() {
                Ok(done) => {
                    busy |= done.busy;
                    self.take_home(done);
                }
                Err(_) => self.pass_panic_on(worker),
            }
        }
        self.records.sort_by_key(|record| (record.tick, record.order, record.worker));
        let factor = if busy { self.segment * 2 } else { SEGMENT_MIN };
        self.segment = factor.min(SEGMENT_MAX);
    }

    fn take_home(&mut self, mut done: Done) {
        self.records.append(&mut done.records);
        self.fired.push(done.fired);
        self.partitions.push(done.partition);
        self.ends.push(done.exchange);
    }

    /// A worker's thread has panicked: so does its crew.
    fn pass_panic_on(&mut self, worker: usize) -> ! {
        let handle = self.threads[worker].handle.take().expect("joined once");
        match handle.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("a worker ends only when its crew is dropped"),
        }
    }

    fn start_threads(&mut self, plan: &Plan) {
        if !self.ends.is_empty() {
            return;
        }
        self.ends = threads(&plan.lookahead, RING_CAPACITY);
        self.threads = (1..plan.workers()).map(Thread::start).collect();
    }

    /// What was fired in the last segment, by (tick, population in rank order, worker).
    pub(crate) fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// Keeps the records' memory.
    pub(crate) fn recycle(&mut self, records: Vec<Record>) {
        self.records = records;
    }

    /// What a record tells of.
    pub(crate) fn fired(&self, record: &Record) -> &[Emission] {
        &self.fired[record.worker][record.fired.clone()]
    }
}

/// A partition at the start of a tick, with neurons as they are before tick 0.
fn at_rest(plan: &Plan, seed: u64, worker: usize, now: u64) -> Partition {
    let shares = plan.populations.iter().zip(&plan.shards[worker].populations);
    let neurons =
        shares.map(|(population, share)| population.model.at_start(&share.range, seed, now));
    Partition::new(plan, (worker, seed), neurons.collect(), now)
}

impl Thread {
    fn start(worker: usize) -> Self {
        let (tasks, received) = sync_channel::<Task>(1);
        let (send, done) = sync_channel(1);
        let work = move || {
            while let Ok(task) = received.recv() {
                if send.send(task.run()).is_err() {
                    return;
                }
            }
        };
        let name = format!("spiked-worker-{worker}");
        let handle = std::thread::Builder::new().name(name).spawn(work);
        let handle = Some(handle.expect("the system lets a worker's thread start"));
        Self { tasks: Some(tasks), done, handle }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(handle) = self.handle.take() {
            // A panic has been passed on already, or is on its way up.
            let _ = handle.join();
        }
    }
}

impl Clone for Crew {
    /// The same state; threads of its own start when it runs.
    fn clone(&self) -> Self {
        Self::of(self.partitions.clone())
    }
}
