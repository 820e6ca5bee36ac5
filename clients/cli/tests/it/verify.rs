//! `spiked verify`, and `.nir` files where a network is asked for.

use std::path::PathBuf;

use crate::{files::Folder, process::tell};

fn shared(test: &str, name: &str) -> Option<String> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/nir").join(name);
    if path.exists() {
        return Some(path.display().to_string());
    }
    #[expect(clippy::print_stderr, reason = "a skip must be seen")]
    {
        eprintln!("SKIPPED verify::{test}: {} is not there", path.display());
    }
    None
}

fn pair(test: &str, name: &str) -> Option<[String; 2]> {
    Some([shared(test, &format!("{name}.nir"))?, shared(test, &format!("{name}_io.npz"))?])
}

#[test]
fn finds_the_profile_that_reproduces_a_recording() {
    let test = "finds_the_profile_that_reproduces_a_recording";
    for (name, profiles) in
        [("ff_lif_snntorch", &["euler", "snntorch"][..]), ("ff_lif_norse", &["norse"][..])]
    {
        let Some([file, io]) = pair(test, name) else { return };
        let told = tell(["verify", &file, "--io", &io]).done();
        let found: Vec<&str> = told
            .stdout
            .lines()
            .filter(|line| line.ends_with("reproduces every spike"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(found, profiles, "{}", told.stdout);
    }
}

#[test]
fn names_the_first_difference_of_a_profile_that_does_not() {
    let test = "names_the_first_difference_of_a_profile_that_does_not";
    let Some([file, io]) = pair(test, "ff_lif_snntorch") else { return };
    let told = tell(["verify", &file, "--io", &io, "--profile", "sinabs"]);
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    let first = told.value("first difference");
    for part in ["sinabs, node \"1\", unit ", ", step ", " expected, ", " came"] {
        assert!(first.contains(part), "{first}");
    }
    let told = tell(["verify", &file, "--io", &io, "--profile", "sinabs", "--json"]);
    assert_eq!(told.status, Some(1));
    let json: serde_json::Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(json["profile"], serde_json::Value::Null);
    assert_eq!(json["profiles"][0]["first"]["node"], "1", "{json}");
}

#[test]
fn misuse_is_one_line_and_status_2() {
    let test = "misuse_is_one_line_and_status_2";
    let Some([file, io]) = pair(test, "ff_lif_snntorch") else { return };
    let Some(other) = shared(test, "lif_norse.nir") else { return };
    for (arguments, said) in [
        (vec!["verify", &io, "--io", &io], "is no HDF5 file"),
        (vec!["verify", &file, "--io", &file], "is no .npz file"),
        (vec!["verify", "gone.nir", "--io", &io], "gone.nir: cannot be read"),
        (vec!["verify", &other, "--io", &io], "input has 20 channels where the network has 1"),
        (vec!["check", &file], "say how it is meant to be read"),
        (vec!["verify", &file, "--io", &io, "--profile", "torch"], "no profile \"torch\""),
    ] {
        let told = tell(&arguments);
        assert_eq!(told.status, Some(2), "{arguments:?}: {}", told.stderr);
        assert!(told.stderr.contains(said), "{arguments:?}: {}", told.stderr);
        assert_eq!(told.stdout, "");
    }
}

/// Also as a network of a folder, whose text says how it is read.
#[test]
fn what_was_assumed_is_told() {
    let test = "what_was_assumed_is_told";
    let Some(file) = shared(test, "ff_lif_norse.nir") else { return };
    let told = tell(["check", &file, "--profile", "norse", "--step", "1ms"]).done();
    assert!(told.stdout.contains("note  profile norse, step 1000 us"), "{}", told.stdout);

    let folder = Folder::new();
    let trained = folder.path("nets/trained");
    std::fs::create_dir_all(&trained).expect("a folder");
    std::fs::copy(&file, trained.join("a.nir")).expect("a copy");
    let text = "nir = { file = \"a.nir\", profile = \"norse\", step = \"1 ms\" }\n";
    std::fs::write(trained.join("network.toml"), text).expect("a file");
    let nets = folder.path("nets").display().to_string();
    let described = tell(["networks", "trained", "--networks", &nets]).done();
    assert!(described.stdout.contains("note  profile norse, step 1000 us"), "{}", described.stdout);
    assert_eq!(told.value("plan"), described.value("plan"));
}

/// A `.npy` file of doubles, [step, unit].
fn npy(shape: [u64; 2], numbers: &[f64]) -> Vec<u8> {
    let [steps, units] = shape;
    let header =
        format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({steps}, {units}), }}\n");
    let length = u16::try_from(header.len()).expect("short").to_le_bytes();
    let numbers: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00", length.as_slice(), header.as_bytes(), &numbers].concat()
}

/// Two places are altered, the later one first in the order of units: the earlier step is named.
/// Seen to fail with steps told from 1.
#[test]
fn names_the_node_unit_and_step_that_were_altered() {
    use std::io::Write as _;

    let test = "names_the_node_unit_and_step_that_were_altered";
    let Some([file, io]) = pair(test, "ff_lif_snntorch") else { return };
    let recorded = std::fs::read(io).expect("a recording");
    let folder = Folder::new();
    for (array, node, unit, step) in [("spikes", "3", 7, 61), ("hidden_spikes", "1", 33, 17)] {
        let mut expected = 0.0;
        let path = folder.path(&format!("{array}.npz"));
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
        for name in ["input", "hidden_spikes", "spikes"] {
            let (shape, mut numbers) = spiked_server::networks::text::npz_array(&recorded, name)
                .expect("read")
                .expect(name);
            let units = usize::try_from(shape[1]).expect("few");
            if name == array {
                for (unit, step) in [(unit, step), (0, step + 9)] {
                    let number = &mut numbers[step * units + unit];
                    *number = 1.0 - *number;
                }
                expected = numbers[step * units + unit];
            }
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(format!("{name}.npy"), options).expect("an entry");
            archive.write_all(&npy([shape[0].into(), shape[1].into()], &numbers)).expect("written");
        }
        archive.finish().expect("an archive");
        let path = path.display().to_string();
        let told = tell(["verify", &file, "--io", &path, "--profile", "snntorch"]);
        assert_eq!(told.status, Some(1), "{}", told.stderr);
        assert_eq!(told.value("snntorch"), "differs in 2 places");
        let first = format!(
            "snntorch, node {node:?}, unit {unit}, step {step}: {expected} expected, {} came",
            1.0 - expected
        );
        assert_eq!(told.value("first difference"), first);
    }
}
