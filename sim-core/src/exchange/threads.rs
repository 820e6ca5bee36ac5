//! The exchange between the threads of one process: a ring for each ordered pair, a clock each.
//!
//! Nobody waits for ever. The worker whose clock is lowest is past everything that could reach its
//! tick, so it may run, or it waits at a full ring. A worker that waits, for a clock or at a ring,
//! takes what arrives for it, so every full ring is emptied by whoever it leads to: a cycle of them
//! unties itself. Who waits is woken by who ends the wait: at a clock by its owner, at a full ring
//! by its consumer; and a worker that finds a ring full wakes that consumer, whatever it waits for.
//! Where a worker stops in the middle of a segment, the others are told by an error.

use std::{fmt, mem, sync::atomic::Ordering::*};

use super::{
    Abandoned, Exchange, Remote,
    clock::Clock,
    ring::{Consumer, Producer, ring},
    sleep::{Doorbell, Patience, before_ringing},
};
use crate::sync::{Arc, AtomicBool, Parker, panicking};

/// The lookahead to whom nothing is ever sent.
pub(crate) const NEVER: u64 = u64::MAX;

/// One endpoint for each worker. `lookahead_ticks[from][to]`, at least 1, is the smallest delay
/// through which one reaches another, or [`NEVER`]; `ring_capacity` is a power of two.
pub(crate) fn threads(lookahead_ticks: &[Vec<u64>], ring_capacity: usize) -> Vec<Threads> {
    let (board, parkers): (Vec<_>, Vec<_>) = lookahead_ticks.iter().map(|_| Post::new()).unzip();
    let board = Arc::new(Board { posts: board, abandoned: AtomicBool::new(false) });
    let endpoint = |(me, parker)| Threads {
        me,
        parker,
        published: 0,
        inboxes: Vec::new(),
        outboxes: Vec::new(),
        kept: Vec::new(),
        alarm: Alarm(Arc::clone(&board)),
    };
    let mut endpoints: Vec<_> = parkers.into_iter().enumerate().map(endpoint).collect();
    for (from, row) in lookahead_ticks.iter().enumerate() {
        assert_eq!(row.len(), endpoints.len(), "a lookahead for each pair");
        for (to, &lookahead_ticks) in row.iter().enumerate() {
            let connected = from != to && lookahead_ticks != NEVER;
            assert!(!connected || lookahead_ticks > 0, "no delay of zero between partitions");
            let (producer, consumer) = connected.then(|| ring(ring_capacity)).unzip();
            endpoints[from].outboxes.push(producer);
            let inbox = consumer.map(|ring| Inbox { from, ring, lookahead_ticks, clock: 0 });
            endpoints[to].inboxes.extend(inbox);
        }
    }
    endpoints
}

/// What all workers see of all.
struct Board {
    posts: Vec<Post>,
    /// Whether a worker has stopped in the middle of a segment; never taken back.
    abandoned: AtomicBool,
}

/// What all workers see of one.
struct Post {
    clock: Clock,
    bell: Doorbell,
}

impl Post {
    fn new() -> (Self, Parker) {
        let (bell, parker) = Doorbell::new();
        (Self { clock: Clock::new(), bell }, parker)
    }
}

impl Board {
    fn check(&self) -> Result<(), Abandoned> {
        // Relaxed: nothing is read on its account, and the bell that follows it orders it before
        // the end of a sleep.
        if self.abandoned.load(Relaxed) { Err(Abandoned) } else { Ok(()) }
    }

    fn abandon(&self) {
        // Relaxed: see `check`.
        self.abandoned.store(true, Relaxed);
        for post in &self.posts {
            post.bell.ring();
        }
    }
}

/// Tells the others when the thread that owns it panics.
struct Alarm(Arc<Board>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if panicking() {
            self.0.abandon();
        }
    }
}

/// What comes from one other worker.
struct Inbox {
    from: usize,
    ring: Consumer<Remote>,
    lookahead_ticks: u64,
    /// The other's clock when last read.
    clock: u64,
}

impl Inbox {
    /// The first tick that the other may still send something for.
    fn open_until(&self) -> u64 {
        self.clock.saturating_add(self.lookahead_ticks)
    }
}

/// One worker's end of the exchange.
pub(crate) struct Threads {
    me: usize,
    parker: Parker,
    /// What its own clock shows.
    published: u64,
    inboxes: Vec<Inbox>,
    /// By worker; `None` where nothing is ever sent.
    outboxes: Vec<Option<Producer<Remote>>>,
    /// What arrived while a full ring kept it from `receive`.
    kept: Vec<Remote>,
    alarm: Alarm,
}

impl Exchange for Threads {
    #[inline]
    fn send(&mut self, to: usize, emission: Remote) -> Result<(), Abandoned> {
        debug_assert!(emission.tick >= self.published, "what is published has been sent");
        match self.outbox(to).push(emission) {
            Ok(()) => Ok(()),
            Err(_) => self.send_when_vacant(to, emission),
        }
    }

    fn publish(&mut self, tick: u64) {
        debug_assert!(tick >= self.published, "a promise isn't taken back");
        if tick == self.published {
            return;
        }
        self.published = tick;
        self.board().posts[self.me].clock.publish(tick);
        before_ringing();
        for (post, outbox) in self.board().posts.iter().zip(&self.outboxes) {
            if outbox.is_some() {
                post.bell.ring_if_for(self.me);
            }
        }
    }

    fn receive(
        &mut self,
        tick: u64,
        until: u64,
        mut each: impl FnMut(Remote),
    ) -> Result<u64, Abandoned> {
        debug_assert!(tick < until, "there is something to run");
        debug_assert_eq!(tick, self.published, "others may be waiting for this clock");
        self.hear(|lookahead_ticks| (tick + 1).saturating_sub(lookahead_ticks), &mut each)?;
        Ok(self.inboxes.iter().map(Inbox::open_until).fold(until, u64::min))
    }

    fn finish(&mut self, end: u64, mut each: impl FnMut(Remote)) -> Result<(), Abandoned> {
        self.publish(end);
        self.hear(|_| end, &mut each)
    }
}

impl Threads {
    /// Waits until the clocks of all who send to this worker have come to what is needed of them,
    /// and takes all that has arrived.
    fn hear(
        &mut self,
        clock_needed: impl Fn(u64) -> u64,
        each: &mut impl FnMut(Remote),
    ) -> Result<(), Abandoned> {
        self.kept.drain(..).for_each(&mut *each);
        let mut patience = Patience::default();
        loop {
            // Before the rings are emptied, so that all that the clocks promise is found there.
            let behind = self.read_clocks(&clock_needed);
            self.take_all(&mut *each);
            let Some((other, needed)) = behind else { return Ok(()) };
            self.board().check()?;
            if !patience.holds() {
                self.sleep(other, |worker| worker.board().posts[other].clock.read() >= needed);
                patience = Patience::default();
            }
        }
    }

    /// Looks at the clocks of all who send to this worker; one that isn't far enough, and how far
    /// it must come.
    fn read_clocks(&mut self, clock_needed: impl Fn(u64) -> u64) -> Option<(usize, u64)> {
        let mut behind = None;
        for inbox in &mut self.inboxes {
            let needed = clock_needed(inbox.lookahead_ticks);
            inbox.clock = self.alarm.0.posts[inbox.from].clock.read();
            if inbox.clock < needed {
                behind = Some((inbox.from, needed));
            }
        }
        behind
    }

    /// Empties all rings that lead here, and wakes who waits for room in them.
    fn take_all(&mut self, mut each: impl FnMut(Remote)) {
        for inbox in &mut self.inboxes {
            if inbox.ring.drain(&mut each) > 0 {
                before_ringing();
                self.alarm.0.posts[inbox.from].bell.ring_if_for(self.me);
            }
        }
    }

    #[cold]
    fn send_when_vacant(&mut self, to: usize, emission: Remote) -> Result<(), Abandoned> {
        // It may be asleep, waiting for somebody else, and empties the ring only when awake.
        before_ringing();
        self.board().posts[to].bell.ring_if_asleep();
        let mut patience = Patience::default();
        while self.outbox(to).push(emission).is_err() {
            self.board().check()?;
            self.take_and_keep();
            if !patience.holds() {
                self.sleep(to, |worker| !worker.outbox(to).is_full());
                patience = Patience::default();
            }
        }
        Ok(())
    }

    fn take_and_keep(&mut self) {
        let mut kept = mem::take(&mut self.kept);
        self.take_all(|emission| kept.push(emission));
        self.kept = kept;
    }

    /// Parks until `other` rings, or somebody who finds a ring full that leads here; unless what
    /// is waited for is there, or something to take is.
    fn sleep(&mut self, other: usize, is_over: impl FnOnce(&mut Self) -> bool) {
        self.board().posts[self.me].bell.announce(other);
        let nothing_to_take = self.inboxes.iter().all(|inbox| inbox.ring.is_empty());
        if nothing_to_take && !is_over(self) {
            self.parker.park();
        }
        self.board().posts[self.me].bell.withdraw();
    }

    #[inline]
    fn outbox(&mut self, to: usize) -> &mut Producer<Remote> {
        self.outboxes[to].as_mut().expect("the plan finds everybody that a partition reaches")
    }

    fn board(&self) -> &Board {
        &self.alarm.0
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Threads")
            .field("me", &self.me)
            .field("published", &self.published)
            .finish_non_exhaustive()
    }
}
