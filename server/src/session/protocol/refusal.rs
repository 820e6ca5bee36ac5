//! Why a message or an event is refused, with its place.

use spiked_proto::v1::{self, Reason};

use crate::session::{
    positions::Level,
    settings::{Policy, Settings},
};

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) sequence: u64,
    pub(crate) position_in_batch: Option<u32>,
    pub(crate) event_number: Option<u64>,
}

impl Refusal {
    /// A refusal of a whole batch, or with number zero of some other message.
    pub(crate) fn new(reason: Reason, sequence: u64, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { reason, message, sequence, position_in_batch: None, event_number: None }
    }

    /// A second `open`.
    pub(crate) fn opened_twice() -> Self {
        Self::new(Reason::OpenedTwice, 0, "the stream is open already; open comes once")
    }

    /// A message whose kind this daemon does not have.
    pub(crate) fn unimplemented(sequence: u64, feature: &str) -> Self {
        let message = format!("{feature} is not available in this version");
        Self::new(Reason::Unimplemented, sequence, message)
    }

    /// A message that says nothing, or something of a later version.
    pub(crate) fn empty() -> Self {
        Self::new(Reason::FieldInvalid, 0, "a request without a message that this version knows")
    }

    pub(super) fn stalled(waiting: u64, promise_us: u64) -> Self {
        let message = format!(
            "all {waiting} events in the queue lie at or above the promise of {promise_us} us: \
             it must move before more can be taken"
        );
        Self::new(Reason::PromiseStalled, 0, message)
    }

    /// The same, for a batch.
    pub(super) fn of(self, sequence: u64) -> Self {
        Self { sequence, ..self }
    }

    pub(super) fn credit(batch: &v1::EventBatch, charge: u64, events: u64, bytes: u64) -> Self {
        let sequence = batch.sequence;
        let message = format!(
            "batch {sequence} takes {charge} events and {} bytes of credit where {events} events \
             and {bytes} bytes are left",
            batch.payload.len()
        );
        Self::new(Reason::CreditExceeded, sequence, message)
    }

    pub(super) fn overload(sequence: u64, waiting: u64, level: &Level) -> Self {
        let message = format!(
            "batch {sequence} finds {waiting} events in the queue, {} us behind real time, and the \
             session was opened to end then",
            level.lag_us
        );
        Self::new(Reason::Overload, sequence, message)
    }

    pub(super) fn rate(sequence: u64) -> Self {
        let message = format!(
            "batch {sequence} is more than the tenant may send a second, and the session was opened \
             to end then"
        );
        Self::new(Reason::Quota, sequence, message)
    }

    pub(super) fn port(sequence: u64, port: u32, ports: usize) -> Self {
        let message = format!("batch {sequence}: port {port} where the network has {ports}");
        Self::new(Reason::PortUnknown, sequence, message)
    }

    pub(super) fn promise(sequence: u64, given_us: u64, held_us: u64) -> Self {
        let place = if sequence == 0 { "heartbeat".into() } else { format!("batch {sequence}") };
        let message =
            format!("{place}: promise {given_us} us is below the one given, {held_us} us");
        Self::new(Reason::PromiseBackwards, sequence, message)
    }

    /// Which of the session's policies decides about it.
    pub(super) fn policy(&self, settings: &Settings) -> Policy {
        match self.reason {
            Reason::Late => settings.late_event,
            // A message that could never be right here: going on would only hide the mistake.
            Reason::OpenedTwice | Reason::Unimplemented | Reason::Overload | Reason::Quota => {
                Policy::Fail
            }
            _ => settings.bad_event,
        }
    }

    pub(super) fn to_error(&self, fatal: bool) -> v1::Error {
        v1::Error {
            reason: self.reason.into(),
            message: self.message.clone(),
            sequence: self.sequence,
            position_in_batch: self.position_in_batch,
            event_number: self.event_number,
            fatal,
        }
    }
}
