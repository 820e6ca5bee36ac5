//! Why a network cannot run: every problem, by part and field.

use std::fmt;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Part and field, for example `projection.detect.convolution.keep`.
    pub field: String,
    /// What is wrong, with the value.
    pub message: String,
}

/// All problems found in a network; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// In the order of the description.
    pub problems: Vec<Problem>,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", problem.field, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanError {}

/// Where problems are noted while a description is read.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn note(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { field: field.into(), message: message.into() });
    }

    /// Notes a problem unless something holds.
    pub(crate) fn need(&mut self, holds: bool, field: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.note(field, message());
        }
    }

    /// Fails if anything was noted.
    pub(crate) fn settle(&mut self) -> Result<(), PlanError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(PlanError { problems: std::mem::take(&mut self.0) })
    }
}
