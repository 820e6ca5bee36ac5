//! Input as a watcher sees it, read out of the batch that carried it.

use spiked_proto::layout::{
    address::{self, AddressEvent, CountedAddressEvent},
    frames::Frames,
};

use crate::{Error, Layout, v1};

/// Input of one port, as it went into the simulation.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchedInput {
    /// Events, in the order in which they came; addresses are row-major indices into the port's shape.
    Events(Vec<CountedAddressEvent>),
    /// Frames: time \[µs\], and values. One that was bad is NaN.
    Frames(Vec<(u64, Vec<f32>)>),
}

impl WatchedInput {
    /// Reads a batch that a watcher was shown; one that holds a promise alone has no events.
    ///
    /// # Errors
    ///
    /// A batch that is not what the contract says.
    pub fn read(batch: &v1::EventBatch) -> Result<Self, Error> {
        let (payload, base_us, count) = (&batch.payload, batch.base_time_us, batch.count.into());
        let broken = |error: &dyn std::fmt::Display| {
            Error::Contract(format!("a batch of watched input: {error}"))
        };
        match batch.layout() {
            Layout::Unspecified if payload.is_empty() => Ok(Self::Events(Vec::new())),
            Layout::Address => {
                let events = address::decode(payload, base_us, count);
                let counted = |AddressEvent { time, index }| CountedAddressEvent {
                    time,
                    index,
                    multiplicity: 1,
                };
                Ok(Self::Events(events.map_err(|error| broken(&error))?.map(counted).collect()))
            }
            Layout::CountedAddress => {
                let events = address::decode_counted(payload, base_us, count);
                let events = events.map_err(|error| broken(&error))?.collect::<Result<_, _>>();
                events.map(Self::Events).map_err(|error| broken(&error))
            }
            Layout::Frames => {
                let frames = Frames::decode(payload, base_us, count);
                let frames = frames.map_err(|error| broken(&error))?;
                let frame = |(time_us, values): (_, _)| (time_us, Iterator::collect(values));
                Ok(Self::Frames(frames.iter().map(frame).collect()))
            }
            layout => Err(broken(&format!("{layout:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use spiked_proto::layout::frames::Sampling;

    use super::*;

    fn batch(layout: Layout, count: u32, payload: Vec<u8>) -> v1::EventBatch {
        let (layout, payload) = (layout.into(), payload.into());
        v1::EventBatch { base_time_us: 500, layout, count, payload, ..v1::EventBatch::default() }
    }

    #[test]
    fn events_and_frames_come_back() {
        let three = CountedAddressEvent { time: 507, index: 9, multiplicity: 3 };
        let mut payload = Vec::new();
        address::encode_counted(&[three], 500, &mut payload).unwrap();
        let read = WatchedInput::read(&batch(Layout::CountedAddress, 1, payload));
        assert_eq!(read.unwrap(), WatchedInput::Events(vec![three]));

        let mut payload = Vec::new();
        address::encode(&[AddressEvent { time: 507, index: 9 }], 500, &mut payload).unwrap();
        let once = CountedAddressEvent { multiplicity: 1, ..three };
        let read = WatchedInput::read(&batch(Layout::Address, 1, payload));
        assert_eq!(read.unwrap(), WatchedInput::Events(vec![once]));

        let mut payload = Vec::new();
        let sampling = Sampling { period_ns: 1_000_000, base_ns: 0 };
        Frames::encode(sampling, 2, &[1.0, 2.0, 3.0, 4.0], &mut payload);
        let read = WatchedInput::read(&batch(Layout::Frames, 2, payload));
        let frames = vec![(500, vec![1.0, 2.0]), (1_500, vec![3.0, 4.0])];
        assert_eq!(read.unwrap(), WatchedInput::Frames(frames));

        let promise = v1::EventBatch { promise_us: Some(7), ..v1::EventBatch::default() };
        assert_eq!(WatchedInput::read(&promise).unwrap(), WatchedInput::Events(Vec::new()));
    }

    #[test]
    fn what_is_no_watched_input_is_refused() {
        for (layout, count, bytes) in [
            (Layout::Camera, 1, 8),
            (Layout::Address, 2, 8),
            (Layout::Address, 1, 7),
            // A multiplicity of zero.
            (Layout::CountedAddress, 1, 8),
            (Layout::Frames, 1, 3),
            (Layout::Unspecified, 0, 8),
        ] {
            let read = WatchedInput::read(&batch(layout, count, vec![0; bytes]));
            assert!(matches!(read, Err(Error::Contract(_))), "{layout:?}: {read:?}");
        }
    }
}
