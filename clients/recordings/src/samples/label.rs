//! What a sample is said to be, and what it is for.

use std::{fmt, str::FromStr};

/// What a sample is said to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// A class, by its number; see [`Samples::classes`](super::Samples::classes).
    Class(u32),
    /// What was said, as text.
    Text(String),
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(number) => number.fmt(formatter),
            Self::Text(text) => text.fmt(formatter),
        }
    }
}

/// Which samples of a file that has those for training and for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Those for training.
    Train,
    /// Those for tests.
    Test,
}

impl Split {
    /// In the order of the files.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// As the files call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|split| split.name() == text);
        found.ok_or_else(|| "expected train or test".into())
    }
}
