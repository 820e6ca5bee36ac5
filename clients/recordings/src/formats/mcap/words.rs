//! EVT3 words that come in numbered packets, some of which may be missing.
//!
//! What a decoder knows carries over from packet to packet. Behind a gap nothing of it holds: until the
//! next TIME_HIGH and the next row, events have neither time nor place and are counted as such. How often
//! time has gone round before stays known, and a gap of less than half a turn (8.4 s) changes nothing of it.

use spiked_proto::layout::evt3::Decoder;

use super::super::records::Sensor;
use crate::{CameraEvent, Geometry, WordCounts};

/// Time goes round after so many µs.
const TURN_US: u64 = 1 << 24;

#[derive(Default)]
pub(super) struct Words {
    decoder: Decoder,
    /// What became of the words before the last gap.
    before: WordCounts,
    /// What the decoder's times lack behind a gap, once its first event tells \[µs\].
    turns_us: Option<u64>,
    latest_us: u64,
    /// Bytes of words whose other byte was lost.
    stranded: u64,
    has_gap: bool,
}

impl Words {
    pub(super) fn set_geometry(&mut self, geometry: Geometry) {
        self.decoder = self.decoder.clone().clipped_to(geometry);
    }

    /// What comes next does not follow on what came before.
    pub(super) fn break_off(&mut self, sensor: Sensor) {
        self.before = self.counts();
        self.stranded += self.decoder.pending_bytes() as u64;
        let decoder = Decoder::new();
        self.decoder = sensor.0.map_or(decoder.clone(), |sensor| decoder.clipped_to(sensor));
        self.has_gap = true;
        self.turns_us = None;
    }

    pub(super) fn decode(&mut self, words: &[u8], out: &mut Vec<CameraEvent>) {
        let before = out.len();
        self.decoder.decode(words, out);
        let events = &mut out[before..];
        let (Some(first), true) = (events.first(), self.has_gap) else {
            self.latest_us = events.last().map_or(self.latest_us, |event| event.t_us);
            return;
        };
        let (latest_us, first_us) = (self.latest_us, first.t_us);
        let turns_us = *self.turns_us.get_or_insert_with(|| missing_us(latest_us, first_us));
        for event in &mut *events {
            event.t_us += turns_us;
        }
        self.latest_us = events.last().map_or(latest_us, |event| event.t_us);
    }

    /// What became of all words.
    pub(super) fn counts(&self) -> WordCounts {
        let (before, since) = (self.before, self.decoder.counts());
        WordCounts {
            events: before.events + since.events,
            unplaced: before.unplaced + since.unplaced,
            outside: before.outside + since.outside,
            triggers: before.triggers + since.triggers,
            other: before.other + since.other,
            unknown: before.unknown + since.unknown,
            backward: before.backward + since.backward,
        }
    }

    /// Bytes of words whose other byte has not come, and won't where the recording ends.
    pub(super) fn stranded_bytes(&self) -> u64 {
        self.stranded + self.decoder.pending_bytes() as u64
    }
}

/// What has to be added to a time without its turns, so that it goes on from a latest one. It went round
/// once more where it would step back by half a turn or more.
fn missing_us(latest_us: u64, t_us: u64) -> u64 {
    let (low_us, turns_us) = (t_us % TURN_US, latest_us - latest_us % TURN_US);
    let went_round = latest_us % TURN_US >= low_us + TURN_US / 2;
    let goes_on_us = turns_us + low_us + if went_round { TURN_US } else { 0 };
    goes_on_us.saturating_sub(t_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_behind_a_gap_goes_on_from_the_latest() {
        let goes_on = |latest_us, t_us| t_us + missing_us(latest_us, t_us);
        assert_eq!(goes_on(5, 7), 7);
        assert_eq!(goes_on(3 * TURN_US + 5, 7), 3 * TURN_US + 7);
        assert_eq!(goes_on(3 * TURN_US + 5, 4), 3 * TURN_US + 4);
        assert_eq!(goes_on(3 * TURN_US - 5, 4), 3 * TURN_US + 4);
        assert_eq!(goes_on(3 * TURN_US + 5, TURN_US + 7), 3 * TURN_US + 7);
    }
}
