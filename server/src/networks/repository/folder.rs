//! The operator's folder of networks: `NAME.toml`, `NAME/network.toml` (both version "1"), or
//! `NAME/VERSION/network.toml`.
//!
//! It is read when the daemon starts, and again when it is told to follow the folder and something
//! in there has changed. A network that is broken doesn't stop the others: it is listed with its
//! problem.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::entry::{Content, Entry, check_total};
use crate::networks::error::{Error, problem};
use crate::networks::limits::NETWORKS_MAX;
use crate::networks::name;
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
    let entries = found.into_iter().map(|Found { name, version, file }| {
        let content = named(&name, &version)
            .and_then(|()| Content::read(&Folder::of(&file), &name))
            .and_then(|content| {
                check_total(held_bytes, content.array_bytes)?;
                content.judge(plan_bytes_max)?;
                held_bytes += content.array_bytes;
                Ok(content)
            });
        Entry::new(&name, &version, content)
    });
    Ok(entries.collect())
}

fn named(name: &str, version: &str) -> Result<(), Error> {
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
            found.push(Found { name: stem, version: default, file: path });
        } else if path.join(FILE_NAME).exists() {
            found.push(Found { name: file_name, version: default, file: path.join(FILE_NAME) });
        } else if path.is_dir() {
            let versions = children(&path)?.into_iter().filter(|v| v.join(FILE_NAME).exists());
            found.extend(versions.map(|version| Found {
                name: file_name.clone(),
                version: name(version.file_name()),
                file: version.join(FILE_NAME),
            }));
        }
    }
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
