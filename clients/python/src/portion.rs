//! Output that came together, on its way into Python.

use pyo3::{prelude::*, types::PyBytes};
use spiked_client::{Item, v1};

use crate::packed::put_spike;

/// A decision: time \[µs\], port, class, votes, votes in all; of a sample its confidence and its ticks.
pub(crate) type Decision = (u64, u32, u32, u64, u64, f64, u64);
/// Where everything stands: batches accepted and durable, simulated to \[µs\], events, deliveries, spikes.
type Position = (u64, u64, u64, u64, u64, u64);
/// Why a session is over, and in words.
pub(crate) type End = (String, String);

/// Spikes as bytes, decisions, the last position, the end, and what was refused.
pub(crate) type Portion<'py> =
    (Bound<'py, PyBytes>, Vec<Decision>, Option<Position>, Option<End>, Vec<String>);

pub(crate) fn portion<'py>(python: Python<'py>, items: &[Item]) -> Portion<'py> {
    let (mut spikes, mut decisions, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let (mut position, mut end) = (None, None);
    for item in items {
        match item {
            Item::Spikes(batch) => batch.iter().for_each(|spike| put_spike(&spike, &mut spikes)),
            Item::Decision(decision) => decisions.push(decided(decision)),
            Item::Acknowledgement(stands) => position = Some(of(stands)),
            Item::Error(refusal) => errors.push(refusal.to_string()),
            Item::Ended(ended) => {
                position = ended.r#final.as_ref().map(of).or(position);
                end = Some(ended_as(ended));
            }
            _ => {}
        }
    }
    (PyBytes::new(python, &spikes), decisions, position, end, errors)
}

pub(crate) fn decided(decision: &v1::Decision) -> Decision {
    let v1::Decision { time_us, port, class, votes, votes_total, sample_ticks, .. } = *decision;
    let confidence = match sample_ticks {
        0 => f64::NAN,
        _ => f64::from(decision.confidence_ppm) / 1e6,
    };
    (time_us, port, class, votes, votes_total, confidence, sample_ticks)
}

pub(crate) fn ended_as(ended: &v1::Ended) -> End {
    let reason = ended.reason().as_str_name().trim_start_matches("END_REASON_");
    (reason.to_owned(), ended.message.clone())
}

fn of(position: &v1::Acknowledgement) -> Position {
    (
        position.accepted,
        position.durable,
        position.simulated_to_us,
        position.events_accepted,
        position.deliveries,
        position.spikes,
    )
}
