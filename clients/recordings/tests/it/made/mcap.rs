//! MCAP files and messages of ROS 2, record by record from their layouts.

use spiked_recordings::{CameraEvent, Geometry};

const MAGIC: &[u8] = b"\x89MCAP0\r\n";
/// DATA_END with a checksum, and the magic.
pub(crate) const END_BYTES: usize = 9 + 4 + 8;

pub(crate) fn record(opcode: u8, content: &[u8]) -> Vec<u8> {
    [&[opcode][..], &(content.len() as u64).to_le_bytes(), content].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
}

/// A whole file of records.
pub(crate) fn file(records: &[Vec<u8>]) -> Vec<u8> {
    let header = record(1, &[text("ros2"), text("made by a test")].concat());
    let end = record(0x0F, &[0; 4]);
    [MAGIC, &header, &records.concat(), &end, MAGIC].concat()
}

pub(crate) fn schema(id: u16, name: &str, definition: &str) -> Vec<u8> {
    let content = [text(name), text("ros2msg"), text(definition)].concat();
    record(3, &[&id.to_le_bytes()[..], &content].concat())
}

pub(crate) fn channel(id: u16, schema: u16, topic: &str, encoding: &str) -> Vec<u8> {
    let ids = [id.to_le_bytes(), schema.to_le_bytes()].concat();
    record(4, &[ids, text(topic), text(encoding), text("")].concat())
}

pub(crate) fn message(channel: u16, data: &[u8]) -> Vec<u8> {
    record(5, &[&channel.to_le_bytes()[..], &[0; 4 + 8 + 8], data].concat())
}

/// A chunk that claims to hold records, and holds what it does.
pub(crate) fn chunk(compression: &str, claimed: &[u8], held: &[u8]) -> Vec<u8> {
    let size = |bytes: &[u8]| (bytes.len() as u64).to_le_bytes();
    let head = [&[0; 16][..], &size(claimed), &[0; 4], &text(compression), &size(held)].concat();
    record(6, &[&head, held].concat())
}

/// Writes the fields of a message.
pub(crate) struct Cdr {
    body: Vec<u8>,
    is_big: bool,
}

impl Cdr {
    pub(crate) const fn little() -> Self {
        Self { body: Vec::new(), is_big: false }
    }

    pub(crate) const fn big() -> Self {
        Self { body: Vec::new(), is_big: true }
    }

    fn put<const N: usize>(&mut self, mut little: [u8; N]) {
        if self.is_big {
            little.reverse();
        }
        self.body.resize(self.body.len().next_multiple_of(N), 0);
        self.body.extend_from_slice(&little);
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.put(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        self.body.extend_from_slice(bytes);
    }

    fn begin(&mut self, sensor: Geometry) {
        self.put(7_u32.to_le_bytes());
        self.put(8_u32.to_le_bytes());
        self.put_bytes(b"eye\0");
        self.put(u32::from(sensor.height).to_le_bytes());
        self.put(u32::from(sensor.width).to_le_bytes());
    }

    fn message(self) -> Vec<u8> {
        [&[0, u8::from(!self.is_big), 0, 0][..], &self.body].concat()
    }

    /// An event_camera_msgs/msg/EventPacket.
    pub(crate) fn packet(
        mut self,
        sensor: Geometry,
        seq: u64,
        encoding: &str,
        events: &[u8],
    ) -> Vec<u8> {
        self.begin(sensor);
        self.put(seq.to_le_bytes());
        self.put(0_u64.to_le_bytes());
        self.put_bytes(&[encoding.as_bytes(), &[0]].concat());
        self.put([u8::from(self.is_big)]);
        self.put_bytes(events);
        self.message()
    }

    /// A dvs_msgs/msg/EventArray.
    pub(crate) fn array(mut self, sensor: Geometry, events: &[CameraEvent]) -> Vec<u8> {
        self.begin(sensor);
        self.put(u32::try_from(events.len()).unwrap().to_le_bytes());
        for event in events {
            self.put(event.x.to_le_bytes());
            self.put(event.y.to_le_bytes());
            let (s, us) = (event.t_us / 1_000_000, event.t_us % 1_000_000);
            self.put(u32::try_from(s).unwrap().to_le_bytes());
            self.put(u32::try_from(us * 1_000).unwrap().to_le_bytes());
            self.put([u8::from(event.on)]);
        }
        self.message()
    }
}
