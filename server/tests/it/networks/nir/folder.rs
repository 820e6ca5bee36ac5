//! Bare NIR files in the folder of networks.

use std::fs;

use spiked_server::networks::{Error, Repository};

use super::writer::{file, input, integrators, output};

fn bytes() -> Vec<u8> {
    let nodes = [input(&[2.0]), integrators("out", 2, 1e4, 0.5), output()];
    file(&nodes, &[("input", "out"), ("out", "output")])
}

/// The name says how it is read; a text beside it says it too, and is then the network.
#[test]
fn a_bare_file_is_a_network_whose_name_says_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("trained.snntorch.nir", &bytes());
    put("v1.2.snntorch-subtract.nir", &bytes());
    put("silent.nir", &bytes());
    put("told.nir", &bytes());
    put("told.toml", b"nir = { file = \"told.nir\", profile = \"euler\" }");
    put("damaged.euler.nir", b"no graph");
    let repository = Repository::open(Some(folder.path())).unwrap();
    let listed = repository.list();
    let find = |name: &str| {
        let mut found = listed.iter().filter(|info| info.name == name);
        let (one, more) = (found.next().unwrap_or_else(|| panic!("{name}")), found.next());
        assert!(more.is_none(), "{name} once");
        one
    };
    for name in ["trained", "v1.2", "told"] {
        let info = find(name);
        assert_eq!((info.version.as_str(), &info.problem), ("1", &None));
        assert!(repository.plan(name, "", &[]).is_ok());
    }
    let notes = |name: &str| find(name).notes.concat();
    assert!(notes("trained").contains("snntorch"), "{}", notes("trained"));
    assert_ne!(notes("trained"), notes("v1.2"));
    let problem = find("silent").problem.clone().unwrap();
    assert!(problem.contains("call it silent.PROFILE.nir, or name it in a text"), "{problem}");
    assert!(matches!(repository.plan("silent", "", &[]), Err(Error::Invalid { .. })));
    assert!(find("damaged").problem.as_ref().unwrap().contains("damaged.euler.nir"));
}
