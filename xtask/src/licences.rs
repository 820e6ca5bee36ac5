//! `cargo xtask licences`: the licences of all that is in the binary, word for word.
//!
//! Most of them ask that their text goes where the binary goes. A text that several crates share is
//! printed once, behind the names of all of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::shipped::{self, Linked};
use crate::workspace::Workspace;

/// How files begin that hold a licence or what it asks to be passed on.
const NAMES: &[&str] = &["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// All texts, as one.
pub(crate) fn licences(workspace: &Workspace) -> anyhow::Result<String> {
    let mut crates = Vec::new();
    for one in shipped::linked(workspace)? {
        // Those of the workspace have theirs at its root.
        let folder = if one.checksum.is_some() { &one.folder } else { &workspace.root };
        let texts = texts(folder)?;
        crates.push((one, texts));
    }
    Ok(page(&crates))
}

/// The files of a crate's folder that are about its licence, ordered by name.
fn texts(folder: &Path) -> anyhow::Result<Vec<String>> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let is_text = !name.ends_with(".rs") && !name.ends_with(".toml");
        if is_text && NAMES.iter().any(|begins| name.starts_with(begins)) && entry.path().is_file()
        {
            files.push(entry.path());
        }
    }
    files.sort();
    let read = files.iter().map(|file| {
        let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned())
    });
    read.collect()
}

fn page(crates: &[(Linked, Vec<String>)]) -> String {
    let mut page = String::from("What is in spiked, and under which licences:\n\n");
    for (one, texts) in crates {
        let licence = one.licence.as_deref().unwrap_or("see its text");
        let without = if texts.is_empty() { " (came without a text)" } else { "" };
        // Writing into a string cannot fail.
        let _ = writeln!(page, "  {} {}: {licence}{without}", one.id.0, one.id.1);
    }
    let mut shared: BTreeMap<&str, Vec<&Linked>> = BTreeMap::new();
    for (one, texts) in crates {
        for text in texts {
            shared.entry(text).or_default().push(one);
        }
    }
    for (text, users) in shared {
        let names: Vec<&str> = users.iter().map(|one| one.id.0.as_str()).collect();
        let _ = write!(page, "\n{}\n{}\n\n{text}\n", "-".repeat(80), names.join(", "));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(name: &str) -> Linked {
        Linked {
            id: (name.into(), "1.0.0".into()),
            licence: Some("MIT".into()),
            folder: "x".into(),
            checksum: None,
            needs: [].into(),
        }
    }

    #[test]
    fn a_text_that_is_shared_is_printed_once() {
        let text = || vec!["Permission is granted".to_owned()];
        let page = page(&[(linked("a"), text()), (linked("b"), text()), (linked("c"), vec![])]);
        assert_eq!(page.matches("Permission").count(), 1);
        assert!(page.contains("a, b\n"), "{page}");
        assert!(page.contains("c 1.0.0: MIT (came without a text)"), "{page}");
    }
}
