//! Events and spikes as packed little-endian bytes, as structured arrays of NumPy hold them.
//!
//! | what | bytes |
//! |---|---|
//! | an event of a camera, 13 | `i64` t \[µs\], `u16` x, `u16` y, `u8` p |
//! | an event of an address, 12 | `i64` t \[µs\], `u32` address |
//! | a value of a frame, 4 | `f32` |
//! | an event that was watched, 18 | `i64` t \[µs\], `u16` port, `u32` address, `u32` multiplicity |
//! | what a probe read, 16 and 8 for each value | `i64` t \[µs\], `u64` tick, `f64` values |
//! | a spike, 26 | `i64` t \[µs\], `u64` tick, `u16` port, `u32` address, `u32` multiplicity |

use pyo3::{exceptions::PyValueError, prelude::*};
use spiked_client::{AddressEvent, CameraEvent, CountedAddressEvent, Spike, v1};

const CAMERA_BYTES: usize = 13;
const ADDRESS_BYTES: usize = 12;
/// The wire has 15 bits for a row.
const ROW_MAX: u16 = 0x7fff;

/// The time of an event that is none below zero.
fn time(bytes: [u8; 8], position: usize) -> PyResult<u64> {
    let t_us = i64::from_le_bytes(bytes);
    u64::try_from(t_us)
        .map_err(|_| PyValueError::new_err(format!("event {position} is at {t_us} us, before 0")))
}

pub(crate) fn camera_events(bytes: &[u8]) -> PyResult<Vec<CameraEvent>> {
    let (events, _) = bytes.as_chunks::<CAMERA_BYTES>();
    let event = |(position, event): (usize, &[u8; CAMERA_BYTES])| {
        let &[t0, t1, t2, t3, t4, t5, t6, t7, x0, x1, y0, y1, on] = event;
        let t_us = time([t0, t1, t2, t3, t4, t5, t6, t7], position)?;
        let [x, y] = [u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1])];
        if y > ROW_MAX {
            let message = format!("event {position} is in row {y}: at most {ROW_MAX} is possible");
            return Err(PyValueError::new_err(message));
        }
        Ok(CameraEvent { t_us, x, y, on: on != 0 })
    };
    events.iter().enumerate().map(event).collect()
}

pub(crate) fn address_events(bytes: &[u8]) -> PyResult<Vec<AddressEvent>> {
    let (events, _) = bytes.as_chunks::<ADDRESS_BYTES>();
    let event = |(position, event): (usize, &[u8; ADDRESS_BYTES])| {
        let &[t0, t1, t2, t3, t4, t5, t6, t7, a0, a1, a2, a3] = event;
        let time = time([t0, t1, t2, t3, t4, t5, t6, t7], position)?;
        Ok(AddressEvent { time, index: u32::from_le_bytes([a0, a1, a2, a3]) })
    };
    events.iter().enumerate().map(event).collect()
}

/// Values of frames, four bytes each.
pub(crate) fn frame_values(bytes: &[u8]) -> Vec<f32> {
    let (values, _) = bytes.as_chunks::<4>();
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

pub(crate) fn put_camera_event(event: &CameraEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(&event.t_us.to_le_bytes());
    out.extend_from_slice(&event.x.to_le_bytes());
    out.extend_from_slice(&event.y.to_le_bytes());
    out.push(event.on.into());
}

pub(crate) fn put_address_event(event: &AddressEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(&event.time.to_le_bytes());
    out.extend_from_slice(&event.index.to_le_bytes());
}

pub(crate) fn put_spike(spike: &Spike, out: &mut Vec<u8>) {
    out.extend_from_slice(&spike.time_us.to_le_bytes());
    out.extend_from_slice(&spike.tick.to_le_bytes());
    out.extend_from_slice(&port(spike.port));
    out.extend_from_slice(&spike.address.to_le_bytes());
    out.extend_from_slice(&spike.multiplicity.to_le_bytes());
}

pub(crate) fn put_watched_event(number: u32, event: &CountedAddressEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(&event.time.to_le_bytes());
    out.extend_from_slice(&port(number));
    out.extend_from_slice(&event.index.to_le_bytes());
    out.extend_from_slice(&u32::from(event.multiplicity).to_le_bytes());
}

pub(crate) fn put_reading(values: &v1::ProbeValues, out: &mut Vec<u8>) {
    out.extend_from_slice(&values.time_us.to_le_bytes());
    out.extend_from_slice(&values.tick.to_le_bytes());
    values.values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
}

/// The number of a port; a network has fewer than 65 536.
fn port(number: u32) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes()
}
