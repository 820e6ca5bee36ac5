//! A reader under hostile bytes, and the bounds that each input is held to.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::Write as _,
    os::unix::fs::FileExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Once,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    memory,
    mutate::{self, Source},
    random::Random,
    settings::Settings,
};

/// An input that takes so long will never end.
const HANG: Duration = Duration::from_secs(60);
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);
/// So many inputs in, at least one was taken, or the damage is such that nothing is tested.
const INPUTS_TELLING: u64 = 1_000;

type Repair = dyn Fn(&mut Vec<u8>, &mut Random) + Sync;

/// A reader of bytes, with examples of what it reads.
pub struct Target<'a> {
    name: &'static str,
    examples: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    bytes_max: usize,
    memory_bytes_max: usize,
    time_max: Duration,
    repair: Option<&'a Repair>,
}

impl<'a> Target<'a> {
    /// A target whose inputs are like these examples. Bounds: inputs of 4 KiB, 1 MiB of memory and
    /// a second for each, which leaves room for a machine with other work.
    #[must_use]
    pub fn new(name: &'static str, examples: Vec<Vec<u8>>) -> Self {
        assert!(!examples.is_empty(), "{name} has no example to begin with");
        Self {
            name,
            examples,
            words: Vec::new(),
            bytes_max: 4_096,
            memory_bytes_max: 1 << 20,
            time_max: Duration::from_secs(1),
            repair: None,
        }
    }

    /// The examples are texts: their words and lines change places.
    #[must_use]
    pub fn text(mut self) -> Self {
        self.words.extend(mutate::words_of(&self.examples));
        self
    }

    /// Pieces that mean something to the reader.
    #[must_use]
    pub fn words(mut self, words: &[&[u8]]) -> Self {
        self.words.extend(words.iter().map(|word| word.to_vec()));
        self
    }

    /// The longest input \[bytes\].
    #[must_use]
    pub fn bytes_max(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// The most that one input may make the reader hold \[bytes\].
    #[must_use]
    pub fn memory_bytes_max(mut self, memory_bytes_max: usize) -> Self {
        self.memory_bytes_max = memory_bytes_max;
        self
    }

    /// The longest that one input may take.
    #[must_use]
    pub fn time_max(mut self, time_max: Duration) -> Self {
        self.time_max = time_max;
        self
    }

    /// Makes good what hides the rest of a reader from damage, such as a checksum. Applied to
    /// three of four inputs.
    #[must_use]
    pub fn repair(mut self, repair: &'a Repair) -> Self {
        self.repair = Some(repair);
        self
    }

    /// Gives the reader its inputs; it says whether it took each. What must hold it asserts.
    ///
    /// # Panics
    ///
    /// With the input's number, where the reader panics, holds too much or takes too long.
    pub fn run(&self, read: impl Fn(&[u8]) -> bool + Sync) {
        self.run_as(&Settings::from_environment(), read);
    }

    fn run_as(&self, settings: &Settings, read: impl Fn(&[u8]) -> bool + Sync) {
        assert!(memory::counts(), "{}: the process has another allocator", self.name);
        // One that is cut is damaged from the start, and all that comes of it.
        let longest = self.examples.iter().map(Vec::len).max().unwrap_or(0);
        assert!(longest <= self.bytes_max, "{}: an example has {longest} bytes", self.name);
        let started = Instant::now();
        let run = Run {
            target: self,
            settings,
            mark: settings
                .mark
                .as_ref()
                .map(|path| File::create(path).unwrap_or_else(|error| panic!("{path}: {error}"))),
            tallies: (0..settings.threads).map(|_| Tally::default()).collect(),
            over: AtomicBool::new(false),
        };
        thread::scope(|scope| {
            scope.spawn(|| run.watch(started));
            let threads: Vec<_> = (0..settings.threads)
                .map(|thread| {
                    let (run, read) = (&run, &read);
                    scope.spawn(move || run.share_of(thread, read))
                })
                .collect();
            let ended: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
            // Ordering: Relaxed. It only ends the watching; joining publishes everything else.
            run.over.store(true, Ordering::Relaxed);
            if let Some(panic) = ended.into_iter().find_map(Result::err) {
                std::panic::resume_unwind(panic);
            }
        });
        run.report(started);
        let taken = run.sum(|tally| &tally.taken);
        assert!(
            taken > 0 || settings.inputs < INPUTS_TELLING,
            "{}: none of {} inputs was taken",
            self.name,
            settings.inputs
        );
    }

    fn input(&self, settings: &Settings, number: u64) -> Vec<u8> {
        let mut random = Random::stream(settings.seed, number);
        let source =
            Source { examples: &self.examples, words: &self.words, bytes_max: self.bytes_max };
        let mut bytes = mutate::input(&source, &mut random);
        if let Some(repair) = self.repair.filter(|_| !random.once_in(4)) {
            repair(&mut bytes, &mut random);
        }
        bytes
    }
}

/// What one thread has done.
#[derive(Default)]
struct Tally {
    done: AtomicU64,
    taken: AtomicU64,
    bytes_max: AtomicU64,
    us_max: AtomicU64,
}

struct Run<'a> {
    target: &'a Target<'a>,
    settings: &'a Settings,
    mark: Option<File>,
    tallies: Vec<Tally>,
    over: AtomicBool,
}

// Ordering: Relaxed throughout. These are numbers for people; results come by joining.
impl Run<'_> {
    fn share_of(&self, thread: u64, read: &impl Fn(&[u8]) -> bool) {
        let Settings { inputs, from, threads, .. } = *self.settings;
        let Some(tally) = self.tallies.get(usize::try_from(thread).unwrap_or(usize::MAX)) else {
            return;
        };
        keep_panics_quiet();
        QUIET.set(true);
        for at in (thread..inputs).step_by(usize::try_from(threads).unwrap_or(1)) {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let number = from + at;
            if let Some(mark) = &self.mark {
                // Only whoever finds the process dead reads it.
                let _ = mark.write_all_at(&number.to_le_bytes(), 8 * thread);
            }
            let taken = self.try_one(number, tally, read);
            tally.done.fetch_add(1, Ordering::Relaxed);
            tally.taken.fetch_add(taken.into(), Ordering::Relaxed);
        }
    }

    fn try_one(&self, number: u64, tally: &Tally, read: &impl Fn(&[u8]) -> bool) -> bool {
        let input = self.target.input(self.settings, number);
        let once = || {
            let started = Instant::now();
            let (result, bytes) = memory::peak(|| catch_unwind(AssertUnwindSafe(|| read(&input))));
            (result, bytes, started.elapsed())
        };
        let (result, bytes, mut took) = once();
        // A machine with other work may hold anybody up once, hardly three times.
        for _ in 0..2 {
            if took > self.target.time_max {
                took = took.min(once().2);
            }
        }
        tally.bytes_max.fetch_max(bytes as u64, Ordering::Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tally.us_max.fetch_max(us, Ordering::Relaxed);
        match result {
            Err(_) => self.fail(number, &input, &PANIC.take()),
            Ok(_) if bytes > self.target.memory_bytes_max => {
                let limit = self.target.memory_bytes_max;
                self.fail(number, &input, &format!("takes {bytes} bytes, at most {limit} may be"))
            }
            Ok(_) if took > self.target.time_max => {
                let limit = self.target.time_max;
                self.fail(number, &input, &format!("takes {took:?}, at most {limit:?} may be"))
            }
            Ok(taken) => taken,
        }
    }

    fn fail(&self, number: u64, input: &[u8], what: &str) -> ! {
        self.over.store(true, Ordering::Relaxed);
        QUIET.set(false);
        panic!(
            "{}: input {number} of seed {} {what}\n  again: {}\n  {} bytes: {}\n  text: {:?}",
            self.target.name,
            self.settings.seed,
            self.again(number),
            input.len(),
            hex(input),
            String::from_utf8_lossy(&input[..input.len().min(2_000)]),
        )
    }

    fn again(&self, number: u64) -> String {
        let Settings { seed, .. } = self.settings;
        format!("cargo xtask fuzz {} --seed {seed} --from {number} --inputs 1", self.target.name)
    }

    /// Says how far it is, and ends the process when a thread hangs: a hung thread can't be ended.
    fn watch(&self, started: Instant) {
        let (mut said, mut moved) = (started, vec![(u64::MAX, started); self.tallies.len()]);
        while !self.over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20));
            for (thread, (tally, last)) in self.tallies.iter().zip(&mut moved).enumerate() {
                let done = tally.done.load(Ordering::Relaxed);
                if done != last.0 {
                    *last = (done, Instant::now());
                } else if last.1.elapsed() > HANG && !self.over.load(Ordering::Relaxed) {
                    let at = self.settings.from + done * self.settings.threads + thread as u64;
                    if done * self.settings.threads + (thread as u64) < self.settings.inputs {
                        say(&format!("{}: hangs; again: {}", self.target.name, self.again(at)));
                        std::process::abort();
                    }
                }
            }
            if said.elapsed() > PROGRESS {
                said = Instant::now();
                self.report(started);
            }
        }
    }

    fn report(&self, started: Instant) {
        let (done, taken) = (self.sum(|tally| &tally.done), self.sum(|tally| &tally.taken));
        let most = |of: fn(&Tally) -> &AtomicU64| {
            self.tallies.iter().map(|tally| of(tally).load(Ordering::Relaxed)).max().unwrap_or(0)
        };
        say(&format!(
            "fuzz {}: {done} of {} inputs in {:.1} s, {taken} taken, seed {}, at most {} bytes and \
             {} us each",
            self.target.name,
            self.settings.inputs,
            started.elapsed().as_secs_f64(),
            self.settings.seed,
            most(|tally| &tally.bytes_max),
            most(|tally| &tally.us_max),
        ));
    }

    fn sum(&self, of: fn(&Tally) -> &AtomicU64) -> u64 {
        self.tallies.iter().map(|tally| of(tally).load(Ordering::Relaxed)).sum()
    }
}

thread_local! {
    /// On threads that try inputs, panics are caught and told once, with the input.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn keep_panics_quiet() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if QUIET.get() {
                PANIC.set(panic.to_string());
            } else {
                loud(panic);
            }
        }));
    });
}

#[expect(clippy::print_stdout, reason = "what a run has done is its result")]
fn say(line: &str) {
    println!("{line}");
    // Nobody is left to tell when standard output is closed.
    let _ = std::io::stdout().flush();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(threads: u64) -> Settings {
        Settings { inputs: 20_000, seed: 1, from: 0, threads, mark: None }
    }

    fn target() -> Target<'static> {
        Target::new("none", vec![vec![3, 1, 2, 3], vec![1, 9]])
    }

    /// Why a run of a reader fails.
    fn failure(target: &Target<'_>, read: impl Fn(&[u8]) -> bool + Sync) -> String {
        let run = AssertUnwindSafe(|| target.run_as(&settings(1), read));
        let panic = catch_unwind(run).expect_err("it has a fault");
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    }

    /// A length, then as many bytes.
    fn sound(bytes: &[u8]) -> bool {
        bytes.split_first().is_some_and(|(&length, rest)| rest.len() == usize::from(length))
    }

    #[test]
    fn a_sound_reader_passes_on_any_number_of_threads() {
        for threads in [1, 3] {
            target().run_as(&settings(threads), sound);
        }
    }

    /// The three bounds, and a reader that nothing reaches.
    #[test]
    fn each_fault_of_a_reader_is_found() {
        let believes = |bytes: &[u8]| {
            let (&length, rest) = bytes.split_first().unwrap_or((&0, &[]));
            rest[..usize::from(length)].len() == rest.len()
        };
        let said = failure(&target(), believes);
        assert!(said.contains("panicked at") && said.contains("out of range"), "{said}");
        assert!(said.contains("\n  again: cargo xtask fuzz none --seed 1 --from "), "{said}");
        let takes = |bytes: &[u8]| {
            let count = bytes.first_chunk().map_or(0, |&length| u16::from_le_bytes(length));
            std::hint::black_box(vec![0_u8; 1_000 * usize::from(count)]).is_empty()
        };
        assert!(failure(&target(), takes).contains("bytes, at most 1048576 may be"));
        let slow = target().time_max(Duration::from_millis(2));
        let sleeps = |bytes: &[u8]| {
            let pause = bytes.len().checked_sub(70).map_or(0, |_| 5);
            thread::sleep(Duration::from_millis(pause));
            true
        };
        assert!(failure(&slow, sleeps).contains("at most 2ms may be"));
        assert!(failure(&target(), |_| false).contains("none of 20000 inputs was taken"));
    }

    #[test]
    fn an_input_is_its_number_whoever_tries_it() {
        let (target, settings) = (target(), settings(1));
        let inputs: Vec<_> = (0..100).map(|number| target.input(&settings, number)).collect();
        let again: Vec<_> = (0..100).map(|number| target.input(&settings, number)).collect();
        assert_eq!(inputs, again);
        let other = Settings { seed: 2, ..settings };
        assert_ne!(target.input(&other, 7), inputs[7]);
    }
}
