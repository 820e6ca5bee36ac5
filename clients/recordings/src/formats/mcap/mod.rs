//! MCAP, as ROS 2 records it: the events of one camera among the messages of any topics.
//!
//! Behind 8 bytes of magic come records, little-endian: `u8` opcode, `u64` length, then so many bytes.
//! Schemas name types, channels are topics of a type, messages belong to a channel; all three may stand in
//! chunks, which are plain, LZ4 or Zstandard. DATA_END ends them: what follows are tables. The topic whose
//! camera speaks first is read, messages of others are counted. A record or chunk is held whole, and may
//! have at most 256 MiB; its events leave in portions.

mod camera;
mod cdr;
mod chunk;
mod packet;
mod records;
mod topics;
mod words;

pub(super) use self::records::MAGIC;
use self::{
    camera::Camera,
    chunk::Chunk,
    records::{HEAD_BYTES, Record, head, opcode},
    topics::Topics,
};
use super::{Beginning, Decode, Format};
use crate::{CameraEvent, Fault, Geometry, Notes, WordCounts};

/// No recorder makes records that large, and no more is ever held in memory.
const RECORD_BYTES_MAX: u64 = 1 << 28;
/// Once so many events are there, they leave.
const PORTION_EVENTS: usize = 1 << 16;

pub(super) fn begin() -> Beginning {
    let decoder = Box::new(Records {
        held: Vec::new(),
        taken: 0,
        skipped: 0,
        offset: MAGIC.len() as u64,
        chunk: Chunk::default(),
        topics: Topics::default(),
        camera: Camera::default(),
        holds_back: false,
        is_over: false,
    });
    Beginning {
        format: Format::Mcap,
        geometry: None,
        header: Vec::new(),
        length: MAGIC.len(),
        decoder,
    }
}

fn unreadable(offset: u64, problem: impl Into<String>) -> Fault {
    Fault::Mcap { offset, problem: problem.into() }
}

struct Records {
    /// Bytes that have come; the first `taken` of them have been read.
    held: Vec<u8>,
    taken: usize,
    /// Bytes to come that are of no interest.
    skipped: u64,
    /// Where the next record begins.
    offset: u64,
    chunk: Chunk,
    topics: Topics,
    camera: Camera,
    holds_back: bool,
    is_over: bool,
}

impl Decode for Records {
    fn decode(&mut self, bytes: &[u8], _: u64, out: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        self.held.extend_from_slice(bytes);
        let read = self.read(out.len() + PORTION_EVENTS, out);
        self.held.drain(..self.taken);
        self.taken = 0;
        read
    }

    fn finish(&mut self, _: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        let held = self.held.len();
        let whole = match (head(&self.held), self.skipped) {
            (_, skipped @ 1..) => skipped,
            (Some((_, length)), 0) => length.saturating_add(HEAD_BYTES as u64),
            (None, 0) => HEAD_BYTES as u64,
        };
        let whole = usize::try_from(whole).unwrap_or(usize::MAX);
        Err(Fault::Truncated { offset: self.offset, held, whole })
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.camera.set_geometry(geometry);
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(self.camera.counts())
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn holds_back(&self) -> bool {
        self.holds_back
    }

    fn is_opening(&self) -> bool {
        self.topics.read().is_none()
    }

    fn said(&self) -> (Option<Geometry>, Vec<(String, String)>) {
        let Some(channel) = self.topics.read() else { return (None, Vec::new()) };
        let mut header = vec![
            ("topic".to_owned(), channel.topic.clone()),
            ("type".to_owned(), channel.type_name.clone()),
        ];
        header.extend(self.camera.encoding().map(|name| ("encoding".to_owned(), name.to_owned())));
        (self.camera.geometry(), header)
    }

    fn notes(&self) -> Notes {
        let mut notes = self.camera.notes();
        notes.besides.extend(self.topics.others());
        notes
    }
}

impl Records {
    /// Reads what is there, until so many events have come out, or the first message of a camera is there.
    fn read(&mut self, full: usize, out: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        let was_opening = self.is_opening();
        loop {
            // No event leaves with the opening: the sensor's size may be given behind it.
            self.holds_back = out.len() >= full || was_opening && !self.is_opening();
            if self.holds_back || self.is_over {
                return Ok(());
            }
            if self.camera.holds_events() {
                self.camera.give(out)?;
                continue;
            }
            let offset = self.chunk.offset;
            if let Some(record) = self.chunk.next_record()? {
                take(record, offset, &mut self.topics, &mut self.camera, None)?;
                continue;
            }
            if !self.read_record()? {
                return Ok(());
            }
        }
    }

    /// Reads the next record of the file; false if it is not all there.
    fn read_record(&mut self) -> Result<bool, Fault> {
        let rest = &self.held[self.taken..];
        if self.skipped > 0 {
            let here = self.skipped.min(rest.len() as u64);
            self.skipped -= here;
            self.pass(here);
            return Ok(self.skipped == 0);
        }
        let Some((kind, length)) = head(rest) else { return Ok(false) };
        match kind {
            opcode::DATA_END | opcode::FOOTER => {
                self.is_over = true;
                return self.topics.end().map(|()| true);
            }
            opcode::SCHEMA | opcode::CHANNEL | opcode::MESSAGE | opcode::CHUNK => {}
            _ => {
                self.pass(HEAD_BYTES as u64);
                self.skipped = length;
                return Ok(true);
            }
        }
        let whole = usize::try_from(length).ok().filter(|_| length <= RECORD_BYTES_MAX);
        let Some(bytes) = whole else {
            return Err(Fault::Damaged {
                offset: self.offset + 1,
                what: "size of a record",
                value: i64::try_from(length).unwrap_or(i64::MAX),
                expected: "expected 0 to 268435456",
            });
        };
        let Some(content) = rest[HEAD_BYTES..].get(..bytes) else { return Ok(false) };
        let (topics, camera, chunk) = (&mut self.topics, &mut self.camera, &mut self.chunk);
        take((kind, content), self.offset, topics, camera, Some(chunk))?;
        self.pass(HEAD_BYTES as u64 + length);
        Ok(true)
    }

    /// Goes on behind bytes that are held.
    fn pass(&mut self, bytes: u64) {
        self.offset += bytes;
        self.taken += usize::try_from(bytes).unwrap_or(usize::MAX);
    }
}

/// Takes a record that is all there, and stands at an offset, or in a chunk that does. Only a file's own
/// record may be a chunk, which is unpacked into one.
fn take(
    (kind, content): (u8, &[u8]),
    offset: u64,
    topics: &mut Topics,
    camera: &mut Camera,
    chunk: Option<&mut Chunk>,
) -> Result<(), Fault> {
    match (Record::read(kind, content, offset)?, chunk) {
        (Record::Schema(schema), _) => topics.add_type(&schema, offset),
        (Record::Channel(channel), _) => topics.add(&channel, offset),
        (Record::Message(message), _) => {
            let Some(channel) = topics.heard(message.channel, offset)? else { return Ok(()) };
            match camera.hear(channel, message.data, offset)? {
                true => topics.choose(message.channel),
                false => topics.pass(message.channel),
            }
            Ok(())
        }
        (Record::Chunk(packed), Some(chunk)) => chunk.unpack(&packed, offset),
        (Record::Chunk(_), None) => Err(unreadable(offset, "a chunk within a chunk")),
        (Record::Other, _) => Ok(()),
    }
}
