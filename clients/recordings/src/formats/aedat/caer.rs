//! AEDAT 3.1, of cAER: text lines up to `#!END-HEADER`, then packets, little-endian.
//!
//! A packet has 28 bytes of header (`i16` kind, `i16` source, then `i32`: size of an entry, offset of its
//! time, turns of the time, capacity, number, number of valid ones), then its entries, as many as its
//! capacity. Entries of kind 1 are camera events of 8 bytes: `u32` with valid in bit 0, polarity in 1, y in
//! 16 to 2, x in 31 to 17; `i32` t \[µs\], 31 bits, above which the packet's turns lie. Rows count from the
//! top. Packets of other kinds are skipped and counted.

use super::{entries, lines, sensor_of};
use crate::{
    CameraEvent, Fault, Geometry, WordCounts,
    formats::{Beginning, Decode, Format, records::Sensor},
};

const END_OF_HEADER: &str = "#!END-HEADER";
const PACKET_HEADER_BYTES: usize = 28;
const ENTRY_BYTES: usize = 8;
const KIND_SPECIAL: i16 = 0;
const KIND_POLARITY: i16 = 1;

pub(in crate::formats) fn begin(first: &[u8], is_whole_file: bool) -> Result<Beginning, Fault> {
    let (lines, mut length) = lines(first, is_whole_file)?;
    let version = lines.first().and_then(|line| line.strip_prefix("#!AER-DAT"));
    if version.is_none_or(|version| version.trim() != "3.1") {
        let (key, value) = ("AER-DAT".to_owned(), version.unwrap_or_default().to_owned());
        return Err(Fault::HeaderValue { key, value, expected: "and of 3 only 3.1 can be read" });
    }
    let Some(end) = lines.iter().position(|line| line == END_OF_HEADER) else {
        return Err(Fault::HeaderCut { length: length as u64 });
    };
    // Data may look like a line.
    if end + 1 < lines.len() {
        let mut ends = first.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        length = ends.nth(end).map_or(length, |(at, _)| at + 1);
    }
    let header = entries(&lines[..end]);
    let source = header.iter().find(|(key, _)| key.starts_with("Source"));
    let geometry = source.and_then(|(_, chip)| sensor_of(chip));
    let decoder = Box::new(Packets {
        at: At::Header,
        sensor: Sensor(geometry),
        held: Vec::new(),
        counts: WordCounts::default(),
    });
    Ok(Beginning { format: Format::Aedat3, geometry, header, length, decoder })
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// A packet's header.
    Header,
    /// Camera events.
    Events {
        left: u32,
        /// Above the 31 bits of a time.
        turns: u64,
        /// Bytes behind them, up to the capacity.
        unused: u64,
    },
    /// Bytes that are of no interest.
    Skipped { bytes: u64 },
}

struct Packets {
    at: At,
    sensor: Sensor,
    /// The start of what is not whole.
    held: Vec<u8>,
    counts: WordCounts,
}

impl Decode for Packets {
    fn decode(
        &mut self,
        bytes: &[u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        if self.held.is_empty() {
            let rest = self.read(bytes, offset, out)?;
            self.held.extend_from_slice(rest);
            return Ok(());
        }
        // At most a header or an entry was held, so this copies a chunk and no more.
        let begin = offset - self.held.len() as u64;
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(bytes);
        let rest = self.read(&whole, begin, out)?.to_vec();
        self.held = rest;
        Ok(())
    }

    fn finish(&mut self, offset: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        let (held, offset) = (self.held.len(), offset - self.held.len() as u64);
        match self.at {
            At::Header if held == 0 => Ok(()),
            At::Header => Err(Fault::Truncated { offset, held, whole: PACKET_HEADER_BYTES }),
            At::Events { .. } => Err(Fault::Truncated { offset, held, whole: ENTRY_BYTES }),
            At::Skipped { bytes } => {
                let whole = usize::try_from(bytes).unwrap_or(usize::MAX);
                Err(Fault::Truncated { offset, held, whole })
            }
        }
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Sensor(Some(geometry));
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(&self.counts)
    }
}

impl Packets {
    /// Reads what is whole, and gives the rest back.
    fn read<'a>(
        &mut self,
        mut bytes: &'a [u8],
        mut offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<&'a [u8], Fault> {
        loop {
            let taken = match self.at {
                At::Header => {
                    let Some(header) = bytes.first_chunk() else {
                        return Ok(bytes);
                    };
                    self.at = self.packet(header, offset)?;
                    PACKET_HEADER_BYTES
                }
                At::Events { left: 0, unused, .. } => {
                    self.at = At::Skipped { bytes: unused };
                    0
                }
                At::Events { left, turns, unused } => {
                    let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
                    let count = entries.len().min(left as usize);
                    if count == 0 {
                        return Ok(bytes);
                    }
                    self.events(&entries[..count], turns, offset, out)?;
                    let left = left - u32::try_from(count).unwrap_or(left);
                    self.at = At::Events { left, turns, unused };
                    count * ENTRY_BYTES
                }
                At::Skipped { bytes: 0 } => {
                    self.at = At::Header;
                    0
                }
                At::Skipped { bytes: left } => {
                    let here = left.min(bytes.len() as u64);
                    if here == 0 {
                        return Ok(bytes);
                    }
                    self.at = At::Skipped { bytes: left - here };
                    usize::try_from(here).unwrap_or(bytes.len())
                }
            };
            bytes = &bytes[taken..];
            offset += taken as u64;
        }
    }

    /// What a packet's header announces.
    fn packet(&mut self, header: &[u8; PACKET_HEADER_BYTES], offset: u64) -> Result<At, Fault> {
        let kind = i16::from_le_bytes([header[0], header[1]]);
        let field = |at: usize| {
            let bytes = header[at..].first_chunk().copied().unwrap_or_default();
            i32::from_le_bytes(bytes)
        };
        let count = |at: usize, what: &'static str| {
            u32::try_from(field(at)).map_err(|_| Fault::Damaged {
                offset: offset + at as u64,
                what,
                value: field(at).into(),
                expected: "expected none below zero",
            })
        };
        let size = count(4, "size of an entry")?;
        let turns = count(12, "turns of the time")?;
        let (capacity, number) =
            (count(16, "capacity of a packet")?, count(20, "number of entries")?);
        if number > capacity {
            return Err(Fault::Damaged {
                offset: offset + 20,
                what: "number of entries",
                value: number.into(),
                expected: "expected no more than the packet's capacity",
            });
        }
        let bytes = u64::from(capacity) * u64::from(size);
        match kind {
            KIND_POLARITY if size as usize == ENTRY_BYTES => {
                let unused = u64::from(capacity - number) * u64::from(size);
                Ok(At::Events { left: number, turns: u64::from(turns) << 31, unused })
            }
            KIND_POLARITY => Err(Fault::Damaged {
                offset: offset + 4,
                what: "size of a camera event",
                value: size.into(),
                expected: "expected 8",
            }),
            KIND_SPECIAL => {
                self.counts.triggers += u64::from(number);
                Ok(At::Skipped { bytes })
            }
            _ => {
                self.counts.other += u64::from(number);
                Ok(At::Skipped { bytes })
            }
        }
    }

    fn events(
        &mut self,
        entries: &[[u8; ENTRY_BYTES]],
        turns: u64,
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        out.reserve(entries.len());
        let before = out.len();
        for (&[d0, d1, d2, d3, t0, t1, t2, t3], number) in entries.iter().zip(0_u64..) {
            let data = u32::from_le_bytes([d0, d1, d2, d3]);
            if data & 1 == 0 {
                self.counts.unplaced += 1;
                continue;
            }
            let [x, y] = [(data >> 17) as u16, (data >> 2 & 0x7FFF) as u16];
            self.sensor.check(x, y, offset + number * ENTRY_BYTES as u64)?;
            let t_us = turns | u64::from(u32::from_le_bytes([t0, t1, t2, t3]) & (u32::MAX >> 1));
            out.push(CameraEvent { t_us, x, y, on: data & 2 != 0 });
        }
        self.counts.events += (out.len() - before) as u64;
        Ok(())
    }
}
