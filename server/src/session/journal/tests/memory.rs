//! A volume in memory: for readers that are to see many folders in a second.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::super::volume::{Log, Volume};

type Files = Arc<Mutex<BTreeMap<PathBuf, Vec<u8>>>>;

/// Files by path; folders are there when a file is in them.
#[derive(Clone, Default)]
pub(crate) struct Memory(pub(crate) Files);

struct MemoryLog {
    files: Files,
    path: PathBuf,
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Volume for Memory {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let files = self.0.lock().unwrap();
        let inside = files.keys().filter(|file| file.parent() == Some(path));
        let names = inside.filter_map(|file| file.file_name());
        Ok(names.map(|name| name.to_string_lossy().into_owned()).collect())
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.lock().unwrap().get(path).cloned().ok_or_else(missing)
    }
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn Log>> {
        self.write_whole(path, &[])?;
        Ok(Arc::new(MemoryLog { files: self.0.clone(), path: path.to_owned() }))
    }
    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        let mut files = self.0.lock().unwrap();
        let file = files.get_mut(path).ok_or_else(missing)?;
        file.resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().remove(path).map(drop).ok_or_else(missing)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().retain(|file, _| !file.starts_with(path));
        Ok(())
    }
}

impl Log for MemoryLog {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.files.lock().unwrap();
        files.get_mut(&self.path).ok_or_else(missing)?.extend_from_slice(bytes);
        Ok(())
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
