//! Hostile messages in the place of what a watcher is shown: see `spiked-fuzz`.

use prost::Message as _;
use spiked_fuzz::Target;

use super::*;
use crate::{Layout, WatchedInput};

fn examples() -> Vec<Vec<u8>> {
    let payload = vec![0, 0, 0, 0, 5, 0, 0, 1, 9, 0, 0, 0, 6, 0, 0, 3];
    let events = |layout: Layout, payload: &[u8]| {
        Message::Events(v1::EventBatch {
            sequence: 3,
            base_time_us: 500,
            layout: layout.into(),
            count: 2,
            payload: payload.to_vec().into(),
            ..v1::EventBatch::default()
        })
    };
    let sampling = spiked_proto::layout::frames::Sampling { period_ns: 1_000_000, base_ns: 500 };
    let mut frames = Vec::new();
    let values = [1.0, 2.0, f32::NAN, 4.0];
    spiked_proto::layout::frames::Frames::encode(sampling, 2, &values, &mut frames);
    let spikes = v1::SpikeBatch {
        base_time_us: 507,
        base_tick: 5,
        layout: Layout::CountedAddressTicks.into(),
        count: 2,
        payload: payload.clone().into(),
        ..v1::SpikeBatch::default()
    };
    let probe = v1::ProbeValues { tick: 7, time_us: 700, values: vec![0.5, -2.0] };
    let messages = [
        Message::Spikes(spikes),
        events(Layout::Address, &payload),
        events(Layout::CountedAddress, &payload),
        events(Layout::Frames, &frames),
        Message::Probe(probe),
        Message::Missed(v1::Missed { messages: 9 }),
        Message::Ended(v1::Ended { message: "done".into(), ..v1::Ended::default() }),
        Message::Opened(v1::Opened { tick_ns: 5, ..v1::Opened::default() }),
    ];
    let shown = |message| v1::WatchSessionResponse { message: Some(message) }.encode_to_vec();
    messages.map(shown).to_vec()
}

/// Watched input packed as the contract has it, to be read again; `None` for what an offset or a
/// batch doesn't hold.
fn packed(input: &WatchedInput, batch: &v1::EventBatch) -> Option<v1::EventBatch> {
    let WatchedInput::Events(events) = input else { return None };
    let mut payload = Vec::new();
    let base_us = batch.base_time_us;
    spiked_proto::layout::address::encode_counted(events, base_us, &mut payload).ok()?;
    let (layout, count) = (Layout::CountedAddress.into(), u32::try_from(events.len()).ok()?);
    Some(v1::EventBatch { layout, count, payload: payload.into(), ..batch.clone() })
}

/// What a watcher is shown is read or refused; input that was taken and is packed again is read as
/// the same.
#[test]
fn watched_messages() {
    Target::new("watched_messages", examples()).bytes_max(256).run(|input| {
        let Ok(shown) = v1::WatchSessionResponse::decode(input) else { return false };
        let Some(message) = shown.message else { return false };
        let tables = Tables::new(v1::Opened { tick_ns: 100_000, ..v1::Opened::default() });
        match WatchItem::read(message, &tables) {
            Ok(WatchItem::Events(batch)) => {
                let Ok(read) = WatchedInput::read(&batch) else { return false };
                match &read {
                    WatchedInput::Events(events) if batch.layout() == Layout::Unspecified => {
                        assert!(events.is_empty());
                    }
                    WatchedInput::Events(events) => assert_eq!(events.len(), batch.count as usize),
                    WatchedInput::Frames(frames) => {
                        assert_eq!(frames.len(), batch.count as usize);
                        assert!(frames.windows(2).all(|pair| pair[0].1.len() == pair[1].1.len()));
                    }
                }
                if let Some(again) = packed(&read, &batch) {
                    assert_eq!(WatchedInput::read(&again).expect("just packed"), read);
                }
                true
            }
            Ok(WatchItem::Spikes(spikes)) => {
                assert_eq!(spikes.iter().count(), spikes.len());
                true
            }
            Ok(_) => true,
            Err(error) => {
                assert!(matches!(error, Error::Contract(_)), "{error}");
                false
            }
        }
    });
}
