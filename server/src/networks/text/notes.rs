//! What is wrong with a text, and where everything stands in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use crate::networks::limits::PROBLEMS_MAX;

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextProblem {
    /// The file, as it was asked for.
    pub file: String,
    /// Line, from 1; none where the file as a whole is meant.
    pub line: Option<usize>,
    /// Part and field, for example `projection.detect.convolution.keep`; may be empty.
    pub field: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for TextProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(formatter, ": {}", self.field)?;
        }
        write!(formatter, ": {}", self.message)
    }
}

/// Everything that is wrong with a text, in its order; one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(problems))]
pub struct TextError {
    /// At least one.
    pub problems: Vec<TextProblem>,
}

impl TextError {
    pub(super) fn of_file(file: &str, line: Option<usize>, message: &str) -> Self {
        let (field, message) = (String::new(), message.to_owned());
        Self { problems: vec![TextProblem { file: file.to_owned(), line, field, message }] }
    }
}

fn lines(problems: &[TextProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Where each field stands.
#[derive(Clone, Debug, Default)]
pub struct Places {
    file: String,
    lines: BTreeMap<String, usize>,
}

impl Places {
    /// `FILE:LINE` of a field, or else of the innermost part around it that the text has.
    #[must_use]
    pub fn locate(&self, field: &str) -> Option<String> {
        let mut rest = field;
        loop {
            if let Some(line) = self.lines.get(rest) {
                return Some(format!("{}:{line}", self.file));
            }
            rest = &rest[..rest.rfind(['.', '['])?];
        }
    }
}

/// What fields end in, here and in the core.
const ENDS: [(&str, &str); 3] = [(".from", ".source"), (".from", ".sources"), (".to", ".target")];

/// Gathers problems and places while a text is read.
pub(super) struct Notes {
    file: String,
    /// Where each line starts \[bytes\].
    line_starts: Vec<usize>,
    problems: RefCell<Vec<(usize, TextProblem)>>,
    places: RefCell<BTreeMap<String, usize>>,
}

impl Notes {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: file.to_owned(),
            line_starts: std::iter::once(0).chain(after_breaks).collect(),
            problems: RefCell::default(),
            places: RefCell::default(),
        }
    }

    /// Notes that `field` stands at byte `at`, also under the words that the core has for it.
    pub(super) fn place(&self, field: &str, at: usize) {
        let line = self.line_of(at);
        let mut places = self.places.borrow_mut();
        places.insert(field.to_owned(), line);
        let ends =
            ENDS.iter().filter_map(|(end, core)| Some(field.strip_suffix(end)?.to_owned() + core));
        places.extend(ends.map(|field| (field, line)));
        if field.contains(".neuron.") {
            places.insert(field.replacen(".neuron.", ".", 1), line);
        }
    }

    pub(super) fn refuse(&self, field: &str, at: usize, message: String) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < PROBLEMS_MAX {
            let (file, line) = (self.file.clone(), Some(self.line_of(at)));
            problems.push((at, TextProblem { file, line, field: field.to_owned(), message }));
        }
    }

    pub(super) fn refuse_syntax(&self, at: usize, message: &str) {
        self.refuse("", at, message.replace('\n', ", "));
    }

    /// All problems so far, in the order of the text.
    pub(super) fn fail_if_any(&self) -> Result<(), TextError> {
        let mut problems = self.problems.borrow().clone();
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by_key(|(at, _)| *at);
        Err(TextError { problems: problems.into_iter().map(|(_, problem)| problem).collect() })
    }

    pub(super) fn into_places(self) -> Places {
        Places { file: self.file, lines: self.places.into_inner() }
    }

    fn line_of(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }
}
