//! Analogue frames on their way out: checked, and cut into batches that fit a message.

use spiked_proto::layout::frames;

use crate::{Error, Layout, gather::Batch};

/// Values of one message: with its other fields it stays below 1 MiB.
const BATCH_VALUES_MAX: usize = 65_536;
const NS_PER_US: u64 = 1_000;

/// Frames at a fixed rate.
///
/// Times are whole nanoseconds here and are rounded down to µs frame by frame, so that a flow may be
/// cut anywhere: frame n of it is at `base_ns + n × period_ns`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frames<'a> {
    /// Time of the first [ns, sender's clock].
    pub base_ns: u128,
    /// Time between frames \[ns\].
    pub period_ns: u64,
    /// Values of one frame.
    pub channels: u32,
    /// All values, [frame, value].
    pub values: &'a [f32],
}

impl Frames<'_> {
    /// Time of the last frame \[µs\], of frames that can be sent.
    pub(crate) fn check(&self) -> Result<Option<u64>, Error> {
        let (values, channels) = (self.values.len(), self.channels);
        if channels == 0 || !values.is_multiple_of(channels as usize) {
            return Err(Error::FramesRagged { values, channels });
        }
        let frames = values / channels as usize;
        let Some(last) = frames.checked_sub(1) else {
            return Ok(None);
        };
        let last_ns = self.base_ns + u128::from(self.period_ns) * last as u128;
        match u64::try_from(last_ns / u128::from(NS_PER_US)) {
            Ok(last_us) => Ok(Some(last_us)),
            Err(_) => Err(Error::FramesTooLate { last_ns }),
        }
    }

    /// The next batch of checked frames, and what lies behind it.
    pub(crate) fn cut(self, port: u32) -> Option<(Batch, Self)> {
        let Self { base_ns, period_ns, channels, values } = self;
        if values.is_empty() {
            return None;
        }
        let frames = (BATCH_VALUES_MAX / channels as usize).max(1);
        let (now, behind) = values.split_at(values.len().min(frames * channels as usize));
        let count = now.len() / channels as usize;
        let (base_us, further_ns) =
            (base_ns / u128::from(NS_PER_US), base_ns % u128::from(NS_PER_US));
        let further_ns = u32::try_from(further_ns).unwrap_or(0);
        let mut payload = Vec::new();
        let sampling = frames::Sampling { period_ns, base_ns: further_ns };
        frames::Frames::encode(sampling, channels, now, &mut payload);
        let batch = Batch {
            port,
            layout: Layout::Frames,
            base_us: u64::try_from(base_us).unwrap_or(u64::MAX),
            count: u32::try_from(count).unwrap_or(u32::MAX),
            payload: payload.into(),
            promise_us: None,
        };
        let base_ns = base_ns + u128::from(period_ns) * count as u128;
        Some((batch, Self { base_ns, values: behind, ..self }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(batch: &Batch) -> Vec<u64> {
        let frames = frames::Frames::decode(&batch.payload, batch.base_us, batch.count.into());
        frames.unwrap().iter().map(|(time_us, _)| time_us).collect()
    }

    #[test]
    fn frames_are_cut_without_moving_any() {
        let values = vec![1.0; 3 * 180 * BATCH_VALUES_MAX / 180 / 180 * 180];
        let mut rest =
            Frames { base_ns: 1_234_567, period_ns: 9_090_909, channels: 180, values: &values };
        let whole = rest;
        let mut all_us = Vec::new();
        while let Some((batch, behind)) = rest.cut(2) {
            assert!(batch.payload.len() < 1 << 20);
            all_us.extend(times(&batch));
            rest = behind;
        }
        let expected = (0..values.len() as u128 / 180).map(|n| (1_234_567 + n * 9_090_909) / 1_000);
        let expected: Vec<u64> = expected.map(|us| u64::try_from(us).unwrap()).collect();
        assert_eq!(all_us, expected);
        assert_eq!(whole.check().unwrap(), expected.last().copied());
    }

    #[test]
    fn values_that_make_no_frames_are_refused() {
        let frames = Frames { base_ns: 0, period_ns: 1, channels: 4, values: &[0.0; 6] };
        assert!(matches!(frames.check(), Err(Error::FramesRagged { values: 6, channels: 4 })));
        assert!(matches!(
            Frames { channels: 0, ..frames }.check(),
            Err(Error::FramesRagged { channels: 0, .. })
        ));
    }
}
