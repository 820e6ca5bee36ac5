//! Files of the formats that are read, made here byte by byte from their layouts: slow and obvious,
//! independent of the crate's writers.

#![expect(clippy::unwrap_used, reason = "a file that cannot be made fails the test")]

use spiked_recordings::CameraEvent;

#[path = "made/mcap.rs"]
pub(crate) mod mcap;

fn low(value: u64, bits: u32) -> u32 {
    u32::try_from(value & ((1 << bits) - 1)).unwrap()
}

/// EVT2.1, one event a word.
pub(crate) fn evt21(events: &[CameraEvent], endianness: Option<&str>, is_legacy: bool) -> Vec<u8> {
    let mut file = b"% evt 2.1\n% geometry 320x240\n".to_vec();
    if let Some(endianness) = endianness {
        file.extend_from_slice(format!("% endianness {endianness}\n").as_bytes());
    }
    file.extend_from_slice(b"% end\n");
    let mut put = |head: u32, mask: u32| {
        let halves = if is_legacy { [head, mask] } else { [mask, head] };
        halves.iter().for_each(|half| file.extend_from_slice(&half.to_le_bytes()));
    };
    let mut high = None;
    for event in events {
        let this = event.t_us >> 6;
        if high.replace(this) != Some(this) {
            put(0x8000_0000 | low(this, 28), 0);
        }
        let (base, bit) = (event.x & !31, event.x & 31);
        let head = u32::from(event.on) << 28 | low(event.t_us, 6) << 22 | u32::from(base) << 11;
        put(head | u32::from(event.y), 1 << bit);
    }
    file
}

/// EVT4, events alone and in rows by turns.
pub(crate) fn evt4(events: &[CameraEvent]) -> Vec<u8> {
    let mut file = b"% evt 4.0\n% geometry 320x240\n% end\n".to_vec();
    let mut put = |word: u32| file.extend_from_slice(&word.to_le_bytes());
    let mut high = None;
    for (number, event) in events.iter().enumerate() {
        let this = event.t_us >> 6;
        if high.replace(this) != Some(this) {
            put(0xE000_0000 | low(this, 28));
        }
        let kind = (0xA + u32::from(event.on)) << 28;
        let place = low(event.t_us, 6) << 22 | u32::from(event.y);
        if number % 2 == 0 {
            put(kind | place | u32::from(event.x) << 11);
        } else {
            put((kind + 0x2000_0000) | place | u32::from(event.x & !31) << 11);
            put(1 << (event.x & 31));
        }
    }
    file
}

/// DAT of a version.
pub(crate) fn dat(events: &[CameraEvent], version: u32) -> Vec<u8> {
    let mut file = format!("% Version {version}\n% Width 320\n% Height 240\n").into_bytes();
    file.extend_from_slice(&[0x0C, 8]);
    for event in events {
        let (x, y, on) = (u32::from(event.x), u32::from(event.y), u32::from(event.on));
        let data = if version == 1 { x | y << 9 | on << 17 } else { x | y << 14 | on << 28 };
        file.extend_from_slice(&low(event.t_us, 32).to_le_bytes());
        file.extend_from_slice(&data.to_le_bytes());
    }
    file
}

/// AEDAT 1, of a DVS128.
pub(crate) fn aedat1(events: &[CameraEvent]) -> Vec<u8> {
    let mut file = b"#!AER-DAT1.0\r\n# made by a test\r\n".to_vec();
    for event in events {
        let address = (127 - event.y) << 8 | event.x << 1 | u16::from(event.on);
        file.extend_from_slice(&address.to_be_bytes());
        file.extend_from_slice(&low(event.t_us, 32).to_be_bytes());
    }
    file
}

/// AEDAT 2 of a DAVIS346, or of a DVS128 for events on its sensor.
pub(crate) fn aedat2(events: &[CameraEvent], is_davis: bool) -> Vec<u8> {
    let chip = if is_davis { "eu.seebetter.ini.chips.davis.DAVIS346" } else { "DVS128" };
    let mut file = format!("#!AER-DAT2.0\r\n# AEChip: {chip}\r\n# made by a test\r\n").into_bytes();
    for event in events {
        let (x, y, on) = (u32::from(event.x), u32::from(event.y), u32::from(event.on));
        let address = if is_davis {
            (345 - x) << 12 | (259 - y) << 22 | on << 11
        } else {
            x << 1 | (127 - y) << 8 | on
        };
        file.extend_from_slice(&address.to_be_bytes());
        file.extend_from_slice(&low(event.t_us, 32).to_be_bytes());
    }
    file
}

/// A packet of AEDAT 3.1 with a kind, so many turns and so much capacity beyond its entries.
pub(crate) fn packet(kind: i16, entries: &[[u8; 8]], turns: i32, spare: usize) -> Vec<u8> {
    let (number, capacity) = (entries.len(), entries.len() + spare);
    let mut packet = [kind.to_le_bytes(), 1_i16.to_le_bytes()].concat();
    let counts = [8, 4, turns, i32::try_from(capacity).unwrap()];
    let number = i32::try_from(number).unwrap();
    counts.iter().chain(&[number, number]).for_each(|n| packet.extend_from_slice(&n.to_le_bytes()));
    packet.extend_from_slice(entries.as_flattened());
    packet.resize(packet.len() + 8 * spare, 0xAA);
    packet
}

pub(crate) fn polarity(event: &CameraEvent, is_valid: bool) -> [u8; 8] {
    let data = u32::from(is_valid)
        | u32::from(event.on) << 1
        | u32::from(event.y) << 2
        | u32::from(event.x) << 17;
    let mut entry = [0; 8];
    entry[..4].copy_from_slice(&data.to_le_bytes());
    entry[4..].copy_from_slice(&low(event.t_us, 31).to_le_bytes());
    entry
}

pub(crate) const AEDAT3: &[u8] =
    b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DAVIS346\r\n#!END-HEADER\r\n";

/// AEDAT 3.1: packets of 7 events, each with room for two more, and others between them.
pub(crate) fn aedat3(events: &[CameraEvent]) -> Vec<u8> {
    let mut file = AEDAT3.to_vec();
    for events in events.chunks(7) {
        let turns = i32::try_from(events[0].t_us >> 31).unwrap();
        assert!(events.iter().all(|event| event.t_us >> 31 == events[0].t_us >> 31));
        let entries: Vec<_> = events.iter().map(|event| polarity(event, true)).collect();
        file.extend_from_slice(&packet(1, &entries, turns, 2));
        file.extend_from_slice(&packet(3, &[[0x5A; 8]; 3], 0, 0));
    }
    file
}

/// A `.bin` of an ATIS camera, for times below 2^23 and pixels below 240.
pub(crate) fn atis_bin(events: &[CameraEvent]) -> Vec<u8> {
    let mut file = Vec::new();
    for event in events {
        let [_, high, middle, least] = low(event.t_us, 23).to_be_bytes();
        let place = [event.x, event.y].map(|side| u8::try_from(side).unwrap());
        file.extend_from_slice(&place);
        file.extend_from_slice(&[high | u8::from(event.on) << 7, middle, least]);
    }
    file
}

/// Lines of text with a header.
pub(crate) fn text(events: &[CameraEvent]) -> Vec<u8> {
    let mut file = b"t_us,x,y,polarity\n".to_vec();
    for event in events {
        let line = format!("{},{},{},{}\n", event.t_us, event.x, event.y, u8::from(event.on));
        file.extend_from_slice(line.as_bytes());
    }
    file
}

/// Events of `support::some_events` that lie on a sensor of 128 x 128.
pub(crate) fn on_a_small_sensor(events: &[CameraEvent]) -> Vec<CameraEvent> {
    let small = |event: &CameraEvent| CameraEvent { x: event.x % 128, y: event.y % 128, ..*event };
    events.iter().map(small).collect()
}
