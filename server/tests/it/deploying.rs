//! `docs/deploying.md` names every setting and every metric, as they are.

use std::path::Path;

use spiked_server::{config::keys, telemetry::families};

/// Rows of the tables whose first column is a name in code.
fn rows(section: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/deploying.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("\n## ").find(|part| part.starts_with(section)).unwrap();
    section.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
}

#[test]
fn the_page_names_every_setting_with_its_default() {
    let row = |key: &spiked_server::config::Key| {
        format!("| `{}` | {} | {} |", key.name, key.default(), key.about)
    };
    let expected: Vec<String> = keys().iter().map(row).collect();
    assert_eq!(rows("Configuration"), expected);
}

#[test]
fn the_page_names_every_metric_with_its_labels() {
    let row = |family: &spiked_server::telemetry::Family| {
        let labels = family.labels().iter().map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        let labels = if labels.is_empty() { "none" } else { &labels };
        let (name, kind) = (family.name(), family.kind());
        format!("| `{name}` | {kind} | {labels} | {} |", family.about)
    };
    let expected: Vec<String> = families().iter().map(row).collect();
    assert_eq!(rows("Metrics"), expected);
}
