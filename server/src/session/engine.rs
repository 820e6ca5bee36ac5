//! The simulating end of a session: a value that simulation threads advance, turn by turn.
//!
//! A turn applies all input that has arrived, runs closed ticks up to a budget, and hands output
//! to the host. Input is applied even while the outbox is full (credit bounds it), so that a
//! snapshot never waits for a reader; only simulating stops. Invariant: `closed` is published
//! after the output below it went into the outbox.

mod advancing;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use sim_core::{Counters, InputId, Options, Plan, Progress, Simulation, SimulationError, Tick};
use spiked_proto::v1::{self, stream_response::Message};

use self::advancing::{Bounds, advance, thread_time};
use super::{
    chunk::{Chunk, Op},
    host::Latencies,
    link::{Input, Link, Over},
    output::{Encoder, Item},
    probing::Probe,
    snapshot::{Ending, Frozen},
    tuning::Change,
    turns::Virtual,
};

/// Processor time after which others have their turn: sixty-four busy sessions hold up a quiet one by
/// a few hundredths of a second.
pub(super) const TURN_MAX: Duration = Duration::from_micros(500);

/// A turn that took no longer than this is likely to be followed by another like it. Two changes of thread,
/// which it spares, cost a slow machine as much as half of this; half of a long turn, so that it holds up the
/// sockets of others no longer than that.
const QUICK_TURN: Duration = Duration::from_micros(250);

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
    /// From when the origin is known, or something was set or read before that.
    simulation: Option<Simulation>,
    /// Where tick 0 lies is not known yet.
    is_early: bool,
    /// Changes whose tick is yet to come, in order.
    changes: VecDeque<Arc<Change>>,
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
    /// What it has had of the simulation threads, as its place among others goes by.
    pub(super) virtual_time: Virtual,
    /// Until what was simulated before has been made again, where the input that it came of ends
    /// \[µs\].
    again_until_us: Option<u64>,
    /// It has come to its end, but for saying so.
    finished: Option<v1::EndReason>,
}

/// Where an engine starts.
pub(crate) struct Start {
    pub(crate) simulation: Option<Simulation>,
    pub(crate) is_early: bool,
    pub(crate) changes: Vec<Arc<Change>>,
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
            is_early: start.is_early,
            changes: start.changes.into(),
            applied: start.applied,
            promise_us: start.promise_us,
            pieces: 0,
            ending: start.ending,
            unsent: VecDeque::new(),
            probes: Vec::new(),
            turns: Latencies::default(),
            virtual_time: Virtual::default(),
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

    /// One turn of about so much processor time, and what it cost.
    pub(super) fn turn(&mut self, limit: Duration) -> Turn {
        let (began, since) = (thread_time(), Instant::now());
        let turn = self.take_turn(began + limit);
        self.turns.record(since, &self.link.measured.core);
        let spent = thread_time().saturating_sub(began);
        self.virtual_time.spend(spent);
        self.link.simulated.spent(u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX));
        // A change that waits for its tick takes as long as it is large.
        let is_light = self.plan.workers() == 1 && self.changes.is_empty();
        self.link.simulated.set_quick(is_light && spent < QUICK_TURN);
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
        self.apply_changes();
        while let Some(simulation) = self.simulation.as_mut().filter(|_| !self.is_early) {
            let again = self.again_until_us.map(|us| again_until(simulation, us));
            let stop = self.changes.front().map(|change| change.at).into_iter().chain(again).min();
            let bounds = Bounds { promise_us: self.promise_us, stop, until };
            match advance(simulation, bounds, &mut self.probes) {
                Ok(made) => progress = made,
                Err(error) => {
                    progress = Progress::Idle;
                    self.emit();
                    self.fail(refusal(reason(&error), error.to_string()));
                }
            }
            self.apply_changes();
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
                Input::Read(reading) => reading.answer(self.simulation_or_early()),
                Input::Snapshot { protocol, reply } => {
                    self.emit();
                    // Whoever asked may have left.
                    let _ = reply.send(self.freeze(protocol));
                }
            }
        }
        Ok(true)
    }

    /// Sets what is due: the simulation stands at its tick.
    fn apply_changes(&mut self) {
        let now = self.closed();
        while let Some(change) = self.changes.pop_front_if(|change| change.at <= now) {
            change.apply(self.simulation_or_early());
        }
    }

    /// The simulation; before its origin is known, one that waits for it.
    fn simulation_or_early(&mut self) -> &mut Simulation {
        let (plan, options) = (&self.plan, &self.options);
        self.simulation.get_or_insert_with(|| Simulation::new(plan.clone(), options.clone()))
    }

    fn begin_at(&mut self, origin_us: u64) {
        self.options.origin_us = origin_us;
        self.simulation_or_early().begin_at(origin_us);
        self.is_early = false;
        self.know_origin();
    }

    fn apply(&mut self, chunk: &Chunk) -> Result<(), v1::Error> {
        self.changes.extend(chunk.changes.iter().cloned());
        self.apply_changes();
        let mut rest = chunk.events.as_slice();
        for op in &chunk.ops {
            match *op {
                Op::Origin { time_us } => self.begin_at(time_us),
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
                    if let Some(simulation) = &mut self.simulation {
                        simulation.end_frames();
                    }
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
        let Some(simulation) = self.simulation.as_mut().filter(|_| !self.is_early) else {
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
        if let Some(simulation) = self.simulation.as_ref().filter(|_| !self.is_early) {
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
        let (Some(time_us), Some(simulation)) = (self.again_until_us, &self.simulation) else {
            return;
        };
        self.link.simulated.set_past(&simulation.counters());
        if simulation.simulated_to() >= again_until(simulation, time_us) {
            self.again_until_us = None;
        }
    }

    fn freeze(&self, protocol: Vec<u8>) -> Frozen {
        Frozen {
            core: self.simulation.as_ref().map(Simulation::snapshot),
            is_early: self.is_early,
            changes: self.changes.iter().cloned().collect(),
            protocol,
            output_position: self.encoder.position(),
            applied: self.applied,
            ending: self.ending,
            simulated_to: self.closed(),
        }
    }
}

/// The tick at which everything that was simulated before has been made again.
fn again_until(simulation: &Simulation, time_us: u64) -> Tick {
    simulation.plan().tick().closed_by(time_us, simulation.origin_us())
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
