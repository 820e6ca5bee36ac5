//! The events of a Prophesee RAW file with EVT2 words.
//!
//! The words' decoder gives out any pixel. Whether one is off the sensor is asked of a whole chunk
//! at once; only where the answer is yes is the chunk decoded again byte by byte, from a copy of
//! the state before it, to find the word.

use spiked_proto::layout::evt2::Decoder;

use super::Decode;
use crate::{CameraEvent, Fault, Geometry, WordCounts};

const WORD_BYTES: usize = 4;

pub(super) struct Reader {
    decoder: Decoder,
    geometry: Option<Geometry>,
}

impl Reader {
    pub(super) const fn new(geometry: Option<Geometry>) -> Self {
        Self { decoder: Decoder::new(), geometry }
    }
}

impl Decode for Reader {
    fn decode(
        &mut self,
        bytes: &[u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let Some(geometry) = self.geometry else {
            self.decoder.decode(bytes, out);
            return Ok(());
        };
        let (before, events_before) = (self.decoder.clone(), out.len());
        self.decoder.decode(bytes, out);
        if all_on_sensor(&out[events_before..], geometry) {
            return Ok(());
        }
        out.truncate(events_before);
        self.decoder = before;
        self.decode_to_the_fault(bytes, offset, geometry, out)
    }

    fn finish(&mut self, offset: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        match self.decoder.pending_bytes() {
            0 => Ok(()),
            held => Err(Fault::Truncated { offset: offset - held as u64, held, whole: WORD_BYTES }),
        }
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.geometry = Some(geometry);
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(self.decoder.counts())
    }
}

impl Reader {
    #[cold]
    fn decode_to_the_fault(
        &mut self,
        bytes: &[u8],
        offset: u64,
        geometry: Geometry,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let mut event = Vec::with_capacity(1);
        for (byte, word_end) in bytes.iter().zip(offset + 1..) {
            self.decoder.decode(&[*byte], &mut event);
            if let Some(&CameraEvent { x, y, .. }) = event.first()
                && !geometry.contains(x, y)
            {
                let offset = word_end - WORD_BYTES as u64;
                return Err(Fault::PixelOffSensor { x, y, geometry, offset });
            }
            out.append(&mut event);
        }
        Ok(())
    }
}

fn all_on_sensor(events: &[CameraEvent], geometry: Geometry) -> bool {
    // No early end: without it the loop has no branch.
    events.iter().fold(true, |all, event| all & geometry.contains(event.x, event.y))
}
