//! From our threads to an event loop: numbers of what is done, and a socket that becomes readable when
//! there are any. An event loop watches the socket as it watches all others.

use std::{
    io::{Read as _, Write as _},
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    sync::{Arc, Mutex, PoisonError},
};

use pyo3::prelude::*;

/// One end for the event loop, one for those who tell it.
struct Ends {
    /// Told and not taken: at most one for each that was begun.
    done: Mutex<Vec<u64>>,
    near: UnixStream,
    far: UnixStream,
}

impl Ends {
    fn tell(&self, number: u64) {
        let is_first = {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push(number);
            done.len() == 1
        };
        if is_first {
            // A socket that takes no more is readable already.
            let _ = (&self.far).write(&[0]);
        }
    }
}

/// Tells when it is dropped.
pub(crate) struct Telling {
    ends: Arc<Ends>,
    number: u64,
}

impl Telling {
    pub(crate) fn new(bridge: &Bridge, number: u64) -> Self {
        Self { ends: bridge.ends.clone(), number }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.ends.tell(self.number);
    }
}

/// The event loop's side.
#[pyclass(module = "spiked._native")]
pub(crate) struct Bridge {
    ends: Arc<Ends>,
}

#[pymethods]
impl Bridge {
    #[new]
    fn new() -> PyResult<Self> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok(Self { ends: Arc::new(Ends { done: Mutex::default(), near, far }) })
    }

    /// What to watch for being readable.
    fn fileno(&self) -> i32 {
        self.ends.near.as_raw_fd()
    }

    /// The numbers of all that was done since the last time.
    fn done(&self) -> Vec<u64> {
        // Before the numbers: who tells after this writes again.
        let mut bytes = [0; 64];
        while matches!((&self.ends.near).read(&mut bytes), Ok(read) if read == bytes.len()) {}
        std::mem::take(&mut self.ends.done.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
