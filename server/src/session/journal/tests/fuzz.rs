//! Hostile bytes in the place of a journal: see `spiked-fuzz`.

use std::path::PathBuf;

use spiked_fuzz::{Random, Target};

use super::{super::segment, memory::Memory, *};

fn records() -> Vec<Record> {
    let batch = v1::EventBatch {
        sequence: 7,
        count: 2,
        layout: v1::Layout::Address.into(),
        payload: vec![1, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0].into(),
        promise_us: Some(40),
        ..Default::default()
    };
    vec![
        Record::Batch { producer: 1, dropped: false, batch },
        Record::Promise { producer: 0, time_us: 50 },
        Record::Watermark { time_us: 60 },
        Record::Handed,
        Record::Dropped,
        Record::End { producer: 1, failed: true },
        set(2, 0.5),
        set(3, -7.0),
    ]
}

fn written(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    records.iter().for_each(|record| frame::append(record, &mut bytes));
    bytes
}

/// Where each frame begins and ends, as far as they can be followed.
fn frames(bytes: &[u8], mut at: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    while let Some(length) = bytes.get(at..at + 8).and_then(|head| head.first_chunk()) {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap();
        let end = (at + 8).saturating_add(length).min(bytes.len());
        found.push((at, end));
        at = end;
    }
    found
}

/// Makes lengths and checksums right, from `start` on.
fn seal(bytes: &mut [u8], start: usize) {
    for (at, end) in frames(bytes, start) {
        let length = u32::try_from(end - at - 8).unwrap().to_le_bytes();
        let checksum = crc32fast::hash(&bytes[at + 8..end]).to_le_bytes();
        bytes[at..at + 8].copy_from_slice(&[length, checksum].concat());
    }
}

/// Whatever is taken for a record is one: written again, it is read as the same.
#[test]
fn journal_records() {
    let examples: Vec<_> =
        records().iter().map(|record| written(std::slice::from_ref(record))).collect();
    let mut marked = written(&records()[..3]);
    frame::append_mark(60, &mut marked);
    marked.extend(written(&records()[3..]));
    let examples = [examples, vec![written(&records()), marked]].concat();
    let repair = |bytes: &mut Vec<u8>, _: &mut Random| seal(bytes, 0);
    Target::new("journal_records", examples).bytes_max(512).repair(&repair).run(|input| {
        let (mut at, mut found) = (0, 0);
        loop {
            let (record, length) = match frame::next(&input[at..]) {
                frame::Next::Record(record, length) => (record, length),
                frame::Next::Mark(length) => {
                    at += length;
                    continue;
                }
                frame::Next::Nothing | frame::Next::Torn => break,
            };
            assert!(length > 8 && at + length <= input.len());
            let again = written(std::slice::from_ref(&record));
            let frame::Next::Record(same, whole) = frame::next(&again) else {
                panic!("{record:?} is read no more");
            };
            let (told, [kind, _, _, flag, ..]) = (&input[at + 8..], &again[8..]) else {
                panic!("{record:?} has no kind");
            };
            let says_which =
                matches!(record, Record::Batch { .. } | Record::End { .. } | Record::Set(_));
            assert!(told[0] == *kind && (!says_which || told[3] == *flag), "{record:?}");
            // By its bytes: a value that is no number equals nothing.
            assert_eq!(whole, again.len());
            assert_eq!(written(&[same]), again);
            (at, found) = (at + length, found + 1);
        }
        found > 0
    });
}

/// What files a folder may have; the first byte of each in an input is an index into these.
const NAMES: [&str; 8] = [
    "session",
    "resting",
    "00000000000000000000.snapshot",
    "00000000000000000008.snapshot",
    "00000000000000000000.journal",
    "00000000000000000008.journal",
    "00000000000000000016.journal",
    "18446744073709551615.journal",
];
const SEGMENT_HEAD: usize = 60;

/// The files that an input stands for: name, length, bytes.
fn unpacked(mut input: &[u8]) -> Vec<(&'static str, &[u8])> {
    let mut files = Vec::new();
    while let Some((&[name, low, high], rest)) = input.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (bytes, rest) = rest.split_at(length);
        files.push((NAMES[usize::from(name) % NAMES.len()], bytes));
        input = rest;
    }
    files
}

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut input = Vec::new();
    for (name, bytes) in files {
        let index = NAMES.iter().position(|known| known == name).unwrap();
        input.push(u8::try_from(index).unwrap());
        input.extend_from_slice(&u16::try_from(bytes.len()).unwrap().to_le_bytes());
        input.extend_from_slice(bytes);
    }
    input
}

/// Makes the checksums of segments right, in some the head too.
fn repair(input: &mut Vec<u8>, random: &mut Random) {
    let mut files: Vec<(&str, Vec<u8>)> =
        unpacked(input).into_iter().map(|(name, bytes)| (name, bytes.to_vec())).collect();
    for (name, bytes) in &mut files {
        if let Some(digits) = name.strip_suffix(".journal") {
            let head = segment::head(&PLAN, digits.parse().unwrap());
            if bytes.len() >= SEGMENT_HEAD && !random.once_in(8) {
                bytes[..SEGMENT_HEAD].copy_from_slice(&head);
            }
            seal(bytes, SEGMENT_HEAD);
        } else if *name == "session" && bytes.len() > 8 {
            let end = bytes.len() - 8;
            let checksum = u64::from(crc32fast::hash(&bytes[..end]));
            bytes[end..].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    *input = packed(&files);
}

fn examples() -> Vec<Vec<u8>> {
    let memory = Memory::default();
    let volume: Arc<dyn Volume> = Arc::new(memory.clone());
    let folder = folder(&volume, Path::new(""));
    folder.create(&meta(), b"first").unwrap();
    write(&folder, &[records(), records(), vec![Record::Handed]]);
    folder.write_snapshot(8, b"second").unwrap();
    folder.rest(Rest::Saved).unwrap();
    let files = memory.0.lock().unwrap();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (path.file_name().unwrap().to_str().unwrap(), bytes.as_slice()))
        .collect();
    let mut examples = vec![packed(&files)];
    examples.extend((0..files.len()).map(|end| packed(&files[..end])));
    examples
}

/// Whatever lies in a session's folder is refused by name or read, a torn tail is cut once, and the
/// journal then goes on behind what was found.
#[test]
fn journal_folders() {
    Target::new("journal_folders", examples()).bytes_max(4_096).repair(&repair).run(|input| {
        let (memory, path) = (Memory::default(), PathBuf::from("one"));
        for (name, bytes) in unpacked(input) {
            memory.write_whole(&path.join(name), bytes).unwrap();
        }
        if let Ok(Some(meta)) = Folder::meta(&memory, &path) {
            memory.write_whole(&path.join("session"), &[]).unwrap();
            let volume: Arc<dyn Volume> = Arc::new(Memory::default());
            folder(&volume, Path::new("")).create(&meta, b"").unwrap();
            assert_eq!(Folder::meta(volume.as_ref(), &path).unwrap(), Some(meta));
        }
        let Ok((index, _)) = Folder::oldest_snapshot(&memory, &path) else { return false };
        let volume: Arc<dyn Volume> = Arc::new(memory.clone());
        let folder = folder(&volume, Path::new(""));
        let Ok(found) = folder.find(index) else { return false };
        let again = folder.find(index).unwrap().records;
        assert_eq!(written(&again), written(&found.records), "once cut it stays so");
        let mut journal =
            Journal::begin(folder.clone(), index + found.records.len() as u64, found.bytes)
                .unwrap();
        journal.write(&[Record::Handed]).unwrap();
        let all = [found.records, vec![Record::Handed]].concat();
        assert_eq!(written(&folder.find(index).unwrap().records), written(&all));
        true
    });
}
