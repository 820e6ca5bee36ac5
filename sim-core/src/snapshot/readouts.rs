//! What readouts have counted: the ballots of a window, or the sample that runs.
//!
//! A sample is whether one runs, its first tick, the events that came between samples so far, and
//! the spikes of each class.

use super::bytes::{Reader, Writer};
use crate::{
    error::SnapshotError,
    readout::{
        Rule, Tally,
        confidence::{Confidence, Evidence},
        vote::{Ballot, Count, Vote},
    },
    simulation::Simulation,
};

/// Tick, class, count.
const BALLOT_BYTES: usize = 20;
/// Spikes of a sample: more were not counted.
const SPIKES_MAX: u64 = 1 << 62;

pub(super) fn write(simulation: &Simulation, to: &mut Writer) {
    for tally in &simulation.tallies {
        match tally {
            Tally::Vote(count) => {
                to.u64(count.ballots.len() as u64);
                for ballot in &count.ballots {
                    to.u64(ballot.tick);
                    to.u32(ballot.class);
                    to.u64(ballot.count);
                }
            }
            Tally::Confidence(evidence) => {
                to.u64(evidence.began().is_some().into());
                to.u64(evidence.began().unwrap_or_default());
                to.u64(simulation.counters.events_outside_samples);
                evidence.by_class().iter().for_each(|&count| to.u64(count));
            }
        }
    }
}

pub(super) fn read(
    from: &mut Reader<'_>,
    simulation: &mut Simulation,
) -> Result<(), SnapshotError> {
    let now = simulation.now;
    for (tally, readout) in simulation.tallies.iter_mut().zip(&simulation.own_plan.readouts) {
        match (tally, &readout.rule) {
            (Tally::Vote(count), Rule::Vote(vote)) => read_ballots(from, count, vote, now)?,
            (Tally::Confidence(evidence), Rule::Confidence(confidence)) => {
                let outside = read_sample(from, evidence, confidence, now)?;
                simulation.counters.events_outside_samples = outside;
            }
            _ => unreachable!("a tally is of its readout's rule"),
        }
    }
    Ok(())
}

fn read_ballots(
    from: &mut Reader<'_>,
    count: &mut Count,
    vote: &Vote,
    now: u64,
) -> Result<(), SnapshotError> {
    let mut last = 0;
    for _ in 0..from.count(BALLOT_BYTES)? {
        let tick = from.before(now)?;
        let class = from.below(vote.classes.count)?;
        let ballot = Ballot { tick, class, count: from.tally()? };
        let fits = tick >= last && count.total().checked_add(ballot.count).is_some();
        if !fits {
            return Err(from.value(format!("a ballot of {ballot:?} after tick {last}")));
        }
        count.cast(vote, ballot);
        last = tick;
    }
    count.resume(vote, now);
    Ok(())
}

/// The events that came between samples.
fn read_sample(
    from: &mut Reader<'_>,
    evidence: &mut Evidence,
    confidence: &Confidence,
    now: u64,
) -> Result<u64, SnapshotError> {
    let (runs, began, outside) = (from.u64()?, from.u64()?, from.tally()?);
    let mut total = 0_u64;
    let mut by_class = Vec::with_capacity(confidence.classes.count as usize);
    for _ in 0..confidence.classes.count {
        let count = from.tally()?;
        by_class.push(count);
        total = total.saturating_add(count);
    }
    if total > SPIKES_MAX {
        return Err(from.value("more spikes in a sample than can be counted".into()));
    }
    if runs == 0 {
        return Ok(outside);
    }
    if began >= now || began.saturating_add(confidence.within_ticks) <= now {
        let what = format!("a sample that runs at tick {now} and began with tick {began}");
        return Err(from.value(what));
    }
    evidence.resume(confidence, began, now, by_class);
    Ok(outside)
}
