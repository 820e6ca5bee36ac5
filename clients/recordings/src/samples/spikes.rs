//! Spikes out of their arrays: seconds and channels become µs and addresses, in the order of time.

use super::{AddressEvent, Sample, SampleFault};
use crate::formats::columns::Element;

/// No sample lasts longer \[s\].
const TIME_MAX_S: f64 = 1e6;

/// Numbers of an array, of which each is one element.
pub(super) struct Column {
    pub(super) bytes: Vec<u8>,
    pub(super) element: Element,
}

impl Column {
    const fn len(&self) -> usize {
        self.bytes.len() / self.element.bytes()
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.bytes.chunks_exact(self.element.bytes()).map(|bytes| self.element.value(bytes))
    }
}

/// Spikes of a cochlea of so many channels, and how many stood right behind a later one.
pub(super) fn of(
    times: &Column,
    channels: &Column,
    channels_total: u32,
) -> Result<(Vec<AddressEvent>, u64), SampleFault> {
    if times.len() != channels.len() {
        return Err(SampleFault::Lengths { times: times.len(), channels: channels.len() });
    }
    let mut spikes = Vec::with_capacity(times.len());
    for (spike, (time_s, channel)) in times.values().zip(channels.values()).enumerate() {
        if !(0.0..=TIME_MAX_S).contains(&time_s) {
            return Err(SampleFault::Time { spike, time_s });
        }
        if channel.fract() != 0.0 || !(0.0..f64::from(channels_total)).contains(&channel) {
            return Err(SampleFault::Channel { spike, channel, channels: channels_total });
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let (time, index) = ((time_s * 1e6).round() as u64, channel as u32);
        spikes.push(AddressEvent { time, index });
    }
    let backward = spikes.array_windows().filter(|[before, after]| after.time < before.time);
    let backward_steps = backward.count() as u64;
    if backward_steps > 0 {
        // A sort that keeps the order of those at one time.
        spikes.sort_by_key(|spike| spike.time);
    }
    Ok((spikes, backward_steps))
}

impl Sample {
    /// Time of the last spike, from the sample's beginning \[µs\]; 0 without spikes.
    #[must_use]
    pub fn last_us(&self) -> u64 {
        self.spikes.last().map_or(0, |spike| spike.time)
    }
}
