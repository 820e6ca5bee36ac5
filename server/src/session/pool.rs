//! The simulation threads: a fixed number of them run all sessions, turn by turn.
//!
//! A session that has something to do is in the bounded run queue, at most once
//! ([`super::parking`]), so the queue holds every session and never refuses. Whoever had the least
//! processor time is next ([`super::turns`]); a lock is held for as long as that takes to be found, a
//! fraction of the shortest turn. Threads without work set their bit in `asleep` and park; whoever
//! queues work clears one bit and unparks its owner. A hundred idle sessions cost no processor.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
            fence,
        },
    },
    thread::{self, JoinHandle, Thread},
    time::Duration,
};

use super::{
    engine::{Engine, TURN_MAX, Turn},
    turns::Turns,
};
use crate::cores::Cores;

/// One bit a thread in `asleep`.
pub(crate) const THREADS_MAX: usize = 64;

/// Processor time of a turn on the I/O thread, after which a simulation thread goes on.
const SHORT_TURN: Duration = Duration::from_micros(50);

/// The run queue and the threads that serve it.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

/// What sessions see of the pool.
pub(crate) struct Queue {
    turns: Mutex<Turns<Box<Engine>>>,
    /// How many wait.
    waiting: AtomicUsize,
    /// Bit i: thread i is parked, or about to be.
    asleep: AtomicU64,
    threads: OnceLock<Vec<Thread>>,
    stop: AtomicBool,
}

impl Pool {
    /// Starts `threads` simulation threads, 1 to 64, for up to `sessions_max` sessions. They keep to
    /// `cores`, and so do the threads of a spread session, which they start.
    pub(crate) fn start(
        threads: usize,
        sessions_max: usize,
        cores: Option<&Cores>,
    ) -> io::Result<Self> {
        let threads = threads.clamp(1, THREADS_MAX);
        let queue = Arc::new(Queue {
            turns: Mutex::new(Turns::with_capacity(sessions_max)),
            waiting: AtomicUsize::new(0),
            asleep: AtomicU64::new(0),
            threads: OnceLock::new(),
            stop: AtomicBool::new(false),
        });
        let mut pool = Self { queue, threads: Vec::with_capacity(threads) };
        for index in 0..threads {
            let queue = pool.queue.clone();
            let builder = thread::Builder::new().name(format!("simulation-{index}"));
            let start = || builder.spawn(move || queue.serve(index));
            // A thread inherits the cores of the one that starts it.
            let thread = match cores {
                Some(cores) => cores.confined(start)?,
                None => start(),
            };
            pool.threads.push(thread?);
        }
        let handles = pool.threads.iter().map(|thread| thread.thread().clone()).collect();
        let _ = pool.queue.threads.set(handles);
        pool.queue.rouse_all();
        Ok(pool)
    }

    /// What sessions need of it.
    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Ordering: Release pairs with the Acquire in `next`.
        self.queue.stop.store(true, Release);
        self.queue.rouse_all();
        for thread in self.threads.drain(..) {
            // A thread catches the panics of its sessions, so it ends only by returning.
            let _ = thread.join();
        }
        while self.queue.pop().is_some() {}
    }
}

impl Queue {
    /// Queues an engine, and wakes a thread for it.
    pub(crate) fn push(&self, mut engine: Box<Engine>) {
        let mut turns = self.turns();
        turns.push(engine.virtual_time, |due| {
            engine.virtual_time = due;
            engine
        });
        self.note_waiting(&turns);
        drop(turns);
        self.rouse();
    }

    /// Nobody panics while holding it; the turns themselves run without.
    fn turns(&self) -> MutexGuard<'_, Turns<Box<Engine>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_waiting(&self, turns: &Turns<Box<Engine>>) {
        // Ordering: Relaxed. Fences order it where somebody goes to sleep: see `rouse` and `sleep`.
        self.waiting.store(turns.len(), Relaxed);
    }

    /// Wakes one sleeping thread, if there is one.
    fn rouse(&self) {
        // Ordering: SeqCst fence pairs with the one in `sleep`: either that thread sees what was
        // queued before this, or this sees its bit.
        fence(SeqCst);
        let Some(threads) = self.threads.get() else {
            return;
        };
        // Ordering: Relaxed. The fence above orders it, and the bit guards no other memory.
        let mut asleep = self.asleep.load(Relaxed);
        while asleep != 0 {
            let bit = asleep & asleep.wrapping_neg();
            // Ordering: AcqRel, so that of two who rouse at once each wakes another thread; pairs
            // with itself and with the `fetch_or` in `sleep`.
            asleep = self.asleep.fetch_and(!bit, AcqRel);
            if asleep & bit != 0 {
                threads[bit.trailing_zeros() as usize].unpark();
                return;
            }
        }
    }

    fn rouse_all(&self) {
        for thread in self.threads.get().into_iter().flatten() {
            thread.unpark();
        }
    }

    /// A simulation thread's life.
    fn serve(&self, index: usize) {
        while let Some(engine) = self.next(index) {
            // Taking one item clears one sleeper's claim to it; if more wait, the next thread
            // is due.
            if !self.is_empty() {
                self.rouse();
            }
            self.run_once(engine, TURN_MAX);
        }
    }

    /// Runs a short turn of an engine on the thread that calls, when nobody else has anything to do:
    /// two changes of thread would cost more than the turn. Else queues it. True if it ran.
    pub(crate) fn run_here(&self, engine: Box<Engine>) -> bool {
        // Ordering: Relaxed, a figure: at worst the turn is taken on the other side.
        let idle = self.asleep.load(Relaxed) != 0 && self.is_empty();
        match idle {
            true => self.run_once(engine, SHORT_TURN),
            false => self.push(engine),
        }
        idle
    }

    fn next(&self, index: usize) -> Option<Box<Engine>> {
        loop {
            // Ordering: Acquire pairs with the Release in `Pool::drop`.
            if self.stop.load(Acquire) {
                return None;
            }
            if let Some(engine) = self.pop() {
                return Some(engine);
            }
            self.sleep(index);
        }
    }

    fn pop(&self) -> Option<Box<Engine>> {
        let mut turns = self.turns();
        let next = turns.pop();
        self.note_waiting(&turns);
        next
    }

    fn is_empty(&self) -> bool {
        // Ordering: Relaxed, as in `note_waiting`.
        self.waiting.load(Relaxed) == 0
    }

    fn sleep(&self, index: usize) {
        let bit = 1_u64 << index;
        // Ordering: AcqRel pairs with the `fetch_and` in `rouse`.
        self.asleep.fetch_or(bit, AcqRel);
        // Ordering: SeqCst fence pairs with the one in `rouse`.
        fence(SeqCst);
        // Ordering: Acquire pairs with the Release in `Pool::drop`, whose unpark comes after. While
        // the pool still starts nobody is roused, but `Pool::start` unparks everybody at its end.
        if self.is_empty() && !self.stop.load(Acquire) {
            thread::park();
        }
        // Ordering: AcqRel as above. The bit may be gone already, if somebody roused this thread.
        self.asleep.fetch_and(!bit, AcqRel);
    }

    fn run_once(&self, mut engine: Box<Engine>, limit: Duration) {
        let link = engine.link().clone();
        link.place().begin();
        // A panic is a mistake of ours in one session; the others go on.
        match catch_unwind(AssertUnwindSafe(|| engine.turn(limit))) {
            Ok(Turn::More) => {
                link.place().requeue();
                self.push(engine);
            }
            Ok(Turn::Idle) => {
                if let Some(engine) = link.place().park(engine) {
                    self.push(engine);
                }
            }
            Ok(Turn::Over) => {}
            Err(_) => link.broke("the simulation stopped on an internal error"),
        }
    }
}
