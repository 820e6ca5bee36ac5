//! The camera of an MCAP file: its messages one after another, their events in portions.
//!
//! A packet's events are EVT3 words, in their own time, or `mono`: 8 bytes an event of which bit 63 is the
//! polarity, 62 to 48 y, 47 to 32 x, and 31 to 0 ns since the packet's time base. An array's events are
//! messages with a time of their own. Times in ns become the µs in which they lie.

use super::{
    super::records::Sensor,
    cdr::Cdr,
    packet::{Array, Kind, Packet, event},
    topics::Channel,
    words::Words,
};
use crate::{CameraEvent, Fault, Geometry, Notes, WordCounts};

/// Bytes whose events leave together.
const PORTION_BYTES: usize = 1 << 13;
/// Elements of an array, of 16 bytes at most, whose events leave together.
const PORTION_ELEMENTS: u32 = 1 << 9;
const MONO_BYTES: usize = 8;
const NS_PER_US: u64 = 1_000;

/// How the events of a message are told.
#[derive(Clone, Copy, Debug)]
enum Form {
    Evt3,
    Mono { time_base_ns: u64, is_big: bool },
    Array { left: u32, is_big: bool },
}

impl Default for Form {
    fn default() -> Self {
        Self::Array { left: 0, is_big: false }
    }
}

#[derive(Default)]
pub(super) struct Camera {
    topic: String,
    encoding: Option<String>,
    has_spoken: bool,
    stated: Option<Geometry>,
    sensor: Option<Geometry>,
    /// Where the message stands in the file.
    offset: u64,
    form: Form,
    /// The message's events, of which so many bytes have been read.
    events: Vec<u8>,
    taken: usize,
    /// The number that the next packet should have.
    next_seq: Option<u64>,
    packets_missing: u64,
    packets_unordered: u64,
    words: Words,
    /// Events that were no words.
    events_given: u64,
    counts: WordCounts,
}

impl Camera {
    /// Takes a message up; false if it holds no events of a camera.
    pub(super) fn hear(
        &mut self,
        channel: &Channel,
        message: &[u8],
        offset: u64,
    ) -> Result<bool, Fault> {
        self.offset = offset;
        self.topic.clone_from(&channel.topic);
        let taken = match channel.kind {
            Some(Kind::Packet) => self.take_packet(message),
            Some(Kind::Array) => self.take_array(message).map(|()| true),
            None => Ok(false),
        };
        taken.map_err(|problem| self.wrong(problem))
    }

    fn take_packet(&mut self, message: &[u8]) -> Result<bool, String> {
        let packet = Packet::read(message)?;
        let form = match packet.encoding.as_str() {
            "evt3" if packet.is_big && packet.events.len() % 2 != 0 => {
                return Err(format!("holds {} bytes of words of 2", packet.events.len()));
            }
            "evt3" => Form::Evt3,
            "mono" if packet.events.len() % MONO_BYTES != 0 => {
                return Err(format!("holds {} bytes of events of 8", packet.events.len()));
            }
            "mono" => Form::Mono { time_base_ns: packet.time_base_ns, is_big: packet.is_big },
            "trigger" => return Ok(false),
            other => {
                return Err(format!("is encoded as {other:?}, and only evt3 and mono can be read"));
            }
        };
        self.take_geometry(packet.geometry)?;
        self.follow(packet.seq);
        self.encoding.get_or_insert(packet.encoding);
        self.form = form;
        self.fill(packet.events, 0);
        if matches!(form, Form::Evt3) && packet.is_big {
            self.events.as_chunks_mut::<2>().0.iter_mut().for_each(|word| word.reverse());
        }
        Ok(true)
    }

    fn take_array(&mut self, message: &[u8]) -> Result<(), String> {
        let Array { geometry, count, events } = Array::read(message)?;
        self.take_geometry(geometry)?;
        self.form = Form::Array { left: count, is_big: events.is_big() };
        self.fill(events.body(), events.place());
        Ok(())
    }

    fn fill(&mut self, events: &[u8], taken: usize) {
        self.events.clear();
        self.events.extend_from_slice(events);
        self.taken = taken;
    }

    /// Every message names the same sensor, that of the user where one was given. What the first does not
    /// tell no later one may, or pixels would have gone by that aren't on it.
    fn take_geometry(&mut self, told: Option<Geometry>) -> Result<(), String> {
        let is_first = !std::mem::replace(&mut self.has_spoken, true);
        match (self.sensor, told) {
            (Some(sensor), Some(told)) if sensor != told => {
                Err(format!("is of a {told} sensor, expected {sensor}"))
            }
            (None, Some(told)) if !is_first => {
                Err(format!("is of a {told} sensor, which the first does not tell"))
            }
            (None, Some(told)) => {
                self.stated = Some(told);
                self.set_geometry(told);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Compares a packet's number with the one before.
    fn follow(&mut self, seq: u64) {
        if let Some(next) = self.next_seq.filter(|&next| next != seq) {
            self.packets_missing += seq.saturating_sub(next);
            self.packets_unordered += u64::from(seq < next);
            self.words.break_off(Sensor(self.sensor));
        }
        self.next_seq = Some(seq.wrapping_add(1));
    }

    pub(super) fn holds_events(&self) -> bool {
        match self.form {
            Form::Array { left, .. } => left > 0,
            Form::Evt3 | Form::Mono { .. } => self.taken < self.events.len(),
        }
    }

    /// Appends the next portion of the message's events.
    pub(super) fn give(&mut self, out: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        let end = self.events.len().min(self.taken + PORTION_BYTES);
        let before = out.len();
        let given = match self.form {
            Form::Evt3 => {
                self.words.decode(&self.events[self.taken..end], out);
                self.taken = end;
                Ok(())
            }
            Form::Mono { time_base_ns, is_big } => {
                let given = self.give_mono(time_base_ns, is_big, end, out);
                self.events_given += (out.len() - before) as u64;
                given
            }
            Form::Array { left, is_big } => {
                let given = self.give_array(left, is_big, out);
                self.events_given += (out.len() - before) as u64;
                given
            }
        };
        self.count();
        given
    }

    fn give_mono(
        &mut self,
        time_base_ns: u64,
        is_big: bool,
        end: usize,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let (events, sensor) = (self.events[self.taken..end].as_chunks().0, Sensor(self.sensor));
        out.reserve(events.len());
        for &event in events {
            let bits = if is_big { u64::from_be_bytes(event) } else { u64::from_le_bytes(event) };
            let t_ns = time_base_ns.checked_add(bits & u64::from(u32::MAX));
            let Some(t_ns) = t_ns else {
                return Err(self.wrong(format!("has a time base of {time_base_ns} ns")));
            };
            let [x, y] = [(bits >> 32 & 0xFFFF) as u16, (bits >> 48 & 0x7FFF) as u16];
            sensor.check(x, y, self.offset)?;
            out.push(CameraEvent { t_us: t_ns / NS_PER_US, x, y, on: bits >> 63 == 1 });
        }
        self.taken = end;
        Ok(())
    }

    fn give_array(
        &mut self,
        left: u32,
        is_big: bool,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let sensor = Sensor(self.sensor);
        let mut fields = Cdr::at(&self.events, self.taken, is_big);
        let count = left.min(PORTION_ELEMENTS);
        for number in 0..count {
            let Some((x, y, t_ns, on)) = event(&mut fields) else {
                let more = left - number;
                return Err(self.wrong(format!("ends {more} events before its last")));
            };
            let Ok(t_ns) = u64::try_from(t_ns) else {
                return Err(self.wrong(format!("has an event at {t_ns} ns")));
            };
            sensor.check(x, y, self.offset)?;
            out.push(CameraEvent { t_us: t_ns / NS_PER_US, x, y, on });
        }
        self.taken = fields.place();
        self.form = Form::Array { left: left - count, is_big };
        Ok(())
    }

    fn wrong(&self, problem: String) -> Fault {
        Fault::Message { topic: self.topic.clone(), offset: self.offset, problem }
    }

    pub(super) fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Some(geometry);
        self.words.set_geometry(geometry);
    }

    /// The sensor's size, as the messages tell it.
    pub(super) fn geometry(&self) -> Option<Geometry> {
        self.stated
    }

    /// How the first packet is encoded.
    pub(super) fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    fn count(&mut self) {
        let words = self.words.counts();
        self.counts = WordCounts { events: self.events_given + words.events, ..words };
    }

    pub(super) fn counts(&self) -> &WordCounts {
        &self.counts
    }

    /// What was lost between packets.
    pub(super) fn notes(&self) -> Notes {
        let lost = [
            (self.packets_missing, "packets missing by their numbers"),
            (self.packets_unordered, "packets whose numbers step back"),
            (self.words.stranded_bytes(), "bytes of words without their end"),
        ];
        let lost = lost.into_iter().map(|(count, what)| (count, what.to_owned())).collect();
        Notes { besides: Vec::new(), lost }
    }
}
