//! Names and versions: which are allowed, which is newest, and which was probably meant.

use std::cmp::Ordering;

use super::limits::NAME_CHARS_MAX;

/// Says what is wrong with a name, if anything.
pub(crate) fn check(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(allowed) {
        let shown: String = name.chars().take(NAME_CHARS_MAX).collect();
        return Err(format!(
            "{shown:?} is no name: 1 to {NAME_CHARS_MAX} characters of A-Z, a-z, 0-9, '.', '_' and '-'"
        ));
    }
    if name.chars().all(|c| c == '.') {
        return Err(format!("{name:?} is no name: it needs more than dots"));
    }
    Ok(())
}

/// The candidate that a misspelt word was probably meant to be.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word: String = word.chars().take(NAME_CHARS_MAX).collect::<String>().to_lowercase();
    let far = (word.chars().count() / 3).max(1);
    let by_distance = |candidate: &'a str| {
        (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate)
    };
    let best = candidates.into_iter().map(by_distance).min();
    best.filter(|(distance, _)| *distance <= far).map(|(_, candidate)| candidate)
}

/// `, did you mean "camera"?`, or nothing.
pub(crate) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates)
        .map(|candidate| format!(", did you mean {candidate:?}?"))
        .unwrap_or_default()
}

/// A version; "10" is newer than "9", and "1.0" newer than "1".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version(pub(crate) String);

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // Where runs compare alike ("01" and "1") the text itself decides, so that order and
        // equality agree.
        runs(&self.0).cmp(runs(&other.0)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text as runs of digits (compared as numbers: by length, then by digits) and of the rest.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let of_digits = |a: &u8, b: &u8| a.is_ascii_digit() == b.is_ascii_digit();
    text.as_bytes().chunk_by(of_digits).map(|run| {
        let run = str::from_utf8(run).unwrap_or_default();
        if !run.starts_with(|c: char| c.is_ascii_digit()) {
            return (0, run);
        }
        let digits = run.trim_start_matches('0');
        (1 + digits.len(), digits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["motion", "motion-1us", "a.b_c", "0"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "a/b", "..", "a b", "é", &"x".repeat(NAME_CHARS_MAX + 1)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let known = ["camera", "motion", "direction"];
        assert_eq!(nearest("camrea", known), Some("camera"));
        assert_eq!(nearest("Motion", known), Some("motion"));
        assert_eq!(nearest("whisker", known), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn versions_order_as_people_count() {
        let mut versions = ["10", "9", "1.10", "1.9", "1", "beta", "01"].map(|v| Version(v.into()));
        versions.sort();
        let sorted: Vec<&str> = versions.iter().map(|version| version.0.as_str()).collect();
        assert_eq!(sorted, ["beta", "01", "1", "1.9", "1.10", "9", "10"]);
    }
}
