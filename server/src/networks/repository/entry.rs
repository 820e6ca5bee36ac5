//! One network of the repository: where it comes from, and what it turned out to be.

use std::path::Path;
use std::sync::OnceLock;

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use sim_core::network::{Network, SensorSize, Spread};
use sim_core::{Plan, Problem};
use spiked_proto::v1;

use super::kept::Arrays;
use super::sensors;
use crate::networks::convert;
use crate::networks::error::{Error, problem};
use crate::networks::limits::{BLOB_BYTES_MAX, PROBLEMS_MAX, REPOSITORY_BYTES_MAX};
use crate::networks::nir::{self, Profile};
use crate::networks::text::{self, Described, Embedded, Files, Folder, Places, TextError};

/// A description, read and checked.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) network: Network,
    /// What it says about itself.
    pub(super) description: String,
    /// What an importer assumed.
    pub(super) notes: Vec<String>,
    /// SHA-256 of the description on the wire, arrays by their hashes.
    pub(super) identity: [u8; 32],
    /// Of its arrays \[bytes\].
    pub(super) array_bytes: u64,
    /// As it goes onto the disk; of one that a client loaded, what is there already.
    pub(super) written: Option<Written>,
    places: Places,
}

/// A description as the wire has it, with its arrays.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) network: v1::Network,
    pub(super) arrays: Arrays,
}

/// A network, or why it cannot be had.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) version: String,
    /// Of a network in the binary: read when first asked for, for its kernels take a moment.
    embedded: Option<&'static include_dir::Dir<'static>>,
    /// Its files lie in the data folder.
    pub(super) is_kept: bool,
    content: OnceLock<Result<Content, Error>>,
}

impl Entry {
    /// A network in the binary.
    pub(super) fn embedded(name: &str, folder: &'static include_dir::Dir<'static>) -> Self {
        Self {
            name: name.into(),
            version: "1".into(),
            embedded: Some(folder),
            is_kept: false,
            content: OnceLock::new(),
        }
    }

    /// A network that a client loaded and whose files lie in the data folder.
    pub(super) fn kept(name: &str, version: &str, content: Result<Content, Error>) -> Self {
        Self { is_kept: true, ..Self::new(name, version, content) }
    }

    /// The same, by another version.
    pub(super) fn called(self, version: &str) -> Self {
        Self { version: version.into(), ..self }
    }

    /// It came along with the binary.
    pub(super) const fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// A network that has been read.
    pub(super) fn new(name: &str, version: &str, content: Result<Content, Error>) -> Self {
        let content = OnceLock::from(content);
        let (name, version) = (name.into(), version.into());
        Self { name, version, embedded: None, is_kept: false, content }
    }

    /// The network, or why it cannot be had.
    pub(super) fn content(&self) -> Result<&Content, Error> {
        let read = self.content.get_or_init(|| match self.embedded {
            Some(folder) => Content::read(&Embedded(folder), &self.name),
            // One that isn't embedded is made with its content.
            None => Err(Error::Invalid { name: self.name.clone(), problems: Vec::new() }),
        });
        read.as_ref().map_err(Clone::clone)
    }
}

impl Entry {
    /// It has been read, and cannot be had.
    pub(super) fn is_broken(&self) -> bool {
        self.content.get().is_some_and(Result::is_err)
    }

    /// Of its arrays, once it has been read and if it can be had \[bytes\].
    pub(super) fn array_bytes(&self) -> Option<u64> {
        self.content.get()?.as_ref().ok().map(|content| content.array_bytes)
    }
}

impl Content {
    /// Reads a network from its files; one that says its name must say this.
    pub(super) fn read(files: &dyn Files, name: &str) -> Result<Self, Error> {
        let described = text::read_from(files, name).map_err(|error| of_text(name, error))?;
        if described.network.name != name {
            let found = &described.network.name;
            let message = format!("{found:?} is not what its folder is called, {name:?}");
            let problem = located(&described.places, problem("name", message));
            return Err(Error::Invalid { name: name.into(), problems: vec![problem] });
        }
        Self::of(described)
    }

    /// Reads a NIR file as a network of that name.
    pub(super) fn read_nir(file: &Path, name: &str, profile: Profile) -> Result<Self, Error> {
        let options = nir::Options { profile, step_ns: nir::STEP_DEFAULT_NS };
        let shown = file.file_name().unwrap_or_default().to_string_lossy();
        let folder = Folder::of(file);
        let described = folder.read(&shown, BLOB_BYTES_MAX).and_then(|bytes| {
            let read = nir::read_bytes(&bytes, &folder.shown(&shown), name, options);
            read.map_err(|error| error.to_string())
        });
        let refused =
            |message| Error::Invalid { name: name.into(), problems: vec![problem("nir", message)] };
        Self::of(described.map_err(refused)?)
    }

    fn of(described: Described) -> Result<Self, Error> {
        let Described { network, blobs, places } = described;
        let mut content = Self::convert(&network, &|sha256| blobs.get(sha256).cloned())
            .map_err(|error| with_places(error, &places))?;
        content.places = places;
        content.written = Some(Written { network, arrays: blobs });
        Ok(content)
    }

    /// Checks a description whose arrays `blob` finds.
    pub(super) fn convert(
        network: &v1::Network,
        blob: &dyn Fn(&[u8; 32]) -> Option<bytes::Bytes>,
    ) -> Result<Self, Error> {
        let converted = convert::network(network, blob)?;
        Ok(Self {
            network: converted.network,
            description: network.description.clone(),
            notes: network.notes.clone(),
            identity: Sha256::digest(network.encode_to_vec()).into(),
            array_bytes: converted.array_bytes,
            written: None,
            places: Places::default(),
        })
    }

    /// The plan for sensors of these sizes, spread over so many workers; what the core says against
    /// it, with its places. It and a session of it take about `bytes_max` at most.
    pub(super) fn plan(
        &self,
        sensors: &[(String, SensorSize)],
        workers: u32,
        bytes_max: u64,
    ) -> Result<Plan, Error> {
        sensors::check(&self.network, sensors)?;
        let spread = Spread { memory_bytes_max: bytes_max, ..Spread::over(workers) };
        Plan::spread(&self.network, sensors, spread).map_err(|error| {
            let problems = error.problems.into_iter().take(PROBLEMS_MAX);
            let problems = problems.map(|problem| located(&self.places, problem)).collect();
            Error::Invalid { name: self.network.name.clone(), problems }
        })
    }

    /// Whether it can run, as far as that can be said before its sensors are known.
    pub(super) fn judge(&self, bytes_max: u64) -> Result<(), Error> {
        if sensors::open_ports(&self.network).next().is_some() {
            return Ok(());
        }
        self.plan(&[], 1, bytes_max).map(|_| ())
    }
}

/// Refuses what would be more than the repository holds.
pub(super) fn check_total(held_bytes: u64, added_bytes: u64) -> Result<(), Error> {
    let given = held_bytes + added_bytes;
    if given > REPOSITORY_BYTES_MAX {
        let what = "the arrays of all networks together [bytes]";
        return Err(Error::Limit { what, given, limit: REPOSITORY_BYTES_MAX });
    }
    Ok(())
}

fn with_places(error: Error, places: &Places) -> Error {
    match error {
        Error::Invalid { name, problems } => {
            let problems = problems.into_iter().map(|problem| located(places, problem)).collect();
            Error::Invalid { name, problems }
        }
        other => other,
    }
}

fn located(places: &Places, problem: Problem) -> Problem {
    match places.locate(&problem.field) {
        Some(place) => Problem { message: format!("{} ({place})", problem.message), ..problem },
        None => problem,
    }
}

fn of_text(name: &str, error: TextError) -> Error {
    let as_problem = |found: text::TextProblem| {
        let place = match found.line {
            Some(line) => format!("{}:{line}", found.file),
            None => found.file,
        };
        let field = if found.field.is_empty() { "text".into() } else { found.field };
        problem(field, format!("{} ({place})", found.message))
    };
    let problems = error.problems.into_iter().map(as_problem).collect();
    Error::Invalid { name: name.into(), problems }
}
