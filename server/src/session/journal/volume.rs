//! Files, as the journal needs them: few operations, each with a stated meaning for power loss.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where files are kept.
pub(crate) trait Volume: Send + Sync + 'static {
    /// Makes a folder and those above it; it survives power loss.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Names in a folder, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// All of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Writes a file whole or not at all; it survives power loss.
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// A new, empty file to append to; that it is there survives power loss.
    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn Log>>;
    /// Cuts a file, and makes it safe from power loss.
    fn cut(&self, path: &Path, length: u64) -> io::Result<()>;
    /// Removes a file; that it is gone survives power loss.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
}

/// A file that grows.
pub(crate) trait Log: Send + Sync {
    /// Survives the process; power loss only after [`sync`](Self::sync).
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// All that was appended survives power loss.
    fn sync(&self) -> io::Result<()>;
}

/// The file system.
#[derive(Debug, Default)]
pub(crate) struct Disk;

impl Volume for Disk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().map(Path::to_owned);
        if let Some(parent) = &parent {
            self.make_folder(parent)?;
        }
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        sync_folder_of(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
        let names: io::Result<Vec<_>> = names.collect();
        let mut names: Vec<_> =
            names?.into_iter().filter_map(|name| name.into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let part = part_of(path);
        let written = (|| {
            let mut file = File::create(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, path)?;
            sync_folder_of(path)
        })();
        if written.is_err() {
            // What is left of it would only take space; it is never read.
            let _ = fs::remove_file(&part);
        }
        written
    }

    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn Log>> {
        // Before there is a file: where no descriptor is left, nothing is begun.
        let folder = File::open(folder_of(path))?;
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        folder.sync_all()?;
        Ok(Arc::new(file))
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)?;
        sync_folder_of(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }
}

impl Log for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}
