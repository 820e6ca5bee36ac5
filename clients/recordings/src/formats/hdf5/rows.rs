//! Rows of a dataset of one dimension at any place, of which a window is held: numbers, and texts.

use hdf5_pure::{Dataset, Datatype};

use super::{
    Hdf5, damaged,
    dataset::{Parts as _, Plain, Windows, check_chunks, element},
    sequences::{SequenceFault, Sequences},
};
use crate::{
    Fault,
    formats::columns::{Element, array_fault},
};

/// A text has at most so many bytes.
const TEXT_BYTES_MAX: u32 = 4_096;

/// The rows of a dataset.
pub(crate) struct Rows {
    plain: Plain,
    element_bytes: usize,
    /// Which window is held, and its bytes.
    held: Option<(u64, Vec<u8>)>,
}

impl Rows {
    /// Of so many bytes each, in a file of so many.
    pub(super) fn open(
        name: &str,
        dataset: &Dataset,
        element_bytes: u64,
        bytes_total: u64,
    ) -> Result<Self, Fault> {
        let windows = Windows::of(name, dataset, element_bytes)?;
        check_chunks(dataset, &windows, bytes_total)?;
        let plain = Plain { dataset: dataset.clone(), windows };
        let element_bytes = usize::try_from(element_bytes).unwrap_or(usize::MAX);
        Ok(Self { plain, element_bytes, held: None })
    }

    pub(super) const fn len(&self) -> u64 {
        self.plain.windows.length
    }

    /// The bytes of a row, which has to be one of those that are there.
    pub(super) fn get(&mut self, row: u64) -> Result<&[u8], Fault> {
        let window = self.plain.windows.window;
        let (number, place) = (row / window, row % window);
        if self.held.as_ref().is_none_or(|(held, _)| *held != number) {
            self.held = None;
            let (bytes, _) = self.plain.part(number)?;
            self.held = Some((number, bytes));
        }
        let bytes = self.held.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let begin = usize::try_from(place).unwrap_or(usize::MAX).saturating_mul(self.element_bytes);
        let row_bytes = bytes.get(begin..).and_then(|rest| rest.get(..self.element_bytes));
        row_bytes.ok_or_else(|| damaged(format!("row {row} isn't there")))
    }
}

/// Numbers, a row each.
pub(crate) struct Numbers {
    rows: Rows,
    element: Element,
}

impl Numbers {
    pub(crate) fn open(name: &str, dataset: &Dataset, bytes_total: u64) -> Result<Self, Fault> {
        let datatype = dataset.datatype().map_err(damaged)?;
        let element = element(&datatype)
            .ok_or_else(|| array_fault(name, format!("holds {datatype:?}, not numbers")))?;
        let rows = Rows::open(name, dataset, element.bytes() as u64, bytes_total)?;
        Ok(Self { rows, element })
    }

    pub(crate) const fn len(&self) -> u64 {
        self.rows.len()
    }

    pub(crate) const fn element(&self) -> Element {
        self.element
    }

    /// The bytes of all numbers, window by window.
    pub(crate) fn all(&mut self) -> Result<Vec<u8>, Fault> {
        let mut all = Vec::new();
        for number in 0..self.rows.plain.windows.count() {
            all.append(&mut self.rows.plain.part(number)?.0);
        }
        Ok(all)
    }

    /// The bytes of a number, which are those of its element.
    pub(crate) fn get(&mut self, row: u64) -> Result<&[u8], Fault> {
        self.rows.get(row)
    }
}

/// Texts, a row each: of one length, or of any.
pub(crate) enum Texts {
    Fixed(Rows),
    Any(Sequences),
}

impl Texts {
    /// Whether a dataset holds texts.
    pub(crate) fn are_in(dataset: &Dataset) -> Result<bool, Fault> {
        let datatype = dataset.datatype().map_err(damaged)?;
        let is_text = matches!(
            datatype,
            Datatype::String { .. } | Datatype::VariableLength { is_string: true, .. }
        );
        Ok(is_text)
    }

    pub(crate) fn open(name: &str, dataset: &Dataset, hdf5: &Hdf5) -> Result<Self, Fault> {
        match dataset.datatype().map_err(damaged)? {
            Datatype::String { size: size @ 1..=TEXT_BYTES_MAX, .. } => {
                Rows::open(name, dataset, size.into(), hdf5.bytes_total).map(Self::Fixed)
            }
            Datatype::VariableLength { is_string: true, .. } => {
                Sequences::of(name, dataset, hdf5, Element::Unsigned(1)).map(Self::Any)
            }
            other => Err(array_fault(name, format!("holds {other:?}, expected text"))),
        }
    }

    pub(crate) const fn len(&self) -> u64 {
        match self {
            Self::Fixed(rows) => rows.len(),
            Self::Any(sequences) => sequences.len(),
        }
    }

    pub(crate) fn get(&mut self, row: u64) -> Result<String, SequenceFault> {
        let text = |bytes: &[u8]| {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
        };
        match self {
            Self::Fixed(rows) => {
                rows.get(row).map(text).map_err(|fault| SequenceFault::Row(Box::new(fault)))
            }
            Self::Any(sequences) => sequences.read(row, TEXT_BYTES_MAX).map(|bytes| text(&bytes)),
        }
    }
}
