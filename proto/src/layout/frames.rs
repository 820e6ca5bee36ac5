//! Frames in one payload: when each was taken, and its values.
//!
//! ```text
//! time between frames [ns], u64 | further time of the first [ns], u32 | values a frame, u32 |
//! then f32 values, [frame, value]; all little-endian
//! ```

use thiserror::Error;

/// Bytes before the values.
pub const HEADER_BYTES: usize = 16;
/// Size of a value in bytes.
pub const VALUE_BYTES: usize = 4;
/// The longest time between two frames of a batch \[ns\]: one hour.
pub const PERIOD_NS_MAX: u64 = 3_600_000_000_000;
/// The shortest: frames lie at different µs \[ns\].
pub const PERIOD_NS_MIN: u64 = 1_000;
const NS_PER_US: u64 = 1_000;

/// Why frames could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FramesError {
    /// The payload ends in the header or in the middle of a frame.
    #[error(
        "a payload of {bytes} bytes is not {HEADER_BYTES} and whole frames of {channels} values"
    )]
    Ragged {
        /// Length of the payload.
        bytes: usize,
        /// Values a frame, as the header says; 0 where there is none.
        channels: u32,
    },
    /// The stated count is not the number of frames in the payload.
    #[error("the batch states {stated} frames but its payload holds {held}")]
    Count {
        /// What the batch says.
        stated: u64,
        /// What the payload's length says.
        held: u64,
    },
    /// Frames that are no time or too much time apart.
    #[error(
        "{period_ns} ns between frames; {PERIOD_NS_MIN} to {PERIOD_NS_MAX} are possible where \
         there are several"
    )]
    Period {
        /// What the header says \[ns\].
        period_ns: u64,
    },
    /// A further time that is a µs or more.
    #[error("a further {ns} ns of the first frame; below {NS_PER_US} are possible")]
    Further {
        /// What the header says \[ns\].
        ns: u32,
    },
    /// Frames that end after the end of time.
    #[error("base time {base_us} us is too late: the last frame would pass the end of 64-bit time")]
    TooLate {
        /// The batch's base time \[µs\].
        base_us: u64,
    },
}

/// The frames of a payload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frames<'a> {
    base_us: u64,
    base_ns: u32,
    period_ns: u64,
    channels: u32,
    values: &'a [u8],
}

/// When frames were taken: the first, and the time between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sampling {
    /// Time between frames \[ns\].
    pub period_ns: u64,
    /// Further time of the first frame \[ns\], below 1 000.
    pub base_ns: u32,
}

impl<'a> Frames<'a> {
    /// Reads what a payload says, and checks it.
    ///
    /// # Errors
    ///
    /// See [`FramesError`].
    pub fn decode(payload: &'a [u8], base_us: u64, count: u64) -> Result<Self, FramesError> {
        let bytes = payload.len();
        let ragged = |channels| FramesError::Ragged { bytes, channels };
        let (period, rest) = payload.split_first_chunk::<8>().ok_or(ragged(0))?;
        let (further, rest) = rest.split_first_chunk::<4>().ok_or(ragged(0))?;
        let (channels, values) = rest.split_first_chunk::<4>().ok_or(ragged(0))?;
        let (period_ns, base_ns) = (u64::from_le_bytes(*period), u32::from_le_bytes(*further));
        let channels = u32::from_le_bytes(*channels);
        let frame_bytes = u64::from(channels) * VALUE_BYTES as u64;
        let length = values.len() as u64;
        if frame_bytes == 0 && length > 0 || frame_bytes > 0 && !length.is_multiple_of(frame_bytes)
        {
            return Err(ragged(channels));
        }
        let held = length.checked_div(frame_bytes).unwrap_or(0);
        if held != count {
            return Err(FramesError::Count { stated: count, held });
        }
        if held > 1 && !(PERIOD_NS_MIN..=PERIOD_NS_MAX).contains(&period_ns) {
            return Err(FramesError::Period { period_ns });
        }
        if u64::from(base_ns) >= NS_PER_US {
            return Err(FramesError::Further { ns: base_ns });
        }
        let frames = Self { base_us, base_ns, period_ns, channels, values };
        let last_ns = frames.since_base_ns(held.saturating_sub(1));
        if u128::from(base_us) + last_ns / u128::from(NS_PER_US) >= u128::from(u64::MAX) {
            return Err(FramesError::TooLate { base_us });
        }
        Ok(frames)
    }

    /// Appends a header and frames.
    pub fn encode(sampling: Sampling, channels: u32, values: &[f32], out: &mut Vec<u8>) {
        out.reserve(HEADER_BYTES + values.len() * VALUE_BYTES);
        out.extend_from_slice(&header(sampling, channels));
        values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    }

    /// Values in one frame.
    #[must_use]
    pub const fn channels(&self) -> u32 {
        self.channels
    }

    /// Values in all frames.
    #[must_use]
    pub const fn values(&self) -> u64 {
        (self.values.len() / VALUE_BYTES) as u64
    }

    /// Time of each frame \[µs\], rounded down, and its values.
    pub fn iter(
        &self,
    ) -> impl Iterator<Item = (u64, impl Iterator<Item = f32> + use<'a>)> + use<'a> {
        let frames = *self;
        let frame_bytes = (frames.channels as usize * VALUE_BYTES).max(1);
        (0_u64..).zip(frames.values.chunks_exact(frame_bytes)).map(move |(index, frame)| {
            let (values, _) = frame.as_chunks::<VALUE_BYTES>();
            let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
            (frames.time_us(index), values)
        })
    }

    fn since_base_ns(&self, index: u64) -> u128 {
        u128::from(self.base_ns) + u128::from(index) * u128::from(self.period_ns)
    }

    fn time_us(&self, index: u64) -> u64 {
        let since_us = self.since_base_ns(index) / u128::from(NS_PER_US);
        self.base_us.saturating_add(u64::try_from(since_us).unwrap_or(u64::MAX))
    }
}

/// What stands before the values.
#[must_use]
pub fn header(sampling: Sampling, channels: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&sampling.period_ns.to_le_bytes());
    header[8..12].copy_from_slice(&sampling.base_ns.to_le_bytes());
    header[12..].copy_from_slice(&channels.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(sampling: Sampling, channels: u32, values: &[f32]) -> Vec<u8> {
        let mut payload = Vec::new();
        Frames::encode(sampling, channels, values, &mut payload);
        payload
    }

    fn times(payload: &[u8], base_us: u64, count: u64) -> Vec<u64> {
        let frames = Frames::decode(payload, base_us, count).unwrap();
        frames.iter().map(|(time_us, _)| time_us).collect()
    }

    #[test]
    fn frames_come_back_with_their_times_wherever_they_are_cut() {
        // 110 Hz.
        let period_ns = 9_090_909;
        let values: Vec<f32> = (0..12_u8).map(f32::from).collect();
        let whole = encoded(Sampling { period_ns, base_ns: 700 }, 2, &values);
        let decoded = Frames::decode(&whole, 5, 6).unwrap();
        let back: Vec<f32> = decoded.iter().flat_map(|(_, values)| values).collect();
        assert_eq!(back, values);
        let all_us = times(&whole, 5, 6);
        assert_eq!(all_us[..3], [5, 9_096, 18_187]);
        for cut in 1..6_u64 {
            let since_ns = 700 + cut * period_ns;
            let base_ns = u32::try_from(since_ns % 1_000).unwrap();
            let rest = &values[usize::try_from(2 * cut).unwrap()..];
            let rest = encoded(Sampling { period_ns, base_ns }, 2, rest);
            let rest_us = times(&rest, 5 + since_ns / 1_000, 6 - cut);
            assert_eq!(rest_us, all_us[usize::try_from(cut).unwrap()..], "cut at {cut}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_says_where() {
        let sound = Sampling { period_ns: 1_000_000, base_ns: 0 };
        let payload = encoded(sound, 3, &[0.0; 6]);
        for cut in (0..payload.len()).filter(|cut| *cut != HEADER_BYTES && *cut != 28) {
            let bytes = cut;
            let channels = if cut < HEADER_BYTES { 0 } else { 3 };
            let refused = Frames::decode(&payload[..cut], 0, 2);
            assert_eq!(refused, Err(FramesError::Ragged { bytes, channels }), "cut at {cut}");
        }
        let count = Frames::decode(&payload, 0, 3);
        assert_eq!(count, Err(FramesError::Count { stated: 3, held: 2 }));
        for period_ns in [0, 999, PERIOD_NS_MAX + 1] {
            let payload = encoded(Sampling { period_ns, ..sound }, 3, &[0.0; 6]);
            assert_eq!(Frames::decode(&payload, 0, 2), Err(FramesError::Period { period_ns }));
        }
        let late = Frames::decode(&payload, u64::MAX - 1_000, 2);
        assert_eq!(late, Err(FramesError::TooLate { base_us: u64::MAX - 1_000 }));
        let further = encoded(Sampling { base_ns: 1_000, ..sound }, 3, &[0.0; 3]);
        assert_eq!(Frames::decode(&further, 0, 1), Err(FramesError::Further { ns: 1_000 }));
        let nothing = encoded(sound, 0, &[1.0]);
        assert!(matches!(Frames::decode(&nothing, 0, 1), Err(FramesError::Ragged { .. })));
    }
}
