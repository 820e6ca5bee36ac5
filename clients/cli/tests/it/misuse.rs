//! What is wrong is one readable line that names place and value, and an exit status.

use std::{fs, net::TcpListener};

use crate::{
    files::{Folder, SENSOR, texture},
    process::{Told, tell},
};

/// One line that says what is wrong, at most one that says what to do, and no more.
fn assert_refused(told: &Told, status: i32, said: &[&str]) {
    let stderr = &told.stderr;
    assert_eq!(told.status, Some(status), "{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines[0].starts_with("error: "), "{stderr}");
    assert!(lines.len() == 1 || (lines.len() == 2 && lines[1].starts_with("hint: ")), "{stderr}");
    for part in said {
        assert!(stderr.contains(part), "{part:?} is missing in: {stderr}");
    }
}

#[test]
fn files_that_are_no_recordings_are_told_apart() {
    let folder = Folder::new();
    let text = folder.write("notes.txt", "dear diary").display().to_string();
    let empty = folder.write("empty.es", "").display().to_string();
    let missing = folder.path("missing.es").display().to_string();
    let folder_name = folder.write("sub/x", "").parent().unwrap().display().to_string();
    for command in [&["info"][..], &["run", "motion"]] {
        for (file, status, said) in [
            (&text, 1, "in no known event format"),
            (&empty, 1, "is empty"),
            (&missing, 2, "no such file"),
            (&folder_name, 2, "is a directory"),
        ] {
            let told = tell(command.iter().copied().chain([file.as_str()]));
            assert_refused(&told, status, &[file, said]);
        }
    }
}

/// Both are holes: nothing of them is on the disk.
#[test]
fn a_nir_file_is_read_up_to_256_mib() {
    let folder = Folder::new();
    let of_size = |name: &str, bytes: u64| {
        let path = folder.path(name);
        fs::File::create(&path).and_then(|file| file.set_len(bytes)).expect("a sparse file");
        path.display().to_string()
    };
    let longest = of_size("longest.nir", 256 << 20);
    let longer = of_size("longer.nir", (256 << 20) + 1);
    for (file, said) in [(&longest, "is no HDF5 file"), (&longer, "is longer than 268435456 bytes")]
    {
        let told = tell(["check", file, "--profile", "norse"]);
        assert_refused(&told, 1, &[file, said]);
    }
}

#[test]
fn a_recording_without_a_sensor_size_asks_for_one() {
    let folder = Folder::new();
    let file = folder.evt2("nameless.raw", None, &texture()).display().to_string();
    let told = tell(["run", "motion", &file]);
    assert_refused(&told, 2, &["names no sensor size", "(47, 31)", "--geometry"]);
}

#[test]
fn a_sensor_size_that_is_not_the_recordings_is_refused() {
    let folder = Folder::new();
    let named = folder.evt2("named.raw", Some(SENSOR), &texture()).display().to_string();
    let told = tell(["run", "motion", &named, "--geometry", "640x480"]);
    assert_refused(&told, 2, &["48x32", "640x480"]);
    let nameless = folder.evt2("nameless.raw", None, &texture()).display().to_string();
    let network = folder.network().display().to_string();
    let told = tell(["run", &network, &nameless, "--geometry", "40x40"]);
    assert_eq!(told.status, Some(1));
    assert!(told.stderr.contains("outside its 40x40 sensor, at byte "), "{}", told.stderr);
    let told = tell(["info", &named, "--geometry", "wide"]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("expected WIDTHxHEIGHT"), "{}", told.stderr);
}

#[test]
fn what_comes_before_the_place_where_a_file_is_cut_is_processed() {
    let folder = Folder::new();
    let network = folder.network().display().to_string();
    let whole = fs::read(folder.texture()).unwrap();
    let cut = folder.write("cut.es", &whole[..whole.len() - 2]).display().to_string();
    let told = tell(["run", &network, &cut]);
    assert_refused(&told, 1, &[&cut, "is cut: at byte "]);
    let events: usize =
        told.value("events").split(" in ").next().unwrap().replace(' ', "").parse().unwrap();
    assert_eq!(events, texture().len() - 1);
    assert!(told.value("digest").starts_with("sha256:"));
}

#[test]
fn an_event_out_of_order_is_named_and_can_be_let_in() {
    let folder = Folder::new();
    let network = folder.network().display().to_string();
    let mut events = texture();
    let sorted = folder.evt2("sorted.raw", Some(SENSOR), &events).display().to_string();
    let swapped = events.windows(2).position(|pair| pair[0].t_us + 40 < pair[1].t_us).unwrap();
    events.swap(swapped, swapped + 1);
    let file = folder.evt2("swapped.raw", Some(SENSOR), &events).display().to_string();
    let told = tell(["run", &network, &file]);
    let t_us = events[swapped + 1].t_us.to_string();
    assert_refused(&told, 1, &[&format!("is at {t_us} µs"), "--reorder"]);
    let told = tell(["run", &network, &file, "--reorder", "4000"]).done();
    assert_eq!(told.value("digest"), tell(["run", &network, &sorted]).done().value("digest"));
}

#[test]
fn networks_that_are_not_there_are_named() {
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let told = tell(["run", "moton", &recording]);
    assert_refused(&told, 2, &["no network \"moton\"", "motion", "spiked networks"]);
    let told = tell(["run", "./nowhere", &recording]);
    assert_refused(&told, 2, &["./nowhere: no such file or folder"]);
    let told = tell(["run", "quadrant", &recording, "--networks", "/nowhere"]);
    assert_refused(&told, 1, &["/nowhere"]);
    let networks = {
        folder.network();
        folder.path("nets").display().to_string()
    };
    let told = tell(["run", "quadrant", &recording, "--networks", &networks]);
    assert_refused(&told, 2, &["\"camera\"", "--port"]);
}

#[test]
fn a_network_that_cannot_run_says_where() {
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let text = "name = \"x\"\ntick = \"1 parsec\"\n";
    let file = folder.write("x.toml", text).display().to_string();
    assert_refused(&tell(["run", &file, &recording]), 1, &["x.toml", "tick"]);
    assert_refused(&tell(["check", &file]), 1, &["x.toml", "tick"]);
    let network = folder.network().display().to_string();
    let told = tell(["check", &network, "--geometry", "48x32"]).done();
    assert!(told.stdout.starts_with("quadrant would run\n"), "{}", told.stdout);
    // The state of four times the pixels takes more; kernels are shared, so the plan hardly does.
    let larger = tell(["check", &network, "--geometry", "96x64"]).done();
    let bytes = |told: &Told, name: &str| -> u64 {
        let (figure, _) = told.value(name).split_once(" bytes").expect("bytes");
        figure.replace(' ', "").parse().expect("a number")
    };
    assert!(bytes(&told, "plan memory") > 1_000, "{}", told.stdout);
    assert!(bytes(&larger, "session memory") > bytes(&told, "session memory"));
}

#[test]
fn a_daemon_that_is_not_there_and_an_address_that_is_none() {
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let told = tell(["run", "motion", &recording, "--address", &address]);
    let expected = format!("no daemon answers at {address}; start one with `spiked serve`");
    assert_refused(&told, 1, &[&expected]);
    let told = tell(["run", "motion", &recording, "--address", "robot"]);
    assert_refused(&told, 2, &["\"robot\" is no address"]);
}

#[test]
fn output_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let network = folder.network().display().to_string();
    let out = folder.path("no/such/folder.csv").display().to_string();
    let said = format!("cannot write {out}: ");
    assert_refused(&tell(["run", &network, &recording, "-o", &out]), 1, &[&said]);
    assert_refused(&tell(["convert", &recording, &out]), 1, &[&said]);
}

#[test]
fn a_recording_for_a_network_without_inputs_and_none_for_one_with_them() {
    let folder = Folder::new();
    for (network, name) in [("motion", "motion"), ("delay-line", "delay-line")] {
        let told = tell(["run", network, "--for", "1s"]);
        let said = format!("network {name:?} has input ports: --for is for those without");
        assert_refused(&told, 2, &[&said, "give it a recording"]);
    }
    let recording = folder.texture().display().to_string();
    let told = tell(["run", "brunel", &recording]);
    assert_refused(&told, 2, &["\"camera\"", "a network without any runs with --for 10s"]);
    let told = tell(["run", "brunel", "--for", "1s", "--threads", "64"]);
    if told.status == Some(2) {
        assert_refused(&told, 2, &["open.workers: 64 where "]);
    }
    let text = "population.one = { shape = 1, neuron = { poisson.rate = \"5 Hz\" } }\n";
    let network = folder.write("one.toml", text).display().to_string();
    let told = tell(["run", &network, "--for", "1s", "--threads", "2"]);
    // Where there is one processor only, that is said first.
    assert_refused(&told, 2, &["open.workers: 2 w"]);
}

#[test]
fn arguments_that_make_no_sense_are_misuse() {
    for arguments in [
        &["run", "motion", "x.es", "--speed", "fast"][..],
        &["run", "motion", "x.es", "--batch", "0"],
        &["run", "motion"],
        &["run", "motion", "x.es", "--for", "1s"],
        &["run", "brunel", "--for", "10"],
        &["run", "brunel", "--for", "0s"],
        &["run", "brunel", "--for", "1s", "--speed", "1x"],
        &["run", "brunel", "--for", "1s", "--threads", "0"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--threads", "0"],
        &["dance"],
        &[],
    ] {
        let told = tell(arguments);
        assert_eq!(told.status, Some(2), "{arguments:?}: {}", told.stderr);
        assert!(!told.stderr.is_empty());
    }
    for arguments in [&["--help"][..], &["--version"], &["run", "--help"]] {
        assert!(!tell(arguments).done().stdout.is_empty());
    }
}
