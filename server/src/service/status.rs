//! The one place where errors become codes of gRPC.
//!
//! The message is the error's one line, followed by its published reason in brackets. The details are
//! those of google.rpc: the reason again, with its numbers; the fields at fault; when to try again.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    error::{Error, Shortage},
    networks::{self, is_of_uploads},
};

/// Whose reasons these are.
const DOMAIN: &str = "spiked";
/// Fields that are named, and characters of what is said of each. Details travel in a header, which
/// HTTP/2 libraries bound; the message has the rest.
const FIELDS_MAX: usize = 8;
const FIELD_CHARACTERS_MAX: usize = 256;
/// When a session may have ended that takes what this one needs.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// When another daemon may be there.
const RESTART_AFTER: Duration = Duration::from_secs(1);

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let reason = error.reason().as_str_name();
        let message = format!("{error} ({reason})");
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, numbers(&error));
        for (field, problem) in fields(&error).into_iter().take(FIELDS_MAX) {
            details.add_bad_request_violation(cut(&field), cut(&problem));
        }
        if let Some(delay) = retry_after(&error) {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(code(&error), message, details)
    }
}

/// What an error says in numbers, by name.
fn numbers(error: &Error) -> HashMap<String, String> {
    let mut numbers = HashMap::new();
    let mut put = |name: &str, value: u64| {
        numbers.insert(name.to_owned(), value.to_string());
    };
    match error {
        Error::Limit { limit, .. } | Error::Quota { limit, .. } | Error::Requests { limit } => {
            put("limit", *limit);
        }
        Error::Network(networks::Error::Limit { given, limit, .. }) => {
            put("given", *given);
            put("limit", *limit);
        }
        Error::Memory(Shortage { needed, available, limit, .. }) => {
            put("needed_bytes", *needed);
            put("available_bytes", *available);
            put("limit_bytes", *limit);
        }
        Error::Rate { events, bytes, .. } => {
            put("events", *events);
            put("bytes", *bytes);
        }
        Error::OutputLost { from, kept_from } => {
            put("from", *from);
            put("kept_from", *kept_from);
        }
        Error::Refused(refusal) => {
            put("sequence", refusal.sequence);
            if let Some(position) = refusal.position_in_batch {
                put("position_in_batch", position.into());
            }
            if let Some(number) = refusal.event_number {
                put("event_number", number);
            }
        }
        _ => {}
    }
    numbers
}

/// The fields at fault, and what is wrong with each.
fn fields(error: &Error) -> Vec<(String, String)> {
    match error {
        Error::Field { field, problem } => vec![(field.clone(), problem.clone())],
        Error::PortUnknown { index, .. } => {
            vec![(format!("open.sensors[{index}].port"), error.to_string())]
        }
        Error::Network(networks::Error::Invalid { problems, .. }) => problems
            .iter()
            .map(|problem| (problem.field.clone(), problem.message.clone()))
            .collect(),
        _ => Vec::new(),
    }
}

/// When the same call may succeed, where time alone may help.
fn retry_after(error: &Error) -> Option<Duration> {
    match error {
        Error::Limit { what, .. } if *what == "sessions" => Some(RETRY_AFTER),
        Error::Quota { limit, .. } if *limit > 0 => Some(RETRY_AFTER),
        Error::Memory(shortage) if shortage.needed <= shortage.limit => Some(RETRY_AFTER),
        Error::Rate { retry_after, .. } => *retry_after,
        Error::ShuttingDown | Error::OtherDaemon { .. } => Some(RESTART_AFTER),
        Error::Requests { .. } => Some(RETRY_AFTER),
        Error::Network(networks::Error::Limit { what, .. }) if is_of_uploads(what) => {
            Some(RETRY_AFTER)
        }
        _ => None,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(FIELD_CHARACTERS_MAX).collect()
}

fn code(error: &Error) -> Code {
    use networks::Error as Network;
    match error {
        Error::OpenExpected
        | Error::Field { .. }
        | Error::PortUnknown { .. }
        | Error::Snapshot(_)
        | Error::Dynamics { .. }
        | Error::Refused(_)
        | Error::Network(
            Network::Invalid { .. } | Network::SensorSize { .. } | Network::Blob { .. },
        ) => Code::InvalidArgument,
        Error::SessionUnknown { .. }
        | Error::SnapshotUnknown { .. }
        | Error::Network(Network::Unknown { .. }) => Code::NotFound,
        Error::Network(Network::Exists { .. }) => Code::AlreadyExists,
        Error::SessionConflict { .. }
        | Error::StepHeld { .. }
        | Error::StepWaits { .. }
        | Error::NoData { .. } => Code::FailedPrecondition,
        Error::ProducerUnknown { .. } => Code::InvalidArgument,
        Error::Unauthenticated { .. } => Code::Unauthenticated,
        Error::ResumeToken { .. } | Error::PermissionDenied { .. } => Code::PermissionDenied,
        Error::OutputLost { .. } => Code::OutOfRange,
        Error::StepTooLarge { .. }
        | Error::Limit { .. }
        | Error::Requests { .. }
        | Error::Quota { .. }
        | Error::Memory(_)
        | Error::Rate { .. }
        | Error::Network(Network::Limit { .. }) => Code::ResourceExhausted,
        Error::Network(Network::Unimplemented { .. }) => Code::Unimplemented,
        Error::OpenLate { .. } | Error::RequestLate { .. } => Code::DeadlineExceeded,
        Error::ShuttingDown | Error::OtherDaemon { .. } => Code::Unavailable,
        Error::Network(Network::Io { .. }) | Error::Journal(_) | Error::Internal(_) => {
            Code::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_bounded_however_much_is_wrong() {
        let problem = |index| sim_core::Problem {
            field: format!("populations[{index}].{}", "n".repeat(10_000)),
            message: "ä".repeat(10_000),
        };
        let problems = (0..100).map(problem).collect();
        let name = "edges".to_owned();
        let status = Status::from(Error::Network(networks::Error::Invalid { name, problems }));
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations.len(), FIELDS_MAX);
        assert!(violations[7].field.starts_with("populations[7].n"));
        assert!(violations.iter().all(|field| field.description.chars().count() <= 256));
    }
}
