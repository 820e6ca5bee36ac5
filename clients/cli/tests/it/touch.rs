//! Touch from end to end: a recording is made, looked at and sent through a daemon.

use std::{
    fs,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use spiked_recordings::touch::{COMPONENTS, TouchRecording};

use crate::process::{Daemon, Told, signal, spiked, tell};

fn generate(folder: &Path, name: &str, more: &[&str]) -> (String, Told) {
    let path = folder.join(name).to_str().expect("plain").to_owned();
    let told = tell([&["generate", "whiskers", &path][..], more].concat()).done();
    (path, told)
}

/// What a line of a summary says.
fn row(told: &Told, name: &str) -> String {
    let found = told.stdout.lines().find_map(|line| line.strip_prefix(name));
    found.unwrap_or_else(|| panic!("no {name} in:\n{}", told.stdout)).trim().to_owned()
}

/// How often each class was decided on, the most frequent one first.
fn ways(csv: &str) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for line in csv.lines().filter(|line| line.contains('°')) {
        let way = line.split(',').find(|field| field.contains('°')).expect("a class");
        match counts.iter_mut().find(|(known, _)| known == way) {
            Some((_, count)) => *count += 1,
            None => counts.push((way.to_owned(), 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[test]
fn a_swept_edge_is_told_from_a_file_by_a_daemon_elsewhere_as_by_one_inside() {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::start();
    for (direction, rate) in [("0", "1000"), ("135", "1000"), ("270", "110")] {
        let more = ["--direction", direction, "--rate", rate];
        let (path, made) = generate(folder.path(), "sweep.npz", &more);
        assert_eq!(row(&made, "contact").split(',').next(), Some("35 of 35 whiskers"));
        let inside = tell(["run", "swept-edge", &path]).done();
        let output = folder.path().join("told.csv");
        let output = output.to_str().expect("plain");
        let run = ["run", "swept-edge", &path, "--address", &daemon.address, "-o", output];
        let elsewhere = tell(run).done();
        assert_eq!(row(&inside, "digest"), row(&elsewhere, "digest"));
        let frames = if rate == "110" { "110 in" } else { "1 000 in" };
        assert!(row(&inside, "frames").starts_with(frames), "{}", inside.stdout);
        let ways = ways(&fs::read_to_string(output).expect("written"));
        assert_eq!(ways[0].0, format!("{direction}°"), "{ways:?}");
        // As it comes, in real time: the same to the last bit.
        if rate == "110" {
            let timed = tell(["run", "swept-edge", &path, "--speed", "4x"]).done();
            assert_eq!(row(&inside, "digest"), row(&timed, "digest"));
        }
    }
}

#[test]
fn what_is_generated_is_the_same_each_time_and_says_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = ["--shape", "disc", "--direction", "-45", "--array", "4x4", "--for", "400ms"];
    let (first, _) = generate(folder.path(), "one.npz", &more);
    let (second, _) = generate(folder.path(), "two.npz", &more);
    let read = |path: &str| fs::read(path).expect("written");
    assert!(read(&first) == read(&second));
    let truth = |name: &str| fs::read_to_string(folder.path().join(name)).expect("written");
    assert_eq!(truth("one.truth.json"), truth("two.truth.json"));
    let truth: serde_json::Value = serde_json::from_str(&truth("one.truth.json")).expect("JSON");
    assert_eq!((&truth["shape"], &truth["direction_deg"]), (&"disc".into(), &(-45.0).into()));
    let firsts = truth["first_contacts_s"].as_object().expect("a table");
    assert_eq!(firsts.len(), 16);
    assert!(firsts.values().any(|first| first.is_f64()), "the disc meets some: {truth}");
    let info = tell(["info", &first]).done();
    assert_eq!(row(&info, "whiskers"), "16 from RA0 to RD3");
    assert_eq!((row(&info, "frames"), row(&info, "rate")), ("400".into(), "1000.0000 Hz".into()));
}

#[test]
fn nothing_is_told_of_whiskers_that_touch_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, made) = generate(folder.path(), "still.npz", &["--distance", "500"]);
    assert_eq!(row(&made, "contact"), "none");
    let run = tell(["run", "swept-edge", &path]).done();
    assert_eq!(row(&run, "spikes"), "0");
}

#[test]
fn a_folder_of_a_simulator_runs_and_what_was_mended_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let dynamics = folder.path().join("dynamics");
    fs::create_dir(&dynamics).expect("made");
    fs::write(folder.path().join("whisker_ID.csv"), "RA0,\nRA1,\nLA0,\n").expect("written");
    for component in ["Fx", "Fy", "Fz", "Mx", "My", "Mz"] {
        let bent = if component == "My" { "-4," } else { "0," };
        let line = |frame: usize| match (frame, component) {
            (7, "Fx") => "nan,0,1e9,\n".to_owned(),
            (50.., _) => format!("{bent}0,0,\n"),
            _ => "0,0,0,\n".to_owned(),
        };
        let text: String = (0..300).map(line).collect();
        fs::write(dynamics.join(format!("{component}.csv")), text).expect("written");
    }
    let path = folder.path().to_str().expect("plain");
    let run = tell(["run", "swept-edge", path]).done();
    assert!(row(&run, "frames").starts_with("300 in"), "{}", run.stdout);
    assert_eq!(row(&run, "mended"), "1 no numbers, 1 absurd values");
    assert_eq!(row(&run, "whiskers"), "33 not in the recording, feel nothing, 1 left out");
    assert!(row(&run, "span").starts_with("0.299"), "{}", run.stdout);
    let slower = tell(["run", "swept-edge", path, "--frame-rate", "100"]).done();
    assert!(row(&slower, "span").starts_with("2.99"), "{}", slower.stdout);

    fs::write(dynamics.join("Mz.csv"), "0,0,0,\n0,x,0,\n").expect("written");
    let told = tell(["run", "swept-edge", path]);
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("Mz.csv: has \"x\" in column 2 of line 2"), "{}", told.stderr);
    assert!(row(&told, "frames").starts_with("1 in 1 batches, not the whole"), "{}", told.stdout);
}

#[test]
fn what_does_not_fit_together_is_said_in_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = generate(folder.path(), "sweep.npz", &["--for", "50ms"]);
    let refused = |arguments: &[&str], said: &str| {
        let told = tell(arguments.iter().copied());
        assert_eq!(told.status, Some(2), "{arguments:?}: {}", told.stderr);
        assert!(told.stderr.contains(said), "{arguments:?}: {}", told.stderr);
    };
    refused(&["run", "swept-edge", &path, "--geometry", "3x3"], "--geometry is for recordings");
    refused(&["run", "swept-edge", &path, "--port", "nose"], "has no input port \"nose\"");
    refused(&["run", "swept-edge", &path, "--frame-rate", "0"], "--frame-rate 0: expected");
    refused(&["generate", "whiskers", "x.npz", "--array", "9x9"], "at most 60 whiskers");
    refused(&["generate", "whiskers", "x.npz", "--rate", "0"], "--rate 0: expected");
    refused(&["generate", "whiskers", "x.npz", "--for", "100000s"], "too much memory");
    let camera = tell(["run", "motion", &path]);
    assert!(camera.stderr.contains("is for events, not for touch"), "{}", camera.stderr);
    let names = folder.path().join("whisker_ID.csv");
    fs::write(names, "").expect("written");
    let told = tell(["run", "swept-edge", folder.path().to_str().expect("plain")]);
    assert!(told.stderr.contains("whisker_ID.csv: names 0 whiskers"), "{}", told.stderr);
}

/// Names, and all values.
fn frames(path: &Path) -> (Vec<String>, Vec<f32>) {
    let mut recording = TouchRecording::open(path).expect("a recording of touch");
    let mut values = Vec::new();
    while recording.next_frames(&mut values).expect("whole frames") > 0 {}
    (recording.whiskers().to_vec(), values)
}

/// Caught: values that are rounded, and components, whiskers or frames that change places.
#[test]
fn a_recording_becomes_a_folder_and_an_archive_again_to_the_last_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let name = |name: &str| path(name).display().to_string();
    // At 45° y and z have the same values, and could change places.
    let (sweep, _) = generate(folder.path(), "sweep.npz", &["--rate", "110", "--direction", "30"]);
    let into = tell(["convert", &sweep, &name("sim")]).done();
    assert!(into.stderr.contains("what else the recording holds: contacts"), "{}", into.stderr);
    assert!(into.stderr.contains("spiked run --frame-rate 110.0000"), "{}", into.stderr);
    let back = ["convert", &name("sim"), &name("again.npz"), "--frame-rate", "110"];
    let back = tell(back).done();
    assert_eq!((back.stdout.as_str(), back.stderr.as_str()), ("", ""));
    let expected = frames(Path::new(&sweep));
    assert_eq!(expected.1.len(), 110 * 35 * COMPONENTS);
    assert!(expected.1.iter().any(|value| *value != 0.0));
    assert!(frames(&path("sim")) == expected && frames(&path("again.npz")) == expected);
    let run = |arguments: &[&str]| {
        let told = tell([&["run", "swept-edge"][..], arguments].concat()).done();
        row(&told, "digest")
    };
    let digest = run(&[&sweep]);
    assert_eq!(run(&[&name("again.npz")]), digest, "the archive says its rate");
    assert_eq!(run(&[&name("sim"), "--frame-rate", "110"]), digest);
    assert_ne!(run(&[&name("sim")]), digest, "a folder is taken for one of 1 000 frames a second");

    // As files that anybody may read.
    let made = |name: &str| fs::metadata(path(name)).expect("it is there").permissions();
    let here = path("plain");
    fs::create_dir(&here).expect("made");
    assert_eq!(made("sim"), fs::metadata(&here).expect("it is there").permissions());
    let lines = fs::read_to_string(path("sim/dynamics/My.csv")).expect("a file");
    assert_eq!(lines.lines().count(), 110);
    assert!(lines.lines().all(|line| line.ends_with(',') && line.split(',').count() == 36));
}

#[test]
fn what_is_mended_or_comes_before_a_fault_is_converted_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = folder.path().join("sim");
    fs::create_dir_all(sim.join("dynamics")).expect("made");
    fs::write(sim.join("whisker_ID.csv"), "RA0,\nRA1,\n").expect("written");
    for component in ["Fx", "Fy", "Fz", "Mx", "My", "Mz"] {
        let text = if component == "Fz" { "1.5,nan,\n2e9,3,\n" } else { "0.1,0.2,\n0,0,\n" };
        fs::write(sim.join(format!("dynamics/{component}.csv")), text).expect("written");
    }
    let [from, to] = [&sim, &folder.path().join("out.npz")].map(|path| path.display().to_string());
    let told = tell(["convert", &from, &to]).done();
    assert!(told.stderr.contains("mended were 1 no numbers, 1 absurd"), "{}", told.stderr);
    let (names, values) = frames(Path::new(&to));
    assert_eq!(names, ["RA0", "RA1"]);
    let forces: Vec<f32> = values.into_iter().skip(2).step_by(COMPONENTS).collect();
    assert_eq!(forces, [1.5, 0.0, 1.5, 3.0]);

    fs::write(sim.join("dynamics/Mx.csv"), "0.1,0.2,\n0,hard,\n").expect("written");
    let told = tell(["convert", &from, &to]);
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("Mx.csv: has \"hard\" in column 2 of line 2"), "{}", told.stderr);
    assert_eq!(frames(Path::new(&to)).1.len(), 2 * COMPONENTS, "the first frame is there");
}

#[test]
fn what_cannot_be_converted_is_said_in_a_line_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = generate(folder.path(), "sweep.npz", &["--for", "50ms"]);
    let name = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir(name("full")).expect("made");
    fs::write(name("full/mine.txt"), "not to be lost").expect("written");
    let before = fs::read_dir(folder.path()).expect("a folder").count();
    let refused = |arguments: &[&str], said: &str| {
        let told = tell([&["convert"], arguments].concat());
        assert_eq!(told.status, Some(2), "{arguments:?}: {}", told.stderr);
        assert!(told.stderr.contains(said), "{arguments:?}: {}", told.stderr);
    };
    refused(&[&path, &name("o.csv")], "would be csv, which has no place for frames of touch");
    refused(&[&path, &name("o.npz"), "--to", "es"], "would be es");
    refused(&[&path, &name("o.touch")], "of a format that nobody knows");
    refused(&[&path, &name("full")], "is there already, and isn't empty");
    refused(&[&path, &name("o.npz"), "--segment", "1"], "--segment is for recordings of cameras");
    refused(&[&path, &name("o.npz"), "--gap", "1s"], "--gap is for labelled samples");
    refused(&[&path, &name("o.npz"), "--frame-rate", "0"], "--frame-rate 0: expected");
    let none = tell(["convert", &path, &name("no/where/o")]);
    assert!(none.stderr.starts_with("error: cannot write"), "{}", none.stderr);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), before);
    let kept = fs::read_to_string(name("full/mine.txt")).expect("a file");
    assert_eq!(kept, "not to be lost");
    let camera = name("camera.csv");
    fs::write(&camera, "t,x,y,p\n1,2,3,1\n").expect("written");
    refused(&[&camera, &name("o.npz"), "--frame-rate", "9"], "--frame-rate is for recordings of t");
}

#[test]
fn interrupted_a_conversion_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = ["--rate", "4000", "--for", "30s", "--array", "2x2"];
    let (path, _) = generate(folder.path(), "long.npz", &more);
    let out = folder.path().join("sim");
    let mut child = spiked(["convert", &path, out.to_str().expect("plain")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("spiked runs");
    // The recording and what is true of it are there.
    let others = || fs::read_dir(folder.path()).expect("a folder").count() - 2;
    while others() == 0 {
        assert_eq!(child.try_wait().expect("it can be asked"), None, "it ends before it begins");
        thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(others(), 0, "nothing is left");
}

/// Nothing of it comes before its time: the last of 401 frames is due 400 ms behind the first.
#[test]
fn a_recording_is_played_as_fast_as_it_was_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = generate(folder.path(), "sweep.npz", &["--for", "401ms"]);
    let run = tell(["run", "swept-edge", &path]).done();
    let played = |more: &[&str], least: Duration| {
        let began = Instant::now();
        let told = tell([&["stream", "swept-edge", &path], more].concat()).done();
        let took = began.elapsed();
        assert!(took >= least, "{more:?}: {took:?}");
        // Frame by frame, about, and not all of them at the end.
        let frames = row(&told, "frames");
        let batches = frames.strip_prefix("401 in ").and_then(|rest| rest.split(' ').next());
        let batches: u32 = batches.and_then(|batches| batches.parse().ok()).expect(&frames);
        assert!(batches >= 100, "{frames}");
        assert!(row(&told, "lateness").starts_with("a batch left up to"), "{}", told.stdout);
        row(&told, "digest")
    };
    assert_eq!(played(&[], Duration::from_millis(400)), row(&run, "digest"));
    // A rate that the user says is the pace, too.
    let slower = ["--frame-rate", "500"];
    let run = tell(["run", "swept-edge", &path, slower[0], slower[1]]).done();
    assert_eq!(played(&slower, Duration::from_millis(800)), row(&run, "digest"));
}
