//! Files that are read portion by portion: what comes before a fault is given out before it is raised.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use spiked_recordings::Error;

use crate::errors::InvalidRecording;

/// An open file, which one at a time reads.
pub(crate) struct Reading<R>(Mutex<Opened<R>>);

struct Opened<R> {
    file: R,
    /// What is wrong with it behind the portion that was given last.
    fault: Option<Error>,
}

impl<R> Reading<R> {
    pub(crate) fn new(file: R) -> Self {
        Self(Mutex::new(Opened { file, fault: None }))
    }

    /// Looks at the file, or reads some of it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut R) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).file)
    }

    /// At least so many of what `next` appends and counts, unless the file ends; none at its end.
    pub(crate) fn portion<T>(
        &self,
        wanted: usize,
        next: impl Fn(&mut R, &mut Vec<T>) -> Result<usize, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = opened.fault.take() {
            return Err(fault);
        }
        let mut portion = Vec::new();
        while portion.len() < wanted {
            match next(&mut opened.file, &mut portion) {
                Ok(0) => break,
                Ok(_) => {}
                Err(fault) if portion.is_empty() => return Err(fault),
                Err(fault) => {
                    opened.fault = Some(fault);
                    break;
                }
            }
        }
        Ok(portion)
    }
}

/// As the exception that stands for it.
pub(crate) fn raised(error: &Error) -> PyErr {
    InvalidRecording::new_err(error.to_string())
}
