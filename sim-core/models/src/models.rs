//! Small lives of workers, each of which loom runs in every way that it can come to pass.

use std::sync::Arc;

use loom::{model::Builder, thread::spawn};

use crate::{
    exchange::{
        Abandoned, Exchange, Remote,
        clock::Clock,
        ring::{self, Producer},
        threads::{NEVER, Threads, threads},
    },
    sync::pretend_to_panic,
};

/// A life of some workers. A thread of it loses the processor, where it could have gone on, at most
/// so many times, if that is bounded.
#[derive(Debug)]
pub struct Model {
    /// What the table of mutants calls it.
    pub name: &'static str,
    preemptions_max: Option<usize>,
    explore: fn(Option<usize>),
}

impl Model {
    /// Goes through all that can happen; panics where something is wrong.
    pub fn check(&self) {
        (self.explore)(self.preemptions_max);
    }

    /// Goes through what happens without preemptions, which comes by every line.
    pub fn glance(&self) {
        (self.explore)(Some(0));
    }
}

/// Nothing is lost, doubled, reordered or read while it is written, in rings that wrap around.
pub const RING: Model = Model { name: "ring", preemptions_max: None, explore: ring };

/// What a clock promises is found in the ring.
pub const PROMISE: Model =
    Model { name: "promise", preemptions_max: None, explore: |bound| promise(bound, None) };

/// Who waits for one that panics, at its clock or at the ring to it, is told.
/// Also seen to fail without a look at the alarm, in either wait.
pub const ALARM: Model = Model { name: "alarm", preemptions_max: None, explore: alarm };

/// One tells the other more than their ring holds; the other only listens.
/// Also seen to fail with a sleep that is announced after the last look, or that looks away from
/// what is waited for or from what arrives.
pub const NARROW: Model = Model { name: "narrow", preemptions_max: Some(4), explore: narrow };

/// Both say more than their rings hold before they listen.
/// Seen to fail with a worker that doesn't take what arrives while it waits for room.
pub const CROSSING: Model = Model { name: "crossing", preemptions_max: Some(2), explore: crossing };

/// The first waits for the third, which waits for the second, which waits for room in its ring to
/// the first.
/// Seen to fail with a full ring that wakes its consumer only if that waits for the producer.
pub const BYSTANDER: Model =
    Model { name: "bystander", preemptions_max: Some(2), explore: bystander };

/// Two workers go through two ticks, each an emission a tick: it is handed over once, and before
/// the other runs the tick that it reaches.
/// Seen to fail with the lookahead overstated by a tick, with rings emptied before the clocks are
/// read, and with what was kept while a ring was full forgotten.
pub const LOCK_STEP: Model =
    Model { name: "lock step", preemptions_max: Some(2), explore: lock_step };

/// All models, in the order in which they are shown a mutant.
pub const ALL: [Model; 7] = [RING, PROMISE, ALARM, NARROW, CROSSING, BYSTANDER, LOCK_STEP];

fn explore(preemptions_max: Option<usize>, life: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions_max;
    builder.check(life);
}

fn ring(preemptions_max: Option<usize>) {
    for capacity in [1, 2] {
        explore(preemptions_max, move || {
            let (mut producer, mut consumer) = ring::ring(capacity);
            let pushing = spawn(move || {
                let mut pushed = 0;
                for _ in 0..capacity + 2 {
                    // A full one may be found vacant next time.
                    pushed += u64::from(producer.push([pushed; 2]).is_ok());
                }
                pushed
            });
            let mut expected = 0;
            let mut check = |item| {
                assert_eq!(item, [expected; 2]);
                expected += 1;
            };
            consumer.drain(&mut check);
            consumer.drain(&mut check);
            let pushed = pushing.join().expect("loom itself passes a panic on");
            consumer.drain(&mut check);
            assert_eq!(expected, pushed);
            assert!(consumer.is_empty());
        });
    }
}

/// What can be done wrongly around a ring and a clock that are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// The producer publishes before it pushes.
    PublishFirst,
    /// The consumer empties the ring before it reads the clock.
    DrainFirst,
}

/// The clock and the ring of [`PROMISE`], used wrongly.
pub fn slip(slip: Slip) {
    promise(PROMISE.preemptions_max, Some(slip));
}

fn promise(preemptions_max: Option<usize>, slip: Option<Slip>) {
    explore(preemptions_max, move || {
        let clock = Arc::new(Clock::new());
        let (mut producer, mut consumer) = ring::ring(2);
        let push = |producer: &mut Producer<_>| producer.push(()).expect("the ring holds all");
        let pushing = spawn({
            let clock = Arc::clone(&clock);
            move || {
                for tick in 1..=2 {
                    if slip == Some(Slip::PublishFirst) {
                        clock.publish(tick);
                        push(&mut producer);
                    } else {
                        push(&mut producer);
                        clock.publish(tick);
                    }
                }
            }
        });
        let (promised, found) = if slip == Some(Slip::DrainFirst) {
            let found = consumer.drain(drop);
            (clock.read(), found)
        } else {
            let promised = clock.read();
            (promised, consumer.drain(drop))
        };
        assert!(u64::try_from(found).is_ok_and(|found| found >= promised));
        pushing.join().expect("loom itself passes a panic on");
    });
}

fn lock_step(preemptions_max: Option<usize>) {
    explore(preemptions_max, || {
        run(pair(1), |me, mut exchange| {
            const END: u64 = 2;
            let mut heard = Vec::new();
            let mut tick = 0;
            while tick < END {
                let until = exchange.receive(tick, END, |remote| heard.push(remote.tick))?;
                assert!((tick + 1..=END).contains(&until));
                // An emission of tick 0 reaches tick 1, if that may be run.
                assert!(heard.iter().copied().take(2).ge(0..until - 1), "{heard:?} at {until}");
                while tick < until {
                    exchange.send(1 - me, emission(tick))?;
                    tick += 1;
                    exchange.publish(tick);
                }
            }
            exchange.finish(END, |remote| heard.push(remote.tick))?;
            assert_eq!(heard, [0, 1]);
            Ok(())
        });
    });
}

fn narrow(preemptions_max: Option<usize>) {
    explore(preemptions_max, || {
        run(threads(&[vec![NEVER, 1], vec![NEVER, NEVER]], 1), |me, mut exchange| {
            let mut heard = 0;
            if me == 0 {
                exchange.send(1, emission(0))?;
                exchange.send(1, emission(0))?;
            }
            exchange.finish(1, |_| heard += 1)?;
            assert_eq!(heard, 2 * me);
            Ok(())
        });
    });
}

fn crossing(preemptions_max: Option<usize>) {
    explore(preemptions_max, || {
        run(pair(1), |me, mut exchange| {
            exchange.send(1 - me, emission(0))?;
            exchange.send(1 - me, emission(0))?;
            let mut heard = 0;
            exchange.finish(1, |_| heard += 1)?;
            assert_eq!(heard, 2);
            Ok(())
        });
    });
}

fn bystander(preemptions_max: Option<usize>) {
    explore(preemptions_max, || {
        let lookahead = [vec![NEVER; 3], vec![1, NEVER, 1], vec![1, NEVER, NEVER]];
        let mut endpoints = threads(&lookahead, 1);
        endpoints[2].publish(1);
        run(endpoints, |me, mut exchange| {
            let mut heard = 0;
            if me == 1 {
                exchange.send(0, emission(0))?;
                exchange.send(0, emission(0))?;
            }
            if me == 2 {
                exchange.receive(1, 2, drop)?;
            }
            exchange.finish(2, |_| heard += 1)?;
            assert_eq!(heard, if me == 0 { 2 } else { 0 });
            Ok(())
        });
    });
}

fn alarm(preemptions_max: Option<usize>) {
    let wait_for_clock = |exchange: &mut Threads| exchange.finish(1, drop);
    let wait_for_room = |exchange: &mut Threads| {
        exchange.send(0, emission(0))?;
        exchange.send(0, emission(0))
    };
    for wait in [wait_for_clock, wait_for_room] {
        explore(preemptions_max, move || {
            run(pair(1), move |me, mut exchange| {
                if me == 0 {
                    pretend_to_panic();
                } else {
                    assert_eq!(wait(&mut exchange), Err(Abandoned));
                }
                Ok(())
            });
        });
    }
}

fn emission(tick: u64) -> Remote {
    Remote { tick, ..Remote::default() }
}

/// Two workers that reach each other a tick later.
fn pair(ring_capacity: usize) -> Vec<Threads> {
    threads(&[vec![NEVER, 1], vec![1, NEVER]], ring_capacity)
}

/// A worker's life on each endpoint, the first on this thread.
fn run(
    endpoints: Vec<Threads>,
    live: impl Fn(usize, Threads) -> Result<(), Abandoned> + Copy + 'static,
) {
    let mut endpoints = endpoints.into_iter().enumerate();
    let (me, own) = endpoints.next().expect("there are workers");
    let others: Vec<_> =
        endpoints.map(|(me, endpoint)| spawn(move || live(me, endpoint))).collect();
    let mut ends = vec![live(me, own)];
    ends.extend(others.into_iter().map(|other| other.join().expect("loom passes a panic on")));
    assert!(ends.iter().all(Result::is_ok), "nobody gave up");
}
