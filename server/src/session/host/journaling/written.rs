//! What a host has its journal write, and what follows once that is done or has failed.

use std::io;

use spiked_proto::v1;
use tokio::{sync::oneshot, task::spawn_blocking, time::Instant};

use super::{Done, Journaling, Written, bytes_of};
use crate::session::{
    chunk::Chunk,
    host::{Host, Outcome, Seat},
    journal::Rest,
    link::{Input, Over},
    settings::Durability,
    snapshot::{self, Frozen},
};

impl Host {
    /// Has the journal write what the protocol recorded, and then gives the engine the chunk.
    pub(in crate::session::host) fn journal(&mut self, mut chunk: Chunk) {
        let Some(journaling) = &mut self.journaling else {
            return;
        };
        journaling.bytes += self.actions.records.iter().map(bytes_of).sum::<usize>();
        journaling.records.append(&mut self.actions.records);
        journaling.chunk.append(&mut chunk);
        self.link.recycle(chunk);
        journaling.start(&self.protocol);
    }

    pub(in crate::session::host) fn journaled(&mut self, written: Written) {
        match written {
            Written::Records(done) => self.wrote(done),
            Written::Synced(Ok(())) => {
                if let Some(journaling) = &mut self.journaling {
                    journaling.durable.clone_from(&journaling.in_sync);
                    if journaling.written != journaling.durable {
                        let interval = journaling.keeping.sync_interval;
                        journaling.sync_due = Some(Instant::now() + interval);
                    }
                }
                self.announce_durable();
            }
            Written::Synced(Err(error)) => self.fail_journal(&error),
            Written::Frozen(frozen) => self.write_snapshot(frozen),
            Written::Snapshot { index, output_position, written: Ok(()) } => {
                if let Some(journaling) = &mut self.journaling {
                    let bytes = journaling.keeping.snapshot_after_bytes;
                    journaling.snapshots.push((index, output_position, bytes));
                }
            }
            Written::Pruned(Ok(())) => {}
            Written::Pruned(Err(error)) => {
                tracing::warn!(session = self.link.id(), %error, "old parts of a journal were not removed");
            }
            // The journal is longer than it would be with a snapshot, and whole.
            Written::Snapshot { written: Err(error), .. } => {
                tracing::warn!(session = self.link.id(), %error, "a snapshot was not written");
            }
        }
    }

    fn wrote(&mut self, done: Done) {
        let Done { journal, written, chunk, protocol, asked } = done;
        let begins_segment = match written {
            Ok(begins_segment) => begins_segment,
            Err(error) => {
                self.fail_journal(&error);
                return;
            }
        };
        let Some(journaling) = &mut self.journaling else {
            return;
        };
        let index = journal.index();
        journaling.log = journal.log();
        journaling.home = Some(journal);
        journaling.written.clone_from(&journaling.in_write);
        match journaling.policy {
            Durability::Interval => {
                let due = Instant::now() + journaling.keeping.sync_interval;
                journaling.sync_due = Some(journaling.sync_due.unwrap_or(due));
            }
            _ => journaling.durable.clone_from(&journaling.written),
        }
        let mut replies = asked;
        if begins_segment {
            let (reply, frozen) = oneshot::channel();
            journaling.freezing = Some((index, frozen));
            replies.push(reply);
        }
        // Those who asked while nothing came behind this write.
        let caught_up = journaling.records.is_empty();
        let late = if caught_up { std::mem::take(&mut journaling.asked) } else { Vec::new() };
        self.enqueue(chunk);
        for reply in replies {
            let protocol = protocol.clone().unwrap_or_default();
            self.enqueue_other(Input::Snapshot { protocol, reply });
        }
        for reply in late {
            let protocol = self.protocol.save();
            self.enqueue_other(Input::Snapshot { protocol, reply });
        }
        self.announce_durable();
        if let Some(journaling) = &mut self.journaling {
            journaling.start(&self.protocol);
        }
    }

    pub(in crate::session::host) fn announce_durable(&mut self) {
        let Some(journaling) = &self.journaling else {
            return;
        };
        for (accepted, &durable) in self.link.accepted.iter().zip(journaling.durable()) {
            accepted.set_durable(durable);
        }
        for seat in &self.seats {
            seat.wake();
        }
        self.answer_changes();
    }

    pub(in crate::session::host) fn sync_due(&self) -> Option<Instant> {
        let journaling = self.journaling.as_ref()?;
        journaling.sync_due.filter(|_| journaling.syncing.is_none() && !journaling.failed)
    }

    /// Starts to sync what was written, beside whatever is written now.
    pub(in crate::session::host) fn sync(&mut self) {
        let Some(journaling) = &mut self.journaling else {
            return;
        };
        let log = journaling.log.clone();
        journaling.in_sync.clone_from(&journaling.written);
        journaling.sync_due = None;
        journaling.syncing = Some(spawn_blocking(move || log.sync()));
    }

    /// The journal cannot go on: the session ends, and what is durable stays.
    fn fail_journal(&mut self, error: &io::Error) {
        tracing::error!(session = self.link.id(), %error, "the journal cannot be written");
        if let Some(journaling) = &mut self.journaling {
            journaling.failed = true;
            journaling.asked.clear();
            journaling.freezing = None;
        }
        for (producer, seat) in self.seats.iter().enumerate() {
            let journaling = self.journaling.as_ref();
            let durable = journaling.and_then(|journaling| journaling.durable().get(producer));
            let durable = durable.copied().unwrap_or_default();
            seat.tell(v1::Error {
                reason: v1::Reason::Journal.into(),
                message: format!(
                    "the journal cannot be written: {error}; batches up to {durable} are durable, \
                     and the session can be opened again when the cause is gone"
                ),
                fatal: true,
                ..v1::Error::default()
            });
        }
        self.outcome = Outcome::Saved;
        let message = format!("the journal cannot be written: {error}");
        self.link.end(Over::Ended(v1::EndReason::Failed, message));
    }

    /// Puts the session to rest: it goes on where it is when it is opened again.
    pub(in crate::session::host) fn save(&mut self, message: &str) {
        self.outcome = Outcome::Saved;
        self.link.end(Over::Ended(v1::EndReason::Saved, message.to_owned()));
    }

    /// Nothing is written, and nothing waits to be.
    pub(in crate::session::host) fn is_journal_at_rest(&self) -> bool {
        self.journaling.as_ref().is_none_or(Journaling::rests)
    }

    /// Nothing of the journal is under way.
    pub(in crate::session::host) fn is_journaled(&self) -> bool {
        self.journaling.as_ref().is_none_or(Journaling::is_idle)
    }

    fn write_snapshot(&mut self, frozen: Frozen) {
        let Some(journaling) = &mut self.journaling else {
            return;
        };
        let Some((index, _)) = journaling.freezing.take() else {
            return;
        };
        let (folder, runs) = (journaling.folder.clone(), journaling.runs.clone());
        let output_position = frozen.output_position;
        journaling.snapshotting = Some(spawn_blocking(move || {
            let written = folder.write_snapshot(index, &snapshot::encode(&runs, &frozen));
            (index, output_position, written)
        }));
    }

    /// Lets go of snapshots and records that nobody needs: all before the newest snapshot that no
    /// reader is behind.
    pub(in crate::session::host) fn prune_journal(&mut self, needed: u64) {
        let Some(journaling) = &mut self.journaling else {
            return;
        };
        if journaling.snapshots.len() < 2 || journaling.pruning.is_some() {
            return;
        }
        let kept: u64 = journaling.snapshots.iter().map(|(.., bytes)| bytes).sum();
        let too_long = kept > journaling.keeping.kept_bytes_max;
        let newest = journaling.snapshots.len() - 1;
        let fits = journaling.snapshots.iter().rposition(|&(_, output, _)| output <= needed);
        let keep = if too_long { newest } else { fits.unwrap_or(0) };
        if keep == 0 {
            return;
        }
        let (folder, index) = (journaling.folder.clone(), journaling.snapshots[keep].0);
        journaling.snapshots.drain(..keep);
        if let Some(first) = journaling.snapshots.first_mut() {
            first.2 = 0;
        }
        journaling.pruning = Some(spawn_blocking(move || folder.prune(index)));
    }

    /// What becomes of the journal at the session's end.
    pub(in crate::session::host) async fn close_journal(&mut self, reason: v1::EndReason) {
        let unread = self.seats.iter().any(Seat::awaits_delivery);
        let Some(journaling) = &mut self.journaling else {
            return;
        };
        if reason == v1::EndReason::Rewound {
            // Whoever takes the session back goes on with its folder.
            return;
        }
        if unread && reason != v1::EndReason::Closed {
            self.outcome = Outcome::Saved;
        }
        let (journal, folder) = (journaling.home.take(), journaling.folder.clone());
        let (saved, failed) = (self.outcome == Outcome::Saved, journaling.failed);
        let closed = spawn_blocking(move || match journal {
            _ if !saved => folder.remove(),
            // A second sync would say that all is well, whatever became of the first.
            Some(journal) if !failed => match journal.sync() {
                Ok(()) => folder.rest(Rest::Saved),
                Err(error) => folder.rest(Rest::Doubtful).and(Err(error)),
            },
            _ => folder.rest(Rest::Doubtful),
        });
        // It ends by returning: nothing there panics or is cancelled but with the whole daemon.
        if let Ok(Err(error)) = closed.await {
            tracing::warn!(session = self.link.id(), %error, "the journal was not put in order");
        }
    }
}
