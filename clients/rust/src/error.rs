//! What can go wrong between a client and a daemon, as values.
//!
//! A [`Refusal`] is the daemon's: it carries the published reason and the position of what it
//! refused, whether it came as an error on a stream or as the status of a call.

use std::{fmt, time::Duration};

use spiked_proto::{layout::PackedError, v1};
use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{Address, Reason, tls};

/// Whose reasons the details name.
const DOMAIN: &str = "spiked";

/// What can go wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that names no place to connect to.
    #[error("{address:?} is no address: expected HOST:PORT, https://HOST:PORT or unix:/PATH")]
    Address {
        /// What was given.
        address: String,
    },
    /// A token of characters that no header carries.
    #[error("the token holds characters that cannot be sent")]
    Token,
    /// A daemon's name of characters that no header carries.
    #[error("{name:?} holds characters that cannot be sent")]
    Daemon {
        /// What was given.
        name: String,
    },
    /// A text that is not what it should be.
    #[error("no {what} in what should be one as PEM")]
    Pem {
        /// A certificate or a key.
        what: &'static str,
    },
    /// Certificates for a daemon that is reached without TLS.
    #[error("{address} is reached without TLS, where certificates mean nothing: write https://")]
    WithoutTls {
        /// Where.
        address: Address,
    },
    /// The daemon and the client do not trust each other, or do not speak TLS with each other.
    #[error("no TLS with the daemon: {problem}")]
    Tls {
        /// Why not.
        problem: String,
    },
    /// Nobody listens there.
    #[error("no daemon answers at {address}; start one with `spiked serve`")]
    Unreachable {
        /// Where.
        address: Address,
        /// What the system says.
        source: tonic::transport::Error,
    },
    /// The daemon refused.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection broke, or the daemon said nothing more.
    #[error("the connection to the daemon broke: {0}")]
    Broken(String),
    /// The daemon said something that the contract doesn't allow.
    #[error("the daemon broke the contract: {0}")]
    Contract(String),
    /// The session takes nothing more; its output says why.
    #[error("the session takes no more input; its output says why")]
    InputOver,
    /// Nobody reads the output any more, so no credit can arrive.
    #[error("the output was dropped, so no credit can arrive")]
    OutputDropped,
    /// The queue is full of events above the promise, so that no credit can ever arrive.
    #[error(
        "{queue_events} events wait in the daemon for {}, and no credit is left: promise how far the \
         input has come",
        awaited(*promise_us)
    )]
    PromiseStalled {
        /// Events accepted and not yet simulated.
        queue_events: u64,
        /// The last promise sent \[µs\].
        promise_us: Option<u64>,
    },
    /// A promise below one already given.
    #[error("a promise of {given_us} µs is below the {promise_us} µs already promised")]
    PromiseBackwards {
        /// What was given \[µs\].
        given_us: u64,
        /// What stands \[µs\].
        promise_us: u64,
    },
    /// An event that cannot be packed.
    #[error("cannot pack the events: {0}")]
    Packed(#[from] PackedError),
    /// A batch that would not fit into a message.
    #[error("a batch of {given} events: at most {max} fit")]
    BatchTooLarge {
        /// What was given.
        given: usize,
        /// What fits.
        max: usize,
    },
    /// Values that make no whole frames.
    #[error("{values} values are no whole frames of {channels}")]
    FramesRagged {
        /// What was given.
        values: usize,
        /// Values of a frame.
        channels: u32,
    },
    /// Frames that end after the end of time.
    #[error("the last frame is at {last_ns} ns, past the end of 64-bit time")]
    FramesTooLate {
        /// Where it would be \[ns\].
        last_ns: u128,
    },
}

impl Error {
    /// The daemon's reason, if it was the daemon that refused.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refusal) => Some(refusal.reason),
            _ => None,
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        match Refusal::from_status(&status) {
            Some(refusal) => Self::Refused(refusal),
            None => match tls::problem_below(&status) {
                Some(problem) => Self::Tls { problem },
                None => Self::Broken(one_line(&status)),
            },
        }
    }
}

/// Something that the daemon refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// One readable line: place, value, and what was expected.
    pub message: String,
    /// The batch concerned, zero where none is.
    pub sequence: u64,
    /// Zero-based position of the event in its batch, where one is concerned.
    pub position_in_batch: Option<u32>,
    /// One-based number of the event among all of its producer, where one is concerned.
    pub event_number: Option<u64>,
    /// The input ended with it.
    pub fatal: bool,
    /// When the same call may succeed, as the daemon guesses; `None` where time alone won't help.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// `None` where the status doesn't come from the daemon's own judgement, but from a transport
    /// that broke.
    fn from_status(status: &Status) -> Option<Self> {
        let details = status.get_error_details();
        let info = details.error_info().filter(|info| info.domain == DOMAIN);
        let number = |name: &str| info?.metadata.get(name)?.parse::<u64>().ok();
        let broken = matches!(status.code(), Code::Unknown | Code::Internal | Code::Cancelled)
            || std::error::Error::source(status).is_some();
        let (named, message) = named_reason(status.message());
        let reason = info.and_then(|info| Reason::from_str_name(&info.reason)).or(named);
        if broken && reason.is_none() {
            return None;
        }
        Some(Self {
            reason: reason.unwrap_or(Reason::Unspecified),
            message: message.to_owned(),
            sequence: number("sequence").unwrap_or(0),
            position_in_batch: number("position_in_batch").and_then(|at| at.try_into().ok()),
            event_number: number("event_number"),
            fatal: true,
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<v1::Error> for Refusal {
    fn from(error: v1::Error) -> Self {
        Self {
            reason: error.reason(),
            message: error.message,
            sequence: error.sequence,
            position_in_batch: error.position_in_batch,
            event_number: error.event_number,
            fatal: error.fatal,
            retry_after: None,
        }
    }
}

/// Takes a published reason off the end of a message: `what it says (REASON_LIMIT)`.
fn named_reason(message: &str) -> (Option<Reason>, &str) {
    let named = message
        .strip_suffix(')')
        .and_then(|front| front.rsplit_once(" ("))
        .and_then(|(said, name)| Some((Reason::from_str_name(name)?, said)));
    named.map_or((None, message), |(reason, said)| (Some(reason), said))
}

fn awaited(promise_us: Option<u64>) -> String {
    match promise_us {
        Some(promise_us) => format!("a promise above {promise_us} µs"),
        None => "a promise".into(),
    }
}

/// The status and what lies below it, on one line.
fn one_line(status: &Status) -> String {
    let mut line = status.message().to_owned();
    let mut below = std::error::Error::source(status);
    while let Some(error) = below {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        below = error.source();
    }
    if line.is_empty() { status.code().description().to_owned() } else { line }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_status_gives_back_the_reason_that_it_names() {
        let status = Status::not_found("no network \"x\" (REASON_NETWORK_UNKNOWN)");
        let Error::Refused(refusal) = Error::from(status) else { panic!("refused") };
        assert_eq!(refusal.reason, Reason::NetworkUnknown);
        assert_eq!(refusal.to_string(), "no network \"x\"");
    }

    #[test]
    fn a_status_gives_back_what_its_details_say() {
        let numbers = [("sequence", "3"), ("position_in_batch", "0"), ("event_number", "9")];
        let numbers = numbers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut details = ErrorDetails::with_error_info("REASON_LATE", DOMAIN, numbers);
        details.set_retry_info(Some(Duration::from_secs(5)));
        let status = Status::with_error_details(Code::InvalidArgument, "late", details);
        let Error::Refused(refusal) = Error::from(status) else { panic!("refused") };
        let expected = Refusal {
            reason: Reason::Late,
            message: "late".into(),
            sequence: 3,
            position_in_batch: Some(0),
            event_number: Some(9),
            fatal: true,
            retry_after: Some(Duration::from_secs(5)),
        };
        assert_eq!(refusal, expected);

        let others = ErrorDetails::with_error_info("REASON_LATE", "elsewhere", HashMap::new());
        let status = Status::with_error_details(Code::NotFound, "gone", others);
        assert_eq!(
            Error::from(status).reason(),
            Some(Reason::Unspecified),
            "not the daemon's word"
        );
    }

    #[test]
    fn a_broken_transport_is_no_refusal() {
        let error = Error::from(Status::unknown("h2 protocol error"));
        assert_eq!(error.reason(), None);
        assert!(error.to_string().ends_with("h2 protocol error"));
    }
}
