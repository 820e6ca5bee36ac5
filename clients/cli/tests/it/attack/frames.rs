//! HTTP/2 frames as bytes, written by hand so that they can be wrong.
//!
//! | length, 3 | kind, 1 | flags, 1 | stream, 4 | payload, length bytes |

use prost::Message as _;
use spiked_client::v1::{self, stream_request::Message};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const HEAD_BYTES: usize = 9;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

const CANCEL: u32 = 8;
const SETTING_INITIAL_WINDOW: u16 = 4;

pub(crate) const STREAM: &str = "/spiked.v1.StreamService/Stream";
pub(crate) const UPLOAD: &str = "/spiked.v1.NetworkService/UploadBlob";
pub(crate) const LIST: &str = "/spiked.v1.SessionService/ListSessions";
pub(crate) const NETWORKS: &str = "/spiked.v1.NetworkService/ListNetworks";

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame that fits");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The preface, and settings that give every stream this window to send to us.
pub(crate) fn greeting(window: u32) -> Vec<u8> {
    let mut setting = SETTING_INITIAL_WINDOW.to_be_bytes().to_vec();
    setting.extend(window.to_be_bytes());
    [PREFACE, &frame(SETTINGS, 0, 0, &setting)].concat()
}

/// A gRPC request's headers; the request goes on.
pub(crate) fn request(stream: u32, path: &str) -> Vec<u8> {
    request_with(stream, path, &[])
}

/// The same with more headers.
pub(crate) fn request_with(stream: u32, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &block(path, more))
}

/// The headers of a request: every one as a literal, never indexed.
pub(crate) fn block(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let usual = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    usual.iter().chain(more).flat_map(|(name, value)| literal(name, value)).collect()
}

/// One header: literal, not indexed, with a new name, neither part in Huffman's code.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        bytes.extend(length(text.len()));
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// HPACK's integer with a prefix of seven bits.
fn length(mut value: usize) -> Vec<u8> {
    let low = |value: usize| u8::try_from(value & 0x7f).expect("seven bits");
    if value < 0x7f {
        return vec![low(value)];
    }
    value -= 0x7f;
    let mut bytes = vec![0x7f];
    while value >= 0x80 {
        bytes.push(0x80 | low(value));
        value >>= 7;
    }
    bytes.push(low(value));
    bytes
}

/// A message to a stream, in gRPC's wrapping: not compressed, and its length.
pub(crate) fn wrapped(message: Message) -> Vec<u8> {
    let message = v1::StreamRequest { message: Some(message) };
    wrapped_as(message.encoded_len(), &message.encode_to_vec())
}

/// A request for a stream, and its first message: a session of the network `delay-line`.
pub(crate) fn open(stream: u32) -> Vec<u8> {
    open_of(stream, "delay-line")
}

/// The same of another network.
pub(crate) fn open_of(stream: u32, network: &str) -> Vec<u8> {
    let open = v1::Open { network: network.into(), ..v1::Open::default() };
    [request(stream, STREAM), data(stream, &wrapped(Message::Open(open)))].concat()
}

/// The batch at this place from 0 on: events on all channels in as many ticks, and the promise that
/// no more come in these. A batch takes its ticks even where it has one event.
pub(crate) fn batch(place: u32, events: u32) -> Vec<u8> {
    const CHANNELS: u32 = 8;
    const TICK_US: u32 = 1_000;
    let ticks = events.div_ceil(CHANNELS);
    let packed = |event: u32| {
        [(event / CHANNELS * TICK_US).to_le_bytes(), (event % CHANNELS).to_le_bytes()].concat()
    };
    let base_time_us = u64::from(place) * u64::from(ticks * TICK_US);
    wrapped(Message::Events(v1::EventBatch {
        sequence: u64::from(place) + 1,
        base_time_us,
        layout: v1::Layout::Address.into(),
        count: events,
        payload: (0..events).flat_map(packed).collect::<Vec<u8>>().into(),
        promise_us: Some(base_time_us + u64::from(ticks * TICK_US)),
        ..v1::EventBatch::default()
    }))
}

/// Bytes in gRPC's wrapping, with a length that may be a lie.
pub(crate) fn wrapped_as(claimed: usize, bytes: &[u8]) -> Vec<u8> {
    let claimed = u32::try_from(claimed).expect("four bytes");
    [&[0], &claimed.to_be_bytes()[..], bytes].concat()
}

pub(crate) fn data(stream: u32, payload: &[u8]) -> Vec<u8> {
    frame(DATA, 0, stream, payload)
}

pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}

pub(crate) fn ping(payload: u64) -> Vec<u8> {
    frame(PING, 0, 0, &payload.to_be_bytes())
}

pub(crate) fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

/// The numbers of streams that a client opens: 1, 3, 5 and so on.
pub(crate) fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|place| 2 * place + 1)
}
