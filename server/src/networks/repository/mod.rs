//! The repository: networks by name and version, immutable, and the plans made of them.
//!
//! They come from the binary, from the operator's folder (which hides those of the same name in
//! the binary), and from clients: those are kept as files where there is a data folder, and else end
//! with the daemon. A plan is made outside of any lock, for
//! one size of each sensor and one number of workers, and kept for the next session.

mod entry;
mod folder;
mod kept;
mod plans;
mod sensors;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
use crate::session::journal::Volume;
use entry::{Content, Entry};
use kept::{Arrays, Kept};
use plans::{Key, Plans};

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
        let (kept, loading) = (None, Mutex::default());
        Ok(Self { entries, plans, blobs, folder, reads_on_request, kept, loading, plan_bytes_max })
    }

    /// Keeps networks that clients load as files of this folder; those that lie there are back. One
    /// of the operator's folder with the same name and version comes first.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read. A network whose files are damaged is listed with its problem.
    pub(crate) fn keep_in(&mut self, volume: Arc<dyn Volume>, root: PathBuf) -> Result<(), Error> {
        let kept = Kept::new(volume, root);
        let read = kept.read()?;
        let mut entries = self.entries();
        for entry in read {
            let version = Version(entry.version.clone());
            if !entries.get(&entry.name).is_some_and(|known| known.contains_key(&version)) {
                insert(&mut entries, entry);
            }
        }
        drop(entries);
        self.kept = Some(kept);
        Ok(())
    }

    /// Reads one network of the operator's folder, where they are read on request; no version is the
    /// newest.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`], why it cannot run, or a folder whose networks are not read on request.
    pub fn load_from_folder(&self, name: &str, version: &str) -> Result<Info, Error> {
        let refused = |message: &str| Error::Invalid {
            name: shortened(name),
            problems: vec![super::error::problem("name", message)],
        };
        if !self.reads_on_request {
            return Err(refused("networks of the folder are not loaded by name in this mode"));
        }
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let followed =
            folder.as_mut().ok_or_else(|| refused("the daemon has no folder of them"))?;
        let read = folder::read_one(&followed.path, (name, version), self.plan_bytes_max)?;
        let Some(entry) = read else {
            return self.find(name, version).map(|entry| info(&entry));
        };
        let mut entries = self.entries();
        check_room(&entries, &entry)?;
        let info = info(&entry);
        followed.add(entry, &mut entries);
        drop(entries);
        self.plans().clear();
        Ok(info)
    }

    /// A network that somebody asked for before the daemon was started again; where there is none,
    /// whoever needs it is told.
    pub(crate) fn recall(&self, name: &str, version: &str) {
        if self.reads_on_request && self.find(name, version).is_err() {
            // Asking for its plan says why it cannot be had.
            let _ = self.load_from_folder(name, version);
        }
    }

    /// Whether a network's files lie in the data folder; gives its version. No version is the newest.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`].
    pub(crate) fn kept_version(&self, name: &str, version: &str) -> Result<Option<String>, Error> {
        let entry = self.find(name, version)?;
        Ok(entry.is_kept.then(|| entry.version.clone()))
    }

    /// Reads the folder again if anything in it has changed; says whether it had. What has gone from
    /// it goes, what is new comes, what differs is replaced; live sessions stay on what they have.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read: everything stays as it was.
    pub fn follow(&self) -> Result<bool, Error> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(followed) = folder.as_mut().filter(|_| !self.reads_on_request) else {
            return Ok(false);
        };
        let now = folder::fingerprint(&followed.path)?;
        if now == followed.fingerprint {
            return Ok(false);
        }
        // Before the list is held, on which others wait: texts and arrays take their time.
        let own = folder::read(&followed.path, self.plan_bytes_max)?;
        followed.fingerprint = now;
        followed.take(own, &mut self.entries());
        self.plans().clear();
        Ok(true)
    }

    /// Takes a network away; live sessions stay on it. No version is the newest. One that lies in the
    /// folder comes back when the folder is read again; of one that a client loaded, the files go.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`], or files that cannot be removed.
    pub fn unload(&self, name: &str, version: &str) -> Result<(), Error> {
        let _loading = self.loading();
        let entry = self.find(name, version)?;
        if let Some(kept) = self.kept.as_ref().filter(|_| entry.is_kept) {
            kept.remove(&entry.name, &entry.version)?;
        }
        let mut entries = self.entries();
        if let Some(versions) = entries.get_mut(&entry.name) {
            versions.remove(&Version(entry.version.clone()));
            if versions.is_empty() {
                entries.remove(&entry.name);
            }
        }
        drop(entries);
        self.plans().clear();
        Ok(())
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
        let entry = self.find(name, version)?;
        let plan = self.plan_of(&entry, sensors, workers)?;
        Ok(Loaded { name: entry.name.clone(), version: entry.version.clone(), plan })
    }

    /// Checks a network and makes it available. No version is "1". The same description again is
    /// harmless.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] for another description under that name and version, or why the network
    /// cannot run.
    pub fn load(&self, network: &v1::Network, version: &str) -> Result<Info, Error> {
        let version = if version.is_empty() { folder::VERSION_DEFAULT } else { version };
        name::check(version).map_err(|message| Error::Invalid {
            name: shortened(&network.name),
            problems: vec![super::error::problem("version", message)],
        })?;
        let arrays = RefCell::new(Arrays::new());
        let content = Content::convert(network, &|sha256| {
            let array = self.blobs.get(sha256)?;
            arrays.borrow_mut().insert(*sha256, array.clone());
            Some(array)
        })?;
        content.judge(self.plan_bytes_max)?;
        let _loading = self.loading();
        let entry = match &self.kept {
            Some(_) => Entry::kept(&network.name, version, Ok(content)),
            None => Entry::new(&network.name, version, Ok(content)),
        };
        if let Some(same) = self.check_new(&entry)? {
            return Ok(same);
        }
        if let Some(kept) = &self.kept {
            kept.write((&entry.name, &entry.version), network, &arrays.into_inner())?;
        }
        let info = info(&entry);
        insert(&mut self.entries(), entry);
        Ok(info)
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
        let key = Key::new(&entry.name, &entry.version, sensors, workers);
        if let Some(plan) = self.plans().get(&key) {
            return Ok(plan);
        }
        let plan = Arc::new(content.plan(sensors, workers, self.plan_bytes_max)?);
        self.plans().keep(key, &plan);
        Ok(plan)
    }

    /// Whether there is room for a network; the one that is there, if it is the same.
    fn check_new(&self, entry: &Entry) -> Result<Option<Info>, Error> {
        let (name, version) = (entry.name.clone(), entry.version.clone());
        let entries = self.entries();
        let existing = entries.get(&name).and_then(|v| v.get(&Version(version.clone())));
        if let Some(existing) = existing {
            let same = existing.content().map(|content| content.identity).ok()
                == Some(entry.content()?.identity);
            return if same {
                Ok(Some(info(existing)))
            } else {
                Err(Error::Exists { name, version })
            };
        }
        check_room(&entries, entry).map(|()| None)
    }

    fn loading(&self) -> MutexGuard<'_, ()> {
        // It guards nothing that could be half done.
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing under these locks panics half-way through a change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plans(&self) -> MutexGuard<'_, Plans> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder of networks, and what was read of it.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    fingerprint: folder::Fingerprint,
    /// Name and version of each.
    read: Vec<(String, String)>,
}

impl Followed {
    fn of(path: &Path) -> Result<Self, Error> {
        let fingerprint = folder::fingerprint(path)?;
        Ok(Self { path: path.to_owned(), fingerprint, read: Vec::new() })
    }

    /// Puts what lies there in place of what was read before. A network of the folder hides one of
    /// the same name that comes along.
    fn take(&mut self, own: Vec<Entry>, entries: &mut Entries) {
        for (name, version) in self.read.drain(..) {
            if let Some(versions) = entries.get_mut(&name) {
                versions.remove(&Version(version));
            }
        }
        for entry in own {
            self.add(entry, entries);
        }
        entries.retain(|_, versions| !versions.is_empty());
    }

    /// Adds one of the folder; it hides what comes along under its name.
    fn add(&mut self, entry: Entry, entries: &mut Entries) {
        if let Some(versions) = entries.get_mut(&entry.name) {
            versions.retain(|_, known| !known.is_embedded());
        }
        let place = (entry.name.clone(), entry.version.clone());
        if !self.read.contains(&place) {
            self.read.push(place);
        }
        insert(entries, entry);
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
