//! The text header of Prophesee's files, RAW and DAT.
//!
//! Lines of `% key value`, at best ended by `% end`. Where that line is missing the header ends
//! before the first line that does not begin with `% `; and since the binary part may itself
//! begin with these bytes, a line that holds control characters is no header line either.

use super::{Beginning, Decode, Format, dat, evt2, evt3, evt4, evt21, unknown};
use crate::{Fault, Geometry};

/// A header is shorter than this, in bytes, or a file without end would be searched for its end.
const HEADER_BYTES_MAX: usize = 1 << 16;

/// The header's lines and its length.
struct Lines<'a> {
    lines: Vec<&'a [u8]>,
    length: usize,
}

pub(super) fn begin(first: &[u8], is_whole_file: bool) -> Result<Beginning, Fault> {
    let searched = &first[..first.len().min(HEADER_BYTES_MAX)];
    let whole = is_whole_file && searched.len() == first.len();
    let Lines { lines, mut length } = lines(searched, whole)?;
    if lines.is_empty() {
        return Err(unknown(first));
    }
    let mut header: Vec<_> = lines.into_iter().map(key_and_value).collect();
    let format = format(&header)?;
    let geometry = geometry(&header)?;
    let decoder: Box<dyn Decode> = match format {
        Format::Evt2 => Box::new(evt2::Reader::new(geometry)),
        Format::Evt21 => {
            if value(&header, "endianness").is_none() {
                header.push(("endianness".into(), evt21::guess(&first[length..]).into()));
            }
            Box::new(evt21::reader(value(&header, "endianness"), geometry)?)
        }
        Format::Evt3 => Box::new(evt3::Reader::new(geometry)),
        Format::Evt4 => Box::new(evt4::reader(geometry)),
        // DAT: `format` gives no other.
        _ => {
            let Some(&prefix) = first[length..].first_chunk() else {
                return Err(Fault::HeaderCut { length: first.len() as u64 });
            };
            let offset = length as u64;
            length += dat::PREFIX_BYTES;
            Box::new(dat::reader(prefix, offset, value(&header, "Version"), geometry)?)
        }
    };
    Ok(Beginning { format, geometry, header, length, decoder })
}

/// The lines up to `% end` if there is one, else as long as they look like text.
fn lines(bytes: &[u8], is_whole_file: bool) -> Result<Lines<'_>, Fault> {
    let ended = take_lines(bytes, |line| line.starts_with(b"%"));
    if let Some(end) = ended.lines.iter().position(|line| line.trim_ascii_end() == b"% end") {
        let length = ended.lines[..=end].iter().map(|line| line.len() + 1).sum();
        return Ok(Lines { lines: ended.lines[..end].to_vec(), length });
    }
    let text = take_lines(bytes, is_text);
    let behind = &bytes[text.length..];
    let may_go_on = !behind.contains(&b'\n') && is_start_of_text(behind);
    match (may_go_on, is_whole_file) {
        (true, true) if !behind.is_empty() => Err(Fault::HeaderCut { length: bytes.len() as u64 }),
        (true, false) => Err(Fault::HeaderTooLong { limit: HEADER_BYTES_MAX }),
        _ => Ok(text),
    }
}

/// The leading whole lines that a test accepts, without their line ends.
fn take_lines(bytes: &[u8], accepts: impl Fn(&[u8]) -> bool) -> Lines<'_> {
    let (mut lines, mut length) = (Vec::new(), 0);
    while let Some(end) = bytes[length..].iter().position(|&byte| byte == b'\n') {
        let line = &bytes[length..length + end];
        if !accepts(line) {
            break;
        }
        lines.push(line);
        length += end + 1;
    }
    Lines { lines, length }
}

fn is_text(line: &[u8]) -> bool {
    line.starts_with(b"% ") && is_start_of_text(line)
}

/// Whether a header line could begin like this; nothing at all could be the start of one.
fn is_start_of_text(line: &[u8]) -> bool {
    let marker = &b"% "[..line.len().min(2)];
    let is_printed = |&byte: &u8| byte >= b' ' && byte != 0x7F || byte == b'\t' || byte == b'\r';
    line.starts_with(marker) && line.iter().all(is_printed)
}

fn key_and_value(line: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_start_matches('%').trim();
    let (key, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (key.to_owned(), value.trim().to_owned())
}

fn value<'a>(header: &'a [(String, String)], key: &str) -> Option<&'a str> {
    header.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// `format` is the newer key and wins over `evt`; without either, a `Version` means DAT.
fn format(header: &[(String, String)]) -> Result<Format, Fault> {
    let (key, named) = match (value(header, "format"), value(header, "evt")) {
        (Some(format), _) => ("format", format.split(';').next().unwrap_or_default().trim()),
        (None, Some(version)) => ("evt", version),
        (None, None) if value(header, "Version").is_some() => return Ok(Format::Dat),
        (None, None) => return Err(Fault::NoEncoding),
    };
    match named {
        "EVT2" | "2.0" => Ok(Format::Evt2),
        "EVT21" | "2.1" => Ok(Format::Evt21),
        "EVT3" | "3.0" => Ok(Format::Evt3),
        "EVT4" | "4.0" => Ok(Format::Evt4),
        _ => Err(Fault::HeaderValue {
            key: key.to_owned(),
            value: named.to_owned(),
            expected: "expected EVT2, EVT21, EVT3 or EVT4 (2.0, 2.1, 3.0 or 4.0 as evt)",
        }),
    }
}

/// The sensor's size, from any of the three places that can hold it; they must not disagree.
pub(super) fn geometry(header: &[(String, String)]) -> Result<Option<Geometry>, Fault> {
    let options = value(header, "format").unwrap_or_default();
    let option = |name| {
        let mut options = options.split(';').filter_map(|option| option.split_once('='));
        options.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
    };
    let pairs = [
        ("format", option("width"), option("height")),
        ("Width and Height", value(header, "Width"), value(header, "Height")),
    ];
    let mut stated = Vec::new();
    if let Some(text) = value(header, "geometry") {
        stated.push(parsed("geometry", text)?);
    }
    for (key, width, height) in pairs {
        if let (Some(width), Some(height)) = (width, height) {
            stated.push(parsed(key, &format!("{width}x{height}"))?);
        }
    }
    if let Some(pair) = stated.windows(2).find(|pair| pair[0] != pair[1]) {
        return Err(Fault::TwoGeometries { first: pair[0], second: pair[1] });
    }
    Ok(stated.first().copied())
}

fn parsed(key: &str, text: &str) -> Result<Geometry, Fault> {
    text.parse().map_err(|_| Fault::HeaderValue {
        key: key.to_owned(),
        value: text.to_owned(),
        expected: "expected WIDTHxHEIGHT, each from 1 to 65535",
    })
}
