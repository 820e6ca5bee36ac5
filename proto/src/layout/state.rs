//! A decoder's state as bytes of fixed length, for a session's snapshot.
//!
//! Little-endian fields one after another, in the order in which `save` writes them.

use thiserror::Error;

use super::{Geometry, words::WordCounts};

/// More words than any stream has.
const COUNT_MAX: u64 = 1 << 62;

/// Bytes that are no decoder's state.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// Too short or too long.
    #[error("a decoder's state takes {expected} bytes, not {given}")]
    Length {
        /// What it takes.
        expected: usize,
        /// What was given.
        given: usize,
    },
    /// A field with a value that no decoder reaches.
    #[error("a decoder's state cannot have {field} {value}")]
    Field {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
}

/// Fills a state of fixed length, field by field.
pub(super) struct Writer<'a>(pub(super) &'a mut [u8]);

impl Writer<'_> {
    pub(super) fn put(&mut self, field: &[u8]) {
        let (here, behind) = std::mem::take(&mut self.0).split_at_mut(field.len());
        here.copy_from_slice(field);
        self.0 = behind;
    }

    pub(super) fn put_option(&mut self, value: Option<u64>) {
        self.put(&[u8::from(value.is_some())]);
        self.put(&value.unwrap_or(0).to_le_bytes());
    }

    pub(super) fn put_geometry(&mut self, geometry: Option<Geometry>) {
        let sides = |Geometry { width, height }| u64::from(width) | u64::from(height) << 16;
        self.put_option(geometry.map(sides));
    }

    pub(super) fn put_counts(&mut self, counts: &WordCounts) {
        for count in counts.to_array() {
            self.put(&count.to_le_bytes());
        }
    }
}

/// Reads a state of proven length, field by field.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new<const N: usize>(bytes: &'a [u8]) -> Result<Self, StateError> {
        let given = bytes.len();
        let checked = bytes.first_chunk::<N>().filter(|_| given == N);
        checked.map(|bytes| Self(bytes)).ok_or(StateError::Length { expected: N, given })
    }

    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, behind) =
            self.0.split_first_chunk().expect("`new` has checked the length of all fields");
        self.0 = behind;
        *field
    }

    pub(super) fn take_flag(&mut self, field: &'static str) -> Result<bool, StateError> {
        match self.take() {
            [0] => Ok(false),
            [1] => Ok(true),
            [value] => Err(StateError::Field { field, value: value.into() }),
        }
    }

    pub(super) fn take_u16(&mut self, field: &'static str, max: u16) -> Result<u16, StateError> {
        let value = u16::from_le_bytes(self.take());
        if value > max {
            return Err(StateError::Field { field, value: value.into() });
        }
        Ok(value)
    }

    pub(super) fn take_option(&mut self, field: &'static str) -> Result<Option<u64>, StateError> {
        let present = self.take_flag(field)?;
        let value = u64::from_le_bytes(self.take());
        if !present && value != 0 {
            return Err(StateError::Field { field, value });
        }
        Ok(present.then_some(value))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the sides are 16 bits each")]
    pub(super) fn take_geometry(&mut self) -> Result<Option<Geometry>, StateError> {
        let field = "geometry";
        match self.take_option(field)? {
            Some(value) if value >> 32 != 0 => Err(StateError::Field { field, value }),
            sides => {
                Ok(sides
                    .map(|sides| Geometry { width: sides as u16, height: (sides >> 16) as u16 }))
            }
        }
    }

    /// Counts that leave room to count on.
    pub(super) fn take_counts(&mut self) -> Result<WordCounts, StateError> {
        let counts: [u64; 7] = std::array::from_fn(|_| u64::from_le_bytes(self.take()));
        match counts.iter().find(|&&count| count > COUNT_MAX) {
            Some(&value) => Err(StateError::Field { field: "a count of", value }),
            None => Ok(WordCounts::from_array(counts)),
        }
    }
}
