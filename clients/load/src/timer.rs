//! Wakes a session when its batch is due.
//!
//! On Linux by a timer of the system that the runtime itself waits for: no thread between the two, and
//! none of the 50 µs by which threads may sleep too long. It is a file; where there can't be so many,
//! or on another system, the client's alarm does it.

use std::time::Instant;

use spiked_client::Alarm;

/// Sessions with a timer of their own: a process often has a thousand files.
#[cfg(target_os = "linux")]
const TIMERS_MAX: usize = 256;

/// A timer for one session.
pub(crate) enum Timer {
    #[cfg(target_os = "linux")]
    System(system::Timer),
    Alarm(Alarm),
    /// To the millisecond.
    Runtime,
}

impl Timer {
    /// That of the session with this number.
    pub(crate) fn new(session: usize) -> Self {
        #[cfg(not(target_os = "linux"))]
        let _ = session;
        #[cfg(target_os = "linux")]
        if session < TIMERS_MAX
            && let Ok(timer) = system::Timer::new()
        {
            return Self::System(timer);
        }
        Alarm::new().map_or(Self::Runtime, Self::Alarm)
    }

    /// Waits for a moment. May return early when an earlier wait was given up: look at the clock.
    pub(crate) async fn wait_until(&self, moment: Instant) {
        match self {
            #[cfg(target_os = "linux")]
            Self::System(timer) => timer.wait_until(moment).await,
            Self::Alarm(alarm) => alarm.wait_until(moment).await,
            Self::Runtime => tokio::time::sleep_until(moment.into()).await,
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::{io, os::fd::OwnedFd, time::Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    /// A timer of Linux.
    pub(crate) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[expect(
                deprecated,
                reason = "an OwnedFd keeps what the unsafe way has callers promise"
            )]
            AsyncFd::with_interest(timer, Interest::READABLE).map(Self)
        }

        pub(super) async fn wait_until(&self, moment: Instant) {
            let left = moment.saturating_duration_since(Instant::now());
            // Nothing left would mean: never.
            let Ok(it_value) = Timespec::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
            // Setting it anew takes away what an earlier moment left in it.
            if timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once).is_ok()
                && let Ok(mut ready) = self.0.readable().await
            {
                return ready.clear_ready();
            }
            tokio::time::sleep_until(moment.into()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// As sessions wait: until the clock says so.
    async fn wait(timer: &Timer, moment: Instant) -> u32 {
        let mut rounds = 0;
        while Instant::now() < moment {
            timer.wait_until(moment).await;
            rounds += 1;
        }
        rounds
    }

    #[tokio::test]
    async fn rings_when_the_moment_has_come_again_and_again() {
        for timer in [Timer::new(0), Timer::new(TIMERS_MAX), Timer::Runtime] {
            for _ in 0..5 {
                let moment = Instant::now() + Duration::from_millis(3);
                let rounds = wait(&timer, moment).await;
                assert!((1..=2).contains(&rounds), "{rounds}");
                // Every machine is busy now and then.
                assert!(moment.elapsed() < Duration::from_millis(500));
            }
        }
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_leaves_it_usable() {
        let timer = Timer::new(0);
        for far_ms in [100, 60_000] {
            let far = Instant::now() + Duration::from_millis(far_ms);
            // It is asked once, so that a busy machine does not get to the far moment.
            let given_up = tokio::time::timeout(Duration::ZERO, timer.wait_until(far)).await;
            assert!(given_up.is_err());
            tokio::time::sleep(Duration::from_millis(120)).await;
            let moment = Instant::now() + Duration::from_millis(3);
            wait(&timer, moment).await;
            assert!(moment.elapsed() < Duration::from_millis(500));
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_first_sessions_have_timers_of_the_system() {
        assert!(matches!(Timer::new(TIMERS_MAX - 1), Timer::System(_)));
        assert!(matches!(Timer::new(TIMERS_MAX), Timer::Alarm(_)));
    }
}
