//! From a batch's payload to events that lie on their port and above the promise.
//!
//! One pass over the payload: events are placed as if all were sound, and whether they were is
//! one flag. Only if it falls does a second, slower pass find the bad ones and apply the policy.
//! A camera's words carry state from batch to batch; their decoders belong to the port.

use sim_core::{InputEvent, InputId, InputTable};
use spiked_proto::{
    layout::{
        Geometry, PackedError,
        address::{self, AddressEvent, CountedAddressEvent},
        camera::{self, CameraEvent},
        evt2, evt3,
        words::WordCounts,
    },
    v1::{self, Layout, Reason},
};

use super::refusal::Refusal;
use crate::session::{
    codec::{Damaged, Reader, Writer},
    settings::{Policy, Settings},
};

/// One input port, as the protocol sees it.
#[derive(Debug)]
pub(super) struct Port {
    id: InputId,
    name: String,
    addresses: u32,
    /// For a camera.
    sensor: Option<Geometry>,
    evt2: Option<Box<evt2::Decoder>>,
    evt3: Option<Box<evt3::Decoder>>,
    /// What the words of the batch at hand hold.
    decoded: Vec<CameraEvent>,
    /// What was lost of the batch at hand.
    lost: v1::Drops,
}

/// By what a batch's events are judged.
pub(super) struct Target<'a> {
    pub(super) settings: &'a Settings,
    pub(super) promise_us: u64,
    /// Events of the producer before this batch.
    pub(super) events_before: u64,
}

/// What became of a batch's events.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) drops: v1::Drops,
    /// The first dropped event of each cause.
    pub(super) refusals: Vec<Refusal>,
    /// The event at which the input ends.
    pub(super) fatal: Option<Refusal>,
    /// Events in the batch.
    pub(super) seen: u64,
}

impl Port {
    /// The port of a table.
    pub(super) fn new((index, table): (usize, &InputTable)) -> Self {
        Self {
            id: InputId(u16::try_from(index).unwrap_or(u16::MAX)),
            name: table.name.clone(),
            addresses: table.shape.iter().product(),
            sensor: sensor(table),
            evt2: None,
            evt3: None,
            decoded: Vec::new(),
            lost: v1::Drops::default(),
        }
    }

    pub(super) const fn id(&self) -> InputId {
        self.id
    }

    /// Checks layout, length and count; says what the batch takes of the credit in events.
    pub(super) fn check(&self, batch: &v1::EventBatch) -> Result<u64, Refusal> {
        let sequence = batch.sequence;
        let layout = layout(batch)?;
        let camera = matches!(layout, Layout::Camera | Layout::Evt2 | Layout::Evt3);
        if camera && self.sensor.is_none() {
            let message = format!("batch {sequence}: port {:?} is not a camera", self.name);
            return Err(Refusal::new(Reason::LayoutMismatch, sequence, message));
        }
        let (bytes, count) = (batch.payload.len() as u64, u64::from(batch.count));
        let word = match layout {
            Layout::Evt2 => 4,
            Layout::Evt3 => 2,
            _ => {
                return address::decode(&batch.payload, batch.base_time_us, count)
                    .map(|_| count)
                    .map_err(|error| packed(sequence, &error));
            }
        };
        if bytes != count {
            let message = format!(
                "batch {sequence}: it states {count} bytes but its payload holds {bytes}"
            );
            return Err(Refusal::new(Reason::PayloadCount, sequence, message));
        }
        Ok(bytes / word)
    }

    /// Reads the words of a checked batch, if it is made of words.
    pub(super) fn prepare(&mut self, batch: &v1::EventBatch) {
        self.decoded.clear();
        self.lost = v1::Drops::default();
        let (before, after) = match batch.layout() {
            Layout::Evt2 => {
                let decoder = self.evt2.get_or_insert_default();
                let before = *decoder.counts();
                decoder.decode(&batch.payload, &mut self.decoded);
                (before, *decoder.counts())
            }
            Layout::Evt3 => {
                let decoder = self.evt3.get_or_insert_default();
                let before = *decoder.counts();
                decoder.decode(&batch.payload, &mut self.decoded);
                (before, *decoder.counts())
            }
            _ => return,
        };
        let unread = |counts: &WordCounts| counts.unplaced + counts.unknown;
        self.lost.words = unread(&after) - unread(&before);
        self.lost.outside = after.outside - before.outside;
    }

    /// Where a prepared batch begins [µs].
    pub(super) fn first_time(&self, batch: &v1::EventBatch) -> Option<u64> {
        match batch.layout() {
            Layout::Evt2 | Layout::Evt3 => self.decoded.first().map(|event| event.t_us),
            _ => Some(batch.base_time_us),
        }
    }

    /// Appends the sound events of a prepared batch.
    pub(super) fn take(
        &self,
        batch: &v1::EventBatch,
        target: &Target<'_>,
        out: &mut Vec<InputEvent>,
    ) -> Taken {
        let (payload, base, count) = (&batch.payload, batch.base_time_us, u64::from(batch.count));
        let judge = Judge { port: self, sequence: batch.sequence, target, drops: self.lost };
        match batch.layout() {
            Layout::Camera => match camera::decode(payload, base, count) {
                Ok(events) => judge.take(events, out, |event| self.place(event)),
                Err(_) => Taken::default(),
            },
            Layout::Address => match address::decode(payload, base, count) {
                Ok(events) => judge.take(events, out, |event| self.place_address(event)),
                Err(_) => Taken::default(),
            },
            Layout::CountedAddress => match address::decode_counted(payload, base, count) {
                Ok(events) => judge.take(events, out, |event| self.place_counted(event, base)),
                Err(_) => Taken::default(),
            },
            _ => judge.take(self.decoded.iter().copied(), out, |event| self.place(event)),
        }
    }

    /// Where a pixel's event goes, and whether it is on the sensor.
    #[inline]
    fn place(&self, event: CameraEvent) -> (InputEvent, bool) {
        let Geometry { width, height } = self.sensor.unwrap_or(Geometry { width: 0, height: 0 });
        let row = u32::from(event.on) * u32::from(height) + u32::from(event.y);
        let address = row.wrapping_mul(width.into()).wrapping_add(event.x.into());
        let inside = event.x < width && event.y < height;
        (InputEvent { time_us: event.t_us, address, multiplicity: 1 }, inside)
    }

    #[inline]
    fn place_address(&self, event: AddressEvent) -> (InputEvent, bool) {
        let AddressEvent { time, index } = event;
        let event = InputEvent { time_us: time, address: index, multiplicity: 1 };
        (event, index < self.addresses)
    }

    #[inline]
    fn place_counted(
        &self,
        event: Result<CountedAddressEvent, PackedError>,
        base: u64,
    ) -> (InputEvent, bool) {
        match event {
            Ok(CountedAddressEvent { time, index, multiplicity }) => {
                let multiplicity = multiplicity.into();
                (InputEvent { time_us: time, address: index, multiplicity }, index < self.addresses)
            }
            // The only error of an event here is that it stands for none.
            Err(_) => (InputEvent { time_us: base, address: 0, multiplicity: 0 }, false),
        }
    }

    fn describe_outside(&self, address: u32) -> String {
        match self.sensor {
            None => format!(
                "address {address} is outside port {:?} of {} addresses",
                self.name, self.addresses
            ),
            Some(sensor) => format!("address {address} is outside the {sensor} sensor"),
        }
    }

    pub(super) fn save(&self, out: &mut Writer) {
        let evt2 = self.evt2.as_ref().map(|decoder| decoder.to_bytes());
        let evt3 = self.evt3.as_ref().map(|decoder| decoder.to_bytes());
        out.bytes(evt2.as_ref().map_or(&[], |bytes| bytes.as_slice()));
        out.bytes(evt3.as_ref().map_or(&[], |bytes| bytes.as_slice()));
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        let (evt2, evt3) = (from.bytes()?, from.bytes()?);
        if !evt2.is_empty() {
            let decoder = evt2::Decoder::from_bytes(evt2);
            self.evt2 = Some(Box::new(decoder.map_err(|error| from.damaged(error.to_string()))?));
        }
        if !evt3.is_empty() {
            let decoder = evt3::Decoder::from_bytes(evt3);
            self.evt3 = Some(Box::new(decoder.map_err(|error| from.damaged(error.to_string()))?));
        }
        Ok(())
    }
}

/// Judges the events of one batch.
struct Judge<'a> {
    port: &'a Port,
    sequence: u64,
    target: &'a Target<'a>,
    drops: v1::Drops,
}

/// An event of some layout that can say where it was meant to go.
trait Candidate: Clone {
    /// As in "pixel (700, 3)", where that says more than an address.
    fn pixel(&self) -> Option<(u16, u16)> {
        None
    }
}

impl Candidate for AddressEvent {}
impl Candidate for Result<CountedAddressEvent, PackedError> {}
impl Candidate for CameraEvent {
    fn pixel(&self) -> Option<(u16, u16)> {
        Some((self.x, self.y))
    }
}

impl Judge<'_> {
    fn take<E: Candidate>(
        self,
        candidates: impl ExactSizeIterator<Item = E> + Clone,
        out: &mut Vec<InputEvent>,
        place: impl Fn(E) -> (InputEvent, bool),
    ) -> Taken {
        let (before, seen) = (out.len(), candidates.len() as u64);
        let promise_us = self.target.promise_us;
        let mut all_sound = true;
        out.extend(candidates.clone().map(|candidate| {
            let (event, inside) = place(candidate);
            all_sound &= inside & (event.time_us >= promise_us);
            event
        }));
        if all_sound {
            return Taken { drops: self.drops, seen, ..Taken::default() };
        }
        out.truncate(before);
        Taken { seen, ..self.sort_out(candidates, out, place) }
    }

    /// The slow pass: something among the candidates is bad.
    fn sort_out<E: Candidate>(
        &self,
        candidates: impl Iterator<Item = E>,
        out: &mut Vec<InputEvent>,
        place: impl Fn(E) -> (InputEvent, bool),
    ) -> Taken {
        let mut taken = Taken { drops: self.drops, ..Taken::default() };
        for (position, candidate) in (0_u32..).zip(candidates) {
            let pixel = candidate.pixel();
            let (event, inside) = place(candidate);
            let Some(reason) = self.fault(&event, inside) else {
                out.push(event);
                continue;
            };
            let refusal = || self.refusal(reason, position, &event, pixel);
            if refusal_policy(reason, self.target.settings) == Policy::Fail {
                taken.fatal = Some(refusal());
                break;
            }
            *count_of(&mut taken.drops, reason) += 1;
            if !taken.refusals.iter().any(|known| known.reason == reason) {
                taken.refusals.push(refusal());
            }
        }
        taken
    }

    fn fault(&self, event: &InputEvent, inside: bool) -> Option<Reason> {
        if event.multiplicity == 0 {
            Some(Reason::Multiplicity)
        } else if !inside {
            Some(Reason::AddressOutside)
        } else {
            (event.time_us < self.target.promise_us).then_some(Reason::Late)
        }
    }

    fn refusal(
        &self,
        reason: Reason,
        position: u32,
        event: &InputEvent,
        pixel: Option<(u16, u16)>,
    ) -> Refusal {
        let number = self.target.events_before + u64::from(position) + 1;
        let what = match (reason, pixel, self.port.sensor) {
            (Reason::Late, ..) => format!(
                "time {} us is below the promise, {} us",
                event.time_us, self.target.promise_us
            ),
            (Reason::Multiplicity, ..) => "multiplicity 0 stands for no event".to_owned(),
            (_, Some((x, y)), Some(sensor)) => {
                format!("pixel ({x}, {y}) is outside the {sensor} sensor")
            }
            _ => self.port.describe_outside(event.address),
        };
        let message =
            format!("batch {}, position {position} (event {number}): {what}", self.sequence);
        Refusal {
            position_in_batch: Some(position),
            event_number: Some(number),
            ..Refusal::new(reason, self.sequence, message)
        }
    }
}

fn refusal_policy(reason: Reason, settings: &Settings) -> Policy {
    if reason == Reason::Late { settings.late_event } else { settings.bad_event }
}

fn count_of(drops: &mut v1::Drops, reason: Reason) -> &mut u64 {
    match reason {
        Reason::Late => &mut drops.late,
        Reason::Multiplicity => &mut drops.multiplicity,
        _ => &mut drops.outside,
    }
}

/// A camera's size, from [2, height, width].
fn sensor(table: &InputTable) -> Option<Geometry> {
    let &[_, height, width] = table.shape.as_slice() else { return None };
    let geometry =
        Geometry { width: u16::try_from(width).ok()?, height: u16::try_from(height).ok()? };
    table.is_sensor.then_some(geometry)
}

fn layout(batch: &v1::EventBatch) -> Result<Layout, Refusal> {
    let sequence = batch.sequence;
    match Layout::try_from(batch.layout) {
        Ok(
            layout @ (Layout::Camera
            | Layout::Address
            | Layout::CountedAddress
            | Layout::Evt2
            | Layout::Evt3),
        ) => Ok(layout),
        Ok(Layout::Evt21) => Err(Refusal::unimplemented(sequence, "LAYOUT_EVT21")),
        Ok(Layout::AddressTicks | Layout::CountedAddressTicks) => {
            let message = format!("batch {sequence}: layout {} is for output only", batch.layout);
            Err(Refusal::new(Reason::LayoutUnknown, sequence, message))
        }
        Ok(Layout::Unspecified) | Err(_) => {
            let message = format!("batch {sequence}: layout {} has no meaning", batch.layout);
            Err(Refusal::new(Reason::LayoutUnknown, sequence, message))
        }
    }
}

fn packed(sequence: u64, error: &PackedError) -> Refusal {
    let reason = match error {
        PackedError::Ragged { .. } => Reason::PayloadLength,
        PackedError::Count { .. } => Reason::PayloadCount,
        _ => Reason::FieldInvalid,
    };
    Refusal::new(reason, sequence, format!("batch {sequence}: {error}"))
}
