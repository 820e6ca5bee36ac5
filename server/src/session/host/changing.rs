//! Changes of weights and parameters: taken as input, answered when they have taken effect and are
//! as durable as the session promises.

use std::{collections::VecDeque, sync::Arc};

use spiked_proto::v1;
use tokio::sync::oneshot;

use super::Host;
use crate::{
    error::{Error, HAS_ENDED},
    session::tuning::{Change, Setting},
};

/// Changes that may wait for their tick: each is as large as a message.
const CHANGES_MAX: usize = 64;

/// A change that somebody asks for.
pub(crate) struct Changing {
    pub(crate) setting: Arc<Setting>,
    pub(crate) reply: oneshot::Sender<Result<v1::Applied, Error>>,
}

/// Changes whose callers wait, in order.
#[derive(Default)]
pub(super) struct Changes(VecDeque<Waiting>);

struct Waiting {
    /// How many changes the session had taken with this one.
    number: u64,
    change: Arc<Change>,
    reply: oneshot::Sender<Result<v1::Applied, Error>>,
}

impl Host {
    pub(super) fn change(&mut self, changing: Changing) {
        let Changing { setting, reply } = changing;
        if let Err(error) = self.check_change() {
            let _ = reply.send(Err(error));
            return;
        }
        let change = self.protocol.set(setting, &mut self.actions);
        let number = self.protocol.changes();
        self.changes.0.push_back(Waiting { number, change, reply });
        self.act();
    }

    fn check_change(&self) -> Result<(), Error> {
        if self.link.over().is_some() {
            return Err(self.conflict(HAS_ENDED));
        }
        if self.stepping.is_waiting() {
            return Err(self.conflict("is in a step"));
        }
        if self.protocol.is_over() {
            return Err(self.conflict("takes no more input"));
        }
        if self.changes.0.len() >= CHANGES_MAX {
            let what = "changes that wait for a session's time";
            return Err(Error::Limit { what, limit: CHANGES_MAX as u64 });
        }
        Ok(())
    }

    /// Answers whoever waits for a change that has taken effect and is safe.
    pub(super) fn answer_changes(&mut self) {
        let safe =
            self.journaling.as_ref().map_or(u64::MAX, |journaling| journaling.durable_changes());
        while let Some(waiting) = self
            .changes
            .0
            .pop_front_if(|waiting| waiting.number <= safe && waiting.change.outcome().is_some())
        {
            let outcome = waiting.change.outcome().cloned();
            let answer = match outcome {
                Some(Err((field, problem))) => Err(Error::field(field, problem)),
                _ => Ok(self.applied(&waiting.change)),
            };
            // Whoever asked may have left.
            let _ = waiting.reply.send(answer);
        }
    }

    fn applied(&self, change: &Change) -> v1::Applied {
        let start_us = |&origin_us: &u64| self.link.tick.start_us(change.at, origin_us);
        v1::Applied { at_tick: change.at.0, at_us: self.link.origin_us.get().map(start_us) }
    }
}
