//! From the contract's description to the core's own: fields translated, arrays decoded.
//!
//! Checked here is what the core cannot see: names, counts, numbers without a meaning, the shape
//! of an array against its bytes, and values that are not finite. All problems are listed at once,
//! by part and field; features of later work are refused by name. What the parts mean together is
//! for [`sim_core::Plan::new`] to judge.

mod arrays;
mod frames;
#[cfg(test)]
mod fuzz;
mod neurons;
mod parts;
mod projection;
mod values;

use std::collections::BTreeSet;

use bytes::Bytes;
use sim_core::network::{InputShape, Network};
use sim_core::{Problem, TickLength};
use spiked_proto::v1;

use super::error::{Error, problem};
use super::limits::{DESCRIPTION_CHARS_MAX, NOTES_MAX, PARTS_MAX, PROBLEMS_MAX};
use super::name;
use arrays::Arrays;

/// A description as the core wants it.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The description.
    pub network: Network,
    /// Of its arrays, counted as often as they are used \[bytes\].
    pub array_bytes: u64,
}

/// Translates a description whose arrays `blob` finds by their hash.
///
/// # Errors
///
/// [`Error::Invalid`] with every problem found, [`Error::Unimplemented`] naming the feature,
/// [`Error::Blob`] for an array that is missing, [`Error::Limit`].
pub fn network(
    network: &v1::Network,
    blob: &dyn Fn(&[u8; 32]) -> Option<Bytes>,
) -> Result<Converted, Error> {
    within_limits(network)?;
    let mut notes = Notes::default();
    let mut arrays = Arrays::new(blob);
    let mut converted = Network {
        name: notes.name("name", &network.name),
        tick: tick(&mut notes, network.tick_ns),
        seed: network.seed,
        inputs: notes.all(&network.inputs, parts::input)?,
        populations: notes.all(&network.populations, |notes, population| {
            parts::population(notes, &mut arrays, population)
        })?,
        projections: notes.all(&network.projections, |notes, projection| {
            projection::projection(notes, &mut arrays, projection)
        })?,
        readouts: notes.all(&network.readouts, parts::readout)?,
        outputs: notes.all(&network.outputs, parts::output)?,
    };
    for (port, given) in converted.inputs.iter_mut().zip(&network.inputs) {
        if let (InputShape::Frames(source), 0) = (&port.shape, given.max_multiplicity) {
            port.multiplicity_max = source.multiplicity_max(converted.tick);
        }
    }
    let projections = network.projections.iter().map(|projection| projection.name.as_str());
    notes.no_name_twice("projection", projections);
    notes.no_name_twice("output", network.outputs.iter().map(|output| output.name.as_str()));
    if notes.problems.is_empty() {
        return Ok(Converted { network: converted, array_bytes: arrays.bytes() });
    }
    Err(Error::Invalid { name: network.name.clone(), problems: notes.problems })
}

fn within_limits(network: &v1::Network) -> Result<(), Error> {
    let description_chars = network.description.chars().count();
    let notes_chars = network.notes.iter().map(|note| note.chars().count()).sum();
    for (what, given, limit) in [
        ("input ports of a network", network.inputs.len(), PARTS_MAX),
        ("populations of a network", network.populations.len(), PARTS_MAX),
        ("projections of a network", network.projections.len(), PARTS_MAX),
        ("readouts of a network", network.readouts.len(), PARTS_MAX),
        ("output ports of a network", network.outputs.len(), PARTS_MAX),
        ("characters of a network's description", description_chars, DESCRIPTION_CHARS_MAX),
        ("notes of a network", network.notes.len(), NOTES_MAX),
        ("characters of a network's notes", notes_chars, DESCRIPTION_CHARS_MAX),
    ] {
        at_most(what, given, limit)?;
    }
    Ok(())
}

fn at_most(what: &'static str, given: usize, limit: usize) -> Result<(), Error> {
    if given > limit {
        return Err(Error::Limit { what, given: given as u64, limit: limit as u64 });
    }
    Ok(())
}

fn tick(notes: &mut Notes, tick_ns: u64) -> TickLength {
    if tick_ns == 0 {
        return TickLength::default();
    }
    TickLength::from_ns(tick_ns).unwrap_or_else(|| {
        notes.refuse("tick_ns", format!("{tick_ns} ns is not between 1 ns and 1 s"));
        TickLength::default()
    })
}

/// The problems found so far, and where in the description the reader is.
#[derive(Default)]
struct Notes {
    problems: Vec<Problem>,
    /// "projection.detect", or nothing at the top.
    part: String,
}

impl Notes {
    /// Translates each part; a part that cannot be is noted and left out.
    fn all<From, To>(
        &mut self,
        parts: &[From],
        mut translate: impl FnMut(&mut Self, &From) -> Result<Option<To>, Error>,
    ) -> Result<Vec<To>, Error> {
        let mut translated = Vec::with_capacity(parts.len());
        for part in parts {
            translated.extend(translate(self, part)?);
            self.part.clear();
        }
        Ok(translated)
    }

    /// Goes to a part; whatever is noted from here on is about it.
    fn at(&mut self, kind: &str, name: &str) -> String {
        self.part = format!("{kind}.{name}");
        self.name("name", name)
    }

    fn name(&mut self, field: &str, name: &str) -> String {
        if let Err(message) = name::check(name) {
            self.refuse(field, message);
        }
        name.into()
    }

    /// Notes names that come again, for parts that the core doesn't look up by name.
    fn no_name_twice<'a>(&mut self, kind: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                self.refuse(&format!("{kind}.{name}"), "another part has the same name");
            }
        }
    }

    fn refuse(&mut self, field: &str, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem(self.path(field), message));
        }
    }

    /// A number of the contract that stands for a word.
    fn word<T: TryFrom<i32>>(&mut self, field: &str, word: i32) -> Option<T> {
        match T::try_from(word) {
            Ok(word) => Some(word),
            Err(_) => self.none(field, format!("{word} has no meaning")),
        }
    }

    /// Refuses and leaves the part out.
    fn none<T>(&mut self, field: &str, message: impl Into<String>) -> Option<T> {
        self.refuse(field, message);
        None
    }

    fn unimplemented(&self, field: &str, feature: &str) -> Error {
        Error::Unimplemented { feature: format!("{}: {feature}", self.path(field)) }
    }

    fn path(&self, field: &str) -> String {
        if self.part.is_empty() { field.into() } else { format!("{}.{field}", self.part) }
    }
}
