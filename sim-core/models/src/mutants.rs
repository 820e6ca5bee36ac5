//! What the exchange does to its atomics, by place in the source, and the one thing done wrongly.
//!
//! Nobody lists the places: a run of the models finds them, so that an access that is added to the
//! exchange is weakened, too. Everything here belongs to the thread of the test that runs a model;
//! loom runs all threads of a model on it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt,
    panic::Location,
    sync::atomic::Ordering::{self, *},
};

/// What a mutant does at its place instead of what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instead {
    /// An access with the ordering `Relaxed`.
    Relaxed,
    /// A fence of `AcqRel`, which lets a later load pass an earlier store.
    AcqRel,
    /// Nothing: a fence left out, a bell not rung.
    Nothing,
}

/// One thing done wrongly at one place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mutant {
    file: &'static str,
    line: u32,
    instead: Instead,
}

thread_local! {
    static CHOSEN: Cell<Option<Mutant>> = const { Cell::new(None) };
    static FOUND: RefCell<BTreeSet<Mutant>> = const { RefCell::new(BTreeSet::new()) };
}

/// Makes what runs on this thread until the next call do one thing wrongly, or nothing.
pub fn choose(mutant: Option<Mutant>) {
    CHOSEN.set(mutant);
}

/// All that could have been done wrongly in what has run on this thread.
pub fn found() -> BTreeSet<Mutant> {
    FOUND.with_borrow(BTreeSet::clone)
}

/// The ordering of an access.
pub(crate) fn ordering(written: Ordering, place: &'static Location<'static>) -> Ordering {
    if written != Relaxed && is_chosen(Instead::Relaxed, place) { Relaxed } else { written }
}

/// Whether to do otherwise at a place.
pub(crate) fn is_chosen(instead: Instead, place: &'static Location<'static>) -> bool {
    let mutant = Mutant { file: place.file(), line: place.line(), instead };
    let chosen = CHOSEN.get();
    if chosen.is_none() {
        FOUND.with_borrow_mut(|found| found.insert(mutant));
    }
    chosen == Some(mutant)
}

impl Mutant {
    /// What happens instead of what is written.
    pub fn instead(&self) -> Instead {
        self.instead
    }

    /// Where it is: file, function, line of source.
    pub fn place(&self) -> [&'static str; 3] {
        let (file, source) = SOURCES
            .into_iter()
            .find(|(name, _)| self.file.ends_with(name))
            .expect("nothing but the exchange uses the atomics of this crate");
        let until = source.lines().zip(1..=self.line).map(|(text, _)| text.trim());
        let function = until.clone().filter_map(function_declared).last();
        [file, function.unwrap_or_default(), until.last().unwrap_or_default()]
    }
}

/// The name of the function whose declaration begins on a line.
fn function_declared(line: &'static str) -> Option<&'static str> {
    let (_, declared) = line.split_once("fn ").filter(|_| !line.starts_with("//"))?;
    declared.split(['(', '<']).next()
}

impl fmt::Debug for Mutant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} at {:?}", self.instead, self.place())
    }
}

const SOURCES: [(&str, &str); 4] = [
    ("clock.rs", include_str!("../../src/exchange/clock.rs")),
    ("ring.rs", include_str!("../../src/exchange/ring.rs")),
    ("sleep.rs", include_str!("../../src/exchange/sleep.rs")),
    ("threads.rs", include_str!("../../src/exchange/threads.rs")),
];
