//! The elements of a dataset of one dimension, chunk by chunk.
//!
//! Chunks that one filter has packed which the HDF5 library leaves to others (ECF, Blosc) are found by
//! their addresses and unpacked here; all other layouts and filters are hdf5-pure's.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use hdf5_pure::{Chunk, Dataset, Datatype, DatatypeByteOrder};

use super::{blosc, damaged, ecf};
use crate::{
    Fault,
    formats::columns::{Element, Elements, Field, Header, array_fault},
};

/// No chunk is longer, packed or not \[bytes\].
const CHUNK_BYTES_MAX: u64 = 1 << 28;
/// Elements read at once where there are no chunks.
const WINDOW_ELEMENTS: u64 = 16_384;

const BLOSC: u16 = 32_001;
const ECF: u16 = 36_559;

/// Unpacks a chunk that has so many bytes unpacked, or says what is wrong.
type Unpack = fn(&[u8], usize) -> Result<Vec<u8>, String>;

/// What a dataset holds and the reader of its elements.
pub(super) fn open(
    name: &str,
    dataset: &Dataset,
    path: &Path,
    bytes_total: u64,
) -> Result<(Header, Box<dyn Elements>), Fault> {
    let refused = |problem| array_fault(name, problem);
    let fields = fields(&dataset.datatype().map_err(damaged)?).map_err(refused)?;
    let element_bytes = dataset.element_size().map_err(damaged)?;
    let windows = Windows::of(name, dataset, element_bytes)?;
    let (to_usize, length) = (|bytes| usize::try_from(bytes).unwrap_or(usize::MAX), windows.length);
    let header = Header { fields, element_bytes: to_usize(element_bytes), length };
    let unpack: Unpack = match dataset.filters().as_slice() {
        [BLOSC] => blosc::unpack,
        [ECF] if is_ecf(&header) => ecf::unpack,
        [ECF] => return Err(refused("is packed by ECF and no record of x, y, p and t".into())),
        filters => {
            let own = filters.iter().find(|&&filter| [BLOSC, ECF].contains(&filter));
            if let Some(filter) = own {
                let problem = format!("is packed by {filters:?}, expected {filter} alone");
                return Err(refused(problem));
            }
            check_chunks(dataset, &windows, bytes_total)?;
            let reader = Plain { dataset: dataset.clone(), windows };
            return Ok((header, Box::new(Buffered::new(reader))));
        }
    };
    // An index names every chunk in 8 bytes or more.
    if windows.count() > bytes_total / 8 {
        return Err(refused(format!("claims {} chunks", windows.count())));
    }
    let mut chunks = dataset.chunks().map_err(damaged)?;
    chunks.sort_by(|a, b| a.offset.cmp(&b.offset));
    let file = File::open(path)?;
    let reader = Packed { name: name.to_owned(), file, bytes_total, chunks, unpack, windows };
    Ok((header, Box::new(Buffered::new(reader))))
}

/// Refuses a dataset one of whose chunks claims to be longer than the file: hdf5-pure makes room for a
/// chunk before it looks whether that is there.
pub(super) fn check_chunks(
    dataset: &Dataset,
    windows: &Windows,
    bytes_total: u64,
) -> Result<(), Fault> {
    // Others are not in chunks, or have more of them than the file could name, which reading will say.
    if windows.count() > bytes_total / 8 {
        return Ok(());
    }
    for Chunk { address: offset, storage_size, .. } in dataset.chunks().unwrap_or_default() {
        if offset.checked_add(storage_size).is_none_or(|end| end > bytes_total) {
            let (what, expected) = ("length of a chunk", "expected less, by the file's length");
            let value = i64::try_from(storage_size).unwrap_or(i64::MAX);
            return Err(Fault::Damaged { offset, what, value, expected });
        }
    }
    Ok(())
}

/// The values of an element, if they are numbers as this machine has them.
fn fields(datatype: &Datatype) -> Result<Vec<Field>, String> {
    let Datatype::Compound { members, .. } = datatype else {
        let element =
            element(datatype).ok_or_else(|| format!("holds {datatype:?}, not numbers"))?;
        return Ok(vec![Field { name: String::new(), at: 0, element }]);
    };
    let fields = members.iter().filter_map(|member| {
        let at = usize::try_from(member.byte_offset).ok()?;
        Some(Field { name: member.name.clone(), at, element: element(&member.datatype)? })
    });
    let size = datatype.type_size() as usize;
    let inside =
        |field: &Field| field.at.checked_add(field.element.bytes()).is_some_and(|end| end <= size);
    Ok(fields.filter(inside).collect())
}

pub(super) fn element(datatype: &Datatype) -> Option<Element> {
    use DatatypeByteOrder::LittleEndian;
    match datatype {
        Datatype::FixedPoint { size: size @ (1 | 2 | 4 | 8), byte_order, layout } => {
            let is_whole = layout.bit_offset == 0 && u32::from(layout.bit_precision) == 8 * size;
            let is_read = is_whole && (*size == 1 || *byte_order == LittleEndian);
            let kind = if layout.signed { Element::Signed } else { Element::Unsigned };
            is_read.then(|| kind(*size as usize))
        }
        Datatype::FloatingPoint { size: 2, byte_order: LittleEndian, layout } => {
            (layout.exponent_size == 5).then_some(Element::Float(2))
        }
        Datatype::FloatingPoint { size: size @ (4 | 8), byte_order: LittleEndian, .. } => {
            Some(Element::Float(*size as usize))
        }
        // Truth values, as h5py writes them.
        Datatype::Enumeration { base_type, .. } => element(base_type),
        _ => None,
    }
}

/// Whether elements are laid out as ECF unpacks them.
fn is_ecf(header: &Header) -> bool {
    let expected = [
        ("x", 0, Element::Unsigned(2)),
        ("y", 2, Element::Unsigned(2)),
        ("p", 4, Element::Signed(2)),
        ("t", 8, Element::Signed(8)),
    ];
    let fields = header.fields.iter().map(|field| (field.name.as_str(), field.at, field.element));
    header.element_bytes == ecf::EVENT_BYTES && fields.eq(expected)
}

/// How a dataset is divided: so many elements in each part, fewer in the last.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    /// Elements in all.
    pub(super) length: u64,
    /// Elements in each.
    pub(super) window: u64,
    element_bytes: u64,
    /// Bytes of each, unpacked.
    window_bytes: usize,
}

impl Windows {
    /// By its chunks, or of a dataset without them by what is read at once.
    pub(super) fn of(name: &str, dataset: &Dataset, element_bytes: u64) -> Result<Self, Fault> {
        let refused = |problem| array_fault(name, problem);
        let shape = dataset.shape().map_err(damaged)?;
        let &[length] = shape.as_slice() else {
            return Err(refused(format!("has the shape {shape:?}, expected one dimension")));
        };
        let chunk = dataset.chunk_shape().map_err(damaged)?;
        let window =
            chunk.as_deref().map_or(WINDOW_ELEMENTS, |chunk| chunk.first().copied().unwrap_or(0));
        let bytes = window.checked_mul(element_bytes).filter(|&bytes| bytes <= CHUNK_BYTES_MAX);
        let (Some(window_bytes @ 1..), true) = (bytes, element_bytes > 0) else {
            let expected = "expected 256 MiB at most";
            return Err(refused(format!("has chunks of {window} elements, {expected}")));
        };
        let window_bytes = usize::try_from(window_bytes).unwrap_or(usize::MAX);
        Ok(Self { length, window, element_bytes, window_bytes })
    }

    pub(super) const fn count(&self) -> u64 {
        self.length.div_ceil(self.window)
    }

    /// Bytes of the elements that a part holds, unpacked.
    fn bytes_of(&self, number: u64) -> usize {
        let elements =
            self.window.min(self.length.saturating_sub(number.saturating_mul(self.window)));
        usize::try_from(elements * self.element_bytes).unwrap_or(usize::MAX)
    }
}

/// Gives the parts of a dataset.
pub(super) trait Parts: Send {
    fn windows(&self) -> &Windows;

    /// The bytes of a part, all that its elements take, and how many of the file that took.
    fn part(&mut self, number: u64) -> Result<(Vec<u8>, u64), Fault>;
}

/// Portions of any length out of parts.
struct Buffered<P> {
    parts: P,
    /// The next part.
    number: u64,
    part: Vec<u8>,
    /// Bytes of the part that are given out.
    given: usize,
}

impl<P> Buffered<P> {
    const fn new(parts: P) -> Self {
        Self { parts, number: 0, part: Vec::new(), given: 0 }
    }
}

impl<P: Parts> Elements for Buffered<P> {
    fn read(&mut self, bytes: u64, out: &mut Vec<u8>) -> Result<u64, Fault> {
        let (mut missing, mut taken) = (usize::try_from(bytes).unwrap_or(usize::MAX), 0);
        while missing > 0 {
            if self.given == self.part.len() {
                if self.number == self.parts.windows().count() {
                    break;
                }
                let (part, of_file) = self.parts.part(self.number)?;
                (self.part, self.given) = (part, 0);
                self.number += 1;
                taken += of_file;
            }
            let rest = &self.part[self.given..];
            let rest = &rest[..rest.len().min(missing)];
            out.extend_from_slice(rest);
            self.given += rest.len();
            missing -= rest.len();
        }
        Ok(taken)
    }
}

/// A dataset that hdf5-pure reads.
pub(super) struct Plain {
    pub(super) dataset: Dataset,
    pub(super) windows: Windows,
}

impl Parts for Plain {
    fn windows(&self) -> &Windows {
        &self.windows
    }

    fn part(&mut self, number: u64) -> Result<(Vec<u8>, u64), Fault> {
        let window = self.windows.window;
        let part = self.dataset.read_raw_rows(number * window, window).map_err(damaged)?;
        let expected = self.windows.bytes_of(number);
        if part.len() != expected {
            return Err(damaged(format!("part {number} has {} of {expected} bytes", part.len())));
        }
        let of_file = part.len() as u64;
        Ok((part, of_file))
    }
}

/// A dataset whose chunks are unpacked here.
struct Packed {
    name: String,
    file: File,
    bytes_total: u64,
    /// In their order.
    chunks: Vec<Chunk>,
    unpack: Unpack,
    windows: Windows,
}

impl Parts for Packed {
    fn windows(&self) -> &Windows {
        &self.windows
    }

    fn part(&mut self, number: u64) -> Result<(Vec<u8>, u64), Fault> {
        let begin = number * self.windows.window;
        let place = self.chunks.binary_search_by(|chunk| chunk.offset.as_slice().cmp(&[begin]));
        let Ok(place) = place else {
            let problem = format!("lacks the chunk that begins at element {begin}");
            return Err(array_fault(&self.name, problem));
        };
        let &Chunk { address: offset, storage_size, filter_mask, .. } = &self.chunks[place];
        let end = offset.checked_add(storage_size).filter(|&end| end <= self.bytes_total);
        if end.is_none() || storage_size > CHUNK_BYTES_MAX {
            let (what, expected) = ("length of a chunk", "expected less, by the file's length");
            let value = i64::try_from(storage_size).unwrap_or(i64::MAX);
            return Err(Fault::Damaged { offset, what, value, expected });
        }
        self.file.seek(SeekFrom::Start(offset))?;
        let mut packed = vec![0; usize::try_from(storage_size).unwrap_or(usize::MAX)];
        self.file.read_exact(&mut packed)?;
        // A filter that could not pack a chunk is marked as left out.
        let mut part = if filter_mask & 1 == 1 {
            packed
        } else {
            let unpacked = (self.unpack)(&packed, self.windows.window_bytes);
            unpacked.map_err(|problem| Fault::Compressed { offset, problem })?
        };
        // The last chunk is as long as the others, whatever the dataset needs of it.
        let (whole, held) = (self.windows.bytes_of(number), part.len());
        if held < whole {
            return Err(Fault::Truncated { offset, held, whole });
        }
        part.truncate(whole);
        Ok((part, storage_size))
    }
}
