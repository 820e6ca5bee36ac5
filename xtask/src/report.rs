//! The end of `cargo xtask test`: seconds a stage, what failed, the tally, and what was skipped.
//!
//! The list of skips comes last and stands there when it is empty, too: a run that tells of no
//! skips and a run that forgot to count them must not look alike.

use std::fmt;
use std::time::Duration;

use crate::libtest::Tally;
use crate::skips::{Allowed, Skip};

/// All that a run of stages has to tell.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) stages: Vec<StageReport>,
    /// Of the tests, where they ran.
    pub(crate) tally: Option<Tally>,
    pub(crate) skips: Vec<Skip>,
    /// The list that skips are held against, where one was given.
    pub(crate) allowed: Option<Allowed>,
}

/// How a stage went.
#[derive(Debug)]
pub(crate) struct StageReport {
    pub(crate) name: &'static str,
    pub(crate) took: Duration,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

impl Report {
    /// Whether every stage passed and every skip was allowed.
    pub(crate) fn passed(&self) -> bool {
        self.stages.iter().all(|stage| stage.failure.is_none())
            && self.skips.iter().all(|skip| !self.refuses(skip))
    }

    /// Adds the tests of a stage.
    pub(crate) fn count(&mut self, more: Tally) {
        let before = self.tally.unwrap_or(Tally { passed: 0, failed: 0, skipped: 0 });
        self.tally = Some(Tally {
            passed: before.passed + more.passed,
            failed: before.failed + more.failed,
            skipped: before.skipped + more.skipped,
        });
    }

    fn refuses(&self, skip: &Skip) -> bool {
        self.allowed.as_ref().is_some_and(|allowed| !allowed.allows(skip))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<9} seconds", "stage")?;
        for StageReport { name, took, failure } in &self.stages {
            write!(f, "{name:<9} {:>7.1}", took.as_secs_f64())?;
            match failure {
                Some(why) => writeln!(f, "  FAILED: {why}")?,
                None => writeln!(f, "  passed")?,
            }
        }
        let refused = self.skips.iter().filter(|skip| self.refuses(skip)).count();
        if refused > 0 {
            writeln!(f, "skips             FAILED: {refused} not on the list of allowed skips")?;
        }
        if let Some(tally) = self.tally {
            writeln!(f, "{tally}")?;
        }
        writeln!(f, "SKIPPED {}:", self.skips.len())?;
        for skip in &self.skips {
            let verdict = if self.refuses(skip) { " [not allowed]" } else { "" };
            writeln!(f, "  {}: {}{verdict}", skip.name, skip.why)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &'static str, failure: Option<&str>) -> StageReport {
        let failure = failure.map(str::to_owned);
        StageReport { name, took: Duration::from_millis(1_250), failure }
    }

    fn skips() -> Vec<Skip> {
        Vec::from_iter(Skip::printed("SKIPPED evt2::golden: no shared data"))
    }

    #[test]
    fn names_every_stage_and_ends_with_the_skips() {
        let report = Report {
            stages: vec![stage("format", None), stage("tests", Some("1 test failed: a"))],
            tally: Some(Tally { passed: 7, failed: 1, skipped: 1 }),
            skips: skips(),
            allowed: None,
        };
        let expected = "\
stage     seconds
format        1.2  passed
tests         1.2  FAILED: 1 test failed: a
7 passed, 1 failed, 1 skipped
SKIPPED 1:
  evt2::golden: no shared data
";
        assert_eq!(report.to_string(), expected);
        assert!(!report.passed());
    }

    /// Catches a report that is silent about skips when there are none.
    #[test]
    fn says_so_when_nothing_was_skipped() {
        let report = Report { stages: vec![stage("format", None)], ..Report::default() };
        assert!(report.to_string().ends_with("passed\nSKIPPED 0:\n"));
        assert!(report.passed());
    }

    /// Catches a list that is read and not looked at.
    #[test]
    fn fails_on_a_skip_that_is_not_on_the_list() {
        let with = |allowed| Report { skips: skips(), allowed, ..Report::default() };
        assert!(with(None).passed());
        assert!(with(Some(Allowed::parse("evt2::golden"))).passed());

        let refused = with(Some(Allowed::parse("evt2")));
        assert!(!refused.passed());
        assert!(refused.to_string().contains("evt2::golden: no shared data [not allowed]"));
    }
}
