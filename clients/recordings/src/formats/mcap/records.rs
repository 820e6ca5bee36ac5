//! The records of an MCAP file that matter for events, as its specification lays them out.
//!
//! | opcode | record | fields |
//! |---|---|---|
//! | 3 | schema | `u16` id, name, encoding, definition |
//! | 4 | channel | `u16` id, `u16` schema, topic, encoding of messages, metadata |
//! | 5 | message | `u16` channel, `u32` sequence, `u64` time it was logged, `u64` published, then its data |
//! | 6 | chunk | `u64` first and `u64` last time, `u64` size, `u32` checksum, compression, `u64` packed size, then its records |
//!
//! Texts and arrays have a `u32` length in front. The crate `mcap` (0.26) would reserve what a length claims
//! before it looks whether that is there, 2 GB for a file of 1 kB; here a record never holds more than itself.

use super::unreadable;
use crate::Fault;

pub(in crate::formats) const MAGIC: &[u8] = b"\x89MCAP0\r\n";
/// Opcode and length of a record.
pub(super) const HEAD_BYTES: usize = 9;

/// The kinds of records.
pub(super) mod opcode {
    pub(in super::super) const FOOTER: u8 = 0x02;
    pub(in super::super) const SCHEMA: u8 = 0x03;
    pub(in super::super) const CHANNEL: u8 = 0x04;
    pub(in super::super) const MESSAGE: u8 = 0x05;
    pub(in super::super) const CHUNK: u8 = 0x06;
    pub(in super::super) const DATA_END: u8 = 0x0F;
}

/// Opcode and length of the record that bytes begin with.
pub(super) fn head(bytes: &[u8]) -> Option<(u8, u64)> {
    let &[opcode, ref length @ ..] = bytes.first_chunk::<HEAD_BYTES>()?;
    Some((opcode, u64::from_le_bytes(*length)))
}

/// A type of messages.
pub(super) struct Schema<'a> {
    pub(super) id: u16,
    pub(super) name: &'a str,
    pub(super) encoding: &'a str,
    pub(super) definition: &'a [u8],
}

/// A topic.
pub(super) struct Channel<'a> {
    pub(super) id: u16,
    pub(super) schema: u16,
    pub(super) topic: &'a str,
    pub(super) encoding: &'a str,
}

/// A message of a channel.
pub(super) struct Message<'a> {
    pub(super) channel: u16,
    pub(super) data: &'a [u8],
}

/// Records that are packed together.
pub(super) struct Packed<'a> {
    /// Of the records, once they are unpacked \[bytes\].
    pub(super) size: u64,
    /// CRC-32 of them, or 0.
    pub(super) checksum: u32,
    pub(super) compression: &'a str,
    pub(super) records: &'a [u8],
}

/// A record by its kind.
pub(super) enum Record<'a> {
    Schema(Schema<'a>),
    Channel(Channel<'a>),
    Message(Message<'a>),
    Chunk(Packed<'a>),
    /// Of no interest.
    Other,
}

impl<'a> Record<'a> {
    /// What a record at an offset of the file holds.
    pub(super) fn read(opcode: u8, content: &'a [u8], offset: u64) -> Result<Self, Fault> {
        let mut fields = Fields(content);
        let (name, read) = match opcode {
            opcode::SCHEMA => ("schema", fields.schema().map(Self::Schema)),
            opcode::CHANNEL => ("channel", fields.channel().map(Self::Channel)),
            opcode::MESSAGE => ("message", fields.message().map(Self::Message)),
            opcode::CHUNK => ("chunk", fields.chunk().map(Self::Chunk)),
            _ => return Ok(Self::Other),
        };
        read.ok_or_else(|| {
            let bytes = content.len();
            unreadable(offset, format!("a {name} of {bytes} bytes that does not hold what it says"))
        })
    }
}

/// What of a record has not been read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.u32()?;
        std::str::from_utf8(self.bytes(length.into())?).ok()
    }

    fn schema(&mut self) -> Option<Schema<'a>> {
        let (id, name, encoding) = (self.u16()?, self.text()?, self.text()?);
        let length = self.u32()?;
        Some(Schema { id, name, encoding, definition: self.bytes(length.into())? })
    }

    fn channel(&mut self) -> Option<Channel<'a>> {
        let (id, schema) = (self.u16()?, self.u16()?);
        Some(Channel { id, schema, topic: self.text()?, encoding: self.text()? })
    }

    fn message(&mut self) -> Option<Message<'a>> {
        let channel = self.u16()?;
        let [_, _, _, _] = self.take()?;
        let _times = (self.u64()?, self.u64()?);
        Some(Message { channel, data: self.0 })
    }

    fn chunk(&mut self) -> Option<Packed<'a>> {
        let _times = (self.u64()?, self.u64()?);
        let (size, checksum, compression) = (self.u64()?, self.u32()?, self.text()?);
        let length = self.u64()?;
        Some(Packed { size, checksum, compression, records: self.bytes(length)? })
    }
}
