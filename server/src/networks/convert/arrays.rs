//! Blobs decoded to numbers: little-endian, row-major, as long as their shape says, all finite.

use bytes::Bytes;
use spiked_proto::{
    hex,
    v1::{ArrayRef, ElementType},
};

use super::{Error, Notes, at_most};
use crate::networks::blobs::hash_of;
use crate::networks::limits::{EXTENTS_MAX, NETWORK_BYTES_MAX};

/// Where arrays come from, and how much of them the network has used.
pub(super) struct Arrays<'a> {
    blob: &'a dyn Fn(&[u8; 32]) -> Option<Bytes>,
    bytes: u64,
}

/// Numbers with their shape.
pub(super) struct Array<T> {
    pub(super) shape: Vec<u32>,
    pub(super) values: Vec<T>,
}

impl<'a> Arrays<'a> {
    pub(super) fn new(blob: &'a dyn Fn(&[u8; 32]) -> Option<Bytes>) -> Self {
        Self { blob, bytes: 0 }
    }

    /// Of what was decoded \[bytes\].
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whole numbers: u32.
    pub(super) fn indices(
        &mut self,
        notes: &mut Notes,
        field: &str,
        array: Option<&ArrayRef>,
    ) -> Result<Option<Array<u32>>, Error> {
        let Some((element, shape, bytes)) = self.raw(notes, field, array)? else {
            return Ok(None);
        };
        if element != ElementType::U32 {
            return Ok(notes.none(field, "needs elements of type u32"));
        }
        let values = elements::<4>(&bytes).map(u32::from_le_bytes).collect();
        Ok(Some(Array { shape, values }))
    }

    /// Weights: f32 or f64, finite.
    pub(super) fn weights(
        &mut self,
        notes: &mut Notes,
        field: &str,
        array: Option<&ArrayRef>,
    ) -> Result<Option<Array<f64>>, Error> {
        let Some((element, shape, bytes)) = self.raw(notes, field, array)? else {
            return Ok(None);
        };
        let values: Vec<f64> = match element {
            ElementType::F32 => elements(&bytes).map(f32::from_le_bytes).map(f64::from).collect(),
            ElementType::F64 => elements(&bytes).map(f64::from_le_bytes).collect(),
            _ => return Ok(notes.none(field, "needs elements of type f32 or f64")),
        };
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let message = format!("entry {index} is {}, which is not finite", values[index]);
            return Ok(notes.none(field, message));
        }
        Ok(Some(Array { shape, values }))
    }

    /// The bytes of an array whose length fits its shape.
    fn raw(
        &mut self,
        notes: &mut Notes,
        field: &str,
        array: Option<&ArrayRef>,
    ) -> Result<Option<(ElementType, Vec<u32>, Bytes)>, Error> {
        let Some(array) = array else {
            return Ok(notes.none(field, "is missing"));
        };
        at_most("extents of a shape", array.shape.len(), EXTENTS_MAX)?;
        let (element, size_bytes) = match ElementType::try_from(array.element_type) {
            Ok(element @ (ElementType::F32 | ElementType::U32)) => (element, 4_u64),
            Ok(element @ ElementType::F64) => (element, 8),
            _ => return Ok(notes.none(field, "has no element type: f32, f64 or u32")),
        };
        let sha256 = hash_of(&array.sha256)?;
        let bytes = (self.blob)(&sha256).ok_or_else(|| Error::Blob {
            sha256: hex(&sha256),
            problem: format!(
                "is not here ({}): it was never uploaded, or later uploads took its place",
                notes.path(field)
            ),
        })?;
        let mut extents = array.shape.iter().map(|extent| u64::from(*extent));
        let needed_bytes = extents.try_fold(size_bytes, u64::checked_mul);
        if needed_bytes != Some(bytes.len() as u64) {
            let message = format!(
                "of shape {:?} with {size_bytes} bytes an element does not fit its {} bytes",
                array.shape,
                bytes.len()
            );
            return Ok(notes.none(field, message));
        }
        self.count(&bytes)?;
        Ok(Some((element, array.shape.clone(), bytes)))
    }

    /// A network may use one blob many times, and each use is a copy.
    fn count(&mut self, bytes: &Bytes) -> Result<(), Error> {
        self.bytes += bytes.len() as u64;
        if self.bytes > NETWORK_BYTES_MAX {
            return Err(Error::Limit {
                what: "the arrays of a network, counted as often as used [bytes]",
                given: self.bytes,
                limit: NETWORK_BYTES_MAX,
            });
        }
        Ok(())
    }
}

fn elements<const SIZE: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; SIZE]> {
    bytes.as_chunks().0.iter().copied()
}
