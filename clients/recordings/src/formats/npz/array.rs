//! The header of a `.npy` array: what its elements are and how many.

use std::io::Read;

use crate::formats::columns::{Element, Field, Header};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// No header of an array of events is longer, in bytes.
const HEADER_BYTES_MAX: usize = 1 << 14;

/// The header, from the beginning of a file; on failure what is wrong, for "an array that …".
pub(super) fn header(from: &mut impl Read) -> Result<Header, String> {
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
    let text = String::from_utf8(text).map_err(|_| "has a header that is no text".to_owned())?;
    parse(&text)
}

/// A Python dictionary with `descr`, `fortran_order` and `shape`.
fn parse(text: &str) -> Result<Header, String> {
    let value = |key: &str| {
        let quoted = format!("'{key}'");
        let behind = text.split_once(&quoted).map(|(_, behind)| behind);
        let value = behind.and_then(|behind| behind.trim_start().strip_prefix(':'));
        value.map(str::trim_start).ok_or_else(|| format!("has no {key} in its header"))
    };
    let described = value("descr")?;
    let fields = if described.starts_with('[') {
        records(described)?
    } else {
        let element = element(quoted(described).next().unwrap_or_default())?;
        vec![Field { name: String::new(), at: 0, element }]
    };
    let shape = value("shape")?;
    let inside = shape.strip_prefix('(').and_then(|shape| shape.split_once(')'));
    let inside = inside.map(|(inside, _)| inside.trim().trim_end_matches(','));
    let length = inside.and_then(|inside| inside.parse().ok()).ok_or_else(|| {
        let shape = shape.split(')').next().unwrap_or_default();
        format!("has the shape {shape}), expected one dimension")
    })?;
    let element_bytes = fields.last().map_or(0, |last| last.at + last.element.bytes());
    if element_bytes == 0 {
        return Err("has elements without a value".into());
    }
    Ok(Header { fields, element_bytes, length })
}

/// An element from a type string such as `<u2`.
fn element(text: &str) -> Result<Element, String> {
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
        let header = parse(plain).expect("a header");
        assert_eq!((header.element_bytes, header.length), (8, 12));
        let records = "{'descr': [('t', '<u8'), ('x', '<u2'), ('y', '<i2'), ('on', '|b1')], \
                       'fortran_order': False, 'shape': (3,), }";
        let header = parse(records).expect("a header");
        let places: Vec<_> = header.fields.iter().map(|field| (&*field.name, field.at)).collect();
        assert_eq!(places, [("t", 0), ("x", 8), ("y", 10), ("on", 12)]);
        assert_eq!(header.element_bytes, 13);
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
            let refused = parse(&text).expect_err("it is refused");
            assert!(refused.contains(said), "{refused}");
        }
    }
}
