//! Durable sessions as files to carry: taken out of a data folder, and put into another.
//!
//! For a session whose dynamics this build doesn't have, for one that is to go on at another daemon, and for
//! keeping one apart. Works on the data folder itself, while no daemon uses it, and looks at no state: what
//! is carried may be of any build. An archive is a zip file, stored without compression:
//!
//! ```text
//! about              what it is, for people
//! session/…          the files of the session's folder
//! network/…          the network that it runs, where the data folder holds it
//! ```
//!
//! What was put in rests until somebody opens it with its token, which is in the archive: who can read
//! that can go on with the session.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use spiked_proto::hex;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{
    codec::Damaged,
    data::{Data, Resident},
    journal::{Broken, Disk, Folder, Meta, Rest, Volume as _},
    settings,
    snapshot::{self, Of},
};
use crate::networks::name;

const ABOUT: &str = "about";
const SESSION: &str = "session/";
const NETWORK: &str = "network/";
/// The file that makes a folder a session; it is written last.
const META: &str = "session";
/// Files of one archive; a session has some ten.
const FILES_MAX: usize = 10_000;
/// What describes a session is some hundred bytes long.
const META_BYTES_MAX: u64 = 64 << 10;

/// A durable session that lies in a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lying {
    /// Whose it is.
    pub tenant: String,
    /// Its id.
    pub session: String,
    /// What it runs.
    pub network: String,
    /// That network's version.
    pub network_version: String,
    /// Which arithmetic made its state; a daemon goes on with its own alone.
    pub dynamics_version: u32,
}

/// Why a session could not be carried.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The data folder cannot be used.
    #[error("{path}: {source}")]
    Data {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No such session lies there.
    #[error("no durable session {session:?} of tenant {tenant:?} lies there{hint}")]
    Unknown {
        /// Whose it was said to be.
        tenant: String,
        /// Its id.
        session: String,
        /// What does lie there.
        hint: String,
    },
    /// One of that id is there already.
    #[error("a session {session:?} of tenant {tenant:?} lies there already")]
    Exists {
        /// Whose.
        tenant: String,
        /// Its id.
        session: String,
    },
    /// A session's files are damaged.
    #[error("{0}")]
    Broken(String),
    /// The file is no archive of a session, or a damaged one.
    #[error("{path}: {problem}")]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl From<Broken> for ArchiveError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.to_string())
    }
}

/// Every durable session that lies in a data folder, ordered by tenant and id.
///
/// # Errors
///
/// A folder that cannot be read, or that a daemon uses; a session whose files are damaged.
pub fn list(data: &Path) -> Result<Vec<Lying>, ArchiveError> {
    let held = take(data)?;
    let residents = held.residents().map_err(|source| at(data, source))?;
    residents.into_iter().map(|resident| Ok(found(&resident?)?.0)).collect()
}

/// Writes a session and the network that it runs into a new file; the session stays where it is.
///
/// # Errors
///
/// A session that isn't there or is damaged, and what the system says of files.
pub fn export(
    data: &Path,
    (tenant, session): (&str, &str),
    archive: &Path,
) -> Result<Lying, ArchiveError> {
    let held = take(data)?;
    let residents = held.residents().map_err(|source| at(data, source))?;
    let wanted = |one: &Resident| one.meta.tenant == tenant && one.meta.id == session;
    let Some(resident) = residents.iter().flatten().find(|one| wanted(one)) else {
        // Where its own files are damaged, that says more.
        let ids = residents.into_iter().map(|one| Ok(one?.meta.id));
        let ids: Vec<String> = ids.collect::<Result<_, ArchiveError>>()?;
        let hint = name::hint(session, ids.iter().map(String::as_str));
        return Err(ArchiveError::Unknown { tenant: tenant.into(), session: session.into(), hint });
    };
    let (lying, of) = found(resident)?;
    let network = network_of(data, &of);
    let failed = |source| at(archive, source);
    let written = (|| {
        let mut zip = ZipWriter::new(File::create_new(archive)?);
        add(&mut zip, ABOUT, &mut about(&lying).as_bytes())?;
        add_folder(&mut zip, SESSION, &resident.path)?;
        if let Some(network) = network {
            add_folder(&mut zip, NETWORK, &network)?;
        }
        zip.finish().map_err(io::Error::other)?.sync_all()
    })();
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // What is left of it is no archive.
            let _ = fs::remove_file(archive);
            Err(failed(error))
        }
        written => written.map(|()| lying).map_err(failed),
    }
}

/// Puts a session of an archive, and its network, into a data folder. It rests until it is opened.
///
/// # Errors
///
/// A file that is no whole archive, a session of that id that is there, and what the system says of files.
pub fn import(data: &Path, archive: &Path) -> Result<Lying, ArchiveError> {
    let wrong = |problem: String| ArchiveError::Archive { path: archive.to_owned(), problem };
    let held = take(data)?;
    let file = File::open(archive).map_err(|source| at(archive, source))?;
    let mut zip = ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
    if zip.len() > FILES_MAX {
        return Err(wrong(format!("{} files where {FILES_MAX} are the most", zip.len())));
    }
    let meta = meta_in(&mut zip).map_err(wrong)?;
    let path = held.session(&meta.tenant, &meta.id);
    let Meta { tenant, id, .. } = &meta;
    if path.join(META).exists() {
        return Err(ArchiveError::Exists { tenant: tenant.clone(), session: id.clone() });
    }
    let put = || {
        held.volume.make_folder(&path).map_err(|source| at(&path, source))?;
        extract(&mut zip, SESSION, &path, META).map_err(wrong)?;
        let folder = Folder::new(held.volume.clone(), path.clone(), [0; 32]);
        folder.rest(Rest::Saved).map_err(|source| at(&path, source))?;
        let resident =
            Resident { meta: meta.clone(), path: path.clone(), network: None, rests: true };
        let (lying, of) = found(&resident)?;
        put_network(&mut zip, data, &of).map_err(wrong)?;
        // Without it the rest is what a crash leaves of an opening, and is swept away.
        let written = held.volume.write_whole(&path.join(META), &meta.encode());
        written.map_err(|source| at(&path, source))?;
        Ok(lying)
    };
    let put: Result<Lying, ArchiveError> = { put }();
    if put.is_err() {
        let _ = held.volume.remove_folder(&path);
    }
    put
}

fn take(data: &Path) -> Result<Data, ArchiveError> {
    if !data.is_dir() {
        return Err(at(data, io::ErrorKind::NotADirectory.into()));
    }
    Data::take(Arc::new(Disk), data.to_owned()).map_err(|source| at(data, source))
}

fn at(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Data { path: path.to_owned(), source }
}

/// What a session is, by its oldest snapshot.
fn found(resident: &Resident) -> Result<(Lying, Of), ArchiveError> {
    let (_, bytes) = Folder::oldest_snapshot(&Disk, &resident.path)?;
    let of = snapshot::of(&bytes).map_err(|damaged: Damaged| {
        ArchiveError::Broken(format!("{}: {damaged}", resident.path.display()))
    })?;
    let lying = Lying {
        tenant: resident.meta.tenant.clone(),
        session: resident.meta.id.clone(),
        network: of.runs.network.clone(),
        network_version: of.runs.version.clone(),
        dynamics_version: of.dynamics_version,
    };
    Ok((lying, of))
}

fn about(lying: &Lying) -> String {
    let Lying { tenant, session, network, network_version, dynamics_version } = lying;
    format!(
        "A durable session of spiked; `spiked sessions import` puts it into a data folder.\n\n\
         session           {session}\n\
         tenant            {tenant}\n\
         network           {network} {network_version}\n\
         dynamics version  {dynamics_version}\n"
    )
}

/// Where the network lies that a session runs: by its plan, or as a client loaded it.
fn network_of(data: &Path, of: &Of) -> Option<PathBuf> {
    let folders = [running(data, of), loaded(data, of)];
    folders.into_iter().find(|folder| folder.is_dir())
}

fn running(data: &Path, of: &Of) -> PathBuf {
    data.join("running").join(&of.runs.network).join(hex(&of.runs.plan_sha256))
}

fn loaded(data: &Path, of: &Of) -> PathBuf {
    data.join("networks").join(&of.runs.network).join(&of.runs.version)
}

fn add_folder(zip: &mut ZipWriter<File>, prefix: &str, folder: &Path) -> io::Result<()> {
    for name in Disk.list(folder)? {
        add(zip, &format!("{prefix}{name}"), &mut File::open(folder.join(name))?)?;
    }
    Ok(())
}

fn add(zip: &mut ZipWriter<File>, name: &str, from: &mut dyn io::Read) -> io::Result<()> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file(name, stored.large_file(true)).map_err(io::Error::other)?;
    io::copy(from, zip).map(drop)
}

/// Whose session is in it; names that could lead out of a data folder are refused.
fn meta_in(zip: &mut ZipArchive<File>) -> Result<Meta, String> {
    let name = format!("{SESSION}{META}");
    let file = zip.by_name(&name).map_err(|_| "it is no archive of a session".to_owned())?;
    let mut bytes = Vec::new();
    let read = file.take(META_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|error| format!("{name}: {error}"))?;
    let meta = Meta::decode(&bytes).map_err(|damaged| format!("{name}: {damaged}"))?;
    for part in [&meta.tenant, &meta.id] {
        settings::check_name("session", part).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(meta)
}

/// Writes the files below a prefix, but for one, and has them survive power loss.
fn extract(
    zip: &mut ZipArchive<File>,
    prefix: &str,
    folder: &Path,
    but: &str,
) -> Result<(), String> {
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).map_err(|error| error.to_string())?;
        let name = file.name().map_err(|error| error.to_string())?.into_owned();
        let Some(name) = name.strip_prefix(prefix) else { continue };
        if name == but {
            continue;
        }
        name::check(name)?;
        let written = (|| {
            let mut to = File::create(folder.join(name))?;
            io::copy(&mut file, &mut to)?;
            to.flush()?;
            to.sync_all()
        })();
        written.map_err(|error| format!("{prefix}{name}: {error}"))?;
    }
    Ok(())
}

/// Puts the network where a session looks for it first.
fn put_network(zip: &mut ZipArchive<File>, data: &Path, of: &Of) -> Result<(), String> {
    for part in [&of.runs.network, &of.runs.version] {
        name::check(part)?;
    }
    let is_of_network = |name: &str| name.starts_with(NETWORK);
    let has_network = zip.file_names().flatten().any(|name| is_of_network(&name));
    let folder = running(data, of);
    if !has_network || folder.exists() || loaded(data, of).exists() {
        return Ok(());
    }
    Disk.make_folder(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    extract(zip, NETWORK, &folder, "")
}
