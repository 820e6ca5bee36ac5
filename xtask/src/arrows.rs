//! The arrows between our crates: which may depend on which.
//!
//! Messages know nothing of the simulation, the simulation knows nothing of anybody, and clients
//! meet the server on the wire alone; only the one binary links both ends. Tests and benchmarks
//! of the simulation and the server may in addition use what makes events. A crate without a line
//! in this table is a violation, so that a new one gets its place on purpose.

use crate::workspace::{Crate, DependencyKind};

/// A crate, what it may be built from, and what its tests and benchmarks may use besides.
struct Rule {
    from: &'static str,
    may_use: &'static [&'static str],
    tests_may_use: &'static [&'static str],
}

/// For the tests of what reads bytes of strangers.
const FUZZ: &[&str] = &["spiked-fuzz"];
/// Sources of events, and of hostile bytes, for the tests of what takes events in.
const SOURCES: &[&str] = &["spiked-sensors", "spiked-recordings", "spiked-client", "spiked-fuzz"];

const RULES: &[Rule] = &[
    Rule { from: "spiked-proto", may_use: &[], tests_may_use: FUZZ },
    Rule { from: "sim-core", may_use: &[], tests_may_use: SOURCES },
    Rule { from: "sim-core-digest", may_use: &["sim-core"], tests_may_use: &[] },
    // Compiles some of sim-core's files itself, and is linked with nobody.
    Rule { from: "sim-core-models", may_use: &[], tests_may_use: &[] },
    Rule { from: "spiked-server", may_use: &["spiked-proto", "sim-core"], tests_may_use: SOURCES },
    Rule { from: "spiked-client", may_use: &["spiked-proto"], tests_may_use: FUZZ },
    Rule { from: "spiked-recordings", may_use: &["spiked-proto"], tests_may_use: FUZZ },
    Rule { from: "spiked-sensors", may_use: &["spiked-proto"], tests_may_use: &[] },
    Rule {
        from: "spiked-load",
        may_use: &["spiked-client", "spiked-recordings", "spiked-sensors"],
        tests_may_use: &[],
    },
    Rule {
        from: "spiked",
        may_use: &[
            "spiked-proto",
            "sim-core",
            "spiked-server",
            "spiked-client",
            "spiked-recordings",
            "spiked-sensors",
            "spiked-load",
        ],
        tests_may_use: FUZZ,
    },
    Rule {
        from: "spiked-python",
        may_use: &["spiked-client", "spiked-recordings"],
        tests_may_use: &[],
    },
    Rule { from: "spiked-fuzz", may_use: &[], tests_may_use: &[] },
    Rule { from: "xtask", may_use: &[], tests_may_use: &[] },
];

/// Every dependency among these crates that the table doesn't allow, with the file it stands in.
pub(crate) fn violations(crates: &[Crate]) -> Vec<String> {
    crates.iter().flat_map(|from| violations_from(from, crates)).collect()
}

fn violations_from(from: &Crate, crates: &[Crate]) -> Vec<String> {
    let manifest = from.manifest_path.display();
    let Some(rule) = RULES.iter().find(|rule| rule.from == from.name) else {
        return vec![format!("{} has no line in the table of arrows, {manifest}", from.name)];
    };
    let ours = |name: &str| crates.iter().any(|other| other.name == name);
    let arrows = from.dependencies.iter().filter(|to| ours(&to.name));
    arrows
        .filter(|to| !rule.allows(&to.name, to.kind))
        .map(|to| format!("{} -> {} under {}, {manifest}", from.name, to.name, table(to.kind)))
        .collect()
}

impl Rule {
    fn allows(&self, to: &str, kind: Option<DependencyKind>) -> bool {
        let in_tests = kind == Some(DependencyKind::Dev);
        self.may_use.contains(&to) || (in_tests && self.tests_may_use.contains(&to))
    }
}

/// The table of `Cargo.toml` that a kind of dependency stands in.
fn table(kind: Option<DependencyKind>) -> &'static str {
    match kind {
        None => "[dependencies]",
        Some(DependencyKind::Dev) => "[dev-dependencies]",
        Some(DependencyKind::Build) => "[build-dependencies]",
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::workspace::{Dependency, Workspace};

    fn depending(name: &str, on: &[(&str, Option<DependencyKind>)]) -> Crate {
        let dependency = |&(name, kind): &(&str, _)| Dependency { name: String::from(name), kind };
        Crate {
            name: name.to_owned(),
            manifest_path: PathBuf::from(format!("{name}/Cargo.toml")),
            dependencies: on.iter().map(dependency).collect(),
            targets: Vec::new(),
        }
    }

    const DEV: Option<DependencyKind> = Some(DependencyKind::Dev);
    const BUILD: Option<DependencyKind> = Some(DependencyKind::Build);

    #[test]
    fn the_arrows_of_the_house_are_allowed() {
        let crates = [
            depending("spiked-proto", &[("prost", None), ("proptest", DEV)]),
            depending("sim-core", &[("spiked-sensors", DEV), ("spiked-client", DEV)]),
            depending("spiked-server", &[("sim-core", None), ("spiked-recordings", DEV)]),
            depending("spiked-client", &[("spiked-proto", None)]),
            depending("spiked-recordings", &[("spiked-proto", BUILD)]),
            depending("spiked-sensors", &[("spiked-proto", DEV)]),
            depending("spiked", &[("spiked-server", None), ("sim-core", None)]),
            depending("xtask", &[("clap", None)]),
        ];
        assert_eq!(violations(&crates), [""; 0]);
    }

    /// Catches a check that takes any kind of dependency for one of tests.
    #[test]
    fn an_arrow_for_tests_is_for_tests_alone() {
        for kind in [None, BUILD] {
            let sensors = depending("spiked-sensors", &[]);
            let crates = [depending("sim-core", &[("spiked-sensors", kind)]), sensors];
            assert_eq!(violations(&crates).len(), 1, "{kind:?}");
        }
    }

    /// Catches a check that looks at the first dependency, or at one kind of them.
    #[test]
    fn a_forbidden_arrow_is_named_with_its_file() {
        let metadata = r#"{
            "workspace_root": "/r", "target_directory": "/r/target", "packages": [
            {"name": "sim-core", "manifest_path": "/r/sim-core/Cargo.toml", "targets": [],
             "dependencies": [
                {"name": "libm", "kind": null, "rename": null},
                {"name": "spiked-proto", "kind": null, "rename": "proto", "path": "/r/proto"},
                {"name": "spiked-server", "kind": "dev"},
                {"name": "xtask", "kind": "build"}]},
            {"name": "spiked-proto", "manifest_path": "/r/proto/Cargo.toml", "targets": [],
             "dependencies": []},
            {"name": "spiked-server", "manifest_path": "/r/server/Cargo.toml", "targets": [],
             "dependencies": []},
            {"name": "xtask", "manifest_path": "/r/xtask/Cargo.toml", "targets": [],
             "dependencies": []}
        ]}"#;
        let workspace: Workspace = serde_json::from_str(metadata).unwrap();
        let expected = [
            "sim-core -> spiked-proto under [dependencies], /r/sim-core/Cargo.toml",
            "sim-core -> spiked-server under [dev-dependencies], /r/sim-core/Cargo.toml",
            "sim-core -> xtask under [build-dependencies], /r/sim-core/Cargo.toml",
        ];
        assert_eq!(violations(&workspace.crates), expected);
    }

    #[test]
    fn a_crate_without_a_line_is_a_violation() {
        let found = violations(&[depending("newcomer", &[])]);
        assert_eq!(found, ["newcomer has no line in the table of arrows, newcomer/Cargo.toml"]);
    }
}
