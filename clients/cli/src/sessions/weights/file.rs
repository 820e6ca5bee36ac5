//! Weights in a file: a table with a head, or the arrays of an .npz.

use std::{fs, io, path::Path};

use spiked_server::networks::text::npz_array;

use crate::failure::Failure;

/// A synapse's weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) source: u32,
    pub(super) which: Which,
    pub(super) weight: f64,
}

/// Which synapse of a source; one file says it in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Its place among them.
    Synapse(u32),
    /// Where it leads, where that is unique.
    Target(u32),
}

/// Reads a file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, Failure> {
    let wrong = |problem: String| Failure::used_wrongly(format!("{}: {problem}", path.display()));
    let unread = |error: io::Error| wrong(format!("cannot be read: {error}"));
    let rows = if path == Path::new("-") {
        table(io::stdin().lock())
    } else if path.extension().is_some_and(|extension| extension == "npz") {
        arrays(&fs::read(path).map_err(unread)?)
    } else {
        table(fs::File::open(path).map_err(unread)?)
    };
    match rows.map_err(wrong)? {
        rows if rows.is_empty() => Err(wrong("holds no weights".into())),
        rows => Ok(rows),
    }
}

fn table(text: impl io::Read) -> Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let head = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| head.iter().position(|found| found == name);
    let needed = |name: &str| column(name).ok_or_else(|| format!("has no column {name:?}"));
    let (source, weight) = (needed("source")?, needed("weight")?);
    let (which, by_synapse) = match (column("synapse"), column("target")) {
        (Some(synapse), _) => (synapse, true),
        (None, Some(target)) => (target, false),
        (None, None) => return Err("has neither a column \"synapse\" nor \"target\"".into()),
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |at: usize| record.get(at).unwrap_or_default();
        let index = |at: usize| {
            let text = field(at);
            text.parse().map_err(|_| format!("line {line}: {text:?} is no index"))
        };
        let which = index(which)?;
        let weight = field(weight)
            .parse()
            .map_err(|_| format!("line {line}: {:?} is no number", field(weight)))?;
        let which = if by_synapse { Which::Synapse(which) } else { Which::Target(which) };
        rows.push(Row { source: index(source)?, which, weight });
    }
    Ok(rows)
}

fn arrays(file: &[u8]) -> Result<Vec<Row>, String> {
    let array = |name: &str| match npz_array(file, name)? {
        Some((shape, numbers)) if shape.len() == 1 => Ok(Some(numbers)),
        Some((shape, _)) => Err(format!("array {name:?} has {} dimensions, not one", shape.len())),
        None => Ok(None),
    };
    let needed = |name: &str| array(name)?.ok_or_else(|| format!("holds no array {name:?}"));
    let (sources, weights) = (needed("source")?, needed("weight")?);
    let (name, which) = match array("synapse")? {
        Some(synapses) => ("synapse", synapses),
        None => ("target", needed("target")?),
    };
    for (name, length) in [(name, which.len()), ("weight", weights.len())] {
        if length != sources.len() {
            return Err(format!("array {name:?} has {length} numbers where {} are", sources.len()));
        }
    }
    let mut rows = Vec::new();
    for (at, &weight) in weights.iter().enumerate() {
        let place = index(name, at, which[at])?;
        let which = if name == "synapse" { Which::Synapse(place) } else { Which::Target(place) };
        rows.push(Row { source: index("source", at, sources[at])?, which, weight });
    }
    Ok(rows)
}

fn index(name: &str, at: usize, number: f64) -> Result<u32, String> {
    if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) {
        return Err(format!("array {name:?}, number {at}: {number} is no index"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just checked")]
    Ok(number as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_by_its_head() {
        let which = Which::Synapse(1);
        let expected = [Row { source: 3, which, weight: -0.5 }];
        assert_eq!(
            table("source,synapse,target,weight\n3,1,9,-0.5\n".as_bytes()),
            Ok(expected.to_vec())
        );
        let which = Which::Target(9);
        let expected = [Row { source: 3, which, weight: 2.0 }];
        assert_eq!(table("weight, target, source\n2, 9, 3\n".as_bytes()), Ok(expected.to_vec()));
    }

    #[test]
    fn what_is_wrong_with_a_table_is_said_by_line() {
        for (text, says) in [
            ("source,weight\n", "has neither a column \"synapse\" nor \"target\""),
            ("target,weight\n", "has no column \"source\""),
            ("source,target,weight\n1,2,3\n1,x,3\n", "line 3: \"x\" is no index"),
            ("source,target,weight\n1,2,x\n", "line 2: \"x\" is no number"),
        ] {
            assert_eq!(table(text.as_bytes()), Err(says.to_owned()));
        }
        assert!(table("source,target,weight\n1,2\n".as_bytes()).is_err());
    }
}
