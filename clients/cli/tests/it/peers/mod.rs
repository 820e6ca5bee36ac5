//! Files that we write are read by others' libraries, which the tests install: faery, dv-processing,
//! expelliarmus, evt3, event_stream and NumPy find the same events in them: two of
//! them in each format but NumPy's own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use sha2::{Digest as _, Sha256};
use spiked_client::hex;
use spiked_recordings::CameraEvent;

use crate::{
    files::{Folder, texture},
    process::tell,
};

/// Pinned: what others read is compared with, and must not change by itself.
const PACKAGES: [&str; 6] = [
    "faery==0.7.1",
    "dv-processing==2.0.4",
    "expelliarmus==1.1.12",
    "evt3==0.4.1",
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

/// What a library reads: count, sums, times and a digest of the events; nothing where there is no library,
/// which is told.
fn read(test: &str, library: &str, file: &Path) -> Option<Result<String, String>> {
    let python = match python() {
        Ok(python) => python,
        #[expect(clippy::print_stderr, reason = "a skip must be seen")]
        Err(why) => {
            eprintln!("SKIPPED peers::{test}: the libraries cannot be installed: {why}");
            return None;
        }
    };
    Some(run(Command::new(python).args([SCRIPT, library]).arg(file)))
}

/// What a library has to read of the texture.
fn expected() -> String {
    let events = texture();
    let sum = |of: fn(&CameraEvent) -> u64| events.iter().map(of).sum::<u64>();
    let mut digest = Sha256::new();
    for &CameraEvent { t_us, x, y, on } in &events {
        for number in [t_us, x.into(), y.into(), on.into()] {
            digest.update(number.to_le_bytes());
        }
    }
    format!(
        "{} {} {} {} {} {} {}",
        events.len(),
        sum(|event| event.x.into()),
        sum(|event| event.y.into()),
        sum(|event| event.on.into()),
        events[0].t_us,
        events[events.len() - 1].t_us,
        hex(&digest.finalize()),
    )
}

/// Converts the texture; where the file is.
fn convert(folder: &Folder, name: &str, more: &[&str]) -> PathBuf {
    let (recording, file) = (folder.texture(), folder.path(name));
    let texts = [&recording, &file].map(|path| path.display().to_string());
    tell([&["convert", &texts[0], &texts[1]], more].concat()).done();
    file
}

/// Converts a recording and has a library read it.
fn read_back(test: &str, library: &str, files: &[(&str, &[&str])]) {
    let folder = Folder::new();
    for (name, more) in files {
        let file = convert(&folder, name, more);
        let Some(told) = read(test, library, &file) else { return };
        assert_eq!(told, Ok(expected()), "{library} on {name} {more:?}");
    }
}

/// One bit of one word, one digit of one line.
#[test]
fn a_wrong_word_is_noticed_by_whoever_reads() {
    let test = "a_wrong_word_is_noticed_by_whoever_reads";
    let folder = Folder::new();
    for (name, libraries) in [("a.raw", ["faery", "evt3"]), ("a.csv", ["faery", "numpy_lines"])] {
        let file = convert(&folder, name, &[]);
        let mut bytes = fs::read(&file).expect("a file");
        // The column of the last event, or its polarity.
        let at = bytes.len() - 2;
        bytes[at] ^= 1;
        fs::write(&file, bytes).expect("written");
        for library in libraries {
            let Some(told) = read(test, library, &file) else { return };
            assert_ne!(told.expect("it is read"), expected(), "{library} on {name}");
        }
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

/// Not expelliarmus, whose EVT3 goes astray with every TIME_HIGH (its issue 19).
#[test]
fn evt3_reads_evt3() {
    read_back("evt3_reads_evt3", "evt3", &[("a.raw", &[])]);
}

#[test]
fn event_stream_reads_es() {
    read_back("event_stream_reads_es", "event_stream", &[("a.es", &[])]);
}

#[test]
fn numpy_loads_the_arrays() {
    read_back("numpy_loads_the_arrays", "numpy", &[("a.npz", &[])]);
}

#[test]
fn numpy_reads_the_lines() {
    read_back("numpy_reads_the_lines", "numpy_lines", &[("a.csv", &[])]);
}
