//! The header of a `.npy` array: what its elements are and how many.
//!
//! [`Described`] is what every header says; [`Header`] is what is made of that of an
//! array of events.

use std::io::Read;

use crate::formats::columns::{Element, Field, Header};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// No header of an array of events is longer, in bytes.
const HEADER_BYTES_MAX: usize = 1 << 14;

/// What any array says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    /// A type in quotation marks, or a list of names and types.
    pub(crate) descr: String,
    /// The first index runs fastest.
    pub(crate) is_fortran: bool,
    /// One extent a dimension; none of a single value.
    pub(crate) shape: Vec<u64>,
}

impl Described {
    /// Reads it from the beginning of a file; on failure says what is wrong, for "an array that …".
    pub(crate) fn read(from: &mut impl Read) -> Result<Self, String> {
        let cut = |_| "ends inside its header".to_owned();
        let mut begin = [0; 8];
        from.read_exact(&mut begin).map_err(cut)?;
        if begin[..6] != *MAGIC {
            return Err("is no .npy file".into());
        }
        let length = if begin[6] == 1 {
            let mut length = [0; 2];
            from.read_exact(&mut length).map_err(cut)?;
            u16::from_le_bytes(length).into()
        } else {
            let mut length = [0; 4];
            from.read_exact(&mut length).map_err(cut)?;
            usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX)
        };
        if length > HEADER_BYTES_MAX {
            return Err(format!("has a header of {length} bytes, expected 16384 at most"));
        }
        let mut text = vec![0; length];
        from.read_exact(&mut text).map_err(cut)?;
        let text =
            String::from_utf8(text).map_err(|_| "has a header that is no text".to_owned())?;
        Self::parse(&text)
    }

    /// A Python dictionary with `descr`, `fortran_order` and `shape`.
    fn parse(text: &str) -> Result<Self, String> {
        let find = |key: &str| {
            let quoted = format!("'{key}'");
            let behind = text.split_once(&quoted).map(|(_, behind)| behind);
            let value = behind.and_then(|behind| behind.trim_start().strip_prefix(':'));
            value.map(str::trim_start)
        };
        let value = |key: &str| find(key).ok_or_else(|| format!("has no {key} in its header"));
        let shape = value("shape")?;
        let unreadable = || format!("has a shape that cannot be read: {shape:?}");
        let inside = shape.strip_prefix('(').and_then(|shape| shape.split_once(')'));
        let (inside, _) = inside.ok_or_else(unreadable)?;
        let extents = inside.split(',').map(str::trim).filter(|extent| !extent.is_empty());
        let shape = extents.map(str::parse).collect::<Result<Vec<u64>, _>>();
        Ok(Self {
            descr: value("descr")?.to_owned(),
            is_fortran: find("fortran_order").is_some_and(|order| order.starts_with("True")),
            shape: shape.map_err(|_| unreadable())?,
        })
    }

    /// The type of plain elements.
    pub(crate) fn kind(&self) -> &str {
        quoted(&self.descr).next().unwrap_or_default()
    }
}

/// What an array of events says of itself; otherwise what is wrong, for "an array that …".
pub(super) fn header(described: &Described) -> Result<Header, String> {
    let fields = if described.descr.starts_with('[') {
        records(&described.descr)?
    } else {
        let element = element(described.kind())?;
        vec![Field { name: String::new(), at: 0, element }]
    };
    let &[length] = described.shape.as_slice() else {
        let extents: Vec<String> = described.shape.iter().map(u64::to_string).collect();
        let shape = extents.join(", ");
        return Err(format!("has the shape ({shape}), expected one dimension"));
    };
    let element_bytes = fields.last().map_or(0, |last| last.at + last.element.bytes());
    if element_bytes == 0 {
        return Err("has elements without a value".into());
    }
    Ok(Header { fields, element_bytes, length })
}

/// An element from a type string such as `<u2`.
pub(crate) fn element(text: &str) -> Result<Element, String> {
    let refused = || format!("holds {text:?}, expected whole numbers or little-endian floats");
    let (order, rest) = text.split_at_checked(1).ok_or_else(refused)?;
    let (kind, size) = rest.split_at_checked(1).ok_or_else(refused)?;
    let bytes: usize = size.parse().map_err(|_| refused())?;
    match (order, kind, bytes) {
        ("<" | "|" | "=", "u", 1 | 2 | 4 | 8) | ("|", "b", 1) => Ok(Element::Unsigned(bytes)),
        ("<" | "|" | "=", "i", 1 | 2 | 4 | 8) => Ok(Element::Signed(bytes)),
        ("<" | "=", "f", 4 | 8) => Ok(Element::Float(bytes)),
        _ => Err(refused()),
    }
}

/// The texts in quotation marks, one after another.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('\'').skip(1).step_by(2)
}

/// A list of pairs of name and type.
fn records(described: &str) -> Result<Vec<Field>, String> {
    let list = described.split(']').next().unwrap_or_default();
    let texts: Vec<&str> = quoted(list).collect();
    let (pairs, rest) = texts.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("has records that cannot be read: {list}]"));
    }
    let mut at = 0;
    let mut fields = Vec::new();
    for [name, kind] in pairs {
        let element = element(kind)?;
        fields.push(Field { name: (*name).to_owned(), at, element });
        at += element.bytes();
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_array_and_records() {
        let plain = "{'descr': '<i8', 'fortran_order': False, 'shape': (12,), }";
        let parse = |text| Described::parse(text).and_then(|described| header(&described));
        let found = parse(plain).expect("a header");
        assert_eq!((found.element_bytes, found.length), (8, 12));
        let records = "{'descr': [('t', '<u8'), ('x', '<u2'), ('y', '<i2'), ('on', '|b1')], \
                       'fortran_order': False, 'shape': (3,), }";
        let found = parse(records).expect("a header");
        let places: Vec<_> = found.fields.iter().map(|field| (&*field.name, field.at)).collect();
        assert_eq!(places, [("t", 0), ("x", 8), ("y", 10), ("on", 12)]);
        assert_eq!(found.element_bytes, 13);
    }

    #[test]
    fn what_holds_no_events_is_refused_by_name() {
        for (described, shape, said) in [
            ("'>i8'", "(12,)", "\">i8\""),
            ("'<U4'", "(12,)", "\"<U4\""),
            ("'<i8'", "(3, 4)", "(3, 4)"),
            ("'<i8'", "()", "()"),
            ("[('t', '<u8'), ('x']", "(1,)", "records"),
        ] {
            let text = format!("{{'descr': {described}, 'shape': {shape}, }}");
            let described = Described::parse(&text).expect("it is described");
            let refused = header(&described).expect_err("it is refused");
            assert!(refused.contains(said), "{refused}");
        }
    }
}
