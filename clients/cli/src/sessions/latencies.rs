//! A session's latencies as text.

use std::time::Duration;

use hdrhistogram::{Histogram, serialization::Deserializer};
use spiked_client::v1::GetLatenciesResponse;

use crate::{failure::Failure, numbers::duration, terminal};

/// A line a kind.
pub(super) fn told(latencies: &GetLatenciesResponse) -> Result<String, Failure> {
    let kinds = [("queue", &latencies.queue), ("core", &latencies.core), ("wire", &latencies.wire)];
    let mut rows = Vec::new();
    for (kind, bytes) in kinds {
        rows.push((kind, line(bytes)?.into()));
    }
    Ok(terminal::table(rows))
}

fn line(bytes: &[u8]) -> Result<String, Failure> {
    if bytes.is_empty() {
        return Ok("nothing was measured yet".into());
    }
    let histogram: Histogram<u64> = Deserializer::new()
        .deserialize(&mut &bytes[..])
        .map_err(|error| Failure::failed(format!("a histogram that cannot be read: {error}")))?;
    let at = |share| duration(Duration::from_nanos(histogram.value_at_quantile(share)));
    let most = duration(Duration::from_nanos(histogram.max()));
    Ok(format!(
        "p50 {}, p99 {}, p99.9 {}, most {} of {}",
        at(0.5),
        at(0.99),
        at(0.999),
        most,
        histogram.len()
    ))
}
