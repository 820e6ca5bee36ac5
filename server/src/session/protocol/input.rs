//! From a batch's payload to events that lie on their port and above the promise.
//!
//! Places what the payload holds; [`super::judge`] says which of it is sound. A camera's words
//! carry state from batch to batch, so their decoders belong to the port.

use sim_core::{InputEvent, InputId, InputTable};
use spiked_proto::{
    layout::{
        Geometry, PackedError,
        address::{self, AddressEvent, CountedAddressEvent},
        camera::{self, CameraEvent},
        evt2, evt3,
        frames::Frames,
        words::WordCounts,
    },
    v1::{self, Layout, Reason},
};

use super::{
    frames::{self, FrameFlow},
    judge::{Judge, Taken, Target},
    refusal::Refusal,
};
use crate::session::codec::{Damaged, Reader, Writer};

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
    /// For a port of frames.
    pub(super) frames: Option<FrameFlow>,
    /// What the words of the batch at hand hold.
    decoded: Vec<CameraEvent>,
    /// What was lost of the batch at hand.
    lost: v1::Drops,
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
            frames: table.frames.as_deref().map(FrameFlow::new),
            decoded: Vec::new(),
            lost: v1::Drops::default(),
        }
    }

    /// The camera's size, if it is one.
    pub(super) const fn sensor(&self) -> Option<Geometry> {
        self.sensor
    }

    pub(super) const fn addresses(&self) -> u32 {
        self.addresses
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
        if (layout == Layout::Frames) != self.frames.is_some() {
            let takes = if self.frames.is_some() { "frames alone" } else { "events, no frames" };
            let message = format!("batch {sequence}: port {:?} takes {takes}", self.name);
            return Err(Refusal::new(Reason::LayoutMismatch, sequence, message));
        }
        let word = match layout {
            Layout::Evt2 => 4,
            Layout::Evt3 => 2,
            Layout::Frames => return self.check_frames(batch),
            _ => {
                return address::decode(&batch.payload, batch.base_time_us, count)
                    .map(|_| count)
                    .map_err(|error| packed(sequence, &error));
            }
        };
        if bytes != count {
            let message =
                format!("batch {sequence}: it states {count} bytes but its payload holds {bytes}");
            return Err(Refusal::new(Reason::PayloadCount, sequence, message));
        }
        Ok(bytes / word)
    }

    fn check_frames(&self, batch: &v1::EventBatch) -> Result<u64, Refusal> {
        let sequence = batch.sequence;
        let frames = Frames::decode(&batch.payload, batch.base_time_us, batch.count.into())
            .map_err(|error| frames::refusal(sequence, &error))?;
        if frames.channels() != self.addresses {
            let message = format!(
                "batch {sequence}: frames of {} values where port {:?} takes {}",
                frames.channels(),
                self.name,
                self.addresses
            );
            return Err(Refusal::new(Reason::LayoutMismatch, sequence, message));
        }
        Ok(frames.values())
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

    /// Where a prepared batch begins \[µs\].
    pub(super) fn first_time(&self, batch: &v1::EventBatch) -> Option<u64> {
        match batch.layout() {
            Layout::Evt2 | Layout::Evt3 => self.decoded.first().map(|event| event.t_us),
            _ => Some(batch.base_time_us),
        }
    }

    /// Appends the sound events of a prepared batch.
    pub(super) fn take(
        &mut self,
        batch: &v1::EventBatch,
        target: &Target<'_>,
        out: &mut Vec<InputEvent>,
    ) -> Taken {
        let (payload, base, count) = (&batch.payload, batch.base_time_us, u64::from(batch.count));
        if let (Layout::Frames, Some(flow)) = (batch.layout(), &mut self.frames) {
            return match Frames::decode(payload, base, count) {
                Ok(frames) => flow.take(&self.name, batch.sequence, &frames, target, out),
                Err(_) => Taken::default(),
            };
        }
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

    /// An address beyond the port, as an error says it.
    pub(super) fn describe_outside(&self, address: u32) -> String {
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
        if let Some(frames) = &self.frames {
            frames.save(out);
        }
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
        if let Some(frames) = &mut self.frames {
            frames.load(from)?;
        }
        Ok(())
    }
}

/// A camera's size, from [2, height, width].
fn sensor(table: &InputTable) -> Option<Geometry> {
    let &[_, height, width] = table.shape.as_slice() else {
        return None;
    };
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
            | Layout::Evt3
            | Layout::Frames),
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
