//! AEDAT 4, of DV: a header and packets as FlatBuffers, the packets plain, as LZ4 or as Zstandard.
//!
//! Behind the line `#!AER-DAT4.0` stands a header (size, then `IOHE`): compression, place of a table that
//! ends the data, and an XML that names the streams. A packet is `i32` stream, `i32` size, then its bytes:
//! an `EVTS` of one stream holds events of 16 bytes, `i64` t \[µs\], `i16` x, `i16` y, `u8` polarity. Times
//! are as the file has them, since 1970 in those of DV. Of several cameras the first is read; packets of
//! other streams (frames, inertial samples, triggers) are skipped and counted. A recorder that crashed
//! leaves no table: then what is not whole at the end is dropped, and counted.

use std::io::Read;

use super::flatbuffer::{Table, identifier};
use crate::{
    CameraEvent, Fault, Geometry, WordCounts,
    formats::{Beginning, Decode, Format, records::Sensor},
};

pub(in crate::formats) const LINE: &[u8] = b"#!AER-DAT4.0\r\n";
/// The header's size, in bytes.
const SIZE_BYTES: usize = 4;
const PACKET_HEADER_BYTES: usize = 8;
pub(in crate::formats) const EVENT_BYTES: usize = 16;
/// No recorder makes packets that large, and no more is ever held in memory.
const PACKET_BYTES_MAX: u64 = 1 << 28;
/// The table's place in a file that was not ended.
const NO_TABLE: i64 = -1;

/// How packets are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Lz4,
    Zstandard,
}

impl Compression {
    fn new(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 | 2 => Some(Self::Lz4),
            3 | 4 => Some(Self::Zstandard),
            _ => None,
        }
    }
}

pub(in crate::formats) fn begin(first: &[u8]) -> Result<Beginning, Fault> {
    let cut = || Fault::HeaderCut { length: first.len() as u64 };
    let behind = first.strip_prefix(LINE).ok_or_else(cut)?;
    let size = u32::from_le_bytes(*behind.first_chunk().ok_or_else(cut)?);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let Some(buffer) = behind[SIZE_BYTES..].get(..size) else {
        return Err(if first.len() < LINE.len() + SIZE_BYTES + size.min(first.len()) {
            cut()
        } else {
            Fault::HeaderTooLong { limit: first.len() }
        });
    };
    let offset = (LINE.len() + SIZE_BYTES) as u64;
    let damaged = |what, value: i64, expected| Fault::Damaged { offset, what, value, expected };
    let header = Table::root(buffer)
        .ok_or_else(|| damaged("offset of the header", 0, "which lies outside of it"))?;
    let code = header.int32(0).unwrap_or(0);
    let compression = Compression::new(code)
        .ok_or_else(|| damaged("compression", code.into(), "expected 0 to 4"))?;
    let table = header.int64(1).unwrap_or(NO_TABLE);
    let streams = Streams::read(header.text(2).unwrap_or_default());
    let mut entries = vec![("compression".to_owned(), format!("{code}"))];
    entries.extend(streams.source.map(|source| ("source".to_owned(), source)));
    let length = LINE.len() + SIZE_BYTES + size;
    let decoder = Box::new(Packets {
        at: At::Header,
        compression,
        data_end: u64::try_from(table).ok(),
        stream: streams.camera,
        sensor: Sensor(streams.geometry),
        held: Vec::new(),
        block: Vec::new(),
        offset: length as u64,
        counts: WordCounts::default(),
    });
    Ok(Beginning {
        format: Format::Aedat4,
        geometry: streams.geometry,
        header: entries,
        length,
        decoder,
    })
}

/// What the header's XML says of the first camera.
#[derive(Debug, Default)]
struct Streams {
    camera: Option<i32>,
    geometry: Option<Geometry>,
    source: Option<String>,
}

impl Streams {
    /// A header without an XML that can be read says nothing of its streams; their packets do.
    fn read(xml: &str) -> Self {
        let Ok(document) = roxmltree::Document::parse(xml) else {
            return Self::default();
        };
        let named = |name: &'static str| {
            move |node: &roxmltree::Node<'_, '_>| node.attribute("name") == Some(name)
        };
        let attribute = |node: roxmltree::Node<'_, '_>, key: &str| {
            let found = node.children().find(|child| child.attribute("key") == Some(key))?;
            found.text().map(|text| text.trim().to_owned())
        };
        let outputs = document.descendants().find(named("outInfo"));
        let cameras = outputs.iter().flat_map(|outputs| outputs.children()).filter_map(|node| {
            let number: i32 = node.attribute("name")?.parse().ok()?;
            (attribute(node, "typeIdentifier")? == "EVTS").then_some((number, node))
        });
        let Some((number, node)) = cameras.min_by_key(|(number, _)| *number) else {
            return Self::default();
        };
        let info = node.children().find(named("info"));
        let told = |key| info.and_then(|info| attribute(info, key));
        let side =
            |key| told(key).and_then(|text| text.parse::<u16>().ok()).filter(|&side| side > 0);
        let geometry = side("sizeX").zip(side("sizeY"));
        Self {
            camera: Some(number),
            geometry: geometry.map(|(width, height)| Geometry { width, height }),
            source: told("source"),
        }
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Header,
    Packet { stream: i32, bytes: usize },
    Skipped { bytes: usize },
    End,
}

struct Packets {
    at: At,
    compression: Compression,
    /// Where the data ends, if the recorder said so.
    data_end: Option<u64>,
    /// The camera's stream; until a packet tells, where the header doesn't.
    stream: Option<i32>,
    sensor: Sensor,
    /// The start of what is not whole.
    held: Vec<u8>,
    /// A packet, decompressed.
    block: Vec<u8>,
    /// Where `held` begins, or what comes next.
    offset: u64,
    counts: WordCounts,
}

impl Decode for Packets {
    fn decode(
        &mut self,
        mut bytes: &[u8],
        _: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        loop {
            let whole = match self.at {
                At::End => return Ok(()),
                At::Header if self.data_end.is_some_and(|end| self.offset >= end) => {
                    self.at = At::End;
                    return Ok(());
                }
                At::Header => PACKET_HEADER_BYTES,
                At::Packet { bytes, .. } => bytes,
                At::Skipped { bytes: left } => {
                    let here = left.min(bytes.len());
                    bytes = &bytes[here..];
                    self.offset += here as u64;
                    self.at =
                        if here < left { At::Skipped { bytes: left - here } } else { At::Header };
                    if bytes.is_empty() && here < left {
                        return Ok(());
                    }
                    continue;
                }
            };
            let missing = whole - self.held.len();
            if bytes.len() < missing {
                self.held.extend_from_slice(bytes);
                return Ok(());
            }
            let (here, behind) = bytes.split_at(missing);
            bytes = behind;
            if self.held.is_empty() {
                self.take(here, out)?;
            } else {
                let mut part = std::mem::take(&mut self.held);
                part.extend_from_slice(here);
                let taken = self.take(&part, out);
                // Its memory serves the next one.
                part.clear();
                self.held = part;
                taken?;
            }
            self.offset += whole as u64;
        }
    }

    fn finish(&mut self, _: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        let (offset, held) = (self.offset, self.held.len());
        let whole = match self.at {
            At::End => return Ok(()),
            At::Header if held == 0 && self.data_end.is_none_or(|end| offset >= end) => {
                return Ok(());
            }
            At::Header => PACKET_HEADER_BYTES,
            At::Packet { bytes, .. } | At::Skipped { bytes } => bytes,
        };
        // A recorder that crashed may have left a part of a packet.
        if self.data_end.is_none() {
            return Ok(());
        }
        Err(Fault::Truncated { offset, held, whole })
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Sensor(Some(geometry));
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(&self.counts)
    }

    fn is_over(&self) -> bool {
        self.at == At::End
    }
}

impl Packets {
    /// Takes a whole header or packet.
    fn take(&mut self, part: &[u8], out: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        match self.at {
            At::Header => self.header(part),
            At::Packet { stream, .. } => {
                self.at = At::Header;
                self.packet(stream, part, out)
            }
            At::Skipped { .. } | At::End => Ok(()),
        }
    }

    fn header(&mut self, header: &[u8]) -> Result<(), Fault> {
        let field =
            |at: usize| i32::from_le_bytes(header[at..].first_chunk().copied().unwrap_or_default());
        let (stream, size) = (field(0), field(4));
        let bytes = usize::try_from(size).ok().filter(|&bytes| bytes as u64 <= PACKET_BYTES_MAX);
        let Some(bytes) = bytes else {
            return Err(Fault::Damaged {
                offset: self.offset + 4,
                what: "size of a packet",
                value: size.into(),
                expected: "expected 0 to 268435456",
            });
        };
        self.at = match self.stream {
            Some(camera) if camera != stream => {
                self.counts.other += 1;
                At::Skipped { bytes }
            }
            _ => At::Packet { stream, bytes },
        };
        Ok(())
    }

    fn packet(
        &mut self,
        stream: i32,
        part: &[u8],
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let offset = self.offset;
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        let decompressed = match self.compression {
            Compression::None => Ok(()),
            Compression::Lz4 => read_all(lz4_flex::frame::FrameDecoder::new(part), &mut block),
            Compression::Zstandard => zstd::stream::read::Decoder::with_buffer(part)
                .and_then(|decoder| read_all(decoder, &mut block)),
        };
        let read = match decompressed {
            Ok(()) if self.compression == Compression::None => {
                self.events(stream, part, offset, out)
            }
            Ok(()) => self.events(stream, &block, offset, out),
            Err(error) => Err(Fault::Compressed { offset, problem: error.to_string() }),
        };
        self.block = block;
        read
    }

    /// The events of a decompressed packet, which begins with its size.
    fn events(
        &mut self,
        stream: i32,
        block: &[u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let buffer = block.get(SIZE_BYTES..).unwrap_or_default();
        if identifier(buffer) != Some(*b"EVTS") {
            self.counts.other += 1;
            return Ok(());
        }
        self.stream = Some(stream);
        let events = Table::root(buffer).and_then(|packet| packet.vector(0, EVENT_BYTES));
        let Some(events) = events else {
            return Err(Fault::Damaged {
                offset,
                what: "size of a packet of events",
                value: i64::try_from(block.len()).unwrap_or(i64::MAX),
                expected: "which does not hold what it says",
            });
        };
        let (entries, _) = events.as_chunks::<EVENT_BYTES>();
        let (before, sensor) = (out.len(), self.sensor);
        // All at once, without a branch an event; what is wrong is looked for afterwards.
        let mut is_sound = true;
        out.extend(entries.iter().map(|entry| {
            let (t_us, event) = event(entry);
            is_sound &= t_us >= 0 && sensor.has(event.x, event.y);
            event
        }));
        if !is_sound {
            out.truncate(before);
            return self.events_to_the_fault(entries, offset, out);
        }
        self.counts.events += entries.len() as u64;
        Ok(())
    }

    #[cold]
    fn events_to_the_fault(
        &mut self,
        entries: &[[u8; EVENT_BYTES]],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        for entry in entries {
            let (value, event) = event(entry);
            if value < 0 {
                let (what, expected) = ("time of an event", "expected none below zero");
                return Err(Fault::Damaged { offset, what, value, expected });
            }
            self.sensor.check(event.x, event.y, offset)?;
            self.counts.events += 1;
            out.push(event);
        }
        Ok(())
    }
}

/// The time as it stands there, and the event if that is none below zero.
#[inline]
fn event(entry: &[u8; EVENT_BYTES]) -> (i64, CameraEvent) {
    let &[t0, t1, t2, t3, t4, t5, t6, t7, x0, x1, y0, y1, on, ..] = entry;
    let t_us = i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
    let [x, y] = [u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1])];
    (t_us, CameraEvent { t_us: t_us.cast_unsigned(), x, y, on: on != 0 })
}

/// Reads to the end, within the bound of a packet.
fn read_all(from: impl Read, into: &mut Vec<u8>) -> std::io::Result<()> {
    let read = from.take(PACKET_BYTES_MAX + 1).read_to_end(into)?;
    if read as u64 > PACKET_BYTES_MAX {
        return Err(std::io::Error::other("it grows beyond 268435456 bytes"));
    }
    Ok(())
}
