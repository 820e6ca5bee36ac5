//! Where a network's files lie: a folder of the user's, or what is embedded in the binary.
//!
//! A network is whole in itself: its arrays lie in its own folder or below, and no path leads out.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use include_dir::Dir;

/// The files of one network; names are relative to its folder.
pub(crate) trait Files {
    /// The text.
    fn main(&self) -> &str;
    /// A file as problems shall name it.
    fn shown(&self, name: &str) -> String;
    /// The bytes of a file of at most `max_bytes`.
    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, String>;
}

/// A folder on disk.
pub(crate) struct Folder {
    folder: PathBuf,
    main: String,
}

impl Folder {
    /// The folder around a network's text.
    pub(crate) fn of(file: &Path) -> Self {
        let main = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { folder: file.parent().unwrap_or(Path::new("")).to_owned(), main }
    }
}

impl Files for Folder {
    fn main(&self) -> &str {
        &self.main
    }

    fn shown(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, String> {
        check_inside(name)?;
        let path = self.folder.join(name);
        let cannot = |error: std::io::Error| format!("cannot be read: {error}");
        // Asked before opening: opening a pipe would wait for its other end.
        if !path.metadata().map_err(cannot)?.is_file() {
            return Err("is no file".into());
        }
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(cannot)?;
        file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() as u64 > max_bytes {
            return Err(too_long(max_bytes));
        }
        Ok(bytes)
    }
}

/// A folder in the binary.
pub(crate) struct Embedded(pub(crate) &'static Dir<'static>);

impl Files for Embedded {
    fn main(&self) -> &str {
        super::FILE_NAME
    }

    fn shown(&self, name: &str) -> String {
        format!("built-in {}", self.0.path().join(name).display())
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, String> {
        check_inside(name)?;
        let file = self.0.get_file(self.0.path().join(name)).ok_or("is not built in")?;
        let bytes = file.contents();
        if bytes.len() as u64 > max_bytes {
            return Err(too_long(max_bytes));
        }
        Ok(bytes.to_vec())
    }
}

fn check_inside(name: &str) -> Result<(), String> {
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !name.is_empty() && Path::new(name).components().all(inside) {
        return Ok(());
    }
    Err("lies outside the network's folder: its arrays belong inside".into())
}

fn too_long(max_bytes: u64) -> String {
    format!("is longer than {max_bytes} bytes")
}
