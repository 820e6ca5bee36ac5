//! A sensor's own words: decoders that carry state from payload to payload, and into snapshots.

use spiked_fuzz::Target;
use spiked_proto::layout::{Geometry, camera::CameraEvent, evt2, evt3};

/// The two decoders, as far as they are alike.
macro_rules! words {
    ($module:ident, $layout:ident, $most:expr) => {
        mod $module {
            use super::*;

            fn decoded(decoder: &mut $layout::Decoder, bytes: &[u8]) -> Vec<CameraEvent> {
                let mut events = Vec::new();
                decoder.decode(bytes, &mut events);
                events
            }

            fn written(events: &[CameraEvent]) -> Vec<u8> {
                let mut bytes = Vec::new();
                $layout::Encoder::new().encode(events, &mut bytes).expect("in order");
                bytes
            }

            /// Any words in any portions give the same events; what is in order is written and
            /// read as it was.
            pub(super) fn words(name: &'static str) {
                let head = [7, 64, 1, 240, 0];
                let flows = super::flows();
                let examples = flows.iter().map(|flow| [&head[..], &written(flow)].concat());
                Target::new(name, examples.collect()).bytes_max(1_024).run(|input| {
                    let Some((&[portion, w0, w1, h0, h1], words)) = input.split_first_chunk()
                    else {
                        return false;
                    };
                    let sensor = Geometry {
                        width: u16::from_le_bytes([w0, w1]),
                        height: u16::from_le_bytes([h0, h1]),
                    };
                    let mut whole = $layout::Decoder::new().clipped_to(sensor);
                    let events = decoded(&mut whole, words);
                    assert!(events.len() <= words.len() * $most);
                    assert!(events.iter().all(|event| sensor.contains(event.x, event.y)));
                    assert_eq!(whole.counts().events, events.len() as u64);
                    let (mut parts, mut cut) = ($layout::Decoder::new().clipped_to(sensor), vec![]);
                    for portion in words.chunks(usize::from(portion % 32) + 1) {
                        parts.decode(portion, &mut cut);
                        let state = parts.to_bytes();
                        parts = $layout::Decoder::from_bytes(&state).expect("its own state");
                    }
                    assert_eq!((&cut, &parts), (&events, &whole));
                    let mut again = Vec::new();
                    if $layout::Encoder::new().encode(&events, &mut again).is_ok() {
                        assert_eq!(decoded(&mut $layout::Decoder::new(), &again), events);
                    }
                    true
                });
            }

            /// A state from anywhere is refused or is one, and then reads on.
            pub(super) fn states(name: &'static str) {
                let (mut examples, mut decoder) = (Vec::new(), $layout::Decoder::new());
                for flow in super::flows() {
                    decoded(&mut decoder, &[&written(&flow)[..], &[1]].concat());
                    let state = decoder.to_bytes();
                    examples.push([&state[..], &written(&flow)].concat());
                }
                Target::new(name, examples).bytes_max(1_024).run(|input| {
                    let cut = input.len().min($layout::STATE_BYTES);
                    let (state, words) = input.split_at(cut);
                    let Ok(mut decoder) = $layout::Decoder::from_bytes(state) else { return false };
                    assert_eq!(decoder.to_bytes(), state);
                    decoded(&mut decoder, words);
                    match $layout::Decoder::from_bytes(&decoder.to_bytes()) {
                        Ok(again) => assert_eq!(again, decoder),
                        Err(error) => assert!(error.to_string().contains("a count of"), "{error}"),
                    }
                    true
                });
            }
        }
    };
}

words!(two, evt2, 1);
words!(three, evt3, 6);

/// Some flows of events in order: dense, with pauses, and one that wraps time around.
fn flows() -> [Vec<CameraEvent>; 3] {
    let event = |n: u64, step: u64| {
        let place = u16::try_from(n % 200).expect("small");
        CameraEvent { t_us: n * step, x: place, y: place / 3, on: n.is_multiple_of(3) }
    };
    [1, 700, 90_000_000].map(|step| (0..20).map(|n| event(n, step)).collect())
}

#[test]
fn evt2_words() {
    two::words("evt2_words");
}

#[test]
fn evt2_states() {
    two::states("evt2_states");
}

#[test]
fn evt3_words() {
    three::words("evt3_words");
}

#[test]
fn evt3_states() {
    three::states("evt3_states");
}
