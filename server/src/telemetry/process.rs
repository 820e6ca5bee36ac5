//! What the process takes, as the system tells it.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use rustix::{
    param::page_size,
    time::{ClockId, clock_gettime},
};

/// This process.
pub(crate) struct Process {
    started: SystemTime,
}

impl Process {
    /// A process that starts at this moment, as far as the daemon goes.
    pub(crate) fn starts() -> Self {
        Self { started: SystemTime::now() }
    }

    /// When it started \[s since 1970\].
    pub(super) fn start_seconds(&self) -> f64 {
        let since = self.started.duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64()
    }

    /// Processor time of all its threads \[s\].
    pub(super) fn cpu_seconds() -> f64 {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Duration::try_from(time).unwrap_or_default().as_secs_f64()
    }

    /// Memory that is resident; only Linux tells.
    pub(super) fn resident_bytes() -> Option<u64> {
        let pages = fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = pages.split_ascii_whitespace().nth(1)?.parse().ok()?;
        pages.checked_mul(page_size() as u64)
    }

    /// Files and sockets that are open; only Linux tells.
    pub(super) fn open_files() -> Option<u64> {
        let open = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        // One is the folder that was just read.
        Some(open.saturating_sub(1))
    }
}
