//! The repository: a folder, the binary and clients; names, versions, sizes, and what is refused.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sim_core::network::SensorSize;
use spiked_server::config::NetworksMode;
use spiked_server::networks::text::Described;
use spiked_server::networks::{Error, Repository};

use super::read;

const ECHO: &str = "input.line.channels = 2\n\
     population.echo = { shape = 2, neuron.accumulator.threshold = 1.0 }\n\
     projection.hold = { from = \"line\", to = \"echo\", one_to_one.weight = 1.0 }\n";
const LOOK: &str = "input.camera.sensor = \"any\"\n\
     population.seen = { shape = [2, \"camera.height\", \"camera.width\"], neuron.lif = {} }\n\
     projection.look = { from = \"camera\", to = \"seen\", one_to_one.weight = 1.0 }\n";

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn size(width: u32, height: u32) -> SensorSize {
    SensorSize { width, height }
}

fn camera(width: u32, height: u32) -> Vec<(String, SensorSize)> {
    vec![("camera".into(), size(width, height))]
}

fn described(name: &str, text: &str) -> Described {
    read(&format!("name = \"{name}\"\n{text}")).unwrap_or_else(|error| panic!("{error}"))
}

/// Uploads and loads.
fn load(repository: &Repository, described: &Described, version: &str) -> Result<String, Error> {
    for blob in described.blobs.values() {
        repository.blobs().insert(blob)?;
    }
    repository.load(&described.network, version).map(|info| info.version)
}

#[test]
fn a_folder_holds_files_folders_and_versions_and_hides_what_comes_along() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "single.toml", ECHO);
    write(folder.path(), "whole/network.toml", ECHO);
    write(folder.path(), "many/9/network.toml", ECHO);
    write(folder.path(), "many/10/network.toml", &format!("description = \"newest\"\n{ECHO}"));
    write(folder.path(), "motion/0/network.toml", &format!("description = \"mine\"\n{ECHO}"));
    write(folder.path(), "notes/readme.md", "no network");
    write(folder.path(), ".git/network.toml", "no network either");
    let repository = Repository::open(Some(folder.path())).unwrap();
    let listed = repository.list();
    let find = |name: &str| -> Vec<&str> {
        let versions = listed.iter().filter(|info| info.name == name);
        versions.map(|info| info.version.as_str()).collect()
    };
    assert!(listed.iter().all(|info| info.problem.is_none()), "{listed:#?}");
    assert_eq!(find("single"), ["1"]);
    assert_eq!(find("whole"), ["1"]);
    assert_eq!(find("many"), ["9", "10"]);
    assert_eq!(find("notes"), [""; 0]);
    assert_eq!(find("motion-full"), ["1"]);
    // Not the newer one of the binary beside it.
    assert_eq!(find("motion"), ["0"]);
    let mine = listed.iter().find(|info| info.name == "motion").unwrap();
    assert_eq!(mine.description, "mine");
    assert_eq!(repository.plan("many", "", &[]).unwrap().version, "10");
    assert_eq!(repository.plan("many", "9", &[]).unwrap().version, "9");
}

/// Catches a repository that fails as a whole, and one that leaves the broken network out.
#[test]
fn a_broken_network_is_listed_with_its_problem_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "right.toml", ECHO);
    write(folder.path(), "broken.toml", "tick = 1\n");
    write(folder.path(), "named.toml", &format!("name = \"other\"\n{ECHO}"));
    write(folder.path(), "core.toml", &ECHO.replace("threshold = 1.0", "threshold = -1.0"));
    write(folder.path(), "bad name.toml", ECHO);
    let repository = Repository::open(Some(folder.path())).unwrap();
    assert!(repository.plan("right", "", &[]).is_ok());
    for (name, expected) in [
        ("broken", "tick: 1 needs a unit: write \"1 ms\" ("),
        ("named", "\"other\" is not what its folder is called, \"named\" ("),
        // The core's own words, with the place in the text.
        ("core", "core.toml:2)"),
        ("bad name", "is no name"),
    ] {
        let listed = repository.list();
        let info = listed.iter().find(|info| info.name == name).unwrap();
        let problem = info.problem.as_deref().unwrap();
        assert!(problem.contains(expected), "{name}: {problem}");
        let error = repository.plan(name, "", &[]).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }
}

#[test]
fn a_folder_that_is_missing_is_an_error_of_its_own() {
    let error = Repository::open(Some(Path::new("no/such/folder"))).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if path == "no/such/folder"), "{error}");
}

#[test]
fn an_unknown_network_suggests_what_was_meant() {
    let repository = Repository::open(None).unwrap();
    for (name, version, expected) in [
        ("motoin", "", "no network \"motoin\", did you mean \"motion\"?"),
        ("whiskers", "", "no network \"whiskers\""),
        ("motion", "2", "network \"motion\" has no version \"2\": 1"),
    ] {
        let error = repository.plan(name, version, &[]).unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }));
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn sensor_sizes_are_those_that_the_network_asks_for() {
    let repository = Repository::open(None).unwrap();
    let fixed = LOOK.replace("any", "8x6");
    for (name, text) in [("look", LOOK), ("fixed", fixed.as_str()), ("echo", ECHO)] {
        load(&repository, &described(name, text), "").unwrap();
    }
    let twice = [camera(8, 6), camera(8, 6)].concat();
    let misspelt = vec![("kamera".to_owned(), size(8, 6))];
    let channels = vec![("line".to_owned(), size(8, 6))];
    for (name, sensors, expected) in [
        ("look", Vec::new(), "input \"camera\" of network \"look\" takes any sensor: say its size"),
        ("look", camera(0, 6), "cannot be 0x6: 1 to 32768 pixels across and down"),
        ("look", twice, "was given a size twice"),
        (
            "look",
            misspelt,
            "input \"kamera\" of network \"look\" does not exist, did you mean \"camera\"?",
        ),
        ("fixed", camera(6, 8), "input \"camera\" of network \"fixed\" is 8x6, not 6x8"),
        ("echo", channels, "has channels, and no sensor's size"),
    ] {
        let error = repository.plan(name, "", &sensors).unwrap_err();
        assert!(matches!(error, Error::SensorSize { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    for (name, sensors) in [("look", camera(8, 6)), ("fixed", camera(8, 6)), ("fixed", Vec::new())]
    {
        repository.plan(name, "", &sensors).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Catches a key without the sizes: two cameras need two plans.
#[test]
fn sessions_with_the_same_sensors_share_a_plan() {
    let repository = Repository::open(None).unwrap();
    load(&repository, &described("look", LOOK), "").unwrap();
    let plan = |width| repository.plan("look", "", &camera(width, 6)).unwrap().plan;
    let first = plan(8);
    assert!(Arc::ptr_eq(&first, &plan(8)));
    assert!(!Arc::ptr_eq(&first, &plan(9)));
    assert_ne!(first.hash(), plan(9).hash());
    // Forty others later it has been forgotten, and comes out the same.
    for width in 10..50 {
        plan(width);
    }
    assert!(!Arc::ptr_eq(&first, &plan(8)));
    assert_eq!(first.hash(), plan(8).hash());
}

#[test]
fn a_network_never_changes_under_its_name_and_version() {
    let repository = Repository::open(None).unwrap();
    let echo = described("echo", ECHO);
    assert_eq!(load(&repository, &echo, "").unwrap(), "1");
    assert_eq!(load(&repository, &echo, "1").unwrap(), "1", "the same again is harmless");
    let other = described("echo", &ECHO.replace("weight = 1.0", "weight = 2.0"));
    let error = load(&repository, &other, "").unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(load(&repository, &other, "2").unwrap(), "2");
    assert_eq!(repository.plan("echo", "", &[]).unwrap().version, "2");
    let error = load(&repository, &echo, "a b").unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error}");
}

#[test]
fn a_network_is_judged_before_it_is_kept_and_a_dry_run_keeps_nothing() {
    let repository = Repository::open(None).unwrap();
    let bad = described("bad", &ECHO.replace("threshold = 1.0", "threshold = -1.0"));
    let error = load(&repository, &bad, "").unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error}");
    let problems = repository.dry_run(&bad.network, &[]).unwrap().unwrap_err();
    assert!(problems[0].field.starts_with("population.echo"), "{problems:?}");

    let look = described("look", LOOK);
    let (_, hash) = repository.dry_run(&look.network, &camera(8, 6)).unwrap().unwrap();
    assert!(matches!(repository.dry_run(&look.network, &[]), Err(Error::SensorSize { .. })));
    assert!(matches!(repository.plan("look", "", &[]), Err(Error::Unknown { .. })));
    load(&repository, &look, "").unwrap();
    let (info, _, described_hash) = repository.describe("look", "", &camera(8, 6)).unwrap();
    assert_eq!((info.name.as_str(), described_hash), ("look", hash));
}

#[test]
fn a_network_needs_its_arrays_when_it_is_loaded_and_not_after() {
    let repository = Repository::open(None).unwrap();
    let text =
        ECHO.replace("one_to_one.weight = 1.0", "synapses = [{ from = 0, to = 1, weight = 1.0 }]");
    let listed = described("listed", &text);
    let missing = repository.load(&listed.network, "").unwrap_err();
    assert!(matches!(missing, Error::Blob { .. }), "{missing}");
    assert!(matches!(repository.dry_run(&listed.network, &[]), Err(Error::Blob { .. })));
    load(&repository, &listed, "").unwrap();
    assert!(repository.plan("listed", "", &[]).is_ok());
}

/// What changes in the folder is followed when it is asked to; a plan that a session has stays.
#[test]
fn a_folder_is_followed_and_live_plans_stay() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "goes.toml", ECHO);
    write(folder.path(), "changes.toml", ECHO);
    let repository = Repository::open(Some(folder.path())).unwrap();
    let before = repository.plan("changes", "", &[]).unwrap().plan;
    assert!(!repository.follow().unwrap(), "nothing has changed");
    fs::remove_file(folder.path().join("goes.toml")).unwrap();
    write(folder.path(), "changes.toml", &ECHO.replace("threshold = 1.0", "threshold = 2.0"));
    write(folder.path(), "comes/2/network.toml", ECHO);
    write(folder.path(), "motion/0/network.toml", ECHO);
    assert!(repository.follow().unwrap());
    assert!(!repository.follow().unwrap(), "once");
    assert!(repository.plan("goes", "", &[]).is_err());
    assert_eq!(repository.plan("comes", "", &[]).unwrap().version, "2");
    assert_eq!(repository.plan("motion", "", &[]).unwrap().version, "0");
    let after = repository.plan("changes", "", &[]).unwrap().plan;
    assert_ne!(after.hash(), before.hash());
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(repository.follow().is_err());
    assert!(repository.plan("comes", "", &[]).is_ok(), "all stays as it was");
}

#[test]
fn a_network_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "many/9/network.toml", ECHO);
    write(folder.path(), "many/10/network.toml", ECHO);
    let repository = Repository::open(Some(folder.path())).unwrap();
    let live = repository.plan("many", "10", &[]).unwrap().plan;
    repository.unload("many", "").unwrap();
    assert_eq!(repository.plan("many", "", &[]).unwrap().version, "9");
    assert!(matches!(repository.unload("many", "10"), Err(Error::Unknown { .. })));
    repository.unload("many", "9").unwrap();
    assert!(matches!(repository.plan("many", "", &[]), Err(Error::Unknown { .. })));
    assert!(live.cost().neurons > 0, "a session's plan stays");
}

/// Only what was asked for is there; it stays as it was read until it is asked for again.
#[test]
fn a_folder_is_read_on_request() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "many/9/network.toml", ECHO);
    write(folder.path(), "many/10/network.toml", ECHO);
    write(folder.path(), "broken.toml", "tick = 1\n");
    let bytes = spiked_server::Limits::default().plan_bytes;
    let repository =
        Repository::bounded(Some(folder.path()), NetworksMode::Explicit, bytes).unwrap();
    assert!(matches!(repository.plan("many", "", &[]), Err(Error::Unknown { .. })));
    assert_eq!(repository.load_from_folder("many", "").unwrap().version, "10");
    assert_eq!(repository.plan("many", "", &[]).unwrap().version, "10");
    assert!(repository.plan("many", "9", &[]).is_err());
    let before = repository.plan("many", "10", &[]).unwrap().plan.hash();
    write(
        folder.path(),
        "many/10/network.toml",
        &ECHO.replace("threshold = 1.0", "threshold = 2.0"),
    );
    assert!(!repository.follow().unwrap(), "it is not followed");
    assert_eq!(repository.plan("many", "10", &[]).unwrap().plan.hash(), before);
    repository.load_from_folder("many", "10").unwrap();
    assert_ne!(repository.plan("many", "10", &[]).unwrap().plan.hash(), before);
    assert!(matches!(repository.load_from_folder("few", ""), Err(Error::Unknown { .. })));
    let broken = repository.load_from_folder("broken", "").unwrap_err().to_string();
    assert!(broken.contains("tick: 1 needs a unit"), "{broken}");
    let all = Repository::open(Some(folder.path())).unwrap();
    let refused = all.load_from_folder("many", "9").unwrap_err().to_string();
    assert!(refused.contains("not loaded by name in this mode"), "{refused}");
}

/// A client's network of a name that the folder has stays when the folder is read again. Seen to fail
/// with all of that name taken away.
#[test]
fn a_folder_that_is_read_again_hides_no_clients_network() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "echo.toml", ECHO);
    let repository = Repository::open(Some(folder.path())).unwrap();
    load(&repository, &described("echo", ECHO), "2").unwrap();
    write(folder.path(), "other.toml", ECHO);
    assert!(repository.follow().unwrap());
    assert_eq!(repository.plan("echo", "", &[]).unwrap().version, "2");
    assert!(repository.plan("echo", "1", &[]).is_ok());
    assert!(repository.plan("other", "", &[]).is_ok());
}
