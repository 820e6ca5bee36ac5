//! A dataset of sequences of any length: each row refers to an object of the file's heap.

use std::fs::File;

use hdf5_pure::{Dataset, Datatype};
use thiserror::Error;

use super::{
    Hdf5, damaged,
    dataset::element,
    heap::{Heap, HeapFault, Reference},
    rows::Rows,
};
use crate::{
    Fault,
    formats::columns::{Element, array_fault},
};

/// Why a sequence cannot be read.
#[derive(Debug, Error)]
pub enum SequenceFault {
    /// The dataset cannot be read where it refers to the sequence.
    #[error("{0}")]
    Row(Box<Fault>),
    /// The reference leads nowhere, or to something else.
    #[error(transparent)]
    Heap(#[from] HeapFault),
    /// There is more of it than is read.
    #[error("has {length} elements, expected {most} at most")]
    TooLong {
        /// By the reference.
        length: u32,
        /// What is read.
        most: u32,
    },
}

/// Sequences of numbers.
pub(crate) struct Sequences {
    rows: Rows,
    heap: Heap,
    element: Element,
}

impl Sequences {
    pub(crate) fn open(name: &str, dataset: &Dataset, hdf5: &Hdf5) -> Result<Self, Fault> {
        let datatype = dataset.datatype().map_err(damaged)?;
        let numbers = match &datatype {
            Datatype::VariableLength { is_string: false, base_type, .. } => element(base_type),
            _ => None,
        };
        let expected = "expected sequences of numbers";
        let numbers =
            numbers.ok_or_else(|| array_fault(name, format!("holds {datatype:?}, {expected}")))?;
        Self::of(name, dataset, hdf5, numbers)
    }

    /// Sequences of which it is known what they are of.
    pub(super) fn of(
        name: &str,
        dataset: &Dataset,
        hdf5: &Hdf5,
        element: Element,
    ) -> Result<Self, Fault> {
        let superblock = hdf5.file.superblock();
        let (addresses, lengths) = (superblock.offset_size, superblock.length_size);
        if (addresses, lengths) != (8, 8) {
            let problem =
                format!("has addresses of {addresses} and lengths of {lengths} bytes, expected 8");
            return Err(array_fault(name, problem));
        }
        let rows = Rows::open(name, dataset, Reference::BYTES as u64, hdf5.bytes_total)?;
        let file = File::open(&hdf5.path)?;
        let heap = Heap::new(file, hdf5.bytes_total, superblock.base_address.get());
        Ok(Self { rows, heap, element })
    }

    pub(crate) const fn len(&self) -> u64 {
        self.rows.len()
    }

    pub(crate) const fn element(&self) -> Element {
        self.element
    }

    /// The bytes of a sequence, which has so many elements at most.
    pub(crate) fn read(&mut self, row: u64, most: u32) -> Result<Vec<u8>, SequenceFault> {
        let bytes = self.rows.get(row).map_err(|fault| SequenceFault::Row(Box::new(fault)))?;
        let reference = Reference::of(bytes.first_chunk().unwrap_or(&[0; Reference::BYTES]));
        let length = reference.length;
        if length > most {
            return Err(SequenceFault::TooLong { length, most });
        }
        Ok(self.heap.read(reference, u64::from(length) * self.element.bytes() as u64)?)
    }
}
