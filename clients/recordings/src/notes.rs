//! What stands beside a recording's events or was lost of them, in the words of its format.

/// Counts that only some formats have, each with what it counts, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// What is no camera event, and what there is of it.
    pub besides: Vec<(u64, String)>,
    /// What became no event although it should have.
    pub lost: Vec<(u64, String)>,
}
