//! Reads a recording on a thread of its own, a few portions ahead of whoever sends them.

use std::thread;

use spiked_recordings::{CameraEvent, Recording};
use tokio::sync::mpsc;

use crate::failure::Failure;

/// Portions that wait; each comes from one chunk of the file.
const PORTIONS_AHEAD: usize = 8;

/// Events in the order of the file.
#[derive(Debug)]
pub(crate) struct Portion {
    pub(crate) events: Vec<CameraEvent>,
    /// How far the file has been read \[bytes\].
    pub(crate) bytes_read: u64,
}

/// Reads to the end, or until nobody takes it any more. A fault comes behind the events before it.
pub(crate) fn read(mut recording: Recording) -> mpsc::Receiver<Result<Portion, Failure>> {
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
