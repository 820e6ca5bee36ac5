//! Every format reads what its layout says, cut anywhere, and holds out against its own traps.

#![expect(clippy::unwrap_used, reason = "a file that cannot be made fails the test")]

use std::{fs, path::Path};

use proptest::prelude::*;
use spiked_recordings::{
    CameraEvent, Fault, Format, Recording, open,
    write::{self, aedat4::Compression},
};

use crate::{
    made,
    support::{
        Portions, SENSOR, behind_a_chunk, message, opened, read_file, read_to_end, some_events,
    },
};

type Made = fn(&[CameraEvent]) -> Vec<u8>;

fn aedat4(events: &[CameraEvent], compression: Compression) -> Vec<u8> {
    let mut writer = write::aedat4::Writer::new(Vec::new(), SENSOR, compression).unwrap();
    writer.write(events).unwrap();
    writer.finish().unwrap()
}

/// All that can be read as it comes; the last of them from a small sensor.
const STREAMS: [(Format, Made); 15] = [
    (Format::Evt21, |events| made::evt21(events, Some("little"), false)),
    (Format::Evt21, |events| made::evt21(events, Some("legacy"), true)),
    (Format::Evt21, |events| made::evt21(events, None, false)),
    (Format::Evt21, |events| made::evt21(events, None, true)),
    (Format::Evt4, made::evt4),
    (Format::Dat, |events| made::dat(events, 1)),
    (Format::Dat, |events| made::dat(events, 2)),
    (Format::Aedat2, |events| made::aedat2(events, true)),
    (Format::Aedat3, made::aedat3),
    (Format::Aedat4, |events| aedat4(events, Compression::None)),
    (Format::Aedat4, |events| aedat4(events, Compression::Lz4)),
    (Format::Aedat4, |events| aedat4(events, Compression::Zstandard)),
    (Format::Csv, made::text),
    (Format::Aedat2, |events| made::aedat2(events, false)),
    (Format::Aedat1, made::aedat1),
];
const OF_SMALL_SENSORS: usize = 2;

/// Events that a format's sensor has room for.
fn events_for(which: usize, count: u64) -> Vec<CameraEvent> {
    let events = some_events(count);
    match which < STREAMS.len() - OF_SMALL_SENSORS {
        true => events,
        false => made::on_a_small_sensor(&events),
    }
}

#[test]
fn each_gives_the_events_that_were_put_in() {
    for (which, (format, made)) in STREAMS.into_iter().enumerate() {
        // So many that they take several chunks, in every format.
        let events = events_for(which, 30_000);
        let file = made(&events);
        let mut recording = opened(&file).unwrap();
        assert_eq!(recording.format(), format);
        let (read, fault) = read_to_end(&mut recording);
        assert!(fault.is_none(), "{format}: {fault:?}");
        assert_eq!(read.len(), events.len(), "{format}");
        assert!(read == events, "{format}: the events differ");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Caught: state or bytes lost where a portion ends, in the middle of an entry or packet.
    #[test]
    fn portions_change_nothing(portion in 1..40_usize, which in 0..STREAMS.len()) {
        let (format, made) = STREAMS[which];
        let events = events_for(which, 9_000);
        let file = made(&events);
        let mut recording =
            Recording::new(Portions { bytes: &file, portion }, "file", None).unwrap();
        let (read, fault) = read_to_end(&mut recording);
        prop_assert!(fault.is_none(), "{format}: {fault:?}");
        prop_assert!(read == events, "{format}: the events differ");
    }

    /// Whatever one wrong byte does, it is an event more or less or a typed error, and the same in any
    /// portions.
    #[test]
    fn one_wrong_byte_does_no_more_harm(
        which in 0..STREAMS.len(),
        place in any::<prop::sample::Index>(),
        value: u8,
        portion in 1..9_usize,
    ) {
        let mut file = STREAMS[which].1(&events_for(which, 40));
        let place = place.index(file.len());
        file[place] = value;
        let told = |portion| {
            let reader = Portions { bytes: &file, portion };
            match Recording::new(reader, "file", None) {
                Ok(mut recording) => {
                    let (events, fault) = read_to_end(&mut recording);
                    (events, fault.map(|fault| fault.to_string()))
                }
                Err(error) => (Vec::new(), Some(error.to_string())),
            }
        };
        prop_assert_eq!(told(portion), told(usize::MAX));
    }
}

/// Caught: an event given out whose last byte is missing; a panic in a header.
#[test]
fn a_file_cut_anywhere_gives_the_events_before_the_cut() {
    for (which, (format, made)) in STREAMS.into_iter().enumerate() {
        let events = events_for(which, 25);
        let file = made(&events);
        for cut in 0..file.len() {
            let (read, _) = read_file(&file[..cut]);
            let wrong = read.len() > events.len() || read != events[..read.len()];
            // A line of text that is cut in its last number may be another line.
            assert!(!wrong || format == Format::Csv, "{format} cut at byte {cut}");
        }
    }
}

#[test]
fn fixed_entries_say_where_they_are_cut() {
    let events = some_events(3);
    for (file, whole) in
        [(made::dat(&events, 2), 8), (made::aedat2(&events, true), 8), (made::evt4(&events), 4)]
    {
        let (_, fault) = read_file(&file[..file.len() - 1]);
        let Some(Fault::Truncated { offset, held, whole: told }) = fault else {
            panic!("{fault:?}");
        };
        assert_eq!((offset + held as u64, held, told), (file.len() as u64 - 1, whole - 1, whole));
    }
}

#[test]
fn a_bin_is_taken_for_one_by_its_name_alone() {
    let events = made::on_a_small_sensor(&some_events(5_000));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digit.bin");
    fs::write(&path, made::atis_bin(&events)).unwrap();
    let mut recording = open(&path).unwrap();
    assert_eq!((recording.format(), recording.geometry()), (Format::AtisBin, None));
    assert!(read_to_end(&mut recording).0 == events);
    let elsewhere = folder.path().join("digit.data");
    fs::copy(&path, &elsewhere).unwrap();
    assert!(matches!(open(&elsewhere).unwrap_err().fault, Fault::Unknown { .. }));
}

/// It has no header and no end: whatever is there is read up to the last whole event.
#[test]
fn a_bin_cut_or_damaged_anywhere_gives_the_events_before_it() {
    let events = made::on_a_small_sensor(&some_events(25));
    let good = made::atis_bin(&events);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digit.bin");
    for cut in 1..good.len() {
        fs::write(&path, &good[..cut]).unwrap();
        let (read, fault) = read_to_end(&mut open(&path).unwrap());
        assert_eq!(read, events[..cut / 5], "cut at byte {cut}");
        match fault {
            None => assert_eq!(cut % 5, 0),
            Some(fault) => assert!(matches!(fault, Fault::Truncated { whole: 5, .. }), "{fault}"),
        }
    }
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 0xA5;
        fs::write(&path, &bad).unwrap();
        let (read, fault) = read_to_end(&mut open(&path).unwrap());
        assert!(fault.is_none(), "{fault:?}");
        // An event is another one, or an overflow.
        assert!(read[..place / 5] == events[..place / 5] && read.len() >= events.len() - 1);
    }
}

/// A block of entries is looked at as a whole, and still each fault is its entry's. Seen to fail with each of
/// the checks left out.
#[test]
fn dat_is_read_alike_wherever_something_rare_is() {
    let plain: Vec<CameraEvent> =
        (0..1_000).map(|n| CameraEvent { x: 319, y: 239, ..at(n * 3) }).collect();
    let turn = 1_u64 << 32;
    for place in [0, 1, 254, 255, 256, 257, 511, 512, 999] {
        let mut stepped_back = plain.clone();
        stepped_back[place].t_us = stepped_back[place].t_us.saturating_sub(5);
        let mut turned = plain.clone();
        turned[..place].iter_mut().for_each(|event| event.t_us += turn - 5_000);
        turned[place..].iter_mut().for_each(|event| event.t_us += turn);
        let mut far = plain.clone();
        far[place].t_us += turn - 1_000_000;
        if place == 0 {
            // Nobody can tell that the first time has gone round before.
            turned.clone_from(&plain);
            far.clone_from(&plain);
        }
        for events in [stepped_back, turned, far] {
            let (read, fault) = read_file(&made::dat(&events, 2));
            assert!(fault.is_none() && read == events, "at {place}: {fault:?}");
        }
        for off in [CameraEvent { x: 320, ..plain[place] }, CameraEvent { y: 240, ..plain[place] }]
        {
            let mut events = plain.clone();
            events[place] = off;
            let file = made::dat(&events, 2);
            let (read, fault) = read_file(&file);
            assert_eq!(read, plain[..place]);
            let Some(Fault::PixelOffSensor { x, y, offset, .. }) = fault else {
                panic!("{fault:?}")
            };
            let expected = (file.len() - 8 * (plain.len() - place)) as u64;
            assert_eq!((x, y, offset), (off.x, off.y, expected));
        }
    }
}

/// The rule of tonic's reader: row 240 is no event, and 2^13 µs that no time counts.
#[test]
fn an_overflow_in_a_bin_moves_all_later_times() {
    let event = |t_us| CameraEvent { t_us, x: 3, y: 4, on: true };
    let mut file = made::atis_bin(&[event(100)]);
    file.extend_from_slice(&[0, 240, 0, 0, 0]);
    file.extend_from_slice(&made::atis_bin(&[event(200)]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digit.bin");
    fs::write(&path, &file).unwrap();
    let mut recording = open(&path).unwrap();
    assert_eq!(read_to_end(&mut recording).0, [event(100), event(8_392)]);
    assert_eq!(recording.counts().map(|counts| counts.other), Some(1));
}

fn at(t_us: u64) -> CameraEvent {
    CameraEvent { t_us, x: 1, y: 2, on: true }
}

#[test]
fn times_of_32_bits_are_carried_on() {
    let turn = 1_u64 << 32;
    let events = [at(turn - 7), at(turn - 1), at(turn + 3), at(turn - 2), at(2 * turn - 9)];
    for file in [made::dat(&events, 2), made::aedat2(&events, true), made::aedat1(&events)] {
        // The last step is as far as it can be told from a step back.
        assert_eq!(read_file(&file).0[..4], events[..4]);
    }
}

/// A step of half a turn or more is one back, also where entries are read many at once.
#[test]
fn a_wide_step_forward_is_a_step_back() {
    let events = [at(10), at(3 << 30), at(11), at(12)];
    assert_eq!(read_file(&made::dat(&events, 2)).0, events);
}

#[test]
fn turns_of_31_bits_stand_in_a_packet() {
    let events = [at(5), at((3 << 31) + 6)];
    let mut file = made::AEDAT3.to_vec();
    for event in &events {
        let turns = i32::try_from(event.t_us >> 31).unwrap();
        file.extend_from_slice(&made::packet(1, &[made::polarity(event, true)], turns, 0));
    }
    assert_eq!(read_file(&file).0, events);
}

#[test]
fn invalid_events_and_other_packets_are_counted_and_skipped() {
    let mut file = made::AEDAT3.to_vec();
    let entries = [made::polarity(&at(1), true), made::polarity(&at(2), false)];
    file.extend_from_slice(&made::packet(1, &entries, 0, 3));
    file.extend_from_slice(&made::packet(0, &[[1; 8]; 4], 0, 0));
    file.extend_from_slice(&made::packet(12, &[[1; 8]; 5], 0, 1));
    let mut recording = opened(&file).unwrap();
    assert_eq!(read_to_end(&mut recording).0, [at(1)]);
    let counts = recording.counts().unwrap();
    assert_eq!((counts.unplaced, counts.triggers, counts.other), (1, 4, 5));
}

#[test]
fn packets_that_lie_about_themselves_are_refused_with_their_place() {
    let good = made::packet(1, &[made::polarity(&at(1), true)], 0, 0);
    let place = made::AEDAT3.len();
    for (at, value, said) in [
        (4, 12_i32, "has 12 as size of a camera event at byte"),
        (16, -1, "has -1 as capacity of a packet at byte"),
        (20, 9, "has 9 as number of entries at byte"),
        (12, i32::MIN, "has -2147483648 as turns of the time at byte"),
    ] {
        let mut packet = good.clone();
        packet[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let told = message(&[made::AEDAT3, &packet].concat());
        assert!(told.contains(&format!("{said} {}", place + at)), "{told}");
    }
}

/// Data may begin with the byte that begins a header's lines.
#[test]
fn data_that_looks_like_a_header_is_data() {
    // Of a DAVIS: address 0x23..., which is `#`.
    let mut file = made::aedat2(&[], true);
    let header = file.len();
    file.extend_from_slice(&[b'#', 0x00, 0x10, 0x00, 0, 0, 0, 9]);
    let (events, fault) = read_file(&file);
    assert!(fault.is_none(), "{fault:?}");
    assert_eq!(events.len(), 1, "the header ends at byte {header}");
}

#[test]
fn a_chip_that_nobody_knows_is_refused() {
    let file = b"#!AER-DAT2.0\r\n# AEChip: Tmpdiff64\r\n";
    let told = message(file);
    assert!(
        told.ends_with("has \"Tmpdiff64\" as AEChip in its header, expected DVS128 or a DAVIS")
    );
}

#[test]
fn a_recorder_that_crashed_costs_its_last_packet() {
    let events = some_events(100);
    let mut file = aedat4(&events, Compression::Lz4);
    let whole = file.len();
    file.extend_from_slice(&aedat4(&events, Compression::Lz4)[file.len() - 300..]);
    for cut in [whole, whole + 3, whole + 8, file.len()] {
        let (read, fault) = read_file(&file[..cut]);
        // What follows by chance may be refused, but nothing before it is lost.
        assert!(read.starts_with(&events), "cut at byte {cut}: {fault:?}");
    }
}

#[test]
fn a_damaged_packet_of_aedat4_is_refused_with_its_place() {
    let events = some_events(100);
    for compression in [Compression::Lz4, Compression::Zstandard] {
        let header = aedat4(&[], compression).len();
        let mut file = aedat4(&events, compression);
        file[header + 8] ^= 0xFF;
        let told = message(&file);
        let place = format!("has a compressed part at byte {}", header + 8);
        assert!(told.contains(&place), "{told}");
    }
    let mut file = aedat4(&events, Compression::None);
    let header = aedat4(&[], Compression::None).len();
    file[header + 4..header + 8].copy_from_slice(&(-5_i32).to_le_bytes());
    assert!(message(&file).contains("has -5 as size of a packet"), "{}", message(&file));
}

/// A small packet that says it is a large one is refused before memory is gone.
#[test]
fn a_packet_that_grows_without_end_is_refused() {
    let bomb = zstd_of_zeros(300 << 20);
    let mut file = aedat4(&[], Compression::Zstandard);
    file.extend_from_slice(&0_i32.to_le_bytes());
    file.extend_from_slice(&i32::try_from(bomb.len()).unwrap().to_le_bytes());
    file.extend_from_slice(&bomb);
    assert!(message(&file).ends_with("it grows beyond 268435456 bytes"), "{}", message(&file));
}

fn zstd_of_zeros(bytes: usize) -> Vec<u8> {
    zstd::bulk::compress(&vec![0; bytes], 1).unwrap()
}

#[test]
fn vectors_of_a_row_are_clipped_and_counted() {
    // x = 304 with a full mask on a sensor of 320 columns.
    let mut file = b"% evt 2.1\n% geometry 320x240\n% endianness little\n% end\n".to_vec();
    for [mask, head] in [[0, 0x8000_0000_u32], [u32::MAX, 0x1000_0000 | 304 << 11 | 7]] {
        file.extend_from_slice(&u32::to_le_bytes(mask));
        file.extend_from_slice(&head.to_le_bytes());
    }
    let mut recording = opened(&file).unwrap();
    let (events, _) = read_to_end(&mut recording);
    assert_eq!(
        events.iter().map(|event| event.x).collect::<Vec<_>>(),
        (304..320).collect::<Vec<_>>()
    );
    assert_eq!(recording.counts().map(|counts| counts.outside), Some(16));
}

#[test]
fn events_before_the_first_time_high_have_no_time() {
    let mut file = b"% evt 2.1\n% endianness legacy\n% end\n".to_vec();
    for [head, mask] in [[0x1000_0000_u32, 3_u32], [0x8000_0001, 0], [0x1000_0000, 1]] {
        file.extend_from_slice(&head.to_le_bytes());
        file.extend_from_slice(&mask.to_le_bytes());
    }
    let mut recording = opened(&file).unwrap();
    assert_eq!(read_to_end(&mut recording).0.len(), 1);
    assert_eq!(recording.counts().map(|counts| counts.unplaced), Some(2));
}

/// 2^34 µs is 4.8 hours; a small step back is none.
#[test]
fn the_high_time_of_evt21_goes_round_and_a_small_step_back_does_not() {
    let mut file = b"% evt 2.1\n% endianness little\n% end\n".to_vec();
    for high in [5_u32, (1 << 28) - 1, 2, 1] {
        for [mask, head] in [[0, 0x8000_0000 | high], [1, 0x1000_0000]] {
            file.extend_from_slice(&u32::to_le_bytes(mask));
            file.extend_from_slice(&head.to_le_bytes());
        }
    }
    let mut recording = opened(&file).unwrap();
    let (events, _) = read_to_end(&mut recording);
    let times: Vec<_> = events.iter().map(|event| event.t_us >> 6).collect();
    let turn = 1 << 28;
    assert_eq!(times, [5, turn - 1, turn + 2, turn + 1]);
    assert_eq!(recording.counts().map(|counts| counts.backward), Some(1));
}

#[test]
fn text_in_other_orders_and_units() {
    let event = CameraEvent { t_us: 1_500, x: 3, y: 4, on: false };
    for text in [
        "x,y,polarity,t\n3,4,0,1500\n",
        "# a comment\n\ntimestamp;x;y;p\n1500;3;4;0\n",
        "t_ns x y on\n1500000 3 4 false\n",
        "t_s,x,y,p\n0.0015,3,4,-1\n",
        "0.0015 3 4 0\n",
        "1500,3,4,0",
    ] {
        let (events, fault) = read_file(text.as_bytes());
        assert!(fault.is_none(), "{text}: {fault:?}");
        assert_eq!(events, [event], "{text}");
    }
}

#[test]
fn a_line_that_is_no_event_is_named() {
    for (line, said) in [
        ("1,2", "has 2 of 4 columns in line 3"),
        ("1,2,x,1", "has \"x\" as row y in line 3, expected a whole number from 0 to 65535"),
        ("1,70000,2,1", "has \"70000\" as column x in line 3"),
        ("-1,2,3,1", "has \"-1\" as time in line 3, expected a number of 0 or more"),
        ("nan,2,3,1", "has \"nan\" as time in line 3"),
        ("1,2,3,01", "has \"01\" as polarity in line 3, expected 1 or 0"),
        ("1,2,3,2", "has \"2\" as polarity in line 3, expected 1 or 0"),
    ] {
        let file = format!("t,x,y,p\n0,1,1,1\n{line}\n");
        let (events, fault) = read_file(file.as_bytes());
        assert_eq!(events.len(), 1, "{line}");
        let told = fault.unwrap().to_string();
        assert!(told.starts_with(said), "{told}");
    }
    let endless = format!("t,x,y,p\n{}", "1".repeat(100_000));
    assert!(
        message(endless.as_bytes()).contains("as length in line"),
        "{}",
        message(endless.as_bytes())
    );
}

fn npz(path: &Path, events: &[CameraEvent]) {
    let mut writer = write::npz::Writer::new(fs::File::create(path).unwrap()).unwrap();
    writer.write(events).unwrap();
    writer.finish().unwrap();
}

#[test]
fn arrays_of_numpy_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.npz");
    for count in [0, 1, 16_384, 40_000] {
        let events = some_events(count);
        npz(&path, &events);
        let mut recording = open(&path).unwrap();
        assert_eq!(recording.format(), Format::Npz);
        let (read, fault) = read_to_end(&mut recording);
        assert!(fault.is_none(), "{fault:?}");
        assert!(read == events);
    }
}

#[test]
fn an_archive_from_a_pipe_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.npz");
    npz(&path, &some_events(10));
    let told = message(&fs::read(&path).unwrap());
    assert!(told.ends_with("can be read from a file only, not from a pipe"), "{told}");
}

#[test]
fn an_archive_cut_or_damaged_anywhere_is_an_error_or_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.npz");
    let events = some_events(10);
    npz(&path, &events);
    let good = fs::read(&path).unwrap();
    for cut in 0..good.len() {
        fs::write(&path, &good[..cut]).unwrap();
        if let Ok(mut recording) = open(&path) {
            let (read, fault) = read_to_end(&mut recording);
            assert!(fault.is_some() || read == events, "cut at byte {cut}");
        }
    }
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 0x21;
        fs::write(&path, &bad).unwrap();
        if let Ok(mut recording) = open(&path) {
            let _ = read_to_end(&mut recording);
        }
    }
}

#[test]
fn what_an_archive_lacks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.npz");
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    archive.start_file("weights.npy", zip::write::SimpleFileOptions::default()).unwrap();
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n";
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    let array = [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), &[0; 8]].concat();
    std::io::Write::write_all(&mut archive, &array).unwrap();
    archive.finish().unwrap();
    let told = open(&path).unwrap_err().to_string();
    assert!(told.ends_with("has an array \"t\" that isn't there: it holds weights"), "{told}");
}

/// A file that could not be held in memory: what is held is a chunk, whatever the length.
#[test]
fn portions_stay_small_however_long_the_file() {
    let (header, body) = (made::dat(&[], 2), made::dat(&some_events(100_000), 2));
    let file = behind_a_chunk(&body, 0, &body[header.len()..]);
    let mut recording = opened(&file).unwrap();
    let (mut events, mut largest) = (Vec::new(), 0);
    while recording.next_events(&mut events).unwrap() > 0 {
        largest = largest.max(events.len());
        events.clear();
    }
    assert!(largest <= (1 << 16) / 8 + 1, "{largest} events at once");
}
