//! Input ports of frames, translated.

use std::sync::Arc;

use sim_core::network::{
    Afferent, Afferents, BadValue, FrameEncoder, FrameSource, LevelCrossing, Whisker,
};
use spiked_proto::v1;

use super::{Error, Notes, at_most};
use crate::networks::limits::LIST_MAX;

/// Afferents of one whisker; the core allows fewer, and says so.
const KINDS_MAX: usize = 4_096;

pub(super) fn source(
    notes: &mut Notes,
    source: &v1::FrameSource,
) -> Result<Option<Arc<FrameSource>>, Error> {
    at_most("whiskers of an input port", source.whiskers.len(), LIST_MAX)?;
    let whiskers = source.whiskers.iter().enumerate().map(|(index, whisker)| Whisker {
        name: notes.name(&format!("frames.whiskers[{index}]"), &whisker.name),
        side: whisker.side,
        row: whisker.row,
        column: whisker.column,
    });
    let whiskers = whiskers.collect();
    let bad_value = match notes.word("frames.bad_value", source.bad_value) {
        Some(v1::BadValue::Hold) => BadValue::Hold,
        _ => BadValue::Refuse,
    };
    let encoder = match &source.encoder {
        Some(v1::frame_source::Encoder::Afferents(encoder)) => {
            at_most("afferents of a whisker", encoder.kinds.len(), KINDS_MAX)?;
            FrameEncoder::Afferents(afferents(encoder))
        }
        Some(v1::frame_source::Encoder::Levels(levels)) => {
            let &v1::LevelEncoder { force_mn, moment_unm } = levels;
            FrameEncoder::LevelCrossing(LevelCrossing { force_mn, moment_unm })
        }
        None => return Ok(notes.none("frames.encoder", "is missing: afferents or levels")),
    };
    let mut translated = FrameSource { bad_value, ..FrameSource::new(whiskers, encoder) };
    if source.value_max != 0.0 {
        translated.value_max = source.value_max;
    }
    if source.gap_us != 0 {
        translated.gap_us = source.gap_us;
    }
    Ok(Some(translated.into()))
}

fn afferents(encoder: &v1::AfferentEncoder) -> Afferents {
    let usual = Afferents::default();
    let kind = |&v1::Afferent { direction_deg, slow_hz, rapid }: &_| Afferent {
        direction_deg,
        slow_hz,
        rapid,
    };
    Afferents {
        kinds: match encoder.kinds.as_slice() {
            [] => usual.kinds,
            kinds => kinds.iter().map(kind).collect(),
        },
        refractory_us: match encoder.refractory_us {
            0 => usual.refractory_us,
            us => us,
        },
        leak_ms: (encoder.leak_ms != 0.0).then_some(encoder.leak_ms),
    }
}
