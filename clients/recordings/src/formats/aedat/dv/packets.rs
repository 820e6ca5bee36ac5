//! The packets of an AEDAT 4, one after another.

use std::io::Read;

use super::{Bound, Compression, SIZE_BYTES};
use crate::{
    CameraEvent, Fault, Geometry, Notes, WordCounts,
    formats::{
        Decode,
        aedat::flatbuffer::{Table, identifier},
        records::Sensor,
    },
};

const PACKET_HEADER_BYTES: usize = 8;
const EVENT_BYTES: usize = 16;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Header,
    Packet { stream: i32, bytes: usize },
    Skipped { bytes: usize },
    End,
}

pub(super) struct Packets {
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
    bound: Bound,
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

    fn notes(&self) -> Notes {
        // A recorder that crashed, or a server that is gone, left it so.
        let head = if matches!(self.at, At::Packet { .. }) { PACKET_HEADER_BYTES } else { 0 };
        let cut = self.data_end.map_or(head + self.held.len(), |_| 0) as u64;
        let lost = vec![(cut, "bytes of a packet without its end".to_owned())];
        Notes { lost, ..Notes::default() }
    }
}

impl Packets {
    /// Packets that begin at an offset, with the camera's stream and size as far as they are told.
    pub(super) fn new(
        compression: Compression,
        (stream, geometry): (Option<i32>, Option<Geometry>),
        offset: u64,
        data_end: Option<u64>,
        bound: Bound,
    ) -> Self {
        Self {
            at: At::Header,
            compression,
            data_end,
            stream,
            sensor: Sensor(geometry),
            held: Vec::new(),
            block: Vec::new(),
            offset,
            bound,
            counts: WordCounts::default(),
        }
    }

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
        let most = self.bound.bytes;
        let bytes = usize::try_from(size).ok().filter(|&bytes| bytes as u64 <= most);
        let Some(bytes) = bytes else {
            return Err(Fault::Damaged {
                offset: self.offset + 4,
                what: "size of a packet",
                value: size.into(),
                expected: self.bound.expected,
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
        let most = self.bound.bytes;
        let decompressed = match self.compression {
            Compression::None => Ok(()),
            Compression::Lz4 => {
                read_all(lz4_flex::frame::FrameDecoder::new(part), &mut block, most)
            }
            Compression::Zstandard => zstd::stream::read::Decoder::with_buffer(part)
                .and_then(|decoder| read_all(decoder, &mut block, most)),
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

/// Reads to the end, within the bound of a packet \[bytes\].
fn read_all(from: impl Read, into: &mut Vec<u8>, most: u64) -> std::io::Result<()> {
    let read = from.take(most + 1).read_to_end(into)?;
    if read as u64 > most {
        return Err(std::io::Error::other(format!("it grows beyond {most} bytes")));
    }
    Ok(())
}
