//! What a session was opened with, checked once.
//!
//! Everything that the contract allows to be absent has its default filled in here, and everything
//! that this daemon does not have is refused here, by name.

use std::time::Duration;

use spiked_proto::v1;

use super::codec::{Damaged, Reader, Writer};
use crate::error::Error;

/// The longest `run_on`: networks that sustain themselves end within it.
const RUN_ON_MAX: Duration = Duration::from_hours(1);
const NAME_LENGTH_MAX: usize = 128;

/// What a bad or a late event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// All before it is applied, the error names it, the input ends.
    Fail,
    /// It is dropped and counted, and the first of its cause reported.
    Drop,
}

/// Where tick 0 lies on the sender's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// At a time stamp \[µs\].
    Time(u64),
    /// Where the first accepted batch begins.
    FirstBatch,
}

/// The most that a producer may have in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Events.
    pub(crate) events: u64,
    /// Bytes of payload.
    pub(crate) bytes: u64,
}

/// What shapes a session's results and its conversation; equal settings may share a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) origin: Origin,
    pub(crate) bad_event: Policy,
    pub(crate) late_event: Policy,
    /// Absent: the network's longest path of delays.
    pub(crate) run_on_us: Option<u64>,
    pub(crate) seed: Option<u64>,
}

impl Settings {
    /// Checks an `open`, but for the names of session, network and ports.
    pub(crate) fn new(open: &v1::Open) -> Result<Self, Error> {
        refuse_unimplemented(open)?;
        if open.run_on_us.is_some_and(|us| us > micros(RUN_ON_MAX)) {
            return Err(Error::field("open.run_on_us", "more than one hour"));
        }
        Ok(Self {
            origin: origin(open.origin.as_ref())?,
            bad_event: policy("open.bad_event", open.bad_event)?,
            late_event: policy("open.late_event", open.late_event)?,
            run_on_us: open.run_on_us,
            seed: open.seed,
        })
    }

    /// As fields of a snapshot.
    pub(crate) fn save(&self, out: &mut Writer) {
        out.option(match self.origin {
            Origin::Time(time_us) => Some(time_us),
            Origin::FirstBatch => None,
        });
        out.u64(u64::from(self.bad_event == Policy::Drop));
        out.u64(u64::from(self.late_event == Policy::Drop));
        out.option(self.run_on_us);
        out.option(self.seed);
    }

    /// From the fields of a snapshot.
    pub(crate) fn load(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let policy = |drops| if drops { Policy::Drop } else { Policy::Fail };
        Ok(Self {
            origin: from.option()?.map_or(Origin::FirstBatch, Origin::Time),
            bad_event: policy(from.flag()?),
            late_event: policy(from.flag()?),
            run_on_us: from.option()?,
            seed: from.option()?,
        })
    }
}

/// Checks a name of the client's choice: 1 to 128 characters of [A-Za-z0-9._-].
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<(), Error> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(good) {
        return Ok(());
    }
    Err(Error::field(field, "expected 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-'"))
}

/// Whole microseconds; only for constants.
const fn micros(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000
}

fn refuse_unimplemented(open: &v1::Open) -> Result<(), Error> {
    let pace = known("open.pace", v1::Pace::try_from(open.pace))?;
    let overload = known("open.overload", v1::Overload::try_from(open.overload))?;
    let gathering = known("open.gathering", v1::Gathering::try_from(open.gathering))?;
    let durability = known("open.durability", v1::Durability::try_from(open.durability))?;
    let missing = [
        (!matches!(open.producer.as_str(), "" | "main"), "several producers (open.producer)"),
        (pace == v1::Pace::Live, "live pace (open.pace)"),
        (
            !matches!(overload, v1::Overload::Unspecified | v1::Overload::Block),
            "overload policies other than block (open.overload)",
        ),
        (open.lateness_us != 0, "lateness (open.lateness_us)"),
        (gathering == v1::Gathering::Throughput, "gathered output (open.gathering)"),
        (
            !matches!(durability, v1::Durability::Unspecified | v1::Durability::None),
            "durable sessions (open.durability)",
        ),
        (!open.resume_token.is_empty(), "resuming a stream (open.resume_token)"),
        (open.output_from != 0, "output from a past position (open.output_from)"),
        (open.lease_us != 0, "a lease (open.lease_us)"),
    ];
    match missing.into_iter().find(|(asked_for, _)| *asked_for) {
        Some((_, feature)) => Err(Error::Unimplemented { feature: feature.to_owned() }),
        None => Ok(()),
    }
}

fn known<T, E>(field: &'static str, value: Result<T, E>) -> Result<T, Error> {
    value.map_err(|_| Error::field(field, "a number without meaning"))
}

fn policy(field: &'static str, value: i32) -> Result<Policy, Error> {
    Ok(match known(field, v1::EventPolicy::try_from(value))? {
        v1::EventPolicy::Unspecified | v1::EventPolicy::Fail => Policy::Fail,
        v1::EventPolicy::Drop => Policy::Drop,
    })
}

fn origin(origin: Option<&v1::Origin>) -> Result<Origin, Error> {
    use v1::origin::Origin as Wire;
    match origin.and_then(|origin| origin.origin.as_ref()) {
        None => Ok(Origin::Time(0)),
        Some(Wire::TimeUs(time_us)) => Ok(Origin::Time(*time_us)),
        Some(Wire::FirstBatch(true)) => Ok(Origin::FirstBatch),
        Some(Wire::FirstBatch(false)) => {
            Err(Error::field("open.origin.first_batch", "false says nothing; leave the origin out"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survive_saving() {
        let settings = Settings {
            origin: Origin::FirstBatch,
            bad_event: Policy::Drop,
            late_event: Policy::Fail,
            run_on_us: Some(7),
            seed: None,
        };
        let mut saved = Writer::default();
        settings.save(&mut saved);
        assert_eq!(Settings::load(&mut Reader::new("settings", &saved.0)), Ok(settings));
    }

    #[test]
    fn refuse_by_name_what_is_not_there() {
        let open = |change: fn(&mut v1::Open)| {
            let mut open = v1::Open::default();
            change(&mut open);
            Settings::new(&open).map_err(|error| error.to_string())
        };
        assert!(open(|_| ()).is_ok());
        type Change = fn(&mut v1::Open);
        let changes: [(Change, &str); 7] = [
            (|open| open.producer = "left".into(), "open.producer"),
            (|open| open.set_pace(v1::Pace::Live), "open.pace"),
            (|open| open.set_overload(v1::Overload::DropOldest), "open.overload"),
            (|open| open.set_durability(v1::Durability::Each), "open.durability"),
            (|open| open.set_gathering(v1::Gathering::Throughput), "open.gathering"),
            (|open| open.lease_us = 1, "open.lease_us"),
            (|open| open.pace = 99, "open.pace"),
        ];
        for (change, field) in changes {
            let error = open(change).unwrap_err();
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn names_are_plain() {
        assert!(check_name("open.session_id", "whisker-7.b_1").is_ok());
        for bad in ["", "a b", "ä", "a/b", &"x".repeat(129)] {
            assert!(check_name("open.session_id", bad).is_err(), "{bad:?}");
        }
    }
}
