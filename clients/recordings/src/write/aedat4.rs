//! AEDAT 4, of DV, plain or compressed. Its layout stands where it is read.
//!
//! One stream of events in packets of a few thousand. No table stands at the end, for the sink may be a
//! pipe: readers then read to the end of the file.

use std::{fmt, io::Write, str::FromStr};

use super::{WriteError, on_sensor};
use crate::{CameraEvent, Geometry};

/// Events of a packet at most.
const PACKET_EVENTS_MAX: usize = 8_192;
const EVENT_BYTES: usize = 16;
/// The level of Zstandard that DV uses for its own recordings.
const ZSTANDARD_LEVEL: i32 = 3;

/// How packets are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4: fast to write and to read.
    #[default]
    Lz4,
    /// Zstandard: smaller, slower.
    Zstandard,
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "lz4" => Ok(Self::Lz4),
            "zstd" => Ok(Self::Zstandard),
            _ => Err("expected none, lz4 or zstd".into()),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstandard => "zstd",
        })
    }
}

impl Compression {
    const fn code(self) -> i32 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
            Self::Zstandard => 3,
        }
    }
}

/// Writes an AEDAT 4 file of one camera.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    geometry: Geometry,
    compression: Compression,
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn new(
        mut sink: W,
        geometry: Geometry,
        compression: Compression,
    ) -> Result<Self, WriteError> {
        sink.write_all(b"#!AER-DAT4.0\r\n")?;
        sink.write_all(&header(compression, &information(geometry, compression)))?;
        Ok(Self { sink, geometry, compression, block: Vec::new() })
    }

    /// Writes further events.
    ///
    /// # Errors
    ///
    /// The first event that the format cannot hold, or the sink refuses.
    pub fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
        let (events, fault) = on_sensor(events, Some(self.geometry));
        let too_late = events.iter().position(|event| i64::try_from(event.t_us).is_err());
        for packet in events[..too_late.unwrap_or(events.len())].chunks(PACKET_EVENTS_MAX) {
            self.packet(packet)?;
        }
        match (too_late, fault) {
            (Some(position), _) => {
                Err(WriteError::Gap { position, t_us: events[position].t_us, last_us: 0 })
            }
            (None, fault) => fault.map_or(Ok(()), Err),
        }
    }

    fn packet(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
        self.block.clear();
        let bytes = events.len() * EVENT_BYTES;
        // Size; root and identifier; from byte 14 the table's offsets (6 bytes), at 20 the table, at 28 its
        // vector's length, so that the elements lie at a multiple of 8.
        let size = 32 - 4 + bytes;
        for word in [size, 16] {
            self.block.extend_from_slice(&to_u32(word).to_le_bytes());
        }
        self.block.extend_from_slice(b"EVTS");
        for half in [0_u16, 6, 8, 4] {
            self.block.extend_from_slice(&half.to_le_bytes());
        }
        for word in [6, 4, events.len()] {
            self.block.extend_from_slice(&to_u32(word).to_le_bytes());
        }
        for &CameraEvent { t_us, x, y, on } in events {
            self.block.extend_from_slice(&t_us.to_le_bytes());
            self.block.extend_from_slice(&x.to_le_bytes());
            self.block.extend_from_slice(&y.to_le_bytes());
            self.block.extend_from_slice(&[on.into(), 0, 0, 0]);
        }
        let compressed;
        let packet = match self.compression {
            Compression::None => self.block.as_slice(),
            Compression::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(&self.block)?;
                compressed = encoder.finish().map_err(std::io::Error::other)?;
                &compressed
            }
            Compression::Zstandard => {
                compressed = zstd::bulk::compress(&self.block, ZSTANDARD_LEVEL)?;
                &compressed
            }
        };
        self.sink.write_all(&0_i32.to_le_bytes())?;
        self.sink.write_all(&to_u32(packet.len()).to_le_bytes())?;
        Ok(self.sink.write_all(packet)?)
    }

    /// Hands on what the sink still holds, and gives it back.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.sink.flush()?;
        Ok(self.sink)
    }
}

/// Sizes here are bounded by a packet's events.
fn to_u32(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// What the header says of the stream, as DV does.
fn information(Geometry { width, height }: Geometry, compression: Compression) -> String {
    let compression = match compression {
        Compression::None => "NONE",
        Compression::Lz4 => "LZ4",
        Compression::Zstandard => "ZSTD",
    };
    format!(
        "<dv version=\"2.0\">\n\
         <node name=\"outInfo\" path=\"/mainloop/Recorder/outInfo/\">\n\
         <node name=\"0\" path=\"/mainloop/Recorder/outInfo/0/\">\n\
         <attr key=\"compression\" type=\"string\">{compression}</attr>\n\
         <attr key=\"originalModuleName\" type=\"string\">capture</attr>\n\
         <attr key=\"originalOutputName\" type=\"string\">events</attr>\n\
         <attr key=\"typeDescription\" type=\"string\">Array of events (polarity ON/OFF).</attr>\n\
         <attr key=\"typeIdentifier\" type=\"string\">EVTS</attr>\n\
         <node name=\"info\" path=\"/mainloop/Recorder/outInfo/0/info/\">\n\
         <attr key=\"sizeX\" type=\"int\">{width}</attr>\n\
         <attr key=\"sizeY\" type=\"int\">{height}</attr>\n\
         <attr key=\"source\" type=\"string\">spiked</attr>\n\
         <attr key=\"tsOffset\" type=\"long\">0</attr>\n\
         </node></node></node></dv>\n"
    )
}

/// The header's buffer with its size before it: compression, no table, and the text.
fn header(compression: Compression, information: &str) -> Vec<u8> {
    let mut text = information.as_bytes().to_vec();
    // The text ends in a zero, which its length doesn't count, and the buffer at a multiple of 4.
    text.push(0);
    text.resize(text.len().next_multiple_of(4), 0);
    // Root, identifier, offsets of three fields (10 bytes, padded to 12), the table (4 for its way back to
    // them, 4 for the text's offset, 8 for the table's place, 4 for the compression), then the text.
    let mut buffer = Vec::new();
    buffer.extend_from_slice(&20_u32.to_le_bytes());
    buffer.extend_from_slice(b"IOHE");
    for half in [0_u16, 10, 20, 16, 8, 4] {
        buffer.extend_from_slice(&half.to_le_bytes());
    }
    buffer.extend_from_slice(&10_i32.to_le_bytes());
    buffer.extend_from_slice(&16_u32.to_le_bytes());
    buffer.extend_from_slice(&(-1_i64).to_le_bytes());
    buffer.extend_from_slice(&compression.code().to_le_bytes());
    buffer.extend_from_slice(&to_u32(information.len()).to_le_bytes());
    buffer.extend_from_slice(&text);
    let mut sized = to_u32(buffer.len()).to_le_bytes().to_vec();
    sized.extend_from_slice(&buffer);
    sized
}
