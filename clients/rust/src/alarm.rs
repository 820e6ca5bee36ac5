//! Waking up after less than a millisecond, which is as finely as tokio's timer divides time.
//!
//! One thread for all who wait sleeps to the earliest moment asked for and wakes the task that asked.
//! It exists from the first alarm on. Each alarm asks for one moment at a time.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    sync::{
        Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Instant,
};

use tokio::sync::Notify;

/// An alarm clock for one task, finer than a runtime's timer: it rings within some tens of microseconds.
#[derive(Debug)]
pub struct Alarm {
    number: u64,
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct Bell {
    rung: Notify,
    /// A moment was asked for and has not come.
    is_set: AtomicBool,
}

/// The moments asked for, with who asked: the number decides where two are the same.
type Asked = BinaryHeap<Reverse<(Instant, u64, Hung)>>;

/// A bell in a queue that is ordered by what stands before it.
struct Hung(Arc<Bell>);

impl PartialEq for Hung {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hung {}

impl PartialOrd for Hung {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hung {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

struct Tower {
    asked: Mutex<Asked>,
    earlier: Condvar,
}

static TOWER: Tower = Tower { asked: Mutex::new(BinaryHeap::new()), earlier: Condvar::new() };
static KEEPER: LazyLock<io::Result<()>> = LazyLock::new(|| {
    thread::Builder::new().name("spiked-alarm".into()).spawn(|| TOWER.keep()).map(drop)
});
static ALARMS: AtomicU64 = AtomicU64::new(0);

impl Alarm {
    /// An alarm that has not been set.
    ///
    /// # Errors
    ///
    /// The system has no thread for the first alarm of the process.
    pub fn new() -> io::Result<Self> {
        KEEPER.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        // Ordering: Relaxed, a number.
        Ok(Self { number: ALARMS.fetch_add(1, Relaxed), bell: Arc::default() })
    }

    /// Waits for a moment. May return early when an earlier wait was given up: look at the clock.
    pub async fn wait_until(&self, moment: Instant) {
        // Ordering: Relaxed. The queue's lock lies between this and the thread that rings.
        if self.bell.is_set.swap(true, Relaxed) {
            // Of a wait that was given up; its ring will come, and is as good as ours.
            tokio::time::sleep_until(moment.into()).await;
            return;
        }
        TOWER.ask(moment, self.number, self.bell.clone());
        self.bell.rung.notified().await;
    }
}

impl Tower {
    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, moment: Instant, number: u64, bell: Arc<Bell>) {
        let mut asked = self.lock();
        let is_earliest = asked.peek().is_none_or(|Reverse((first, ..))| moment < *first);
        asked.push(Reverse((moment, number, Hung(bell))));
        drop(asked);
        if is_earliest {
            self.earlier.notify_one();
        }
    }

    /// Rings, and sleeps to the next.
    fn keep(&self) {
        be_punctual();
        let mut asked = self.lock();
        loop {
            let now = Instant::now();
            let next = asked.peek().map(|Reverse((moment, ..))| *moment);
            asked = match next {
                None => self.earlier.wait(asked).unwrap_or_else(PoisonError::into_inner),
                Some(moment) if moment > now => {
                    let slept = self.earlier.wait_timeout(asked, moment - now);
                    slept.unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    if let Some(Reverse((_, _, Hung(bell)))) = asked.pop() {
                        // Ordering: Relaxed, under the queue's lock.
                        bell.is_set.store(false, Relaxed);
                        bell.rung.notify_one();
                    }
                    asked
                }
            };
        }
    }
}

/// Linux lets a thread sleep 50 µs too long, unless it asks not to. Where it may not, it does.
fn be_punctual() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Catches an alarm that is late because another was asked for before, and one that comes early.
    #[tokio::test]
    async fn each_rings_at_its_own_moment() {
        let began = Instant::now();
        let waits = [40, 5, 20, 0, 20].map(|after_ms| async move {
            let alarm = Alarm::new().unwrap();
            let moment = began + Duration::from_millis(after_ms);
            alarm.wait_until(moment).await;
            (after_ms, Instant::now().saturating_duration_since(began))
        });
        for (after_ms, came) in futures::future::join_all(waits).await {
            assert!(came >= Duration::from_millis(after_ms), "{after_ms} ms came after {came:?}");
            // Every machine is busy now and then.
            assert!(came < Duration::from_millis(after_ms + 500), "{after_ms} ms: {came:?}");
        }
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_leaves_the_alarm_usable() {
        let alarm = Alarm::new().unwrap();
        let far = Instant::now() + Duration::from_millis(30);
        let given_up = tokio::time::timeout(Duration::from_millis(1), alarm.wait_until(far)).await;
        assert!(given_up.is_err());
        for _ in 0..3 {
            let moment = Instant::now() + Duration::from_millis(20);
            while Instant::now() < moment {
                alarm.wait_until(moment).await;
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_thousand_alarms_take_one_thread() {
        let alarms: Vec<_> = (0..1_000).map(|_| Alarm::new().unwrap()).collect();
        let moment = Instant::now() + Duration::from_millis(1);
        futures::future::join_all(alarms.iter().map(|alarm| alarm.wait_until(moment))).await;
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm"));
        let names = threads.filter_map(|thread| name(thread.ok()?).ok());
        assert_eq!(names.filter(|name| name.trim() == "spiked-alarm").count(), 1);
    }
}
