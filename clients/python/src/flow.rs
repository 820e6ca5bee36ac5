//! A session between Python and its two tasks: what waits to be sent, what waits to be read.
//!
//! Python puts in and takes out without waiting, and waits, where it must, without holding anything:
//! so a wait can be given up at any moment, and nothing is half done. Both sides are bounded: what
//! waits to be sent by [`VALUES_MAX`], unless it is a single array; what waits to be read by the
//! session's own bound and the message that passes it.

use std::collections::VecDeque;

use spiked_client::{Error, Item};

use crate::{errors::Failure, input::Given, shared::Shared};

/// Events and values that wait to be sent, before more is taken.
const VALUES_MAX: usize = 1 << 18;
/// Spikes and decisions that Python takes at once.
const PORTION_MAX: usize = 1 << 18;

/// What the sending task is asked to do.
pub(crate) enum Task {
    /// With `promise`, nothing before the latest of them is still to come.
    Send {
        port: u32,
        given: Given,
        promise: bool,
    },
    Promise(u64),
    Flush,
    End,
}

impl Task {
    pub(crate) fn values(&self) -> usize {
        match self {
            Self::Send { given, .. } => given.len(),
            _ => 0,
        }
    }
}

/// Why a call does not get through.
#[derive(Clone)]
pub(crate) enum Stuck {
    Failed(Failure),
    Unread(usize),
    Closed,
    Over,
}

pub(crate) type Flow = Shared<State>;

/// What Python and the tasks share.
pub(crate) struct State {
    waiting: VecDeque<Task>,
    /// Values of all that is not through, also of what is being sent.
    values: usize,
    /// Tasks that were given, and those that are through.
    given: u64,
    through: u64,
    promised_us: Option<u64>,
    /// The end was said.
    ending: bool,
    /// The sending task is at its end; with a failure, if it is not the session's own end.
    sent: Option<Result<(), Failure>>,
    kept: VecDeque<Item>,
    /// Spikes and decisions in `kept`.
    unread: usize,
    unread_max: usize,
    /// Somebody reads.
    is_read: bool,
    /// The reading task is at its end; with a failure, if it is not the session's.
    heard: Option<Result<(), Failure>>,
}

fn weight(item: &Item) -> usize {
    match item {
        Item::Spikes(spikes) => spikes.len(),
        _ => 1,
    }
}

impl State {
    pub(crate) fn new(unread_max: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            values: 0,
            given: 0,
            through: 0,
            promised_us: None,
            ending: false,
            sent: None,
            kept: VecDeque::new(),
            unread: 0,
            unread_max,
            is_read: false,
            heard: None,
        }
    }

    /// Why nothing more can be sent.
    fn stuck(&self) -> Option<Stuck> {
        match (&self.heard, &self.sent) {
            // Whose connection broke has no input either, and the break is what is told.
            (Some(Err(failure)), _) | (_, Some(Err(failure))) => {
                Some(Stuck::Failed(failure.clone()))
            }
            _ if self.ending => Some(Stuck::Closed),
            (None, None) => None,
            _ => Some(Stuck::Over),
        }
    }

    fn has_room(&self) -> bool {
        self.values < VALUES_MAX || self.waiting.is_empty()
    }

    /// Nothing is read on until Python has taken some.
    pub(crate) fn is_full(&self) -> bool {
        self.unread >= self.unread_max
    }

    /// Credit comes with the output, and nobody is there who would make room for that. A `patient`
    /// caller takes it that who has read once will read again.
    fn is_stuck_unread(&self, patient: bool) -> bool {
        self.is_full() && !(patient && self.is_read)
    }

    /// Whether there is room to send, or a reason why not.
    pub(crate) fn room(&self, patient: bool) -> Option<Result<(), Stuck>> {
        if let Some(stuck) = self.stuck() {
            return Some(Err(stuck));
        }
        if self.has_room() {
            return Some(Ok(()));
        }
        self.is_stuck_unread(patient).then_some(Err(Stuck::Unread(self.unread_max)))
    }

    /// Takes a task, if there is room.
    pub(crate) fn put(
        &mut self,
        patient: bool,
        task: impl FnOnce() -> Task,
    ) -> Result<bool, Stuck> {
        match self.room(patient) {
            None => return Ok(false),
            Some(room) => room?,
        }
        self.add(task());
        Ok(true)
    }

    /// Takes a promise; the highest given is what is checked against.
    pub(crate) fn promise(&mut self, time_us: u64) -> Result<(), Stuck> {
        if let Some(stuck) = self.stuck() {
            return Err(stuck);
        }
        if let Some(promise_us) = self.promised_us.filter(|&promised_us| promised_us > time_us) {
            let error = Error::PromiseBackwards { given_us: time_us, promise_us };
            return Err(Stuck::Failed(Failure::of(&error)));
        }
        self.promised_us = Some(time_us);
        match self.waiting.back_mut() {
            // Promises that wait are one promise.
            Some(Task::Promise(waiting_us)) => *waiting_us = time_us,
            _ => self.add(Task::Promise(time_us)),
        }
        Ok(())
    }

    /// Says that what was given so far is to leave; after the end it has left.
    pub(crate) fn flush(&mut self) -> Result<(), Stuck> {
        match self.stuck() {
            None if matches!(self.waiting.back(), Some(Task::Flush)) => Ok(()),
            None => {
                self.add(Task::Flush);
                Ok(())
            }
            Some(stuck) => Err(stuck),
        }
    }

    /// Says that nothing more comes, once.
    pub(crate) fn end(&mut self) {
        if self.stuck().is_none() {
            self.add(Task::End);
            self.ending = true;
        }
    }

    fn add(&mut self, task: Task) {
        if let Task::Send { given, promise: true, .. } = &task {
            self.promised_us = self.promised_us.max(given.latest_us());
        }
        self.values += task.values();
        self.given += 1;
        self.waiting.push_back(task);
    }

    /// How many tasks were given so far.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    /// Whether so many tasks are through, or why they cannot be.
    pub(crate) fn through(&self, given: u64, patient: bool) -> Option<Result<(), Stuck>> {
        match (&self.heard, &self.sent) {
            (Some(Err(failure)), _) | (_, Some(Err(failure))) => {
                Some(Err(Stuck::Failed(failure.clone())))
            }
            _ if self.through >= given => Some(Ok(())),
            // What was not sent when the session ended needs not be.
            (Some(Ok(())), _) | (_, Some(Ok(()))) => Some(Ok(())),
            _ => self.is_stuck_unread(patient).then_some(Err(Stuck::Unread(self.unread_max))),
        }
    }

    /// The next task, for the task that sends.
    pub(crate) fn next(&mut self) -> Option<Task> {
        self.waiting.pop_front()
    }

    /// A task of so many values is through.
    pub(crate) fn done(&mut self, values: usize) {
        self.values -= values;
        self.through += 1;
    }

    /// Nothing more will be sent.
    pub(crate) fn sent(&mut self, outcome: Result<(), Failure>) {
        self.sent = Some(outcome);
        self.waiting.clear();
        self.values = 0;
    }

    pub(crate) fn keep(&mut self, item: Item) {
        if let (Item::Acknowledgement(_), Some(Item::Acknowledgement(_))) =
            (&item, self.kept.back())
        {
            // Totals: the later one says it all.
            self.kept.pop_back();
            self.unread -= 1;
        }
        self.unread += weight(&item);
        self.kept.push_back(item);
    }

    /// Nothing more will come.
    pub(crate) fn heard(&mut self, outcome: Result<(), Failure>) {
        self.heard = Some(outcome);
    }

    /// Whether there is something to take, or nothing more to wait for.
    pub(crate) fn is_readable(&mut self) -> bool {
        self.is_read = true;
        !self.kept.is_empty() || self.heard.is_some() || matches!(self.sent, Some(Err(_)))
    }

    /// All was read.
    pub(crate) fn is_over(&self) -> bool {
        self.kept.is_empty() && matches!(self.heard, Some(Ok(())))
    }

    /// What is there, up to a portion; the failure behind all that came before it.
    pub(crate) fn take(&mut self) -> Result<Vec<Item>, Stuck> {
        self.is_read = true;
        let mut taken = Vec::new();
        let mut portion = 0;
        while portion < PORTION_MAX
            && let Some(item) = self.kept.pop_front()
        {
            portion += weight(&item);
            taken.push(item);
        }
        self.unread -= portion;
        match (&self.heard, &self.sent) {
            (Some(Err(failure)), _) | (_, Some(Err(failure))) if taken.is_empty() => {
                Err(Stuck::Failed(failure.clone()))
            }
            _ => Ok(taken),
        }
    }
}
