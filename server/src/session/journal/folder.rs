//! One durable session's folder: what is in it, and what of it is needed.
//!
//! ```text
//! session                         who it belongs to, its token, how it is spread
//! resting                         it was saved, or cannot be trusted; it is made again when somebody opens it
//! rewound                         the state that it goes back to; while it is here, nothing else counts
//! 00000000000000000000.snapshot   state after so many records
//! 00000000000000000000.journal    the records from there on
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    marked::Marked,
    segment::{self, Broken},
    volume::Volume,
};
use crate::session::{
    codec::{Damaged, Reader, Writer},
    protocol::Record,
};

const META: &str = "session";
const RESTING: &str = "resting";
const REWOUND: &str = "rewound";
const SNAPSHOT: &str = ".snapshot";
const SEGMENT: &str = ".journal";
const VERSION: u64 = 1;

/// What is known of a session besides its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) token: [u8; 16],
    pub(crate) workers: u32,
}

/// How a session was put to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// All of its journal is safe.
    Saved,
    /// Writing or syncing failed: nobody knows what of the journal is on the disk.
    Doubtful,
}

impl Rest {
    /// What the file says.
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Saved => b"saved\n",
            Self::Doubtful => b"doubtful\n",
        }
    }
}

/// What a journal holds since a snapshot.
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    /// Bytes of it on disk.
    pub(crate) bytes: u64,
}

/// A session's folder.
#[derive(Clone)]
pub(crate) struct Folder {
    volume: Arc<dyn Volume>,
    path: PathBuf,
    plan_sha256: [u8; 32],
}

impl Folder {
    /// A folder that is there, or will be.
    pub(crate) fn new(volume: Arc<dyn Volume>, path: PathBuf, plan_sha256: [u8; 32]) -> Self {
        Self { volume, path, plan_sha256 }
    }

    /// Makes it for a session whose first state is `snapshot`.
    pub(crate) fn create(&self, meta: &Meta, snapshot: &[u8]) -> io::Result<()> {
        if self.volume.read(&self.path.join(META)).is_ok() {
            let there = "a session of this id lies on disk already";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, there));
        }
        match self.volume.remove_folder(&self.path) {
            // What is left there is of a session that is no more.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => self.volume.make_folder(&self.path)?,
        }
        self.write_snapshot(0, snapshot)?;
        // Last: a folder without it is what a crash left of an opening, and is swept away.
        self.volume.write_whole(&self.path.join(META), &meta.encode())
    }

    pub(crate) fn write_snapshot(&self, index: u64, bytes: &[u8]) -> io::Result<()> {
        self.volume.write_whole(&self.file(index, SNAPSHOT), bytes)
    }

    /// Takes the session back to a state: from the moment that this is written whole, it is what the
    /// session goes on from, whatever happens on the way.
    pub(crate) fn go_back(&self, snapshot: &[u8]) -> io::Result<()> {
        self.volume.write_whole(&self.path.join(REWOUND), snapshot)?;
        self.finish_going_back()
    }

    /// Does what is left of a going back that was cut off, if there was one.
    pub(crate) fn finish_going_back(&self) -> io::Result<()> {
        let rewound = self.path.join(REWOUND);
        let snapshot = match self.volume.read(&rewound) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        for name in self.volume.list(&self.path)? {
            if [SNAPSHOT, SEGMENT].iter().any(|kind| index_of(&name, kind).is_some()) {
                self.volume.remove(&self.path.join(name))?;
            }
        }
        self.write_snapshot(0, &snapshot)?;
        self.volume.remove(&rewound)
    }

    pub(super) fn new_segment(&self, index: u64) -> io::Result<Arc<Marked>> {
        // One that a crash left at the same place holds nothing, or it would have been read.
        self.remove_segment(index)?;
        let log = self.volume.create_log(&self.file(index, SEGMENT))?;
        Marked::begin(log, &segment::head(&self.plan_sha256, index)).map(Arc::new)
    }

    /// Removes a segment that was begun and holds nothing, if there is one.
    pub(super) fn remove_segment(&self, index: u64) -> io::Result<()> {
        match self.volume.remove(&self.file(index, SEGMENT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads what belongs to a session; `None` where there is none.
    pub(crate) fn meta(volume: &dyn Volume, path: &Path) -> Result<Option<Meta>, Broken> {
        let path = path.join(META);
        match volume.read(&path) {
            Ok(bytes) => {
                let meta = Meta::decode(&bytes);
                meta.map(Some).map_err(|damaged| Broken::damaged(&path, damaged.to_string()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Broken::io(&path, source)),
        }
    }

    /// Whether the session was put to rest.
    pub(crate) fn rests(volume: &dyn Volume, path: &Path) -> bool {
        volume.read(&path.join(RESTING)).is_ok()
    }

    /// Puts the session to rest.
    pub(crate) fn rest(&self, rest: Rest) -> io::Result<()> {
        self.volume.write_whole(&self.path.join(RESTING), rest.name())
    }

    /// The session rests no more.
    pub(crate) fn wake(&self) -> io::Result<()> {
        match self.volume.remove(&self.path.join(RESTING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes the last segment safe up to a length, as it was read.
    fn make_safe(&self, path: &Path, length: u64) -> io::Result<()> {
        let rest = self.volume.read(&self.path.join(RESTING));
        if rest.is_ok_and(|rest| rest == Rest::Doubtful.name()) {
            // The system may take for written what never reached the disk: only what is written anew
            // is.
            let mut bytes = self.volume.read(path)?;
            bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            return self.volume.write_whole(path, &bytes);
        }
        self.volume.cut(path, length)
    }

    /// The oldest snapshot, which says what plan the session has.
    pub(crate) fn oldest_snapshot(
        volume: &dyn Volume,
        path: &Path,
    ) -> Result<(u64, Vec<u8>), Broken> {
        let names = volume.list(path).map_err(|source| Broken::io(path, source))?;
        let oldest = names.iter().find_map(|name| index_of(name, SNAPSHOT));
        let index = oldest.ok_or_else(|| Broken::damaged(path, "there is no snapshot"))?;
        let file = path.join(name_of(index, SNAPSHOT));
        let bytes = volume.read(&file).map_err(|source| Broken::io(&file, source))?;
        Ok((index, bytes))
    }

    /// Reads all records since the snapshot at `index`; what is torn off at the very end is cut.
    pub(crate) fn find(&self, index: u64) -> Result<Found, Broken> {
        let volume = self.volume.as_ref();
        let names = volume.list(&self.path).map_err(|source| Broken::io(&self.path, source))?;
        let segments = names.iter().filter_map(|name| index_of(name, SEGMENT));
        let segments: Vec<u64> = segments.filter(|&segment| segment >= index).collect();
        let (mut records, mut bytes) = (Vec::new(), 0);
        for (at, &segment) in segments.iter().enumerate() {
            let path = self.file(segment, SEGMENT);
            let before = index + records.len() as u64;
            if segment != before {
                let problem = format!("it begins after {segment} records where {before} are there");
                return Err(Broken::damaged(&path, problem));
            }
            let read = segment::read(volume, &path, &self.plan_sha256, segment)?;
            records.extend(read.records);
            bytes += read.torn_at.unwrap_or(read.length);
            if let Some(torn_at) = read.torn_at {
                if at + 1 < segments.len() {
                    let problem = format!("damaged at byte {torn_at}, and more follows it");
                    return Err(Broken::damaged(&path, problem));
                }
                tracing::warn!(file = %path.display(), torn_at, "cut a torn tail");
            }
            if at + 1 == segments.len() {
                // What a crash left unsynced is called durable from here on, so it has to be.
                let length = read.torn_at.unwrap_or(read.length);
                self.make_safe(&path, length).map_err(|source| Broken::io(&path, source))?;
            }
        }
        Ok(Found { records, bytes })
    }

    /// Removes all snapshots and segments before the snapshot at `index`.
    pub(crate) fn prune(&self, index: u64) -> io::Result<()> {
        let names = self.volume.list(&self.path)?;
        // Snapshots first: one whose records are gone could not be gone on from.
        for kind in [SNAPSHOT, SEGMENT] {
            let old = |name: &&String| index_of(name, kind).is_some_and(|found| found < index);
            for name in names.iter().filter(old) {
                self.volume.remove(&self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// Removes it all.
    pub(crate) fn remove(&self) -> io::Result<()> {
        // Without this file it counts as gone, whatever becomes of the rest.
        self.volume.remove(&self.path.join(META))?;
        self.volume.remove_folder(&self.path)
    }

    fn file(&self, index: u64, kind: &str) -> PathBuf {
        self.path.join(name_of(index, kind))
    }
}

fn name_of(index: u64, kind: &str) -> String {
    format!("{index:020}{kind}")
}

fn index_of(name: &str, kind: &str) -> Option<u64> {
    name.strip_suffix(kind).filter(|digits| digits.len() == 20)?.parse().ok()
}

impl Meta {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u64(VERSION);
        out.bytes(self.id.as_bytes());
        out.bytes(self.tenant.as_bytes());
        out.bytes(&self.token);
        out.u64(self.workers.into());
        let checksum = crc32fast::hash(&out.0);
        out.u64(checksum.into());
        out.0
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let from = &mut Reader::new("description", bytes);
        let version = from.u64()?;
        if version != VERSION {
            return Err(from.damaged(format!("version {version}")));
        }
        let (id, tenant) = (from.text()?, from.text()?);
        let token = from.bytes()?.try_into().map_err(|_| from.damaged("a token's length"))?;
        let workers = from.u32()?;
        let checked = bytes.len().saturating_sub(8);
        if from.u64()? != u64::from(crc32fast::hash(&bytes[..checked])) {
            return Err(from.damaged("a checksum does not match"));
        }
        from.end()?;
        Ok(Self { id, tenant, token, workers })
    }
}
