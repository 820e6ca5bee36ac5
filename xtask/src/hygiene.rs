//! What no file of the repository may hold, and which Rust files have grown long.
//!
//! Names of package registries and absolute paths of somebody's machine make a clone depend on
//! where it was made. Forbidden words are put together from two halves here, so that this file
//! passes its own check. A long file is listed and no failure: there may be a reason for it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::cargo;

/// A Rust file past this many lines wants a reason.
const LINES_MAX: usize = 400;

const REGISTRY_HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("proxy.go", "lang.org"),
    concat!("deb.de", "bian.org"),
];

const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// What was found in the files of a repository.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Each fails the check.
    pub(crate) problems: Vec<String>,
    /// Rust files past the usual length, for information.
    pub(crate) long_files: Vec<String>,
}

/// Reads every file that git keeps or would keep.
pub(crate) fn inspect(root: &Path) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let mut clippy_settings = Vec::new();
    for path in repository_files(root)? {
        let file = root.join(&path);
        // What was deleted and not committed yet is still listed; a link has no content of its own.
        if !fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let content = fs::read(&file).with_context(|| format!("{path} can't be read"))?;
        let content = String::from_utf8_lossy(&content);
        findings.problems.extend(problems(&path, &content));
        findings.long_files.extend(too_long(&path, &content));
        if path == "clippy.toml" || path.ends_with("/clippy.toml") {
            clippy_settings.push((path, content.into_owned()));
        }
    }
    findings.problems.extend(settings_lost(&clippy_settings));
    Ok(findings)
}

fn repository_files(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut git = std::process::Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = cargo::output(&mut git).context("git can't list the files of the repository")?;
    let files: Vec<_> = listed.split_terminator('\0').map(str::to_owned).collect();
    ensure!(!files.is_empty(), "git lists no file of the repository");
    Ok(files)
}

/// The forbidden words of one file, each with its line.
fn problems(path: &str, content: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(content.lines()) {
        // Cargo itself writes where a crate comes from.
        if path == "Cargo.lock" && line.starts_with("source = \"registry+") {
            continue;
        }
        for host in REGISTRY_HOSTS.iter().filter(|&&host| line.contains(host)) {
            problems.push(format!("{path}:{number}: names the package registry {host}"));
        }
        for prefix in MACHINE_PATHS.iter().filter(|&&prefix| has_absolute_path(line, prefix)) {
            problems.push(format!("{path}:{number}: has a path of one machine, below {prefix}"));
        }
    }
    problems
}

/// Whether the prefix opens a path in this line; in `../a/prefix/b` it does not.
fn has_absolute_path(line: &str, prefix: &str) -> bool {
    let inside_a_path = |before: char| before.is_alphanumeric() || "._-~}$".contains(before);
    line.match_indices(prefix).any(|(at, _)| !line[..at].ends_with(inside_a_path))
}

fn too_long(path: &str, content: &str) -> Option<String> {
    let lines = content.lines().count();
    (path.ends_with(".rs") && lines > LINES_MAX).then(|| format!("{path}: {lines} lines"))
}

/// Clippy reads the nearest `clippy.toml` alone, so each must repeat what the root's says.
fn settings_lost(files: &[(String, String)]) -> Vec<String> {
    let root = files.iter().find(|(path, _)| path == "clippy.toml");
    let settings = root.map_or("", |(_, content)| content.as_str()).lines().map(str::trim);
    let settings = settings.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lost = settings.flat_map(|setting| {
        let without = files.iter().filter(move |(_, content)| !has_line(content, setting));
        without.map(move |(path, _)| format!("{path}: lacks the root's setting `{setting}`"))
    });
    lost.collect()
}

fn has_line(content: &str, wanted: &str) -> bool {
    content.lines().any(|line| line.trim() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a check of the first line alone, and one that stops at its first finding.
    #[test]
    fn a_registry_and_a_machine_path_are_named_with_their_line() {
        let text = format!("fine\nsee {}, {}data\n", REGISTRY_HOSTS[0], MACHINE_PATHS[0]);
        let found = problems("docs/a.md", &text);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|problem| problem.starts_with("docs/a.md:2: ")), "{found:?}");
    }

    /// Catches a search for the prefix wherever it stands.
    #[test]
    fn a_relative_path_is_no_machine_path() {
        for prefix in MACHINE_PATHS {
            for before in ["..", "a", "${root}", "https://x.org"] {
                assert!(!has_absolute_path(&format!("see {before}{prefix}b"), prefix), "{before}");
            }
            for before in ["", "\"", " ", "=", "(", "file://", "é "] {
                assert!(has_absolute_path(&format!("{before}{prefix}b"), prefix), "{before}");
            }
        }
    }

    /// Catches leaving out the lock file as a whole.
    #[test]
    fn the_lock_file_may_say_where_crates_come_from_and_nothing_more() {
        let source = format!("source = \"registry+https://x/{}-index\"\n", REGISTRY_HOSTS[0]);
        assert_eq!(problems("Cargo.lock", &source), [""; 0]);
        assert_eq!(problems("README.md", &source).len(), 1);
        assert_eq!(problems("Cargo.lock", &format!("# {source}")).len(), 1);
    }

    #[test]
    fn only_long_rust_files_are_listed() {
        let lines = |count| "x\n".repeat(count);
        assert_eq!(too_long("a.rs", &lines(LINES_MAX)), None);
        assert_eq!(too_long("a.rs", &lines(401)).as_deref(), Some("a.rs: 401 lines"));
        assert_eq!(too_long("a.md", &lines(401)), None);
    }

    #[test]
    fn a_nearer_clippy_file_must_repeat_the_settings_of_the_root() {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let root = file("clippy.toml", "# why\na = 1\nb = 2\n");
        let whole = file("x/clippy.toml", "b = 2\na = 1\nc = 3\n");
        assert_eq!(settings_lost(&[root.clone(), whole]), [""; 0]);

        let partial = file("y/clippy.toml", "a = 1\n# b = 2\n");
        let lost = settings_lost(&[root, partial]);
        assert_eq!(lost, ["y/clippy.toml: lacks the root's setting `b = 2`"]);
    }
}
