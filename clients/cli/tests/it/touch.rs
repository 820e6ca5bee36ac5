//! Touch from end to end: a recording is made, looked at and sent through a daemon.

use std::{fs, path::Path};

use crate::process::{Daemon, Told, tell};

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
    refused(&["convert", &path, "out.csv"], "is a recording of touch");
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
