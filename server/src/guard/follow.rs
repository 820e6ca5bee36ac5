//! Files that are read again when they change and on SIGHUP.
//!
//! A change is seen by a look every second at when a file was modified, its size and its inode,
//! which holds for files that are renamed into place and on every file system.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

use crate::StartError;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What changes when a file does.
type Stamp = (SystemTime, u64, u64);

fn stamp(file: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(file)?;
    Ok((metadata.modified()?, metadata.len(), metadata.ino()))
}

/// Calls `read_again` when one of the files has changed and on SIGHUP, for ever. From here on
/// SIGHUP does not end the process.
///
/// # Errors
///
/// Signals that cannot be received.
pub(super) fn follow(
    files: Vec<PathBuf>,
    mut read_again: impl FnMut(),
) -> Result<impl Future<Output = ()>, StartError> {
    let hangup = signal(SignalKind::hangup());
    let mut hangup = hangup.map_err(|error| StartError::Serve(format!("SIGHUP: {error}")))?;
    Ok(async move {
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Of no moment: the first look reads what came between the start and here.
        let mut last = None;
        loop {
            let asked = select! {
                _ = looks.tick() => false,
                _ = hangup.recv() => true,
            };
            // A file that is gone is said once, as any other change.
            let now: Vec<_> = files.iter().map(|file| stamp(file).ok()).collect();
            let now = Some(now);
            if asked || now != last {
                last = now;
                read_again();
            }
        }
    })
}
