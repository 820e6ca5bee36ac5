//! The repository: networks by name and version, immutable, and the plans made of them.
//!
//! They come from the binary, from the operator's folder (which hides those of the same name in
//! the binary), and from clients: those are kept as files where there is a data folder, and else end
//! with the daemon. A plan is made outside of any lock, for one size of each sensor and one number of
//! workers, and kept for the next session.

mod entry;
mod folder;
mod followed;
mod kept;
mod loading;
mod plans;
mod running;
mod sensors;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use include_dir::{Dir, include_dir};
use sim_core::network::SensorSize;
use sim_core::{Cost, Plan, Problem};
use spiked_proto::v1;

use super::blobs::Blobs;
use super::error::Error;
use super::limits::{NAME_CHARS_MAX, NETWORKS_MAX};
use super::name::{self, Version};
use crate::config::NetworksMode;
use entry::{Content, Entry};
use followed::Followed;
use kept::Kept;
use plans::{Key, Plans};
pub(crate) use running::Source;

/// The networks that come along.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/networks");

type Entries = BTreeMap<String, BTreeMap<Version, Arc<Entry>>>;

/// What there is to say about a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it says about itself.
    pub description: String,
    /// What an importer assumed.
    pub notes: Vec<String>,
    /// Why it cannot be opened, if so.
    pub problem: Option<String>,
}

/// A network that a session can run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its name.
    pub name: String,
    /// Its version, also where the newest was asked for.
    pub version: String,
    /// Shared by all sessions with the same sensor sizes and as many workers.
    pub plan: Arc<Plan>,
    /// What the plan was made of.
    pub(crate) source: Source,
}

/// What a network would cost, with the hash of its plan, or all that keeps it from running.
pub type Verdict = Result<(Cost, [u8; 32]), Vec<Problem>>;

/// Networks by name and version.
#[derive(Debug)]
pub struct Repository {
    entries: Mutex<Entries>,
    plans: Mutex<Plans>,
    blobs: Blobs,
    /// The user's folder, and what was read of it.
    folder: Mutex<Option<Followed>>,
    /// Whether networks of that folder are read when they are asked for, and no others.
    reads_on_request: bool,
    /// Where networks that clients load are kept.
    kept: Option<Kept>,
    /// Where networks are kept that durable sessions run, whatever becomes of them here.
    running: Option<Kept>,
    /// Held while a client's network comes or goes.
    loading: Mutex<()>,
    /// What one plan and a session of it may take, about.
    plan_bytes_max: u64,
}

impl Repository {
    /// The networks of the binary and those of a folder, with the default bound on each plan.
    ///
    /// # Errors
    ///
    /// As [`Repository::bounded`].
    pub fn open(folder: Option<&Path>) -> Result<Self, Error> {
        Self::bounded(folder, NetworksMode::None, crate::Limits::default().plan_bytes)
    }

    /// The same; a network that would take more than so much with a session is refused \[bytes\].
    ///
    /// # Errors
    ///
    /// A folder that cannot be read, or holds too many networks. One that is broken is listed with
    /// its problem.
    pub fn bounded(
        folder: Option<&Path>,
        mode: NetworksMode,
        plan_bytes_max: u64,
    ) -> Result<Self, Error> {
        let reads_on_request = mode == NetworksMode::Explicit;
        let mut entries: Entries = BTreeMap::new();
        for dir in EMBEDDED.dirs() {
            let name = dir.path().display().to_string();
            insert(&mut entries, Entry::embedded(&name, dir));
        }
        let mut followed = folder.map(Followed::of).transpose()?;
        if let Some(followed) = followed.as_mut().filter(|_| !reads_on_request) {
            followed.take(folder::read(&followed.path, plan_bytes_max)?, &mut entries);
        }
        let (entries, plans) = (Mutex::new(entries), Mutex::default());
        let (blobs, folder) = (Blobs::default(), Mutex::new(followed));
        Ok(Self {
            entries,
            plans,
            blobs,
            folder,
            reads_on_request,
            kept: None,
            running: None,
            loading: Mutex::default(),
            plan_bytes_max,
        })
    }

    /// Every network, by name, each version from the oldest on.
    #[must_use]
    pub fn list(&self) -> Vec<Info> {
        let entries: Vec<Arc<Entry>> =
            self.entries().values().flat_map(BTreeMap::values).cloned().collect();
        entries.iter().map(|entry| info(entry)).collect()
    }

    /// All networks, ordered by name and version, and whether each can be opened as far as that has
    /// been looked at: those of the binary are read when they are first asked for.
    pub(crate) fn standing(&self) -> Vec<(String, bool)> {
        let entries = self.entries();
        let all = entries.values().flat_map(BTreeMap::values);
        all.map(|entry| (entry.name.clone(), !entry.is_broken())).collect()
    }

    /// A plan for sessions whose sensors have these sizes, by port. No version is the newest.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`], [`Error::SensorSize`], or why the network cannot run.
    pub fn plan(
        &self,
        name: &str,
        version: &str,
        sensors: &[(String, SensorSize)],
    ) -> Result<Loaded, Error> {
        self.plan_over(name, version, sensors, 1)
    }

    /// The same, for sessions that are spread over so many threads.
    ///
    /// # Errors
    ///
    /// As [`Repository::plan`]; the field `workers` for more than the network can have.
    pub fn plan_over(
        &self,
        name: &str,
        version: &str,
        sensors: &[(String, SensorSize)],
        workers: u32,
    ) -> Result<Loaded, Error> {
        let source = Source(self.find(name, version)?);
        self.plan_from(&source, sensors, workers)
    }

    /// The same, of what a session runs, whatever goes by its name by now.
    ///
    /// # Errors
    ///
    /// As [`Repository::plan_over`].
    pub(crate) fn plan_from(
        &self,
        source: &Source,
        sensors: &[(String, SensorSize)],
        workers: u32,
    ) -> Result<Loaded, Error> {
        let plan = self.plan_of(&source.0, sensors, workers)?;
        let (name, version) = (source.0.name.clone(), source.0.version.clone());
        Ok(Loaded { name, version, plan, source: source.clone() })
    }

    /// What a network is made of and what it costs, and the hash of its plan.
    ///
    /// # Errors
    ///
    /// As [`Repository::plan`].
    pub fn describe(
        &self,
        name: &str,
        version: &str,
        sensors: &[(String, SensorSize)],
    ) -> Result<(Info, Cost, [u8; 32]), Error> {
        let entry = self.find(name, version)?;
        let plan = self.plan_of(&entry, sensors, 1)?;
        Ok((info(&entry), plan.cost().clone(), plan.hash()))
    }

    /// What a network would cost, with the hash of its plan, or all the reasons why it would not
    /// run. Keeps nothing.
    ///
    /// # Errors
    ///
    /// What keeps it from being judged: an array that is missing, sensor sizes, limits, features of
    /// later versions.
    pub fn dry_run(
        &self,
        network: &v1::Network,
        sensors: &[(String, SensorSize)],
    ) -> Result<Verdict, Error> {
        let judged = Content::convert(network, &|sha256| self.blobs.get(sha256))
            .and_then(|content| content.plan(sensors, 1, self.plan_bytes_max));
        match judged {
            Ok(plan) => Ok(Ok((plan.cost().clone(), plan.hash()))),
            Err(Error::Invalid { problems, .. }) => Ok(Err(problems)),
            Err(error) => Err(error),
        }
    }

    /// The uploaded arrays.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    fn find(&self, name: &str, version: &str) -> Result<Arc<Entry>, Error> {
        let entries = self.entries();
        let versions = entries.get(name);
        let found = versions.and_then(|versions| match version {
            "" => versions.values().next_back(),
            _ => versions.get(&Version(version.into())),
        });
        if let Some(entry) = found {
            return Ok(Arc::clone(entry));
        }
        let versions = versions.into_iter().flat_map(BTreeMap::keys);
        Err(Error::Unknown {
            name: shortened(name),
            version: shortened(version),
            versions: versions.map(|version| version.0.clone()).collect(),
            nearest: name::nearest(name, entries.keys().map(String::as_str)).map(Into::into),
        })
    }

    fn plan_of(
        &self,
        entry: &Entry,
        sensors: &[(String, SensorSize)],
        workers: u32,
    ) -> Result<Arc<Plan>, Error> {
        let content = entry.content()?;
        // Before the cache is asked: a size for a port that has one of its own is no other plan.
        sensors::check(&content.network, sensors)?;
        let key = Key::new(content.identity, sensors, workers);
        if let Some(plan) = self.plans().get(&key) {
            return Ok(plan);
        }
        let plan = Arc::new(content.plan(sensors, workers, self.plan_bytes_max)?);
        self.plans().keep(key, &plan);
        Ok(plan)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing under these locks panics half-way through a change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plans(&self) -> MutexGuard<'_, Plans> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses what would be more than the repository holds.
fn check_room(entries: &Entries, entry: &Entry) -> Result<(), Error> {
    let count = entries.values().map(BTreeMap::len).sum::<usize>();
    if count >= NETWORKS_MAX {
        let (given, limit) = (count as u64 + 1, NETWORKS_MAX as u64);
        return Err(Error::Limit { what: "networks in the repository", given, limit });
    }
    let all = entries.values().flat_map(BTreeMap::values);
    let held_bytes = all.filter_map(|entry| entry.array_bytes()).sum();
    entry::check_total(held_bytes, entry.content()?.array_bytes)
}

fn insert(entries: &mut Entries, entry: Entry) {
    let versions = entries.entry(entry.name.clone()).or_default();
    versions.insert(Version(entry.version.clone()), Arc::new(entry));
}

fn info(entry: &Entry) -> Info {
    let content = entry.content();
    Info {
        name: entry.name.clone(),
        version: entry.version.clone(),
        description: content.as_ref().map(|c| c.description.clone()).unwrap_or_default(),
        notes: content.as_ref().map(|c| c.notes.clone()).unwrap_or_default(),
        problem: content.err().map(|error| error.to_string()),
    }
}

/// What a client wrote, at a length that suits a message.
fn shortened(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}
