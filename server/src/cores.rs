//! Which of the machine's processor cores simulate: a set that simulation threads keep to.
//!
//! A set and not one core a thread: the threads that one session is spread over inherit it from
//! whoever makes them, and would crowd on a single one.

use std::{collections::BTreeSet, fmt, io};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Processor cores by their numbers, written as `0-3,6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores(BTreeSet<usize>);

impl Cores {
    /// Reads a list such as `0-3,6`.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no list of cores, as \"0-3,6\"");
        let mut cores = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |digits: &str| digits.trim().parse::<usize>().map_err(|_| wrong());
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(wrong());
            }
            if last >= CpuSet::MAX_CPU {
                return Err(format!("core {last} where {} is the last", CpuSet::MAX_CPU - 1));
            }
            cores.extend(first..=last);
        }
        Ok(Self(cores))
    }

    /// The cores that this process may use.
    fn available() -> io::Result<Self> {
        let set = sched_getaffinity(None)?;
        Ok(Self((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()))
    }

    /// Refuses cores that this process may not use.
    pub(crate) fn check(&self) -> Result<(), String> {
        let available = Self::available().map_err(|error| error.to_string())?;
        match self.0.difference(&available.0).next() {
            None => Ok(()),
            Some(core) => Err(format!("there is no core {core}: this process may use {available}")),
        }
    }

    /// Confines the calling thread, and those that it will start.
    pub(crate) fn confine(&self) -> io::Result<()> {
        let mut set = CpuSet::new();
        for &core in &self.0 {
            set.set(core);
        }
        Ok(sched_setaffinity(None, &set)?)
    }

    /// Does something on the calling thread confined, and lets it go again: for threads that are
    /// borrowed.
    pub(crate) fn confined<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        let before = Self::available()?;
        self.confine()?;
        let done = work();
        before.confine()?;
        Ok(done)
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.iter().copied().peekable();
        let mut comma = "";
        while let Some(first) = rest.next() {
            let mut last = first;
            while let Some(next) = rest.next_if_eq(&(last + 1)) {
                last = next;
            }
            match last - first {
                0 => write!(formatter, "{comma}{first}")?,
                _ => write!(formatter, "{comma}{first}-{last}")?,
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back() {
        for (text, shown) in [("0", "0"), ("3,1,2", "1-3"), ("0-3, 6", "0-3,6"), ("5-5", "5")] {
            assert_eq!(Cores::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", "a", "1-", "3-1", "-1", "1,,2", "99999999"] {
            assert!(Cores::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_borrowed_thread_is_let_go_again() {
        let before = Cores::available().unwrap();
        let one = Cores([*before.0.first().unwrap()].into());
        let within = one.confined(Cores::available).unwrap().unwrap();
        assert_eq!((within, Cores::available().unwrap()), (one, before));
    }
}
