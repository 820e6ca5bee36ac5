//! The global heap of an HDF5 file, where the elements of sequences of any length lie.
//!
//! | collection \[bytes\] | what |
//! |---|---|
//! | 0, 4 | `GCOL` |
//! | 4, 1 | version, 1 |
//! | 8, 8 | bytes of the whole collection |
//! | from 16 on | objects, the first of index 0 is what is free |
//!
//! | object \[bytes\] | what |
//! |---|---|
//! | 0, 2 | index |
//! | 2, 2 | how often it is referred to |
//! | 8, 8 | bytes of what it holds, which follow, up to a multiple of 8 |
//!
//! All little-endian, with addresses and lengths of 8 bytes, as every library writes them; addresses count
//! from the file's base. A collection is walked once and no further than it says, which is no further than
//! the file; its objects have an index each, so that there are 65 535 at most.

use std::{
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, SeekFrom},
};

use thiserror::Error;

const COLLECTION_HEADER: u64 = 16;
const OBJECT_HEADER: u64 = 16;
/// A collection has at least so many bytes as a rule, and is read as much at once.
const BUFFER_BYTES: usize = 4_096;

/// What is wrong with a reference into a file's heap. Addresses count from the start of the file \[bytes\].
#[derive(Debug, Error)]
pub enum HeapFault {
    /// The file cannot be read there.
    #[error("lies where the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Nothing at this address is a collection.
    #[error("refers to byte {address}, where no collection of the heap is")]
    NoCollection {
        /// Where it should be.
        address: u64,
    },
    /// A collection that would end behind the file, or in its own header.
    #[error("refers to the collection at byte {address}, which claims {size} bytes")]
    CollectionSize {
        /// Where it is.
        address: u64,
        /// What it says of itself \[bytes\].
        size: u64,
    },
    /// An object that would end behind its collection.
    #[error(
        "refers to the collection at byte {address}, whose object {index} claims {size} bytes \
         of {left}"
    )]
    ObjectSize {
        /// Where the collection is.
        address: u64,
        /// The object's.
        index: u16,
        /// What it says of itself \[bytes\].
        size: u64,
        /// What the collection has from there on \[bytes\].
        left: u64,
    },
    /// Two objects with one index.
    #[error("refers to the collection at byte {address}, which has two objects {index}")]
    Twice {
        /// Where the collection is.
        address: u64,
        /// The objects'.
        index: u16,
    },
    /// The collection has no such object.
    #[error("refers to object {index} of the collection at byte {address}, which isn't there")]
    NoObject {
        /// Where the collection is.
        address: u64,
        /// The object's.
        index: u32,
    },
    /// An object of another length than the reference says.
    #[error(
        "refers to {expected} bytes in object {index} of the collection at byte {address}, \
         which has {found}"
    )]
    Length {
        /// Where the collection is.
        address: u64,
        /// The object's.
        index: u32,
        /// By the reference \[bytes\].
        expected: u64,
        /// By the object \[bytes\].
        found: u64,
    },
}

/// A reference, as it stands in the place of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// Elements of the sequence.
    pub(super) length: u32,
    /// Of the collection, from the file's base \[bytes\].
    address: u64,
    index: u32,
}

impl Reference {
    pub(super) const BYTES: usize = 16;

    pub(super) fn of(bytes: &[u8; Self::BYTES]) -> Self {
        let &[l0, l1, l2, l3, a0, a1, a2, a3, a4, a5, a6, a7, i0, i1, i2, i3] = bytes;
        Self {
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            address: u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]),
            index: u32::from_le_bytes([i0, i1, i2, i3]),
        }
    }
}

/// A file's heap. The collection that was read last is known by its objects.
#[derive(Debug)]
pub(super) struct Heap {
    file: BufReader<File>,
    /// Where the file stands, if that is known \[bytes\].
    position: Option<u64>,
    bytes_total: u64,
    /// What addresses count from \[bytes\].
    base: u64,
    last: Option<Collection>,
}

#[derive(Debug)]
struct Collection {
    address: u64,
    /// By their index.
    objects: Vec<Object>,
}

#[derive(Clone, Copy, Debug)]
struct Object {
    index: u16,
    /// Of what it holds, from the start of the file \[bytes\].
    at: u64,
    bytes: u64,
}

impl Heap {
    pub(super) fn new(file: File, bytes_total: u64, base: u64) -> Self {
        let file = BufReader::with_capacity(BUFFER_BYTES, file);
        Self { file, position: None, bytes_total, base, last: None }
    }

    /// Gives what a reference stands for, which has so many bytes.
    pub(super) fn read(&mut self, reference: Reference, bytes: u64) -> Result<Vec<u8>, HeapFault> {
        if reference.length == 0 {
            return Ok(Vec::new());
        }
        let nowhere = HeapFault::NoCollection { address: reference.address };
        let address = reference.address.checked_add(self.base).ok_or(nowhere)?;
        if self.last.as_ref().is_none_or(|last| last.address != address) {
            self.last = None;
            self.last = Some(self.collection(address)?);
        }
        let index = reference.index;
        let objects = self.last.as_ref().map_or(&[][..], |last| &last.objects);
        let place = u16::try_from(index)
            .ok()
            .and_then(|index| objects.binary_search_by_key(&index, |object| object.index).ok());
        let object = place.map(|place| objects[place]);
        let object = object.ok_or(HeapFault::NoObject { address, index })?;
        if object.bytes != bytes {
            let (expected, found) = (bytes, object.bytes);
            return Err(HeapFault::Length { address, index, expected, found });
        }
        // As long as the file at most: the collection ends in it, and the object in the collection.
        let mut held = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
        self.read_at(object.at, &mut held)?;
        Ok(held)
    }

    /// Walks over the objects of a collection.
    fn collection(&mut self, address: u64) -> Result<Collection, HeapFault> {
        let begin = address.checked_add(COLLECTION_HEADER);
        let begin = begin.filter(|&begin| begin <= self.bytes_total);
        let begin = begin.ok_or(HeapFault::NoCollection { address })?;
        let (head, size) = self.header(address)?;
        if head[..5] != *b"GCOL\x01" {
            return Err(HeapFault::NoCollection { address });
        }
        let end = address.checked_add(size);
        let end = end.filter(|&end| size >= COLLECTION_HEADER && end <= self.bytes_total);
        let end = end.ok_or(HeapFault::CollectionSize { address, size })?;
        let objects = self.objects(address, begin, end)?;
        Ok(Collection { address, objects })
    }

    fn objects(&mut self, address: u64, mut at: u64, end: u64) -> Result<Vec<Object>, HeapFault> {
        let mut objects: Vec<Object> = Vec::new();
        // What is left may be too short for a header: then nothing is there. One more object than there
        // are indices, and one of them has come twice.
        while end - at >= OBJECT_HEADER && objects.len() <= usize::from(u16::MAX) {
            let (head, size) = self.header(at)?;
            let index = u16::from_le_bytes([head[0], head[1]]);
            if index == 0 {
                break;
            }
            at += OBJECT_HEADER;
            let left = end - at;
            let padded = size.checked_next_multiple_of(8).filter(|&padded| padded <= left);
            let padded = padded.ok_or(HeapFault::ObjectSize { address, index, size, left })?;
            objects.push(Object { index, at, bytes: size });
            at += padded;
        }
        objects.sort_unstable_by_key(|object| object.index);
        match objects.array_windows().find(|[one, other]| one.index == other.index) {
            Some([twice, _]) => Err(HeapFault::Twice { address, index: twice.index }),
            None => Ok(objects),
        }
    }

    /// Eight bytes of a header, and the size behind them.
    fn header(&mut self, at: u64) -> io::Result<([u8; 8], u64)> {
        let (mut head, mut size) = ([0; 8], [0; 8]);
        self.read_at(at, &mut head)?;
        self.read_at(at + 8, &mut size)?;
        Ok((head, u64::from_le_bytes(size)))
    }

    /// Reads from a place of the file, out of the buffer if it lies there.
    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<()> {
        // Forgotten while it moves: behind a move that failed nobody knows where it stands.
        match self.position.take().map(|position| at.cast_signed().wrapping_sub_unsigned(position))
        {
            Some(by) => self.file.seek_relative(by)?,
            None => self.file.seek(SeekFrom::Start(at)).map(drop)?,
        }
        self.file.read_exact(out)?;
        self.position = Some(at + out.len() as u64);
        Ok(())
    }
}
