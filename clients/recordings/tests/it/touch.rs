//! Recordings of touch: what is read of folders and archives, what is mended, what is refused where.

#![expect(clippy::unwrap_used, reason = "a file that cannot be made fails the test")]

use std::{fs, io::Write as _, path::Path};

use spiked_recordings::{
    Error, Fault,
    touch::{self, COMPONENTS, TouchFormat, TouchRecording, is_touch},
};

const FILES: [&str; COMPONENTS] = ["Fx", "Fy", "Fz", "Mx", "My", "Mz"];

/// Values that tell frame, whisker and component.
fn values(frames: usize, whiskers: usize) -> Vec<f32> {
    let count = frames * whiskers * COMPONENTS;
    (0..u16::try_from(count % 60_000).unwrap()).map(|n| f32::from(n) / 64.0 - 7.0).collect()
}

/// Writes a folder as WHISKiT does; lines end as told.
fn folder(at: &Path, names: &[&str], values: &[f32], end: &str) {
    fs::create_dir_all(at.join("dynamics")).unwrap();
    fs::write(at.join("whisker_ID.csv"), names.join(",\n")).unwrap();
    for (component, file) in FILES.iter().enumerate() {
        let mut text = String::new();
        for frame in values.chunks(names.len() * COMPONENTS) {
            let column = frame.iter().skip(component).step_by(COMPONENTS);
            let column: Vec<String> = column.map(|value| format!("{value:e}")).collect();
            text += &(column.join(",") + end);
        }
        fs::write(at.join(format!("dynamics/{file}.csv")), text).unwrap();
    }
}

/// A `.npy` file, as NumPy's documentation has it.
fn npy(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    header += &" ".repeat(63 - (header.len() + 10) % 64);
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), bytes].concat()
}

fn archive(at: &Path, arrays: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(fs::File::create(at).unwrap());
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

fn singles(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn unicode(names: &[&str], characters: usize) -> Vec<u8> {
    let name = |name: &&str| {
        let mut words: Vec<u32> = name.chars().map(u32::from).collect();
        words.resize(characters, 0);
        words.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>()
    };
    names.iter().flat_map(name).collect()
}

/// All frames in front of the end or the first fault.
fn read(path: &Path) -> (Vec<f32>, Option<Error>) {
    let mut recording = match TouchRecording::open(path) {
        Ok(recording) => recording,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let whole = recording.whiskers().len() * COMPONENTS;
    let mut values = Vec::new();
    loop {
        let before = values.len();
        match recording.next_frames(&mut values) {
            Ok(0) => return (values, None),
            Ok(frames) => assert_eq!(values.len(), before + frames * whole),
            Err(error) => {
                assert_eq!(values.len(), before, "frames and a fault never come together");
                return (values, Some(error));
            }
        }
    }
}

fn problem(path: &Path) -> String {
    read(path).1.expect("a fault").to_string()
}

#[test]
fn a_folder_is_read_however_its_lines_end() {
    let place = tempfile::tempdir().unwrap();
    let names = ["RA0", "RB3", "LC11"];
    let expected = values(40, 3);
    for (number, end) in [",\n", "\n", ",\r\n"].into_iter().enumerate() {
        let at = place.path().join(number.to_string());
        folder(&at, &names, &expected, end);
        let recording = TouchRecording::open(&at).unwrap();
        assert_eq!(recording.whiskers(), names);
        let said = (recording.format(), recording.period_ns(), recording.frames_total());
        assert_eq!(said, (TouchFormat::Whiskit, None, None));
        let (found, fault) = read(&at);
        assert!(fault.is_none() && found == expected, "{end:?}: {fault:?}");
        assert!(is_touch(&at));
    }
}

#[test]
fn archives_are_read_in_singles_and_doubles_with_names_or_without() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("sweep.npz");
    // The published shape: more than one portion long, in places of five rows of seven.
    let expected = values(110, 35);
    archive(&at, &[("sweep", npy("<f4", "(110, 35, 6)", &singles(&expected)))]);
    let recording = TouchRecording::open(&at).unwrap();
    assert_eq!((recording.period_ns(), recording.frames_total()), (None, Some(110)));
    assert_eq!(recording.format().period_ns(), 9_090_909);
    assert_eq!(
        (recording.whiskers()[0].as_str(), recording.whiskers()[34].as_str()),
        ("RA0", "RE6")
    );
    assert!(read(&at).0 == expected && is_touch(&at));

    let doubles: Vec<u8> = expected.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect();
    archive(
        &at,
        &[("other", npy("<f8", "(1,)", &[0; 8])), ("x", npy("<f8", "(770, 5, 6)", &doubles))],
    );
    assert!(problem(&at).contains("5 whiskers and no array \"names\""), "{}", problem(&at));
    let names = ["RA0", "RA1", "RB0", "LA0", "LZ10"];
    let arrays = [
        ("x", npy("<f8", "(770, 5, 6)", &doubles)),
        ("names", npy("<U4", "(5,)", &unicode(&names, 4))),
        ("period_ns", npy("<i8", "()", &1_000_000_u64.to_le_bytes())),
    ];
    archive(&at, &arrays);
    let recording = TouchRecording::open(&at).unwrap();
    assert_eq!(
        (recording.whiskers(), recording.period_ns()),
        (&names.map(String::from)[..], Some(1_000_000))
    );
    assert!(read(&at).0 == expected);
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("own.npz");
    let (whiskers, values) = (["RA0", "RA10"].map(String::from), values(3_000, 2));
    let contacts: Vec<bool> = (0..6_000).map(|n| n % 7 == 0).collect();
    let sink = fs::File::create(&at).unwrap();
    let mut writer = touch::write::archive::Writer::new(sink, &whiskers, 1_234).unwrap();
    values.chunks(12 * 7).for_each(|frames| writer.write(frames).unwrap());
    writer.finish(&contacts).unwrap();
    let mut recording = TouchRecording::open(&at).unwrap();
    assert_eq!((recording.whiskers(), recording.period_ns()), (&whiskers[..], Some(1_234)));
    assert_eq!(recording.unread(), ["contacts"]);
    assert_eq!((recording.bytes_total(), recording.bytes_read()), (36_000 * 4, 0));
    assert_eq!(recording.next_frames(&mut Vec::new()).unwrap(), 3_000);
    assert_eq!(recording.bytes_read(), recording.bytes_total());
    let (found, fault) = read(&at);
    assert!(fault.is_none() && found == values, "{fault:?}");
}

#[test]
fn what_is_no_number_or_absurd_is_mended_and_counted() {
    let place = tempfile::tempdir().unwrap();
    let mut values = vec![0.5; 6 * 4];
    values[1] = f32::NAN;
    values[6] = -1_000.1;
    values[12] = f32::INFINITY;
    values[13] = 2_000.0;
    values[18] = 1_000.0;
    let at = place.path().join("sweep.npz");
    let names = npy("<U3", "(1,)", &unicode(&["RA0"], 3));
    archive(&at, &[("sweep", npy("<f4", "(4, 1, 6)", &singles(&values))), ("names", names)]);
    let mut recording = TouchRecording::open(&at).unwrap();
    let mut found = Vec::new();
    assert_eq!(recording.next_frames(&mut found).unwrap(), 4);
    let counts = recording.counts();
    assert_eq!((counts.frames, counts.not_numbers, counts.absurd), (4, 1, 3));
    let mut expected = vec![0.5; 6 * 4];
    expected[1] = 0.0;
    // As the value before, which was mended itself.
    expected[13] = 0.5;
    expected[18] = 1_000.0;
    assert_eq!(found, expected);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("folder");
    let names = ["RA0", "RA1"];
    let fresh = || folder(&at, &names, &values(5, 2), ",\n");
    let change = |file: &str, from: &str, to: &str| {
        fresh();
        let path = at.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        problem(&at)
    };
    let told = change("dynamics/My.csv", "-6.9375e0", "x7");
    assert!(told.contains("My.csv: has \"x7\" in column 1 of line 1, expected a number"), "{told}");
    let told = change("dynamics/Fz.csv", "-6.96875e0,", "");
    assert!(told.contains("Fz.csv: has 1 of 2 columns in line 1"), "{told}");
    let told = change("whisker_ID.csv", "RA1", "RA0");
    assert!(told.contains("whisker_ID.csv: names RA0 twice"), "{told}");
    let told = change("whisker_ID.csv", "RA1", "A1");
    assert!(told.contains("names a whisker \"A1\", expected one such as RA0"), "{told}");
    fresh();
    let path = at.join("dynamics/Fy.csv");
    let text = fs::read_to_string(&path).unwrap();
    let four: String = text.split_inclusive('\n').take(4).collect();
    fs::write(&path, four).unwrap();
    let (found, fault) = read(&at);
    assert_eq!(found, values(4, 2), "what came before is given");
    let told = fault.unwrap().to_string();
    assert!(told.contains("Fy.csv: ends after 4 frames, before the files beside it"), "{told}");
    fs::remove_file(&path).unwrap();
    assert!(problem(&at).contains("Fy.csv: no such file"));

    let at = place.path().join("sweep.npz");
    let refused = |arrays: &[(&str, Vec<u8>)]| {
        archive(&at, arrays);
        problem(&at)
    };
    let told = refused(&[("weights", npy("<f4", "(4, 6)", &[0; 96]))]);
    assert!(told.contains("\"frames\" that isn't there") && told.contains("weights"), "{told}");
    let told = refused(&[("a", npy("<i4", "(1, 30, 6)", &[0; 720]))]);
    assert!(told.contains("\"a\" that holds \"<i4\", expected floats"), "{told}");
    let told = refused(&[("a", npy("<f4", "(1, 300, 6)", &[0; 7_200]))]);
    assert!(told.contains("300 whiskers, expected 1 to 256"), "{told}");
    let told = refused(&[("a", npy("<f4", "(2, 30, 6)", &[0; 720]))]);
    assert!(told.contains("\"a\" that ends before its last frame"), "{told}");
    let names = npy("<U3", "(1,)", &unicode(&["RA0"], 3));
    let told = refused(&[("a", npy("<f4", "(1, 30, 6)", &[0; 720])), ("names", names)]);
    assert!(told.contains("names 1 whiskers of 30"), "{told}");
    let period = npy("<f8", "(1,)", &(-3.0_f64).to_le_bytes());
    let told = refused(&[("a", npy("<f4", "(1, 30, 6)", &[0; 720])), ("period_ns", period)]);
    assert!(told.contains("\"period_ns\" that is -3 ns"), "{told}");
    let fortran = String::from_utf8_lossy(&npy("<f4", "(1, 30, 6)", &[])).replace("False", "True ");
    let told = refused(&[("a", [&[0x93], &fortran.as_bytes()[3..], &[0; 720][..]].concat())]);
    assert!(told.contains("is in Fortran's order"), "{told}");
    let missing = place.path().join("nothing");
    assert!(matches!(read(&missing).1.unwrap().fault, Fault::Missing));
    assert!(!is_touch(&missing));
}

/// Nothing that is cut is taken for whole. Seen to fail with each file's lines looked at alone.
#[test]
fn files_that_are_cut_anywhere_give_the_frames_before_and_say_so() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("folder");
    let expected = values(3, 2);
    folder(&at, &["RA0", "RA1"], &expected, ",\n");
    for file in FILES {
        let path = at.join(format!("dynamics/{file}.csv"));
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let (found, fault) = read(&at);
            assert!(expected.starts_with(&found), "{file} cut at {length}");
            assert!(fault.is_some(), "{file} cut at {length}");
        }
        fs::write(&path, &whole).unwrap();
    }
    let path = at.join("whisker_ID.csv");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() - 1 {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(read(&at).1.is_some(), "names cut at {length}");
    }

    let at = place.path().join("sweep.npz");
    let names = npy("<U3", "(2,)", &unicode(&["RA0", "RA1"], 3));
    archive(&at, &[("a", npy("<f4", "(3, 2, 6)", &singles(&expected))), ("names", names)]);
    let whole = fs::read(&at).unwrap();
    for length in 0..whole.len() {
        fs::write(&at, &whole[..length]).unwrap();
        let (found, fault) = read(&at);
        assert!(fault.is_some() && expected.starts_with(&found), "cut at {length}");
    }
}
