//! The operator's folder of networks: `NAME.toml`, `NAME/network.toml` or `NAME.PROFILE.nir` (all
//! version "1"), or `NAME/VERSION/network.toml`.
//!
//! It is read when the daemon starts, and again when it is told to follow the folder and something
//! in there has changed; or one network at a time, when it is asked for. A network that is broken doesn't stop the others: it is listed with its
//! problem.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::entry::{Content, Entry, check_total};
use crate::networks::error::{Error, problem};
use crate::networks::limits::NETWORKS_MAX;
use crate::networks::name::{self, Version};
use crate::networks::nir::Profile;
use crate::networks::text::{FILE_NAME, Folder};

/// Folders below the folder that are looked into, and files in all of them.
const FOLDERS_DEEP: usize = 4;
const FILES_MAX: usize = 100_000;

/// The version of a network that doesn't say one.
pub(super) const VERSION_DEFAULT: &str = "1";

/// Every network in a folder, in the order of their names.
pub(super) fn read(folder: &Path, plan_bytes_max: u64) -> Result<Vec<Entry>, Error> {
    let found = find(folder)?;
    if found.len() > NETWORKS_MAX {
        let (given, limit) = (found.len() as u64, NETWORKS_MAX as u64);
        return Err(Error::Limit { what: "networks in the folder", given, limit });
    }
    let mut held_bytes = 0;
    let entries = found.into_iter().map(|found| {
        let content = found.read().and_then(|content| {
            check_total(held_bytes, content.array_bytes)?;
            content.judge(plan_bytes_max)?;
            held_bytes += content.array_bytes;
            Ok(content)
        });
        Entry::new(&found.name, &found.version, content)
    });
    Ok(entries.collect())
}

/// One network of a folder, if it is there; no version is the newest.
pub(super) fn read_one(
    folder: &Path,
    (name, version): (&str, &str),
    plan_bytes_max: u64,
) -> Result<Option<Entry>, Error> {
    let found = find(folder)?.into_iter().filter(|found| found.name == name);
    let found = found.filter(|found| version.is_empty() || found.version == version);
    let Some(found) = found.max_by_key(|found| Version(found.version.clone())) else {
        return Ok(None);
    };
    let content = found.read()?;
    content.judge(plan_bytes_max)?;
    Ok(Some(Entry::new(&found.name, &found.version, Ok(content))))
}

pub(super) fn named(name: &str, version: &str) -> Result<(), Error> {
    let invalid = |field, message| Error::Invalid {
        name: name.into(),
        problems: vec![problem(field, message)],
    };
    name::check(name).map_err(|message| invalid("name", message))?;
    name::check(version).map_err(|message| invalid("version", message))
}

struct Found {
    name: String,
    version: String,
    file: PathBuf,
    form: Form,
}

/// What describes a network.
enum Form {
    Text,
    /// A NIR file, and how its name says that it is to be read.
    Nir(Option<Profile>),
}

impl Found {
    fn text(name: String, version: String, file: PathBuf) -> Self {
        Self { name, version, file, form: Form::Text }
    }

    /// `NAME.PROFILE.nir`, or `NAME.nir`, which doesn't say enough.
    fn nir(stem: &str, file: PathBuf) -> Self {
        let said = stem.rsplit_once('.').and_then(|(name, profile)| {
            let profile: Profile = profile.parse().ok()?;
            Some((name, profile))
        });
        let (name, profile) = said.map_or((stem, None), |(name, profile)| (name, Some(profile)));
        let (name, version) = (name.into(), VERSION_DEFAULT.into());
        Self { name, version, file, form: Form::Nir(profile) }
    }

    fn read(&self) -> Result<Content, Error> {
        let Self { name, version, file, form } = self;
        named(name, version)?;
        match form {
            Form::Text => Content::read(&Folder::of(file), name),
            Form::Nir(Some(profile)) => Content::read_nir(file, name, *profile),
            Form::Nir(None) => {
                let message = format!(
                    "no file says how it is to be read: call it {name}.PROFILE.nir, or name it in a \
                     text {name}.toml (nir = {{ file = \"{name}.nir\", profile = \"…\" }})"
                );
                Err(Error::Invalid { name: name.clone(), problems: vec![problem("nir", message)] })
            }
        }
    }
}

fn find(folder: &Path) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for path in children(folder)? {
        let name = |part: Option<&std::ffi::OsStr>| {
            part.unwrap_or_default().to_string_lossy().into_owned()
        };
        let (file_name, stem) = (name(path.file_name()), name(path.file_stem()));
        if file_name.starts_with('.') {
            continue;
        }
        let default = VERSION_DEFAULT.to_owned();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "toml") {
            found.push(Found::text(stem, default, path));
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "nir") {
            found.push(Found::nir(&stem, path));
        } else if path.join(FILE_NAME).exists() {
            found.push(Found::text(file_name, default, path.join(FILE_NAME)));
        } else if path.is_dir() {
            let versions = children(&path)?.into_iter().filter(|v| v.join(FILE_NAME).exists());
            found.extend(versions.map(|version| {
                let version_name = name(version.file_name());
                Found::text(file_name.clone(), version_name, version.join(FILE_NAME))
            }));
        }
    }
    // The text beside it says how it is to be read.
    let texts: BTreeSet<String> = found
        .iter()
        .filter(|one| matches!(one.form, Form::Text))
        .map(|one| one.name.clone())
        .collect();
    found.retain(|one| matches!(one.form, Form::Text) || !texts.contains(&one.name));
    Ok(found)
}

/// Path, length and time of change of everything in a folder.
pub(super) type Fingerprint = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Tells one state of a folder from another: what changes a network changes this.
pub(super) fn fingerprint(folder: &Path) -> Result<Fingerprint, Error> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for path in children(&folder)? {
            // One that went in between is seen the next time.
            let Ok(about) = fs::metadata(&path) else { continue };
            if about.is_dir() && depth < FOLDERS_DEEP {
                folders.push((path.clone(), depth + 1));
            }
            found.push((path, about.len(), about.modified().ok()));
            if found.len() > FILES_MAX {
                let (given, limit) = (found.len() as u64, FILES_MAX as u64);
                return Err(Error::Limit { what: "files in the folder", given, limit });
            }
        }
    }
    Ok(found)
}

/// What lies in a folder, by name, so that no daemon depends on the order of a file system.
fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let cannot = |error: std::io::Error| Error::Io {
        path: folder.display().to_string(),
        message: format!("the folder of networks cannot be read: {error}"),
    };
    let listed: Result<Vec<PathBuf>, std::io::Error> =
        fs::read_dir(folder).map_err(cannot)?.map(|child| Ok(child?.path())).collect();
    let mut children = listed.map_err(cannot)?;
    children.sort();
    Ok(children)
}
