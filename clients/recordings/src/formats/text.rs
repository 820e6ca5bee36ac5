//! Events as lines of text: time, column, row and polarity, in the order that a line of names says or in
//! this one.
//!
//! Commas, semicolons, tabs and spaces separate; lines that begin with `#` and empty ones are skipped.
//! Times are µs, unless the name says `_ns`, `_ms` or `_s`; one with a decimal point is seconds, where the
//! name says nothing. Polarity is 1 or `true` for ON, 0, -1 or `false` for OFF.

use super::{Beginning, Decode, Format, records::Sensor, unknown};
use crate::{CameraEvent, Fault, Geometry, WordCounts};

/// No line of events is longer, in bytes.
const LINE_BYTES_MAX: usize = 1 << 12;
const SEPARATORS: [char; 4] = [',', ';', '\t', ' '];

const TIMES: [&str; 5] = ["t", "ts", "time", "timestamp", "timestamps"];
const COLUMNS: [&str; 1] = ["x"];
const ROWS: [&str; 1] = ["y"];
const POLARITIES: [&str; 4] = ["p", "pol", "polarity", "on"];

pub(super) fn begin(first: &[u8], is_whole_file: bool) -> Result<Beginning, Fault> {
    let text = first.split(|&byte| byte == b'\n');
    // The last line may be cut.
    let whole = first.iter().filter(|&&byte| byte == b'\n').count() + usize::from(is_whole_file);
    let mut length = 0;
    for line in text.take(whole) {
        if line.len() > LINE_BYTES_MAX || !line.iter().all(|&byte| is_text(byte)) {
            break;
        }
        let behind = first.len().min(length + line.len() + 1);
        let line = String::from_utf8_lossy(line);
        if !is_skipped(&line) {
            let (columns, is_header) = Columns::read(&line).ok_or_else(|| unknown(first))?;
            let length = if is_header { behind } else { length };
            let header = if is_header { line.trim().to_owned() } else { "t,x,y,p".to_owned() };
            let number = lines_before(&first[..length]);
            let decoder = Box::new(Lines {
                columns,
                number,
                held: Vec::new(),
                sensor: Sensor(None),
                counts: WordCounts::default(),
            });
            let header = vec![("columns".to_owned(), header)];
            return Ok(Beginning { format: Format::Csv, geometry: None, header, length, decoder });
        }
        length = behind;
    }
    Err(unknown(first))
}

fn lines_before(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

fn is_text(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7F || byte == b'\t' || byte == b'\r'
}

fn is_skipped(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.trim().split(SEPARATORS).filter(|field| !field.is_empty())
}

/// Units of time, by how many of them make a second.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    /// µs, or seconds with a decimal point.
    Unsaid,
    PerSecond(f64),
}

/// Which column is what.
#[derive(Clone, Copy, Debug)]
struct Columns {
    t: usize,
    x: usize,
    y: usize,
    p: usize,
    unit: Unit,
}

impl Columns {
    /// From a line of names or, with `false`, for one of numbers.
    fn read(line: &str) -> Option<(Self, bool)> {
        let names: Vec<String> = fields(line).map(str::to_ascii_lowercase).collect();
        if names.len() >= 4 && names.iter().take(4).all(|name| name.parse::<f64>().is_ok()) {
            return Some((Self { t: 0, x: 1, y: 2, p: 3, unit: Unit::Unsaid }, false));
        }
        let place = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        let (t, unit) = names.iter().enumerate().find_map(|(at, name)| {
            let (stem, unit) = match name.rsplit_once('_') {
                Some((stem, "ns")) => (stem, Unit::PerSecond(1e9)),
                Some((stem, "us")) => (stem, Unit::PerSecond(1e6)),
                Some((stem, "ms")) => (stem, Unit::PerSecond(1e3)),
                Some((stem, "s")) => (stem, Unit::PerSecond(1.0)),
                _ => (name.as_str(), Unit::Unsaid),
            };
            TIMES.contains(&stem).then_some((at, unit))
        })?;
        let (x, y, p) = (place(&COLUMNS)?, place(&ROWS)?, place(&POLARITIES)?);
        Some((Self { t, x, y, p, unit }, true))
    }

    /// Time in µs, column, row, polarity, in this order.
    fn are_usual(&self) -> bool {
        let is_us = matches!(self.unit, Unit::Unsaid | Unit::PerSecond(1e6));
        is_us && [self.t, self.x, self.y, self.p] == [0, 1, 2, 3]
    }

    fn needed(&self) -> usize {
        self.t.max(self.x).max(self.y).max(self.p) + 1
    }
}

struct Lines {
    columns: Columns,
    /// Lines that have been read.
    number: u64,
    /// The start of a line whose end has not come.
    held: Vec<u8>,
    sensor: Sensor,
    counts: WordCounts,
}

impl Decode for Lines {
    fn decode(
        &mut self,
        mut bytes: &[u8],
        mut offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        loop {
            if self.held.is_empty() && self.columns.are_usual() {
                let (lines, length) = usual_lines(bytes, self.sensor, out);
                self.number += lines;
                self.counts.events += lines;
                bytes = &bytes[length..];
                offset += length as u64;
            }
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else { break };
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.held.is_empty() {
                self.line(line, offset, out)?;
            } else {
                let mut whole = std::mem::take(&mut self.held);
                let begin = offset - whole.len() as u64;
                whole.extend_from_slice(line);
                self.line(&whole, begin, out)?;
            }
            offset += end as u64 + 1;
            bytes = rest;
        }
        self.held.extend_from_slice(bytes);
        match self.held.len() > LINE_BYTES_MAX {
            false => Ok(()),
            true => Err(self.wrong(
                "length",
                &self.held.len().to_string(),
                "expected 4096 bytes or less",
            )),
        }
    }

    fn finish(&mut self, offset: u64, out: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        // The last line may lack its end.
        let line = std::mem::take(&mut self.held);
        match line.is_empty() {
            true => Ok(()),
            false => self.line(&line, offset - line.len() as u64, out),
        }
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Sensor(Some(geometry));
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(&self.counts)
    }
}

/// Lines of whole numbers with commas between them, as long as there are only such: how many, and how
/// many bytes. Whatever else a line holds is for others to look at.
fn usual_lines(bytes: &[u8], sensor: Sensor, out: &mut Vec<CameraEvent>) -> (u64, usize) {
    let (mut lines, mut length) = (0, 0);
    loop {
        let rest = &bytes[length..];
        let Some((t_us, after_t)) = number(rest, b',', 0, u64::MAX / 16) else { break };
        let Some((x, after_x)) = number(rest, b',', after_t, u16::MAX.into()) else { break };
        let Some((y, after_y)) = number(rest, b',', after_x, u16::MAX.into()) else { break };
        let Some(&[on @ (b'0' | b'1'), b'\n', ..]) = rest.get(after_y..) else { break };
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        let [x, y] = [x as u16, y as u16];
        if !sensor.has(x, y) {
            break;
        }
        out.push(CameraEvent { t_us, x, y, on: on == b'1' });
        lines += 1;
        length += after_y + 2;
    }
    (lines, length)
}

/// A number of digits up to a separator, no larger than a bound that leaves room for another digit; and
/// where it goes on behind that.
#[inline]
fn number(bytes: &[u8], separator: u8, from: usize, most: u64) -> Option<(u64, usize)> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        if byte == separator && at > from {
            return Some((value, at + 1));
        }
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
        if value > most {
            return None;
        }
    }
    None
}

impl Lines {
    fn line(&mut self, line: &[u8], offset: u64, out: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        self.number += 1;
        let Ok(text) = std::str::from_utf8(line) else {
            let text = String::from_utf8_lossy(line);
            return Err(self.wrong("text", &text, "expected text"));
        };
        if is_skipped(text) {
            return Ok(());
        }
        let Columns { t, x, y, p, .. } = self.columns;
        let mut found = [""; 4];
        let mut count = 0;
        for field in fields(text) {
            for (place, found) in [t, x, y, p].into_iter().zip(&mut found) {
                if place == count {
                    *found = field;
                }
            }
            count += 1;
        }
        if count < self.columns.needed() {
            let needed = self.columns.needed();
            return Err(Fault::ShortLine { line: self.number, found: count, needed });
        }
        let [time, x, y, polarity] = found;
        let t_us = self.time(time)?;
        let pixel = |text: &str| text.parse::<u16>().ok();
        let expected = "expected a whole number from 0 to 65535";
        let x = pixel(x).ok_or_else(|| self.wrong("column x", x, expected))?;
        let y = pixel(y).ok_or_else(|| self.wrong("row y", y, expected))?;
        let on = match polarity {
            "1" | "true" | "True" => true,
            "0" | "-1" | "false" | "False" => false,
            _ => return Err(self.wrong("polarity", polarity, "expected 1 or 0")),
        };
        self.sensor.check(x, y, offset)?;
        self.counts.events += 1;
        out.push(CameraEvent { t_us, x, y, on });
        Ok(())
    }

    fn time(&self, text: &str) -> Result<u64, Fault> {
        if matches!(self.columns.unit, Unit::Unsaid | Unit::PerSecond(1e6))
            && let Ok(t_us) = text.parse()
        {
            return Ok(t_us);
        }
        let per_second = match self.columns.unit {
            Unit::Unsaid => 1.0,
            Unit::PerSecond(per_second) => per_second,
        };
        let t_us = text.parse::<f64>().map(|time| (time / per_second * 1e6).round());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        match t_us {
            Ok(t_us) if (0.0..1e18).contains(&t_us) => Ok(t_us as u64),
            _ => Err(self.wrong("time", text, "expected a number of 0 or more")),
        }
    }

    fn wrong(&self, column: &'static str, text: &str, expected: &'static str) -> Fault {
        let text = text.chars().take(32).collect();
        Fault::Line { line: self.number, column, text, expected }
    }
}
