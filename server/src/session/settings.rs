//! What a session was opened with, checked once.
//!
//! Everything that the contract allows to be absent has its default filled in here.

use std::time::Duration;

use spiked_proto::v1;

use super::codec::{Damaged, Reader, Writer};
use crate::error::Error;

/// The longest `run_on`: networks that sustain themselves end within it.
const RUN_ON_MAX: Duration = Duration::from_hours(1);
/// The longest lease.
const LEASE_MAX: Duration = Duration::from_hours(7 * 24);
/// The longest lateness: what waits meanwhile is in memory.
const LATENESS_MAX: Duration = Duration::from_secs(10);
/// A few milliseconds: more than a local network's jitter.
const LATENESS_US_DEFAULT: u64 = 5_000;
const NAME_LENGTH_MAX: usize = 128;
/// Producers of one session.
const PRODUCERS_MAX: usize = 16;
/// The producer of a session that names none.
const MAIN: &str = "main";

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

/// What becomes of input that comes faster than it is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overload {
    /// Credit runs out.
    Block,
    /// The oldest that still waits is dropped.
    DropOldest,
    /// What comes is dropped.
    DropNewest,
    /// The input ends.
    Fail,
}

/// What session time follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// The producers' promises.
    Logical,
    /// The daemon's clock.
    Live {
        /// How long an event is waited for \[µs\].
        lateness_us: u64,
        /// How far behind real time input is still taken \[µs\]; 0 is any.
        lag_max_us: u64,
    },
}

/// When a batch counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Never: the session lives in memory.
    None,
    /// Once it is written.
    Never,
    /// Once it is synced, which happens at intervals.
    Interval,
    /// Once it is synced, which happens before it is simulated.
    Each,
}

/// What shapes a session's results and its conversation; equal settings may share a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// At least one, without repetition.
    pub(crate) producers: Vec<String>,
    pub(crate) origin: Origin,
    pub(crate) pace: Pace,
    pub(crate) overload: Overload,
    pub(crate) durability: Durability,
    pub(crate) bad_event: Policy,
    pub(crate) late_event: Policy,
    /// Small answers wait for company.
    pub(crate) gathered: bool,
    /// Absent: the network's longest path of delays.
    pub(crate) run_on_us: Option<u64>,
    pub(crate) seed: Option<u64>,
    /// Absent: as the daemon is configured.
    pub(crate) lease_us: Option<u64>,
}

impl Settings {
    /// Checks an `open`, but for the names of session, network and ports.
    pub(crate) fn new(open: &v1::Open) -> Result<Self, Error> {
        if open.run_on_us.is_some_and(|us| us > micros(RUN_ON_MAX)) {
            return Err(Error::field("open.run_on_us", "more than one hour"));
        }
        if open.lease_us.is_some_and(|us| us > micros(LEASE_MAX)) {
            return Err(Error::field("open.lease_us", "more than a week"));
        }
        let pace = pace(open)?;
        let settings = Self {
            producers: producers(open)?,
            origin: origin(open.origin.as_ref())?,
            pace,
            overload: overload(open.overload, pace)?,
            durability: durability(open.durability)?,
            bad_event: policy("open.bad_event", open.bad_event, Policy::Fail)?,
            late_event: policy("open.late_event", open.late_event, late_default(pace))?,
            gathered: gathered(open.gathering)?,
            run_on_us: open.run_on_us,
            seed: open.seed,
            lease_us: open.lease_us,
        };
        if settings.producers.len() > 1 && settings.origin == Origin::FirstBatch {
            let problem = "with several producers it would depend on who is first: give a time";
            return Err(Error::field("open.origin.first_batch", problem));
        }
        Ok(settings)
    }

    /// As fields of a snapshot.
    pub(crate) fn save(&self, out: &mut Writer) {
        out.u64(self.producers.len() as u64);
        for producer in &self.producers {
            out.bytes(producer.as_bytes());
        }
        out.option(match self.origin {
            Origin::Time(time_us) => Some(time_us),
            Origin::FirstBatch => None,
        });
        let (lateness_us, lag_max_us) = match self.pace {
            Pace::Logical => (None, 0),
            Pace::Live { lateness_us, lag_max_us } => (Some(lateness_us), lag_max_us),
        };
        out.option(lateness_us);
        out.u64(lag_max_us);
        out.u64(self.overload as u64);
        out.u64(self.durability as u64);
        out.u64(u64::from(self.bad_event == Policy::Drop));
        out.u64(u64::from(self.late_event == Policy::Drop));
        out.u64(u64::from(self.gathered));
        out.option(self.run_on_us);
        out.option(self.seed);
        out.option(self.lease_us);
    }

    /// From the fields of a snapshot.
    pub(crate) fn load(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let policy = |drops| if drops { Policy::Drop } else { Policy::Fail };
        let producers = load_producers(from)?;
        let origin = from.option()?.map_or(Origin::FirstBatch, Origin::Time);
        let (lateness_us, lag_max_us) = (from.option()?, from.u64()?);
        let pace =
            lateness_us.map_or(Pace::Logical, |lateness_us| Pace::Live { lateness_us, lag_max_us });
        Ok(Self {
            producers,
            origin,
            pace,
            overload: load_overload(from)?,
            durability: load_durability(from)?,
            bad_event: policy(from.flag()?),
            late_event: policy(from.flag()?),
            gathered: from.flag()?,
            run_on_us: from.option()?,
            seed: from.option()?,
            lease_us: from.option()?,
        })
    }
}

fn load_producers(from: &mut Reader<'_>) -> Result<Vec<String>, Damaged> {
    let count = from.u64()?;
    if !(1..=PRODUCERS_MAX as u64).contains(&count) {
        return Err(from.damaged(format!("{count} producers")));
    }
    (0..count).map(|_| from.text()).collect()
}

fn load_overload(from: &mut Reader<'_>) -> Result<Overload, Damaged> {
    Ok(match from.u64()? {
        0 => Overload::Block,
        1 => Overload::DropOldest,
        2 => Overload::DropNewest,
        3 => Overload::Fail,
        value => return Err(from.damaged(format!("overload policy {value}"))),
    })
}

fn load_durability(from: &mut Reader<'_>) -> Result<Durability, Damaged> {
    Ok(match from.u64()? {
        0 => Durability::None,
        1 => Durability::Never,
        2 => Durability::Interval,
        3 => Durability::Each,
        value => return Err(from.damaged(format!("durability {value}"))),
    })
}

/// Checks a name of the client's choice: 1 to 128 characters of [A-Za-z0-9._-].
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<(), Error> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    // Names become folders, and these two mean something there.
    let folder = matches!(name, "." | "..");
    if (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(good) && !folder {
        return Ok(());
    }
    let expected = "expected 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-'";
    Err(Error::field(field, expected))
}

/// Whole microseconds; only for constants.
const fn micros(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000
}

fn pace(open: &v1::Open) -> Result<Pace, Error> {
    if known("open.pace", v1::Pace::try_from(open.pace))? == v1::Pace::Live {
        if open.lateness_us > micros(LATENESS_MAX) {
            return Err(Error::field("open.lateness_us", "more than ten seconds"));
        }
        let lateness_us =
            if open.lateness_us == 0 { LATENESS_US_DEFAULT } else { open.lateness_us };
        return Ok(Pace::Live { lateness_us, lag_max_us: open.lag_max_us });
    }
    let given = [("open.lateness_us", open.lateness_us), ("open.lag_max_us", open.lag_max_us)];
    match given.into_iter().find(|(_, value)| *value != 0) {
        Some((field, _)) => Err(Error::field(field, "has a meaning under live pace only")),
        None => Ok(Pace::Logical),
    }
}

/// A bad time stamp of a live sensor is the sensor's, and must not end what goes on.
const fn late_default(pace: Pace) -> Policy {
    match pace {
        Pace::Logical => Policy::Fail,
        Pace::Live { .. } => Policy::Drop,
    }
}

fn overload(value: i32, pace: Pace) -> Result<Overload, Error> {
    Ok(match known("open.overload", v1::Overload::try_from(value))? {
        v1::Overload::Unspecified if pace == Pace::Logical => Overload::Block,
        v1::Overload::Block => Overload::Block,
        v1::Overload::Unspecified | v1::Overload::DropOldest => Overload::DropOldest,
        v1::Overload::DropNewest => Overload::DropNewest,
        v1::Overload::Fail => Overload::Fail,
    })
}

fn durability(value: i32) -> Result<Durability, Error> {
    Ok(match known("open.durability", v1::Durability::try_from(value))? {
        v1::Durability::Unspecified | v1::Durability::None => Durability::None,
        v1::Durability::Never => Durability::Never,
        v1::Durability::Interval => Durability::Interval,
        v1::Durability::Each => Durability::Each,
    })
}

fn gathered(value: i32) -> Result<bool, Error> {
    let gathering = known("open.gathering", v1::Gathering::try_from(value))?;
    Ok(gathering == v1::Gathering::Throughput)
}

/// The names of all producers.
fn producers(open: &v1::Open) -> Result<Vec<String>, Error> {
    if open.producers.is_empty() {
        let name = if open.producer.is_empty() { MAIN } else { &open.producer };
        check_name("open.producer", name)?;
        return Ok(vec![name.to_owned()]);
    }
    if open.producers.len() > PRODUCERS_MAX {
        let problem = format!("{} where {PRODUCERS_MAX} are the most", open.producers.len());
        return Err(Error::field("open.producers", problem));
    }
    for (index, name) in open.producers.iter().enumerate() {
        check_name("open.producers", name)?;
        if open.producers[..index].contains(name) {
            return Err(Error::field("open.producers", format!("{name:?} is named twice")));
        }
    }
    Ok(open.producers.clone())
}

fn known<T, E>(field: &'static str, value: Result<T, E>) -> Result<T, Error> {
    value.map_err(|_| Error::field(field, "a number without meaning"))
}

fn policy(field: &'static str, value: i32, default: Policy) -> Result<Policy, Error> {
    Ok(match known(field, v1::EventPolicy::try_from(value))? {
        v1::EventPolicy::Unspecified => default,
        v1::EventPolicy::Fail => Policy::Fail,
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
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survive_saving() {
        let settings = Settings {
            producers: vec!["left".into(), "right".into()],
            origin: Origin::Time(9),
            pace: Pace::Live { lateness_us: 3, lag_max_us: 4 },
            overload: Overload::DropNewest,
            durability: Durability::Interval,
            bad_event: Policy::Drop,
            late_event: Policy::Fail,
            gathered: true,
            run_on_us: Some(7),
            seed: None,
            lease_us: Some(0),
        };
        let mut saved = Writer::default();
        settings.save(&mut saved);
        assert_eq!(Settings::load(&mut Reader::new("settings", &saved.0)), Ok(settings));
    }

    #[test]
    fn what_is_left_out_depends_on_the_pace() {
        let logical = Settings::new(&v1::Open::default()).unwrap();
        assert_eq!(logical.producers, ["main"]);
        assert_eq!((logical.overload, logical.late_event), (Overload::Block, Policy::Fail));
        let live = v1::Open { pace: v1::Pace::Live.into(), ..v1::Open::default() };
        let live = Settings::new(&live).unwrap();
        assert_eq!((live.overload, live.late_event), (Overload::DropOldest, Policy::Drop));
        assert_eq!(live.pace, Pace::Live { lateness_us: 5_000, lag_max_us: 0 });
    }

    #[test]
    fn refuse_by_name_what_makes_no_sense() {
        let open = |change: fn(&mut v1::Open)| {
            let mut open = v1::Open::default();
            change(&mut open);
            Settings::new(&open).map_err(|error| error.to_string())
        };
        type Change = fn(&mut v1::Open);
        let changes: [(Change, &str); 9] = [
            (|open| open.producer = "a b".into(), "open.producer"),
            (|open| open.producers = vec!["a".into(), "a".into()], "open.producers"),
            (|open| open.producers = vec!["x".into(); 17], "open.producers"),
            (|open| open.lateness_us = 1, "open.lateness_us"),
            (|open| open.lag_max_us = 1, "open.lag_max_us"),
            (|open| open.lease_us = Some(u64::MAX), "open.lease_us"),
            (|open| open.run_on_us = Some(u64::MAX), "open.run_on_us"),
            (|open| open.pace = 99, "open.pace"),
            (|open| open.durability = 99, "open.durability"),
        ];
        for (change, field) in changes {
            let error = open(change).unwrap_err();
            assert!(error.contains(field), "{error}");
        }
        let first = v1::Origin { origin: Some(v1::origin::Origin::FirstBatch(true)) };
        let several = v1::Open {
            producers: vec!["left".into(), "right".into()],
            origin: Some(first),
            ..v1::Open::default()
        };
        let error = Settings::new(&several).unwrap_err().to_string();
        assert!(error.contains("first_batch"), "{error}");
    }

    #[test]
    fn names_are_plain() {
        assert!(check_name("open.session_id", "whisker-7.b_1").is_ok());
        for bad in ["", "a b", "ä", "a/b", ".", "..", &"x".repeat(129)] {
            assert!(check_name("open.session_id", bad).is_err(), "{bad:?}");
        }
    }
}
