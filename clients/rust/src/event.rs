//! The kinds of events that a producer packs: of a camera, at an address, several at an address.

use spiked_proto::layout::{
    PackedError,
    address::{self, AddressEvent, CountedAddressEvent},
    camera::{self, CameraEvent},
};

use crate::Layout;

/// An event that rides in one of the packed 8-byte layouts. Sealed: the layouts are the
/// contract's.
pub trait Event: sealed::Packed {}

impl<T: sealed::Packed> Event for T {}

pub(crate) mod sealed {
    use super::{Layout, PackedError};

    /// Packs events into a payload.
    pub trait Packed: Copy + Send + Sync {
        /// Which layout it is.
        const LAYOUT: Layout;
        /// When \[µs\].
        fn time_us(&self) -> u64;
        /// Appends events; at the first that doesn't fit it stops, behind those before.
        fn pack(events: &[Self], base_us: u64, payload: &mut Vec<u8>) -> Result<(), PackedError>;
    }
}

impl sealed::Packed for CameraEvent {
    const LAYOUT: Layout = Layout::Camera;

    fn time_us(&self) -> u64 {
        self.t_us
    }

    fn pack(events: &[Self], base_us: u64, payload: &mut Vec<u8>) -> Result<(), PackedError> {
        camera::encode(events, base_us, payload)
    }
}

impl sealed::Packed for AddressEvent {
    const LAYOUT: Layout = Layout::Address;

    fn time_us(&self) -> u64 {
        self.time
    }

    fn pack(events: &[Self], base_us: u64, payload: &mut Vec<u8>) -> Result<(), PackedError> {
        address::encode(events, base_us, payload)
    }
}

impl sealed::Packed for CountedAddressEvent {
    const LAYOUT: Layout = Layout::CountedAddress;

    fn time_us(&self) -> u64 {
        self.time
    }

    fn pack(events: &[Self], base_us: u64, payload: &mut Vec<u8>) -> Result<(), PackedError> {
        address::encode_counted(events, base_us, payload)
    }
}
