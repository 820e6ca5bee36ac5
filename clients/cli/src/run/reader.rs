//! Reads a recording on a thread of its own, a few portions ahead of whoever sends them.

use std::{io::Read, thread};

use spiked_recordings::{CameraEvent, Recording};
use tokio::sync::mpsc;

use crate::failure::Failure;

/// Portions that wait; each comes from one chunk of the file.
pub(crate) const PORTIONS_AHEAD: usize = 8;

/// Events in the order of the file.
#[derive(Debug)]
pub(crate) struct Portion {
    pub(crate) events: Vec<CameraEvent>,
    /// How far the file has been read \[bytes\].
    pub(crate) bytes_read: u64,
}

/// Portions as they come, up to the end or the first fault.
pub(crate) type Portions = mpsc::Receiver<Result<Portion, Failure>>;

/// Reads to the end, or until nobody takes it any more. A fault comes behind the events before it.
pub(crate) fn read<R: Read + Send + 'static>(mut recording: Recording<R>) -> Portions {
    let (portions, taken) = mpsc::channel(PORTIONS_AHEAD);
    thread::spawn(move || {
        loop {
            let mut events = Vec::new();
            let portion = match recording.next_events(&mut events) {
                Ok(0) => return,
                Ok(_) => Ok(Portion { events, bytes_read: recording.bytes_read() }),
                Err(error) => Err(Failure::from(error)),
            };
            if portions.blocking_send(portion).is_err() {
                return;
            }
        }
    });
    taken
}
