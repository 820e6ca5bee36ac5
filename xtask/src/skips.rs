//! Tests that couldn't run: what they print, and the committed list of those that may.
//!
//! A test that lacks its data prints `SKIPPED name: why` and returns; a skip is thereby never
//! mistaken for a pass. Names are compared whole: a list that allows `a` doesn't allow `a::b`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// A test that didn't run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skip {
    pub(crate) name: String,
    pub(crate) why: String,
}

impl Skip {
    /// Reads the line that a skipped test prints. One without a reason is a skip all the same.
    pub(crate) fn printed(line: &str) -> Option<Self> {
        let told = line.strip_prefix("SKIPPED ")?;
        let (name, why) = told.split_once(": ").unwrap_or((told, "no reason given"));
        let name = name.trim_end_matches(':').trim();
        Some(Self { name: name.to_owned(), why: why.trim().to_owned() })
    }
}

/// The names of the tests that may be skipped.
#[derive(Debug)]
pub(crate) struct Allowed(BTreeSet<String>);

impl Allowed {
    /// Reads a list from its file.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("no list of allowed skips in {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    /// One name a line; `#` opens a comment.
    pub(crate) fn parse(text: &str) -> Self {
        let names = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        Self(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// Whether this skip is on the list.
    pub(crate) fn allows(&self, skip: &Skip) -> bool {
        self.0.contains(&skip.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(name: &str) -> Skip {
        Skip { name: name.to_owned(), why: String::new() }
    }

    /// Catches a split at the first `:`, which would cut module paths.
    #[test]
    fn a_skip_is_read_with_its_whole_name_and_its_reason() {
        let read = Skip::printed("SKIPPED evt2::reads_the_real_file: no ../shared/data: clone it");
        let why = "no ../shared/data: clone it".to_owned();
        assert_eq!(read, Some(Skip { name: "evt2::reads_the_real_file".to_owned(), why }));
    }

    #[test]
    fn a_skip_without_a_reason_still_counts() {
        for line in ["SKIPPED lonely", "SKIPPED lonely:", "SKIPPED lonely: "] {
            assert_eq!(Skip::printed(line).map(|skip| skip.name).as_deref(), Some("lonely"));
        }
    }

    #[test]
    fn other_lines_are_no_skips() {
        for line in ["", "test SKIPPED ... ok", "skipped a: b", " SKIPPED a: b", "SKIPPED"] {
            assert_eq!(Skip::printed(line), None, "{line:?}");
        }
    }

    /// Catches a comparison by prefix or by substring.
    #[test]
    fn allows_only_names_that_stand_whole_on_the_list() {
        let allowed = Allowed::parse("# why\n\n  evt2::golden  # not in a clean clone\nother\n");
        assert!(allowed.allows(&skip("evt2::golden")));
        assert!(allowed.allows(&skip("other")));
        for name in ["evt2", "evt2::golden_cut", "golden", "why", ""] {
            assert!(!allowed.allows(&skip(name)), "{name:?}");
        }
    }
}
