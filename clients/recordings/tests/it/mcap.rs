//! MCAP files, made by `tests/data/make_mcap.py` with mcap-ros2-support and rosbags, or here from the layout.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use spiked_recordings::{CameraEvent, Fault, Format, Notes, Recording, open};

use crate::{
    made::mcap::{self, Cdr},
    support::{Portions, SENSOR, message, opened, read_file, read_to_end, some_events},
};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect()
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(file(name)).expect("it lies beside the tests")
}

fn later(events: Vec<CameraEvent>, by_us: u64) -> Vec<CameraEvent> {
    let later = |event: CameraEvent| CameraEvent { t_us: event.t_us + by_us, ..event };
    events.into_iter().map(later).collect()
}

/// Counts that aren't zero.
fn told(notes: &[(u64, String)]) -> Vec<(u64, &str)> {
    let told = notes.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, what)| (*count, what.as_str())).collect()
}

const PACKETS: &str = "event_camera_msgs/msg/EventPacket";
const ARRAYS: &str = "dvs_msgs/msg/EventArray";
/// 2023, in µs, as the files have it.
const EPOCH_US: u64 = 1_700_000_000_000_000;

/// What others wrote comes out as it went in: both compressions and none, in chunks and without, both orders
/// of bytes. Packets of EVT3 end within what belongs together, even within a word.
#[test]
fn files_of_others_read_as_what_went_in() {
    let in_rows = (0..2_000_u16).map(|n| CameraEvent {
        t_us: u64::from(n / 10) * 700,
        x: 20 + n % 10,
        y: n / 10 % 240,
        on: n / 20 % 2 == 1,
    });
    let files = [
        ("evt3_zstd.mcap", "/left/events", PACKETS, Some("evt3"), some_events(400)),
        ("evt3_lz4.mcap", "/left/events", PACKETS, Some("evt3"), some_events(400)),
        ("evt3_rows.mcap", "/left/events", PACKETS, Some("evt3"), in_rows.collect()),
        ("evt3_tiny.mcap", "/left/events", PACKETS, Some("evt3"), some_events(24)),
        ("mono_plain.mcap", "/events", PACKETS, Some("mono"), later(some_events(100), EPOCH_US)),
        ("mono_big.mcap", "/events", PACKETS, Some("mono"), later(some_events(60), EPOCH_US)),
        ("dvs_little.mcap", "/dvs/events", ARRAYS, None, later(some_events(200), EPOCH_US)),
        ("dvs_big.mcap", "/dvs/events", ARRAYS, None, later(some_events(60), EPOCH_US)),
    ];
    for (name, topic, type_name, encoding, expected) in files {
        let mut recording = open(file(name)).unwrap();
        assert_eq!((recording.format(), recording.geometry()), (Format::Mcap, Some(SENSOR)));
        let header = [("topic", Some(topic)), ("type", Some(type_name)), ("encoding", encoding)];
        let header = header.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let said = recording.header().iter().map(|(key, value)| (key.as_str(), value.as_str()));
        assert!(said.eq(header), "{name}: {:?}", recording.header());
        let (events, fault) = read_to_end(&mut recording);
        assert!(fault.is_none(), "{name}: {fault:?}");
        assert!(events == expected, "{name}");
        assert_eq!(recording.counts().unwrap().events, events.len() as u64, "{name}");
        assert_eq!(told(&recording.notes().lost), [], "{name}");
    }
}

#[test]
fn what_other_topics_say_is_counted() {
    let mut recording = open(file("evt3_zstd.mcap")).unwrap();
    read_to_end(&mut recording);
    let expected = [
        (11, "messages of other topics"),
        (11, "messages of further topics of events (/right/events)"),
    ];
    assert_eq!(told(&recording.notes().besides), expected);
    let mut recording = open(file("mono_plain.mcap")).unwrap();
    read_to_end(&mut recording);
    let expected = [(1, "messages of further topics of events (/triggers)")];
    assert_eq!(told(&recording.notes().besides), expected);
}

/// A packet is missing, within which time goes round: what follows has no time until the next TIME_HIGH,
/// and then the right one.
#[test]
fn a_missing_packet_is_counted_and_moves_no_time() {
    let turn_us = 1 << 24;
    let all = later(some_events(400), turn_us - 4_000);
    let mut recording = open(file("evt3_gap.mcap")).unwrap();
    let (events, fault) = read_to_end(&mut recording);
    assert!(fault.is_none(), "{fault:?}");
    let before = events.iter().zip(&all).take_while(|(read, written)| read == written).count();
    let behind = events.len() - before;
    assert!(events[before..] == all[all.len() - behind..]);
    assert!(all[before - 1].t_us < turn_us && events[before].t_us > turn_us);
    let unplaced = recording.counts().unwrap().unplaced;
    assert!(unplaced > 0 && (before + behind) as u64 + unplaced < all.len() as u64);
    assert_eq!(told(&recording.notes().lost), [(1, "packets missing by their numbers")]);
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let refusal = |name: &str| message(&bytes(name));
    assert_eq!(
        refusal("libcaer.mcap"),
        "file: has a message of /events at byte 43 that is encoded as \"libcaer_cmp\", and only \
         evt3 and mono can be read"
    );
    assert_eq!(
        refusal("no_camera.mcap"),
        "file: has no topic whose events can be read, but /chatter (std_msgs/msg/String)"
    );
    let fields = "Time ts\nuint16 x\nuint16 y\nbool polarity\n";
    let array =
        format!("Header header\nuint32 height\nuint32 width\nEvent[] events\n===\n{fields}");
    for (encoding, text, why) in [
        ("ros1", "", "not as ROS 2 writes it"),
        ("cdr", "Event[] events\nHeader header\n", "with other fields"),
        ("cdr", &array, "with other fields"),
    ] {
        let file = mcap::file(&[
            mcap::schema(1, ARRAYS, text),
            mcap::channel(1, 1, "/dvs/events", encoding),
            mcap::message(1, &Cdr::little().array(SENSOR, &some_events(3))),
        ]);
        let expected = format!(
            "file: has no topic whose events can be read, but /dvs/events ({ARRAYS}, {why})"
        );
        assert_eq!(message(&file), expected);
    }
    assert_eq!(
        message(&mcap::file(&[])),
        "file: has no topic whose events can be read, but no topic at all"
    );
}

/// A file with a camera in one message after another.
fn of_messages(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut records = vec![mcap::schema(1, PACKETS, ""), mcap::channel(1, 1, "/events", "cdr")];
    records.extend(messages.iter().map(|data| mcap::message(1, data)));
    mcap::file(&records)
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn packets_are_followed_by_their_numbers() {
    let packet = |seq, these: &[u16]| Cdr::little().packet(SENSOR, seq, "evt3", &words(these));
    // A time and a row, an event; then events alone.
    let (first, more) = ([0x8001, 0x6002, 3, 0x2004], [0x2005]);
    let again = [0x8001, 0x6009, 6, 0x2007];
    let event = |t_us, x, y| CameraEvent { t_us, x, y, on: false };
    let whole = event(0x1002, 4, 3);
    type Case<'a> = (&'a [u64], &'a [CameraEvent], u64, &'a [(u64, &'a str)]);
    let cases: [Case<'_>; 4] = [
        (&[7, 8, 9], &[whole, event(0x1002, 5, 3), event(0x1009, 7, 6)], 0, &[]),
        (&[7, 9, 10], &[whole, event(0x1009, 7, 6)], 1, &[(1, "packets missing by their numbers")]),
        (
            &[7, 107, 200],
            &[whole, event(0x1009, 7, 6)],
            1,
            &[(191, "packets missing by their numbers")],
        ),
        (&[7, 5, 6], &[whole, event(0x1009, 7, 6)], 1, &[(1, "packets whose numbers step back")]),
    ];
    for (numbers, expected, unplaced, lost) in cases {
        let messages = numbers.iter().zip([&first[..], &more, &again]);
        let messages: Vec<_> = messages.map(|(seq, these)| packet(*seq, these)).collect();
        let file = of_messages(&messages);
        let mut recording = opened(&file).unwrap();
        assert_eq!(read_to_end(&mut recording).0, expected, "{numbers:?}");
        assert_eq!(recording.counts().unwrap().unplaced, unplaced, "{numbers:?}");
        let Notes { lost: found, .. } = recording.notes();
        assert_eq!(told(&found), lost, "{numbers:?}");
    }
}

/// A machine of the other order writes words the other way round, too.
#[test]
fn words_of_either_order_are_read() {
    let these = words(&[0x8001, 0x6002, 3, 0x2004]);
    let swapped: Vec<u8> = these.chunks(2).flat_map(|word| [word[1], word[0]]).collect();
    let little = of_messages(&[Cdr::little().packet(SENSOR, 0, "evt3", &these)]);
    let big = of_messages(&[Cdr::big().packet(SENSOR, 0, "evt3", &swapped)]);
    assert_eq!(read_file(&little).0.len(), 1);
    assert_eq!(read_file(&little).0, read_file(&big).0);
}

#[test]
fn a_message_that_makes_no_sense_is_named_behind_what_came_before() {
    let good = Cdr::little().packet(SENSOR, 0, "mono", &[0; 8]);
    let other = spiked_recordings::Geometry { width: 640, height: 480 };
    let flat = spiked_recordings::Geometry { width: 0, height: 480 };
    let mut kind = good.clone();
    kind[1] = 7;
    let mut late = Cdr::little().array(SENSOR, &some_events(2));
    late.truncate(late.len() - 1);
    let wrong = [
        (kind, "is CDR of kind 7, expected 0 or 1"),
        (b"hi".to_vec(), "is no CDR"),
        (good[..20].to_vec(), "ends before its height does"),
        (good[..good.len() - 1].to_vec(), "ends before its events does"),
        (Cdr::little().packet(SENSOR, 1, "mono", &[0; 9]), "holds 9 bytes of events of 8"),
        (Cdr::little().packet(other, 1, "mono", &[]), "is of a 640x480 sensor, expected 320x240"),
        (
            Cdr::little().packet(flat, 1, "mono", &[]),
            "is of a 0x480 sensor, expected 1 to 65535 a side",
        ),
        (
            Cdr::little().packet(SENSOR, 1, "libcaer", &[]),
            "is encoded as \"libcaer\", and only evt3 and mono can be read",
        ),
    ];
    for (data, problem) in wrong {
        let whole = of_messages(&[good.clone(), data]);
        let offset = of_messages(std::slice::from_ref(&good)).len() - mcap::END_BYTES;
        let (events, fault) = read_file(&whole);
        assert_eq!(events.len(), 1, "{problem}");
        let expected = format!("has a message of /events at byte {offset} that {problem}");
        assert_eq!(fault.unwrap().to_string(), expected);
    }
    let array = mcap::file(&[
        mcap::schema(1, ARRAYS, ""),
        mcap::channel(1, 1, "/dvs", "cdr"),
        mcap::message(1, &late),
    ]);
    let (events, fault) = read_file(&array);
    assert_eq!(events, some_events(1));
    assert!(fault.unwrap().to_string().ends_with("that ends 1 events before its last"));
}

/// Caught: a size that a later message tells put in the place of the user's.
#[test]
fn a_size_that_the_first_message_does_not_tell_is_the_users() {
    let unsaid = spiked_recordings::Geometry { width: 0, height: 0 };
    let later = [SENSOR, spiked_recordings::Geometry { width: 640, height: 480 }];
    for (sensor, is_wrong) in later.into_iter().zip([false, true]) {
        let packet = |size| mcap::message(1, &Cdr::little().packet(size, 0, "mono", &[0; 8]));
        let file = mcap::file(&[
            mcap::schema(1, PACKETS, ""),
            mcap::channel(1, 1, "/events", "cdr"),
            packet(unsaid),
            // Opening reads some way ahead.
            mcap::record(0x0C, &[0; 1 << 16]),
            packet(sensor),
        ]);
        let mut recording = opened(&file).unwrap();
        assert_eq!(recording.geometry(), None);
        recording.set_geometry(SENSOR).unwrap();
        let (events, fault) = read_to_end(&mut recording);
        assert_eq!((events.len(), fault.is_some()), (if is_wrong { 1 } else { 2 }, is_wrong));
        let told = message(&file);
        assert!(told.ends_with(&format!("is of a {sensor} sensor, which the first does not tell")));
    }
}

#[test]
fn a_pixel_off_the_sensor_is_named_or_counted_as_the_encoding_has_it() {
    let off = 320_u64 << 32;
    let mono = of_messages(&[Cdr::little().packet(SENSOR, 0, "mono", &off.to_le_bytes())]);
    assert!(message(&mono).contains("has pixel (320, 0) outside its 320x240 sensor, at byte "));
    let these = words(&[0x8001, 3, 0x2000 | 320, 0x2000 | 319]);
    let evt3 = of_messages(&[Cdr::little().packet(SENSOR, 0, "evt3", &these)]);
    let mut recording = opened(&evt3).unwrap();
    assert_eq!(read_to_end(&mut recording).0.len(), 1);
    assert_eq!(recording.counts().unwrap().outside, 1);
}

/// Events that lie in the bytes which opening reads are held to a size that is given behind it.
#[test]
fn a_size_of_the_users_holds_from_the_first_event_on() {
    let unsaid = spiked_recordings::Geometry { width: 0, height: 0 };
    let off = 320_u64 << 32;
    let mono = of_messages(&[Cdr::little().packet(unsaid, 0, "mono", &off.to_le_bytes())]);
    let evt3 = words(&[0x8001, 3, 0x2000 | 320]);
    let evt3 = of_messages(&[Cdr::little().packet(unsaid, 0, "evt3", &evt3)]);
    for (file, is_named) in [(mono, true), (evt3, false)] {
        let mut recording = opened(&file).unwrap();
        recording.set_geometry(SENSOR).unwrap();
        let (events, fault) = read_to_end(&mut recording);
        assert_eq!((events.len(), fault.is_some()), (0, is_named));
        assert_eq!(recording.counts().unwrap().outside, u64::from(!is_named));
    }
}

#[test]
fn records_and_chunks_that_lie_are_refused() {
    let camera = [mcap::schema(1, PACKETS, ""), mcap::channel(1, 1, "/events", "cdr")];
    let message_of = |id| mcap::message(id, &Cdr::little().packet(SENSOR, 0, "mono", &[0; 8]));
    let records = [&camera[..], &[message_of(1)]].concat().concat();
    let wrong: [(Vec<u8>, &str); 9] = [
        (message_of(3), "a message of channel 3, which is declared nowhere before it"),
        (mcap::channel(1, 1, "/other", "cdr"), "channel 1 is \"/events\" first and \"/other\""),
        (mcap::record(0x05, &[1, 0, 0]), "cannot be read as MCAP at byte "),
        (mcap::channel(9, 1, &"x".repeat(2_000), "cdr"), "a topic whose name has 2000 bytes"),
        ([&[5][..], &[0xFF; 8]].concat(), "as size of a record at byte "),
        (mcap::chunk("zip", &records, &records), "\"zip\" is neither lz4 nor zstd"),
        (mcap::chunk("", &records, &records[1..]), "bytes and holds fewer"),
        (mcap::chunk("", &records[1..], &records), "bytes and holds more than that"),
        (
            mcap::chunk("", &mcap::chunk("", &[], &[]), &mcap::chunk("", &[], &[])),
            "a chunk within a chunk",
        ),
    ];
    for (record, problem) in wrong {
        let file = mcap::file(&[camera[0].clone(), camera[1].clone(), message_of(1), record]);
        let (events, fault) = read_file(&file);
        assert_eq!(events.len(), 1, "{problem}");
        let told = fault.map(|fault| fault.to_string()).unwrap_or_default();
        assert!(told.contains(problem), "{told}");
    }
    let mut damaged = mcap::chunk("", &records, &records);
    // The checksum stands behind two times and the size.
    damaged[9 + 24] = 1;
    assert!(message(&mcap::file(&[damaged])).ends_with("its checksum differs"));
    let cut = &records[..records.len() - 1];
    assert!(message(&mcap::file(&[mcap::chunk("", cut, cut)])).contains("has no end in it"));
}

/// Caught: an event given out of a message that is not all there; a cut that is taken for the end.
#[test]
fn a_file_cut_anywhere_gives_whole_messages_and_says_where() {
    for name in ["evt3_tiny.mcap", "mono_plain.mcap", "dvs_big.mcap", "mono_big.mcap"] {
        let whole = bytes(name);
        let expected = read_file(&whole).0;
        let (mut given, mut ended) = (0, whole.len());
        for cut in 0..whole.len() {
            let (events, fault) = read_file(&whole[..cut]);
            assert!(expected.starts_with(&events) && events.len() >= given, "{name}: {cut}");
            given = events.len();
            match fault {
                None => {
                    ended = ended.min(cut);
                    assert!(events.len() == expected.len(), "{name}: {cut}");
                }
                Some(Fault::Truncated { offset, held, whole }) => {
                    assert!(held < whole && offset + held as u64 <= cut as u64, "{name}: {cut}");
                }
                Some(fault) => assert!(cut < 8, "{name}: {cut}: {fault}"),
            }
        }
        // Behind the data stand tables, which nobody needs.
        assert!(ended < whole.len() && given == expected.len(), "{name}");
    }
}

/// A message of more events than leave at once, out of one chunk: none of them waits for bytes that do not
/// come, and none is held beyond its portion.
#[test]
fn a_large_message_leaves_in_portions() {
    let events = some_events(200_000);
    let mut mono = Vec::new();
    for CameraEvent { t_us, x, y, on } in &events {
        let bits =
            (t_us * 1_000) | (u64::from(*x) << 32) | (u64::from(*y) << 48) | (u64::from(*on) << 63);
        mono.extend_from_slice(&bits.to_le_bytes());
    }
    // 2^32 ns hold some 130 000 of these events.
    let short = events.iter().take_while(|event| event.t_us * 1_000 <= u32::MAX.into()).count();
    let records = [
        mcap::schema(1, PACKETS, ""),
        mcap::channel(1, 1, "/events", "cdr"),
        mcap::message(1, &Cdr::little().packet(SENSOR, 0, "mono", &mono[..short * 8])),
    ]
    .concat();
    let file = mcap::file(&[mcap::chunk("", &records, &records)]);
    let mut recording = opened(&file).unwrap();
    let (mut read, mut portions) = (Vec::new(), 0);
    loop {
        match recording.next_events(&mut read).unwrap() {
            0 => break,
            portion => assert!(portion < 100_000),
        }
        portions += 1;
    }
    assert!(read == events[..short], "{} of {short}", read.len());
    assert!(portions > 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// However bytes arrive and whatever stands in some of them, reading ends in events or a typed error,
    /// and in the same.
    #[test]
    fn wrong_bytes_do_no_harm_however_they_arrive(
        name in prop::sample::select(
            &["evt3_tiny.mcap", "mono_plain.mcap", "dvs_big.mcap", "mono_big.mcap"][..]
        ),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        portion in 1..50_usize,
    ) {
        let mut bytes = bytes(name);
        for (place, value) in wrong {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let read = |portion| {
            let reader = Portions { bytes: &bytes, portion };
            match Recording::new(reader, "file", None) {
                Ok(mut recording) => {
                    let (events, fault) = read_to_end(&mut recording);
                    (events, fault.map(|fault| fault.to_string()))
                }
                Err(error) => (Vec::new(), Some(error.fault.to_string())),
            }
        };
        let whole = read(usize::MAX);
        prop_assert!(whole.0.len() <= 100_000);
        prop_assert_eq!(read(portion), whole);
    }
}
