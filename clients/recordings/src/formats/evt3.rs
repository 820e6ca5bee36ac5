//! The events of a Prophesee RAW file with EVT3 words.
//!
//! A vector may reach over the sensor's edge, and padding may name any row: what is off the sensor
//! is dropped and counted, not an error.

use spiked_proto::layout::evt3::Decoder;

use super::Decode;
use crate::{CameraEvent, Fault, Geometry, WordCounts};

const WORD_BYTES: usize = 2;

pub(super) struct Reader {
    decoder: Decoder,
}

impl Reader {
    pub(super) fn new(geometry: Option<Geometry>) -> Self {
        let decoder = Decoder::new();
        Self { decoder: geometry.map_or(decoder.clone(), |sensor| decoder.clipped_to(sensor)) }
    }
}

impl Decode for Reader {
    fn decode(&mut self, bytes: &[u8], _: u64, out: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        self.decoder.decode(bytes, out);
        Ok(())
    }

    fn finish(&mut self, offset: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        match self.decoder.pending_bytes() {
            0 => Ok(()),
            held => Err(Fault::Truncated { offset: offset - held as u64, held, whole: WORD_BYTES }),
        }
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.decoder = self.decoder.clone().clipped_to(geometry);
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(self.decoder.counts())
    }
}
