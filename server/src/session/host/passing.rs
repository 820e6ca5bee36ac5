//! What passes through a host: input to the engine, output to those who read.

use spiked_proto::v1::stream_response::Message;

use super::Host;
use crate::session::{
    chunk::Chunk,
    link::{Input, Over},
    output::Item,
};

/// Input of which a turn may be quick \[events\].
const QUICK_EVENTS: usize = 2_048;

impl Host {
    /// Gives the engine what the protocol decided, by way of the journal where there is one; false
    /// if that was nothing.
    pub(super) fn pass_on(&mut self) -> bool {
        let nothing = self.actions.chunk.is_empty() && self.actions.records.is_empty();
        if nothing {
            return false;
        }
        self.measure_accepted();
        let chunk = std::mem::replace(&mut self.actions.chunk, self.link.spare_chunk());
        if self.journaling.is_some() {
            self.journal(chunk);
        } else {
            self.enqueue(chunk);
        }
        true
    }

    /// Input on its way to the engine, after everything before it.
    pub(super) fn enqueue(&mut self, mut chunk: Chunk) {
        if chunk.is_empty() {
            self.link.recycle(chunk);
            return;
        }
        self.measures.handed(&self.link.measured);
        self.audience.show_input(&chunk);
        if let Some(Input::Chunk(last)) = self.waiting.back_mut() {
            last.append(&mut chunk);
            self.link.recycle(chunk);
        } else {
            self.waiting.push_back(Input::Chunk(chunk));
        }
        self.push_waiting();
    }

    /// Anything else for the engine, after everything before it.
    pub(super) fn enqueue_other(&mut self, input: Input) {
        self.waiting.push_back(input);
        self.push_waiting();
    }

    pub(super) fn push_waiting(&mut self) {
        let (mut events, mut has_more) = (0, false);
        while let Some(input) = self.waiting.pop_front() {
            match &input {
                Input::Chunk(chunk) => {
                    events += chunk.events.len();
                    has_more |= !chunk.changes.is_empty();
                }
                // Freezing a state or reading its weights takes as long as it is large.
                Input::Snapshot { .. } | Input::Read(_) => has_more = true,
                Input::Latencies { .. } | Input::Probe(_) => {}
            }
            if let Err(input) = self.link.push_input(input) {
                self.waiting.push_front(input);
                break;
            }
        }
        if events <= QUICK_EVENTS && !has_more {
            if self.link.run_engine() {
                // Its output is looked at before any reader runs: one answer says it all.
                self.moved_seen = false;
            }
        } else {
            self.link.wake_engine();
        }
    }

    /// Takes the engine's output, keeps it, and shows it to all who read, as far as each has room.
    pub(super) fn move_output(&mut self) {
        // Both are read before the outbox: what they promise is in it, or was.
        let closed = self.link.simulated.closed();
        let finished = matches!(self.link.over(), Some(Over::Finished(_)));
        // What was received makes room, which nothing else would tell of.
        self.forget();
        let mut emptied = false;
        while self.retained.has_room() {
            match self.link.pop_output() {
                Some(item) => self.keep(item),
                None => {
                    emptied = true;
                    break;
                }
            }
        }
        for seat in &mut self.seats {
            if seat.show(&self.retained) && emptied {
                seat.moved_to(closed);
            }
            seat.wake();
        }
        if emptied {
            self.measures.moved(closed, &self.link.measured);
        }
        self.audience.show(&self.retained);
        self.step_on(closed, emptied);
        self.forget();
        if finished && emptied {
            self.tell_finished();
        }
    }

    fn keep(&mut self, item: Item) {
        match item.message.as_ref() {
            Message::Error(error) => self.failure = Some(error.clone()),
            _ => self.retained.push(item),
        }
    }

    /// Forgets output that nobody needs any more.
    fn forget(&mut self) {
        let mut needed = self.stepping.needs();
        for seat in &self.seats {
            needed = needed.min(seat.needs().unwrap_or(u64::MAX));
        }
        let needed = needed.min(self.retained.end());
        let audience = &mut self.audience;
        self.retained.forget(needed, |message| audience.forgets(message));
        self.prune_journal(needed);
    }

    /// The engine came to its end, and all output is here: whoever has seen all is told.
    fn tell_finished(&mut self) {
        let Some(Over::Finished(reason)) = self.link.over().cloned() else {
            return;
        };
        let end = self.retained.end();
        for seat in &mut self.seats {
            if seat.has_seen(end) && !seat.has_end() {
                if let Some(error) = &self.failure {
                    seat.tell(error.clone());
                }
                seat.end_seen(reason);
            }
        }
        self.audience.end_caught_up(end, reason, "");
    }
}
