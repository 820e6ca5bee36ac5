//! The reading half of a run: counts, digests and writes what comes back, until the session ends.

use spiked_client::{
    Item, Output, Refusal,
    v1::{Acknowledgement, EndReason, Ended},
};

use super::{csv::Table, digest::OutputDigest, live::Live, populations::Populations};
use crate::{failure::Failure, terminal};

/// Refusals that are shown; further ones are counted.
const REFUSALS_SHOWN_MAX: u64 = 5;

/// What came back so far.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) spikes: u64,
    pub(crate) decisions: u64,
    /// Port and class of the last one.
    pub(crate) last_decision: Option<(u32, u32)>,
    pub(crate) digest: OutputDigest,
    /// Spikes of each population, where they are asked for.
    pub(crate) populations: Option<Populations>,
    /// The last positions heard.
    pub(crate) position: Acknowledgement,
    /// Refusals that did not end the input.
    pub(crate) refusals: u64,
    /// The session came to its own end.
    pub(crate) completed: bool,
}

/// Takes what comes back.
pub(crate) struct Harvest {
    pub(crate) totals: Totals,
    table: Option<Table>,
    live: Live,
    fatal: Option<Refusal>,
}

impl Harvest {
    pub(crate) fn new(table: Option<Table>, live: Live) -> Self {
        Self { totals: Totals::default(), table, live, fatal: None }
    }

    /// Also counts the spikes of each population.
    pub(crate) fn counting(mut self, populations: Populations) -> Self {
        self.totals.populations = Some(populations);
        self
    }

    /// The table, for the output of another session.
    pub(crate) fn give_table_back(&mut self) -> Option<Table> {
        self.table.take()
    }

    /// Takes everything up to the session's end.
    pub(crate) async fn reap(&mut self, mut output: Output) -> Result<(), Failure> {
        while let Some(item) = output.next().await {
            match item? {
                Item::Ended(ended) => return self.end(ended),
                item => self.take(item)?,
            }
        }
        Err(Failure::failed("the daemon's output ended without an end"))
    }

    fn take(&mut self, item: Item) -> Result<(), Failure> {
        match item {
            Item::Spikes(spikes) => {
                for spike in spikes.iter() {
                    self.totals.digest.add_spike(&spike);
                    if let Some(populations) = &mut self.totals.populations {
                        populations.add(&spike);
                    }
                    if let Some(table) = &mut self.table {
                        table.spike(&spike)?;
                    }
                }
                self.totals.spikes += spikes.len() as u64;
            }
            Item::Decision(decision) => {
                self.totals.digest.add_decision(&decision);
                self.totals.decisions += 1;
                self.totals.last_decision = Some((decision.port, decision.class));
                if let Some(table) = &mut self.table {
                    table.decision(&decision)?;
                }
            }
            Item::Acknowledgement(position) => {
                self.live.show(&position);
                self.totals.position = position;
            }
            Item::Error(refusal) => self.refused(refusal),
            _ => {}
        }
        Ok(())
    }

    fn refused(&mut self, refusal: Refusal) {
        if refusal.fatal {
            self.fatal = Some(refusal);
            return;
        }
        self.totals.refusals += 1;
        if self.totals.refusals <= REFUSALS_SHOWN_MAX {
            self.live.say(&format!("warning: {refusal}"));
        }
    }

    fn end(&mut self, ended: Ended) -> Result<(), Failure> {
        self.totals.completed = ended.reason() == EndReason::Completed;
        if let Some(position) = ended.r#final {
            self.totals.position = position;
        }
        if let Some(mut table) = self.table.take() {
            table.flush()?;
            self.table = Some(table);
        }
        if let Some(refusal) = self.fatal.take() {
            return Err(Failure::failed(refusal));
        }
        if self.totals.completed {
            return Ok(());
        }
        Err(Failure::failed(format!("the session ended early: {}", ended.message)))
    }
}

impl Drop for Harvest {
    /// Given up in the middle: what was read so far is not held back.
    fn drop(&mut self) {
        if let Some(mut table) = self.table.take()
            && table.flush().is_err()
        {
            terminal::say("warning: the last lines of the output could not be written");
        }
    }
}
