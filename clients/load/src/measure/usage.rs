//! What a process takes of the machine, as Linux tells it.

use std::fs;

use serde::{Deserialize, Serialize};

/// Processor time and memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Its own and the system's for it, since it began \[s\].
    pub cpu_s: f64,
    /// Resident memory \[bytes\].
    pub resident_bytes: u64,
}

/// Of the process with this number; `None` where there is none, or no Linux.
#[must_use]
pub fn of_process(id: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let statm = fs::read_to_string(format!("/proc/{id}/statm")).ok()?;
    let (ticks, pages) = (cpu_ticks(&stat)?, statm.split(' ').nth(1)?.parse::<u64>().ok()?);
    let ticks_per_s = rustix::param::clock_ticks_per_second();
    let page_bytes = rustix::param::page_size() as u64;
    Some(Usage { cpu_s: ticks as f64 / ticks_per_s as f64, resident_bytes: pages * page_bytes })
}

/// User and system time: the 14th and 15th field. The second is a name that may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_blanks_and_brackets() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("nonsense"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_some_and_more_later() {
        let before = of_process(std::process::id()).expect("it runs");
        let mut sum = 0_u64;
        while of_process(std::process::id()).expect("it runs").cpu_s <= before.cpu_s {
            sum = (0..100_000_u64).fold(sum, |sum, each| std::hint::black_box(sum ^ each));
        }
        assert!(before.resident_bytes > 100_000);
        assert_eq!(of_process(u32::MAX), None);
    }
}
