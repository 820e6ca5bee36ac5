//! The AEDAT family: 1 and 2 of jAER, 3.1 of cAER, 4 of DV. They share a name and the `#` of their
//! headers' lines.

pub(super) mod caer;
pub(super) mod dv;
mod flatbuffer;
pub(super) mod jaer;

use crate::{Fault, Geometry};

/// A header is shorter than this, in bytes, or a file without end would be searched for its end.
const HEADER_BYTES_MAX: usize = 1 << 15;

/// The lines of a header and its length in bytes. A line begins with `#`, holds nothing but text and
/// ends with a line feed: data may begin with a `#`, too.
fn lines(first: &[u8], is_whole_file: bool) -> Result<(Vec<String>, usize), Fault> {
    let searched = &first[..first.len().min(HEADER_BYTES_MAX)];
    let is_text = |&byte: &u8| byte >= b' ' && byte != 0x7F || matches!(byte, b'\t' | b'\r');
    let (mut lines, mut length) = (Vec::new(), 0);
    loop {
        let rest = &searched[length..];
        let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
            let may_go_on = rest.starts_with(b"#") && rest.iter().all(is_text);
            return match (may_go_on, is_whole_file && searched.len() == first.len()) {
                (true, true) => Err(Fault::HeaderCut { length: first.len() as u64 }),
                (true, false) => Err(Fault::HeaderTooLong { limit: HEADER_BYTES_MAX }),
                (false, _) => Ok((lines, length)),
            };
        };
        let line = &rest[..end];
        if !line.starts_with(b"#") || !line.iter().all(is_text) {
            return Ok((lines, length));
        }
        lines.push(String::from_utf8_lossy(line).trim_end().to_owned());
        length += end + 1;
    }
}

/// The lines as keys and values, as far as they are.
fn entries(lines: &[String]) -> Vec<(String, String)> {
    let entry = |line: &String| {
        let (key, value) = line.trim_start_matches(['#', '!', ' ']).split_once(':')?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    };
    lines.iter().filter_map(entry).collect()
}

/// The sensors of the chips that are sold, by names that occur in headers.
fn sensor_of(chip: &str) -> Option<Geometry> {
    const CHIPS: [(&str, u16, u16); 7] = [
        ("DVS128", 128, 128),
        ("DAVIS128", 128, 128),
        ("DAVIS208", 208, 192),
        ("DAVIS240", 240, 180),
        ("DAVIS346", 346, 260),
        ("DAVIS640", 640, 480),
        ("DVXPLORER", 640, 480),
    ];
    let chip = chip.to_ascii_uppercase();
    let known = CHIPS.into_iter().find(|(name, ..)| chip.contains(name));
    known.map(|(_, width, height)| Geometry { width, height })
}
