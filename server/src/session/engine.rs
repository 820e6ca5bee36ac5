//! The simulating end of a session: a value that simulation threads advance, turn by turn.
//!
//! A turn applies all input that has arrived, runs closed ticks up to a budget, and hands output
//! to the host. Input is applied even while the outbox is full (credit bounds it), so that a
//! snapshot never waits for a reader; only simulating stops. Invariant: `closed` is published
//! after the output below it went into the outbox.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use sim_core::{
    Budget, Counters, InputId, Options, Plan, Progress, Simulation, SimulationError, Tick,
};
use spiked_proto::v1::{self, stream_response::Message};

use super::{
    chunk::{Chunk, Op},
    host::Latencies,
    link::{Input, Link, Over},
    output::{Encoder, Item},
    probing::Probe,
    snapshot::{Ending, Frozen},
};

/// Synaptic deliveries between two looks at the clock.
const SLICE_DELIVERIES: u64 = 16_384;
/// Ticks that a network without inputs runs at once, between two looks at the clock.
const STRIDE_TICKS: u64 = 100;
/// Readings of probes in one turn.
const READINGS_MAX: usize = 4_096;
/// Processor time after which others have their turn: sixty-four busy sessions hold up a quiet one by
/// a few hundredths of a second.
const TURN_MAX: Duration = Duration::from_micros(500);

/// What a session wants after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Another turn.
    More,
    /// To be woken.
    Idle,
    /// Nothing: it is over.
    Over,
}

/// A session's simulation with what goes around it.
pub(crate) struct Engine {
    link: Arc<Link>,
    plan: Arc<Plan>,
    options: Options,
    /// From when the origin is known.
    simulation: Option<Simulation>,
    /// Events given to the simulation.
    applied: u64,
    /// The last promise \[µs\].
    promise_us: u64,
    /// Pieces of input taken from the ring.
    pieces: u64,
    ending: Ending,
    encoder: Encoder,
    /// Messages that the outbox has no room for.
    unsent: VecDeque<Item>,
    probes: Vec<Probe>,
    /// How long turns take.
    turns: Latencies,
    /// Until what was simulated before has been made again, where the input that it came of ends
    /// \[µs\].
    again_until_us: Option<u64>,
    /// It has come to its end, but for saying so.
    finished: Option<v1::EndReason>,
}

/// Where an engine starts.
pub(crate) struct Start {
    pub(crate) simulation: Option<Simulation>,
    pub(crate) applied: u64,
    pub(crate) promise_us: u64,
    pub(crate) output_position: u64,
    pub(crate) ending: Ending,
    /// A journal's input comes first, up to here \[µs\].
    pub(crate) again_until_us: Option<u64>,
}

impl Engine {
    /// The engine of a session.
    pub(super) fn new(link: Arc<Link>, plan: Arc<Plan>, options: Options, start: Start) -> Self {
        let engine = Self {
            encoder: Encoder::new(plan.tick(), start.output_position),
            link,
            plan,
            options,
            simulation: start.simulation,
            applied: start.applied,
            promise_us: start.promise_us,
            pieces: 0,
            ending: start.ending,
            unsent: VecDeque::new(),
            probes: Vec::new(),
            turns: Latencies::default(),
            again_until_us: start.again_until_us,
            finished: None,
        };
        engine.know_origin();
        if let Some(simulation) = &engine.simulation {
            engine.link.simulated.set_past(&simulation.counters());
        }
        engine.publish();
        engine
    }

    pub(super) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// One turn, and what it cost.
    pub(super) fn turn(&mut self) -> Turn {
        let (began, since) = (thread_time(), Instant::now());
        let turn = self.take_turn(began + TURN_MAX);
        self.turns.record(since, &self.link.measured.core);
        let spent = thread_time().saturating_sub(began);
        self.link.simulated.spent(u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX));
        // Last: whoever hears of the end finds all that was counted.
        if let Some(reason) = self.finished {
            self.link.end(Over::Finished(reason));
        }
        self.link.host.wake();
        turn
    }

    fn take_turn(&mut self, until: Duration) -> Turn {
        if self.link.over().is_some() {
            return Turn::Over;
        }
        self.probes.retain(|probe| !probe.is_gone());
        let all_taken = match self.take_input(until) {
            Ok(all_taken) => all_taken,
            Err(error) => {
                self.fail(error);
                true
            }
        };
        let fits = self.flush();
        let turn = match self.ending {
            _ if !fits => Turn::Idle,
            Ending::Told(reason) => return self.finish(reason),
            _ => self.simulate(until, all_taken),
        };
        // Input is taken while nothing can be simulated, too: whoever asks for the state need not
        // wait for a reader.
        if turn == Turn::Idle && !all_taken { Turn::More } else { turn }
    }

    /// Runs closed ticks, and says what came of it.
    fn simulate(&mut self, until: Duration, all_taken: bool) -> Turn {
        let mut progress = Progress::Idle;
        while let Some(simulation) = &mut self.simulation {
            let stop = again_until(simulation, self.again_until_us);
            match advance(simulation, self.promise_us, stop, &mut self.probes, until) {
                Ok(made) => progress = made,
                Err(error) => {
                    progress = Progress::Idle;
                    self.emit();
                    self.fail(refusal(reason(&error), error.to_string()));
                }
            }
            self.count_again();
            if progress == Progress::Idle || thread_time() >= until {
                break;
            }
        }
        self.emit();
        if progress == Progress::Idle && all_taken {
            self.tell_end();
        }
        let fits = self.flush();
        match (progress, self.ending) {
            _ if !fits => Turn::Idle,
            (_, Ending::Told(reason)) => self.finish(reason),
            (Progress::More, _) => Turn::More,
            (Progress::Idle, _) => {
                if all_taken {
                    self.link.simulated.settle(self.pieces);
                }
                Turn::Idle
            }
        }
    }

    /// Applies what has arrived, as long as there is time; true if that was everything.
    fn take_input(&mut self, until: Duration) -> Result<bool, v1::Error> {
        while let Some(input) = self.link.pop_input() {
            self.pieces += 1;
            match input {
                Input::Chunk(chunk) => {
                    let applied = self.apply(&chunk);
                    self.link.recycle(chunk);
                    applied?;
                    if thread_time() >= until {
                        return Ok(false);
                    }
                }
                Input::Latencies { mut latencies, reply } => {
                    latencies.core = self.turns.to_bytes().into();
                    let _ = reply.send(latencies);
                }
                Input::Probe(probe) => self.probes.push(*probe),
                Input::Snapshot { protocol, reply } => {
                    self.emit();
                    // Whoever asked may have left.
                    let _ = reply.send(self.freeze(protocol));
                }
            }
        }
        Ok(true)
    }

    fn apply(&mut self, chunk: &Chunk) -> Result<(), v1::Error> {
        let mut rest = chunk.events.as_slice();
        for op in &chunk.ops {
            match *op {
                Op::Origin { time_us } => {
                    self.options.origin_us = time_us;
                    let options = self.options.clone();
                    self.simulation = Some(Simulation::new(self.plan.clone(), options));
                    self.know_origin();
                }
                Op::Events { port, count } => {
                    let (events, behind) = rest.split_at(count);
                    rest = behind;
                    if let Some(simulation) = &mut self.simulation {
                        let offered = simulation.offer(port, events);
                        offered
                            .map_err(|error| refusal(v1::Reason::Unspecified, error.to_string()))?;
                        self.applied += count as u64;
                    }
                }
                Op::Promise { time_us } => self.promise(time_us)?,
                Op::End { run_to_us, failed } => {
                    if let Some(time_us) = run_to_us {
                        self.promise(time_us)?;
                    }
                    self.ending = if failed { Ending::Failed } else { Ending::Completed };
                }
            }
        }
        Ok(())
    }

    fn promise(&mut self, time_us: u64) -> Result<(), v1::Error> {
        self.promise_us = self.promise_us.max(time_us);
        let Some(simulation) = &mut self.simulation else {
            return Ok(());
        };
        for port in 0..self.plan.inputs().len() {
            let port = InputId(u16::try_from(port).unwrap_or(u16::MAX));
            let promised = simulation.promise(port, time_us);
            promised.map_err(|error| refusal(v1::Reason::Unspecified, error.to_string()))?;
        }
        Ok(())
    }

    /// Encodes what the core has put out, for the reader and the watchers.
    fn emit(&mut self) {
        let Some(simulation) = &mut self.simulation else {
            return;
        };
        let (closed, origin_us) = (simulation.simulated_to(), simulation.origin_us());
        let before = self.unsent.len();
        let safe = self.link.simulated.closed();
        let unsent = &mut self.unsent;
        self.encoder.encode(simulation.outputs().drain(..), origin_us, |message| {
            unsent.push_back(Item { message: Arc::new(message), closed: safe });
        });
        if let Some(last) = self.unsent.iter_mut().skip(before).next_back() {
            last.closed = closed;
        }
    }

    /// Moves messages into the outbox; false if some are left.
    fn flush(&mut self) -> bool {
        while let Some(item) = self.unsent.pop_front() {
            if let Err(item) = self.link.push_output(item) {
                self.unsent.push_front(item);
                return false;
            }
        }
        self.publish();
        true
    }

    fn publish(&self) {
        let simulated = &self.link.simulated;
        simulated.set_output(self.encoder.position());
        match &self.simulation {
            Some(simulation) => {
                let closed = simulation.simulated_to();
                simulated.publish(&simulation.counters(), self.applied, closed);
            }
            None => simulated.publish(&Counters::default(), self.applied, Tick(0)),
        }
    }

    fn know_origin(&self) {
        if let Some(simulation) = &self.simulation {
            let _ = self.link.origin_us.set(simulation.origin_us());
        }
    }

    /// The simulation cannot go on.
    fn fail(&mut self, error: v1::Error) {
        if matches!(self.ending, Ending::Told(_)) {
            return;
        }
        let closed = self.closed();
        self.unsent.push_back(Item { message: Arc::new(Message::Error(error)), closed });
        self.ending = Ending::Failed;
        self.tell_end();
    }

    /// Everything that will be simulated has been.
    fn tell_end(&mut self) {
        self.ending = match self.ending {
            Ending::Open | Ending::Told(_) => return,
            Ending::Completed => Ending::Told(v1::EndReason::Completed),
            Ending::Failed => Ending::Told(v1::EndReason::Failed),
        };
    }

    fn closed(&self) -> Tick {
        self.simulation.as_ref().map_or(Tick(0), Simulation::simulated_to)
    }

    fn finish(&mut self, reason: v1::EndReason) -> Turn {
        self.finished = Some(reason);
        Turn::Over
    }

    /// What is made again of a journal is no news.
    fn count_again(&mut self) {
        let (Some(_), Some(simulation)) = (self.again_until_us, &self.simulation) else {
            return;
        };
        self.link.simulated.set_past(&simulation.counters());
        if simulation.simulated_to() >= again_until(simulation, self.again_until_us) {
            self.again_until_us = None;
        }
    }

    fn freeze(&self, protocol: Vec<u8>) -> Frozen {
        Frozen {
            core: self.simulation.as_ref().map(Simulation::snapshot),
            protocol,
            output_position: self.encoder.position(),
            applied: self.applied,
            ending: self.ending,
            simulated_to: self.closed(),
        }
    }
}

/// The tick at which everything that was simulated before has been made again.
fn again_until(simulation: &Simulation, time_us: Option<u64>) -> Tick {
    let closed = |time_us| simulation.plan().tick().closed_by(time_us, simulation.origin_us());
    time_us.map_or(Tick(u64::MAX), closed)
}

/// Runs closed ticks for a turn, and looks at neurons where somebody asked to; returns at `stop`,
/// too. Where there are no inputs to hold promises, those below `promise_us` are closed.
fn advance(
    simulation: &mut Simulation,
    promise_us: u64,
    stop: Tick,
    probes: &mut [Probe],
    until: Duration,
) -> Result<Progress, SimulationError> {
    if simulation.plan().inputs().is_empty() {
        return advance_alone(simulation, promise_us, stop, probes, until);
    }
    let end = simulation.plan().tick().closed_by(promise_us, simulation.origin_us());
    advance_to(simulation, end, stop, probes)
}

/// As far as `end`, stopping for each reading of a probe, and returning at `stop`.
fn advance_to(
    simulation: &mut Simulation,
    end: Tick,
    stop: Tick,
    probes: &mut [Probe],
) -> Result<Progress, SimulationError> {
    let budget = Budget { deliveries: SLICE_DELIVERIES };
    for _ in 0..READINGS_MAX {
        let now = simulation.simulated_to();
        let due = probes.iter_mut().map(|probe| probe.due(now)).fold(stop, Tick::min);
        if simulation.advance_until(budget, due)? == Progress::More {
            return Ok(Progress::More);
        }
        if simulation.simulated_to() < due {
            return Ok(Progress::Idle);
        }
        for probe in &mut *probes {
            probe.read(simulation);
        }
        if simulation.simulated_to() >= end {
            return Ok(Progress::Idle);
        }
        if simulation.simulated_to() >= stop {
            return Ok(Progress::More);
        }
    }
    Ok(Progress::More)
}

/// A network without inputs runs by the clock of its turn: it may have no deliveries to count.
fn advance_alone(
    simulation: &mut Simulation,
    promise_us: u64,
    stop: Tick,
    probes: &mut [Probe],
    until: Duration,
) -> Result<Progress, SimulationError> {
    let end = simulation.plan().tick().closed_by(promise_us, simulation.origin_us());
    loop {
        let stride = Tick(simulation.simulated_to().0.saturating_add(STRIDE_TICKS));
        simulation.close_until(stride.min(end));
        let progress = advance_to(simulation, stride.min(end), stop, probes)?;
        if simulation.simulated_to() >= end {
            return Ok(progress);
        }
        if progress == Progress::More || thread_time() >= until {
            return Ok(Progress::More);
        }
    }
}

fn reason(error: &SimulationError) -> v1::Reason {
    match error {
        SimulationError::Excess { .. } => v1::Reason::Multiplicity,
        SimulationError::InFlight { .. } => v1::Reason::InFlightCap,
    }
}

fn refusal(reason: v1::Reason, message: String) -> v1::Error {
    v1::Error { reason: reason.into(), message, fatal: true, ..v1::Error::default() }
}

/// Processor time of this thread: what a session costs, even on a machine with other work.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
