//! What time brings a session: the clock of live pace, syncs, streams that closed, and leases.

use std::time::Duration;

use spiked_proto::v1;
use tokio::time::Instant;

use super::{Host, seat::Seat};
use crate::session::{link::Over, settings::Pace};

/// Under live pace, how often the clock is looked at: half the lateness, within these bounds.
const CLOCK_MIN: Duration = Duration::from_millis(1);
const CLOCK_MAX: Duration = Duration::from_millis(4);

impl Host {
    pub(super) fn clock_period(&self) -> Duration {
        match self.protocol.settings().pace {
            Pace::Live { lateness_us, .. } => {
                Duration::from_micros(lateness_us / 2).clamp(CLOCK_MIN, CLOCK_MAX)
            }
            Pace::Logical => CLOCK_MAX,
        }
    }

    /// Wakes when the first of all that is due is due.
    pub(super) fn set_alarm(&mut self) {
        let closing = self.seats.iter().filter_map(Seat::closes_at).min();
        let due = [
            self.clock_due,
            self.lease_ends,
            self.sync_due(),
            closing,
            self.lapse_due(),
            self.grant_due,
        ];
        let due = due.into_iter().flatten().min();
        if let Some(due) = due
            && self.alarm.deadline() != due
        {
            self.alarm.as_mut().reset(due);
        }
    }

    pub(super) fn see_to_time(&mut self) {
        let now = Instant::now();
        if self.clock_due.is_some_and(|due| due <= now) {
            self.clock_due = self.is_live().then(|| now + self.clock_period());
            let level = self.level();
            self.protocol.tick(&level, &mut self.actions);
            self.act();
        }
        if self.grant_due.is_some_and(|due| due <= now) {
            self.act();
        }
        if self.sync_due().is_some_and(|due| due <= now) {
            self.sync();
        }
        for seat in 0..self.seats.len() {
            if self.seats[seat].take_closed(now) {
                // A stream that closes and is read on says what `end` says.
                let level = self.level();
                self.protocol.end(seat, &level, &mut self.actions);
                self.act();
            }
        }
        if self.lease_ends.is_some_and(|due| due <= now) {
            self.lease_ends = None;
            self.abandon();
        }
        self.lapse_absent(now);
        // Others may have moved meanwhile; and a deadline that stays in the past would wake the task
        // for ever.
        self.moved_seen = false;
        if self.alarm.is_elapsed() {
            self.alarm.as_mut().reset(now + Duration::from_secs(60));
        }
    }

    /// When the first absent producer's own lease ends. While nobody holds the session, its lease is
    /// all that counts: it may be saved with what is unread.
    fn lapse_due(&self) -> Option<Instant> {
        let held = self.lease_ends.is_none();
        let due = self.seats.iter().filter_map(|seat| seat.lapses_at(self.lease)).min();
        due.filter(|_| held)
    }

    /// Output that is kept for a producer that stays away fills what is kept, and with that the
    /// session waits: so it is kept no longer than the lease.
    pub(super) fn lapse_absent(&mut self, now: Instant) {
        if self.lapse_due().is_none_or(|due| due > now) {
            return;
        }
        let lease = self.lease;
        for (producer, seat) in self.seats.iter_mut().enumerate() {
            if seat.lapses_at(lease).is_some_and(|due| due <= now) {
                seat.lapse();
                tracing::info!(
                    session = self.link.id(),
                    producer,
                    "output is no longer kept for a producer that stayed away"
                );
            }
        }
        self.move_output();
    }

    /// The lease has run out.
    fn abandon(&mut self) {
        if self.link.over().is_some() {
            self.lease_over = true;
        } else if self.is_durable() {
            self.save("the lease ran out: the session was saved");
        } else {
            self.link.end(Over::Ended(v1::EndReason::Abandoned, "the lease ran out".into()));
        }
    }

    /// The lease runs while nobody holds the session.
    pub(super) fn renew_lease(&mut self) {
        self.publish();
        let held = self.seats.iter().any(Seat::is_attached) || self.stepping.is_waiting();
        self.lease_ends = match held {
            true => None,
            false => Some(self.lease_ends.unwrap_or_else(|| Instant::now() + self.lease)),
        };
    }
}
