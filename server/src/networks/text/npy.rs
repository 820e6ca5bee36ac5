//! Arrays as numpy saves them: `.npy`, and `.npz`, which is a zip file of those.
//!
//! | magic "\x93NUMPY", 6 | version, 2 | header length, 2 or 4 | header, a Python dict | elements |
//!
//! Read here are numbers of one type, in either byte order and either order of storage. No bytes
//! panic or take more memory than they are long (a zip: than an array may be).

use std::io::{Cursor, Read as _};

use spiked_proto::v1::ElementType;

use crate::networks::limits::{BLOB_BYTES_MAX, EXTENTS_MAX};

const MAGIC: &[u8] = b"\x93NUMPY";
const HEADER_BYTES_MAX: usize = 65_536;

/// An array as it lies in the file.
#[derive(Debug)]
pub(super) struct Npy<'a> {
    pub(super) shape: Vec<u32>,
    kind: Kind,
    size_bytes: usize,
    big_endian: bool,
    /// First extent fastest.
    fortran: bool,
    elements: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float,
    Signed,
    Unsigned,
}

impl<'a> Npy<'a> {
    /// Reads the header and checks the length.
    pub(super) fn read(file: &'a [u8]) -> Result<Self, String> {
        let (header, elements) = split(file).ok_or("is no .npy file")?;
        let header = Header::read(header).ok_or("has a header that is no plain array's")?;
        let (kind, size_bytes, big_endian) = element_type(&header.descr)?;
        if header.shape.len() > EXTENTS_MAX {
            return Err(format!("has {} extents, at most {EXTENTS_MAX}", header.shape.len()));
        }
        let count =
            header.shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n as usize));
        if count.and_then(|count| count.checked_mul(size_bytes)) != Some(elements.len()) {
            return Err(format!(
                "has {} bytes of elements, which its shape {:?} of {:?} doesn't fit",
                elements.len(),
                header.shape,
                header.descr
            ));
        }
        let Header { shape, fortran, .. } = header;
        Ok(Self { shape, kind, size_bytes, big_endian, fortran, elements })
    }

    /// Weights, little-endian and row-major: f32 or f64, as they were.
    pub(super) fn weights(&self) -> Result<(ElementType, Vec<u8>), String> {
        match (self.kind, self.size_bytes) {
            (Kind::Float, 4) => Ok((ElementType::F32, self.row_major().flatten().collect())),
            (Kind::Float, 8) => Ok((ElementType::F64, self.row_major().flatten().collect())),
            _ => Err(format!(
                "holds {} where float32 or float64 is needed: array.astype(\"float32\")",
                self.type_name()
            )),
        }
    }

    /// Numbers of any type, row-major.
    pub(super) fn numbers(&self) -> Result<Vec<f64>, String> {
        if self.kind != Kind::Float {
            return Ok(self.wholes()?.into_iter().map(f64::from).collect());
        }
        let (element, bytes) = self.weights()?;
        Ok(match element {
            ElementType::F32 => {
                bytes.as_chunks().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect()
            }
            _ => bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect(),
        })
    }

    /// Indices or delays: whole numbers that fit 32 bits.
    pub(super) fn wholes(&self) -> Result<Vec<u32>, String> {
        if self.kind == Kind::Float {
            return Err(format!(
                "holds {} where whole numbers are needed: array.astype(\"uint32\")",
                self.type_name()
            ));
        }
        let numbers = self.row_major().enumerate().map(|(index, bytes)| {
            let number = self.whole(bytes);
            u32::try_from(number)
                .map_err(|_| format!("entry {index} is {number}, not in 0 to {}", u32::MAX))
        });
        numbers.collect()
    }

    /// An integer from its little-endian bytes.
    fn whole(&self, bytes: impl DoubleEndedIterator<Item = u8>) -> i128 {
        let (mut number, mut last) = (0_i128, 0);
        for (place, byte) in bytes.enumerate() {
            number |= i128::from(byte) << (8 * place);
            last = byte;
        }
        let negative = self.kind == Kind::Signed && last & 0x80 != 0;
        if negative { number - (1_i128 << (8 * self.size_bytes)) } else { number }
    }

    /// The elements in row-major order, each as its little-endian bytes.
    fn row_major(&self) -> impl Iterator<Item = impl DoubleEndedIterator<Item = u8> + '_> + '_ {
        let count = self.elements.len() / self.size_bytes;
        (0..count).map(move |index| {
            let at = self.stored_at(index) * self.size_bytes;
            let bytes = &self.elements[at..at + self.size_bytes];
            (0..self.size_bytes).map(move |place| {
                if self.big_endian { bytes[self.size_bytes - 1 - place] } else { bytes[place] }
            })
        })
    }

    /// Where the element of a row-major index is stored.
    fn stored_at(&self, index: usize) -> usize {
        if !self.fortran {
            return index;
        }
        // Peels extents off the last one on, which is the slowest in storage.
        let mut rest = index;
        let mut stride: usize = self.shape.iter().map(|&extent| extent as usize).product();
        let mut at = 0;
        for &extent in self.shape.iter().rev() {
            stride /= extent as usize;
            at += rest % extent as usize * stride;
            rest /= extent as usize;
        }
        at
    }

    fn type_name(&self) -> String {
        let kind = match self.kind {
            Kind::Float => "float",
            Kind::Signed => "int",
            Kind::Unsigned => "uint",
        };
        format!("{kind}{}", 8 * self.size_bytes)
    }
}

/// The names of a `.npz` file's arrays.
pub(super) fn names_in_npz(file: &[u8]) -> Result<Vec<String>, String> {
    let cannot = |error: zip::result::ZipError| format!("is no .npz file: {error}");
    let archive = zip::ZipArchive::new(Cursor::new(file)).map_err(cannot)?;
    let names: Vec<_> = archive.file_names().collect::<Result<_, _>>().map_err(cannot)?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(".npy")).map(Into::into).collect())
}

/// The `.npy` file that holds array `wanted` of a `.npz` file; without a name, the only one.
pub(super) fn member_of_npz(file: &[u8], wanted: Option<&str>) -> Result<Vec<u8>, String> {
    let cannot = |error: zip::result::ZipError| format!("is no .npz file: {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).map_err(cannot)?;
    let names: Vec<_> = archive.file_names().collect::<Result<_, _>>().map_err(cannot)?;
    let arrays: Vec<String> =
        names.iter().filter_map(|name| name.strip_suffix(".npy")).map(Into::into).collect();
    drop(names);
    let name = match (wanted, arrays.as_slice()) {
        (Some(wanted), _) if arrays.iter().any(|array| array == wanted) => wanted,
        (None, [only]) => only,
        (Some(wanted), _) => {
            return Err(format!("holds no array {wanted:?}, but {}", arrays.join(", ")));
        }
        (None, _) => {
            return Err(format!(
                "holds {} arrays, say which: {{ file = \"...\", array = \"...\" }} with one of {}",
                arrays.len(),
                arrays.join(", ")
            ));
        }
    };
    let member = archive.by_name(&format!("{name}.npy")).map_err(cannot)?;
    let limit_bytes = BLOB_BYTES_MAX + HEADER_BYTES_MAX as u64;
    let mut bytes = Vec::new();
    member
        .take(limit_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("array {name:?} cannot be read: {error}"))?;
    if bytes.len() as u64 > limit_bytes {
        return Err(format!("array {name:?} is longer than {BLOB_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

/// Header and elements.
fn split(file: &[u8]) -> Option<(&str, &[u8])> {
    let rest = file.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = if version[0] == 1 {
        let (length, rest) = rest.split_first_chunk::<2>()?;
        (usize::from(u16::from_le_bytes(*length)), rest)
    } else {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
    };
    let (header, elements) = rest.split_at_checked(length)?;
    (length <= HEADER_BYTES_MAX).then_some((str::from_utf8(header).ok()?, elements))
}

/// "<f8" as kind, size and whether it is big-endian.
fn element_type(descr: &str) -> Result<(Kind, usize, bool), String> {
    let unread = || format!("holds elements of type {descr:?}, which are not read here");
    let mut letters = descr.chars();
    let big_endian = match letters.next() {
        Some('<' | '|') => false,
        Some('>') => true,
        _ => return Err(unread()),
    };
    let kind = match letters.next() {
        Some('f') => Kind::Float,
        Some('i') => Kind::Signed,
        Some('u') => Kind::Unsigned,
        _ => return Err(unread()),
    };
    match letters.as_str() {
        size @ ("1" | "2" | "4" | "8") => {
            Ok((kind, size.parse().map_err(|_| unread())?, big_endian))
        }
        _ => Err(unread()),
    }
}

#[derive(Debug, Default, PartialEq)]
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<u32>,
}

impl Header {
    /// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
    fn read(text: &str) -> Option<Self> {
        let (mut header, mut found) = (Self::default(), 0);
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        while !rest.is_empty() {
            let (key, value) = quoted(rest)?;
            let value = value.trim_start().strip_prefix(':')?.trim_start();
            let after = match key {
                "descr" => {
                    let (descr, after) = quoted(value)?;
                    header.descr = descr.into();
                    after
                }
                "fortran_order" => {
                    header.fortran = value.starts_with("True");
                    value.strip_prefix("True").or_else(|| value.strip_prefix("False"))?
                }
                "shape" => {
                    let (shape, after) = value.strip_prefix('(')?.split_once(')')?;
                    let extents = shape.split(',').map(str::trim).filter(|part| !part.is_empty());
                    header.shape = extents.map(|part| part.parse().ok()).collect::<Option<_>>()?;
                    after
                }
                _ => return None,
            };
            found += 1;
            let after = after.trim_start();
            rest = after.strip_prefix(',').unwrap_or(after).trim_start();
        }
        (found == 3).then_some(header)
    }
}

/// A text in quotes of either kind, and what comes after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| "'\"".contains(*c))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A `.npy` file of version 1.
    pub(in crate::networks::text) fn npy(header: &str, elements: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), elements].concat()
    }

    fn header(descr: &str, fortran: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}   \n")
    }

    #[test]
    fn reads_either_byte_order_and_either_order_of_storage() {
        let rows: Vec<u8> = [1_u16, 2, 3, 4, 5, 6].into_iter().flat_map(u16::to_le_bytes).collect();
        let columns: Vec<u8> =
            [1_u16, 4, 2, 5, 3, 6].into_iter().flat_map(u16::to_be_bytes).collect();
        for file in [
            npy(&header("<u2", "False", "(2, 3)"), &rows),
            npy(&header(">u2", "True", "(2, 3)"), &columns),
        ] {
            let array = Npy::read(&file).unwrap();
            assert_eq!(
                (array.shape.as_slice(), array.wholes().unwrap()),
                (&[2, 3][..], vec![1, 2, 3, 4, 5, 6])
            );
        }
    }

    #[test]
    fn weights_keep_their_type_and_whole_numbers_their_sign() {
        let file = npy(&header(">f4", "False", "(1,)"), &1.5_f32.to_be_bytes());
        let weights = Npy::read(&file).unwrap().weights().unwrap();
        assert_eq!(weights, (ElementType::F32, 1.5_f32.to_le_bytes().to_vec()));
        let file = npy(&header("<i2", "False", "(2,)"), &[1, 0, 0xfe, 0xff]);
        let error = Npy::read(&file).unwrap().wholes().unwrap_err();
        assert!(error.contains("entry 1 is -2"), "{error}");
        assert!(Npy::read(&file).unwrap().weights().unwrap_err().contains("int16"));
    }

    #[test]
    fn refuses_a_length_that_lies_and_types_that_are_no_numbers() {
        let too_short =
            npy(&header("<f8", "False", "(4294967295, 4294967295, 4294967295)"), &[0; 8]);
        assert!(Npy::read(&too_short).unwrap_err().contains("8 bytes"));
        for descr in ["<c8", "|O", "<U3", "|b1", "<f16", "", "é"] {
            let file = npy(&header(descr, "False", "()"), &[]);
            assert!(Npy::read(&file).is_err(), "{descr}");
        }
        assert!(Npy::read(b"PK").is_err());
    }

    proptest! {
        /// Any bytes are an array or a message; also behind a header that is almost right.
        #[test]
        fn no_bytes_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            text in "[{}'\":,() descrshapefotan_TueFl<>|iuf0-9]{0,80}",
            descr in "[<>|][fiu][1248]",
            extents in prop::collection::vec(0_u32..4, 0..4),
            fortran in any::<bool>(),
        ) {
            let _ = Npy::read(&bytes).map(|array| (array.weights().is_ok(), array.wholes().is_ok()));
            let _ = Npy::read(&npy(&text, &bytes)).map(|array| array.wholes().is_ok());
            let count: u32 = extents.iter().product();
            let shape = format!("({})", extents.iter().map(|n| format!("{n},")).collect::<String>());
            let header = header(&descr, if fortran { "True" } else { "False" }, &shape);
            let size = usize::try_from(count * descr[2..].parse::<u32>().unwrap()).unwrap();
            let file = npy(&header, &bytes.iter().copied().cycle().take(size).collect::<Vec<_>>());
            let _ = Npy::read(&file).map(|array| (array.weights().is_ok(), array.wholes().is_ok()));
            let _ = member_of_npz(&bytes, None);
        }
    }
}
