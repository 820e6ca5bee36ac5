//! Reads what `cargo test -- --show-output` prints, a line at a time, and keeps what matters.
//!
//! libtest holds back what a passing test prints, `SKIPPED` lines too. `--nocapture` would let
//! them out amid everything that every test prints; `--show-output` repeats them in blocks headed
//! `successes:`, which are read here and, but for the `SKIPPED` lines, kept from the reader.
//! A test that is `#[ignore]`d counts as skipped: it didn't run either.

use std::fmt;

use crate::skips::Skip;

/// What the test binaries have said so far.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    in_successes: bool,
    passed: usize,
    failed: usize,
    failed_names: Vec<String>,
    printed: Vec<Skip>,
    ignored: Vec<Skip>,
}

/// What they came to in the end.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) failed_names: Vec<String>,
    pub(crate) skips: Vec<Skip>,
}

/// How many tests ended in which way; each test is counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Reader {
    /// Takes in one line of standard output; whether it is for a person to see.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        if let Some(skip) = Skip::printed(line) {
            self.printed.push(skip);
            return true;
        }
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.in_successes = false;
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
        } else if line == "successes:" {
            self.in_successes = true;
        } else if line == "failures:" {
            self.in_successes = false;
        } else if !self.in_successes {
            self.take_verdict(line);
        }
        !self.in_successes
    }

    /// Reads `test NAME ... ignored, WHY` and `test NAME ... FAILED`.
    fn take_verdict(&mut self, line: &str) {
        let told = line.strip_prefix("test ").and_then(|told| told.split_once(" ... "));
        let Some((name, verdict)) = told else { return };
        if verdict == "FAILED" {
            self.failed_names.push(name.to_owned());
        } else if let Some(reason) = verdict.strip_prefix("ignored") {
            let why = reason.strip_prefix(", ").unwrap_or("marked as ignored").to_owned();
            self.ignored.push(Skip { name: name.to_owned(), why });
        }
    }

    /// Adds the skips that came by standard error, from where libtest holds nothing back.
    ///
    /// libtest counts a test that printed `SKIPPED` and returned as passed. Here it isn't.
    pub(crate) fn finish(mut self, from_stderr: Vec<Skip>) -> Outcome {
        self.printed.extend(from_stderr);
        let passed = self.passed.saturating_sub(self.printed.len());
        let skips = [self.printed, self.ignored].concat();
        let tally = Tally { passed, failed: self.failed, skipped: skips.len() };
        Outcome { tally, failed_names: self.failed_names, skips }
    }
}

/// `412 passed, 0 failed, 1 skipped`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// The number before a word in `ok. 3 passed; 1 failed; 0 ignored; ...`; zero where it is missing.
fn count(counts: &str, word: &str) -> usize {
    let mut pairs = counts.split(['.', ';']).filter_map(|part| part.trim().split_once(' '));
    let number = pairs.find(|(_, counted)| *counted == word).map(|(number, _)| number);
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two binaries: one with a skipped, an ignored and a failed test, one with doc tests.
    const OUTPUT: &str = "
running 4 tests
test evt2::reads_a_recording ... ok
test a ... ok
test slow ... ignored, an hour
test broken ... FAILED

successes:

---- evt2::reads_a_recording stdout ----
SKIPPED evt2::reads_a_recording: no shared data

---- a stdout ----
chatter

successes:
    evt2::reads_a_recording
    a

failures:

---- broken stdout ----
left: 1

failures:
    broken

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.11s

running 12 tests
test src/lib.rs - one (line 2) ... ok

test result: ok. 11 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.00s
";

    fn read(output: &str) -> (Reader, String) {
        let mut reader = Reader::default();
        let shown: Vec<&str> = output.lines().filter(|line| reader.take(line)).collect();
        (reader, shown.join("\n"))
    }

    fn names(skips: &[Skip]) -> Vec<&str> {
        skips.iter().map(|skip| skip.name.as_str()).collect()
    }

    /// Catches a tally that takes the last binary alone, and one that counts a skip as a pass.
    #[test]
    fn counts_each_test_of_all_binaries_once() {
        let outcome = read(OUTPUT).0.finish(Vec::new());
        assert_eq!(outcome.tally, Tally { passed: 12, failed: 1, skipped: 2 });
        assert_eq!(outcome.failed_names, ["broken"]);
        assert_eq!(outcome.tally.to_string(), "12 passed, 1 failed, 2 skipped");
    }

    /// Catches a reader that forgets ignored tests.
    #[test]
    fn collects_skips_from_captured_output_ignored_tests_and_stderr() {
        let from_stderr = Vec::from_iter(Skip::printed("SKIPPED child: no python3"));
        let outcome = read(OUTPUT).0.finish(from_stderr);
        assert_eq!(names(&outcome.skips), ["evt2::reads_a_recording", "child", "slow"]);
        assert_eq!(outcome.skips[2].why, "an hour");
    }

    #[test]
    fn hides_what_passing_tests_print_and_shows_the_rest() {
        let (_, shown) = read(OUTPUT);
        assert!(!shown.contains("chatter") && !shown.contains("successes"));
        for kept in ["SKIPPED evt2::reads_a_recording", "left: 1", "(line 2) ... ok", "FAILED. 2"] {
            assert!(shown.contains(kept), "{kept:?} is missing from {shown}");
        }
    }
}
