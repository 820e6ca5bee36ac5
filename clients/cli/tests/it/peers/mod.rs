//! Files that we write are read by others' libraries, which the tests install: faery, dv-processing,
//! expelliarmus, event_stream and NumPy find the same events in them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{
    files::{Folder, texture},
    process::tell,
};

/// Pinned: what others read is compared with, and must not change by itself.
const PACKAGES: [&str; 5] = [
    "faery==0.7.1",
    "dv-processing==2.0.4",
    "expelliarmus==1.1.12",
    "event_stream==1.6.3",
    "numpy==2.4.6",
];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/peers/read.py");

/// The Python that has the libraries; or why there is none.
fn python() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
        let python = folder.join("bin/python");
        if !python.exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        }
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(install.args(PACKAGES))?;
        Ok(python)
    });
    python.as_deref().map_err(String::as_str)
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr).lines().last().unwrap_or_default().to_owned()),
    }
}

/// Converts a recording and has a library read it.
fn read_back(test: &str, library: &str, files: &[(&str, &[&str])]) {
    let python = match python() {
        Ok(python) => python,
        #[expect(clippy::print_stderr, reason = "a skip must be seen")]
        Err(why) => {
            return eprintln!("SKIPPED peers::{test}: the libraries cannot be installed: {why}");
        }
    };
    let events = texture();
    let sum = |of: fn(&spiked_recordings::CameraEvent) -> u64| events.iter().map(of).sum::<u64>();
    let expected = format!(
        "{} {} {} {} {} {}",
        events.len(),
        sum(|event| event.x.into()),
        sum(|event| event.y.into()),
        sum(|event| event.on.into()),
        events[0].t_us,
        events[events.len() - 1].t_us,
    );
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    for (name, more) in files {
        let file = folder.path(name).display().to_string();
        tell([&["convert", &recording, &file], *more].concat()).done();
        let read = run(Command::new(python).args([SCRIPT, library, &file]));
        assert_eq!(read.as_deref(), Ok(expected.as_str()), "{library} on {name} {more:?}");
    }
}

#[test]
fn faery_reads_every_format_that_it_knows() {
    read_back(
        "faery_reads_every_format_that_it_knows",
        "faery",
        &[
            ("a.raw", &[]),
            ("b.raw", &["--to", "evt2"]),
            ("c.dat", &[]),
            ("d.aedat4", &[]),
            ("e.aedat4", &["--compression", "zstd"]),
            ("f.aedat4", &["--compression", "none"]),
            ("g.es", &[]),
            ("h.csv", &[]),
        ],
    );
}

#[test]
fn dv_processing_reads_aedat4_in_every_compression() {
    read_back(
        "dv_processing_reads_aedat4_in_every_compression",
        "dv_processing",
        &[
            ("a.aedat4", &[]),
            ("b.aedat4", &["--compression", "zstd"]),
            ("c.aedat4", &["--compression", "none"]),
        ],
    );
}

#[test]
fn expelliarmus_reads_evt2_and_dat() {
    let test = "expelliarmus_reads_evt2_and_dat";
    read_back(test, "expelliarmus_evt2", &[("a.raw", &["--to", "evt2"])]);
    read_back(test, "expelliarmus_dat", &[("b.dat", &[])]);
}

#[test]
fn event_stream_reads_es() {
    read_back("event_stream_reads_es", "event_stream", &[("a.es", &[])]);
}

#[test]
fn numpy_loads_the_arrays() {
    read_back("numpy_loads_the_arrays", "numpy", &[("a.npz", &[])]);
}
