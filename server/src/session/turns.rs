//! Whose turn is next: whoever had the least processor time.
//!
//! Each session has a virtual time that its turns move up by what they took. One that was at rest
//! begins at the time of whoever went last, so that it goes before all that are busy, however many
//! these are, and its rest is no credit to spend: with 64 busy sessions a quiet one waits for the turns
//! that run, not for 64 (start-time fair queueing, Goyal, Vin and Cheng, SIGCOMM 1996).

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

/// When a session is due, among others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Virtual(Duration);

impl Virtual {
    /// It had a turn that took so much.
    pub(super) fn spend(&mut self, time: Duration) {
        self.0 = self.0.saturating_add(time);
    }
}

/// Those that wait for a turn, each at most once.
#[derive(Debug)]
pub(super) struct Turns<T> {
    waiting: BinaryHeap<Reverse<Waiting<T>>>,
    /// That of whoever went last, or later.
    now: Virtual,
    /// How many came: of two with the same time the first goes first.
    came: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    due: Virtual,
    number: u64,
    who: T,
}

impl<T> Turns<T> {
    /// Nobody waits; there is room for so many.
    pub(super) fn with_capacity(most: usize) -> Self {
        let waiting = BinaryHeap::with_capacity(most);
        Self { waiting, now: Virtual::default(), came: 0 }
    }

    /// Somebody wants a turn; gives its time, no earlier than that of whoever went last.
    pub(super) fn push(&mut self, time: Virtual, who: impl FnOnce(Virtual) -> T) {
        let due = time.max(self.now);
        self.came += 1;
        self.waiting.push(Reverse(Waiting { due, number: self.came, who: who(due) }));
    }

    /// Whoever is next.
    pub(super) fn pop(&mut self) -> Option<T> {
        let Reverse(next) = self.waiting.pop()?;
        self.now = self.now.max(next.due);
        Some(next.who)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

impl<T> Waiting<T> {
    const fn order(&self) -> (Virtual, u64) {
        (self.due, self.number)
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl<T> Eq for Waiting<T> {}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Duration = Duration::from_micros(500);

    /// Sessions, by number, each with its time.
    struct Sessions {
        turns: Turns<usize>,
        times: Vec<Virtual>,
    }

    impl Sessions {
        /// So many that are always busy.
        fn busy(count: usize) -> Self {
            let times = vec![Virtual::default(); count];
            let mut sessions = Self { turns: Turns::with_capacity(count), times };
            (0..count).for_each(|who| sessions.wake(who));
            sessions
        }

        fn wake(&mut self, who: usize) {
            let time = &mut self.times[who];
            self.turns.push(*time, |due| {
                *time = due;
                who
            });
        }

        /// Whoever is next has a turn, and wants another.
        fn run(&mut self, turn: impl Fn(usize) -> Duration) -> usize {
            let who = self.turns.pop().expect("somebody is busy");
            self.times[who].spend(turn(who));
            self.wake(who);
            who
        }
    }

    #[test]
    fn those_that_are_busy_get_the_same_time() {
        let mut sessions = Sessions::busy(3);
        // One's turns are three times as long.
        let turn = |who| if who == 0 { TURN * 3 } else { TURN };
        let mut had = [Duration::ZERO; 3];
        for _ in 0..3_000 {
            let who = sessions.run(turn);
            had[who] += turn(who);
        }
        assert!(had.iter().all(|time| time.abs_diff(had[0]) <= TURN * 3), "{had:?}");
    }

    /// However many these are. Turns of one length would end at the same times, which no turns do.
    #[test]
    fn one_that_was_at_rest_waits_for_few_that_are_busy() {
        let turn = |who: usize| TURN + Duration::from_micros(who as u64 * 37 % 64);
        let mut sessions = Sessions::busy(64);
        sessions.times.push(Virtual::default());
        for _ in 0..1_000 {
            sessions.run(turn);
        }
        for _ in 0..1_000 {
            sessions.run(turn);
            sessions.wake(64);
            let mut before = 0;
            while sessions.run(|who| if who == 64 { TURN / 200 } else { turn(who) }) != 64 {
                before += 1;
            }
            assert!(before <= 2, "{before}");
            sessions.turns.waiting.retain(|Reverse(waiting)| waiting.who != 64);
        }
    }

    #[test]
    fn a_rest_is_no_credit() {
        let mut sessions = Sessions::busy(2);
        sessions.times.push(Virtual::default());
        for _ in 0..10_000 {
            sessions.run(|_| TURN);
        }
        // From now on it is as busy as the others: one turn at once, then one in three.
        sessions.wake(2);
        let its = (0..30).filter(|_| sessions.run(|_| TURN) == 2).count();
        assert!((10..=11).contains(&its), "{its}");
    }
}
