//! Waking up after less than a millisecond, which is as finely as tokio's timer divides time.
//!
//! A thread of its own sleeps to the moment asked for and wakes the task that waits. It exists
//! from the first request on, and ends with the alarm.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

use tokio::sync::Notify;

/// An alarm clock for one task.
#[derive(Debug)]
pub(crate) struct Alarm {
    moments: mpsc::SyncSender<Instant>,
    rung: Arc<Notify>,
}

impl Alarm {
    pub(crate) fn new() -> io::Result<Self> {
        let (moments, asked) = mpsc::sync_channel::<Instant>(1);
        let rung = Arc::new(Notify::new());
        let ring = Arc::clone(&rung);
        thread::Builder::new().name("spiked-alarm".into()).spawn(move || {
            while let Ok(moment) = asked.recv() {
                thread::sleep(moment.saturating_duration_since(Instant::now()));
                ring.notify_one();
            }
        })?;
        Ok(Self { moments, rung })
    }

    /// Waits for a moment. May return early when an earlier wait was given up: look at the clock.
    pub(crate) async fn wait_until(&self, moment: Instant) {
        // Full only when a wait was given up; its ring is as good as ours.
        if self.moments.try_send(moment).is_ok() {
            self.rung.notified().await;
        } else {
            tokio::time::sleep_until(moment.into()).await;
        }
    }
}
