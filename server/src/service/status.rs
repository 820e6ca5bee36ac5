//! The one place where errors become codes of gRPC.
//!
//! The message is the error's one line, followed by its published reason in brackets.

use tonic::{Code, Status};

use crate::{error::Error, networks};

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = format!("{error} ({})", error.reason().as_str_name());
        Self::new(code(&error), message)
    }
}

fn code(error: &Error) -> Code {
    use networks::Error as Network;
    match error {
        Error::OpenExpected
        | Error::Field { .. }
        | Error::PortUnknown { .. }
        | Error::Snapshot(_)
        | Error::Refused(_)
        | Error::Network(
            Network::Invalid { .. } | Network::SensorSize { .. } | Network::Blob { .. },
        ) => Code::InvalidArgument,
        Error::SessionUnknown { .. }
        | Error::SnapshotUnknown { .. }
        | Error::Network(Network::Unknown { .. }) => Code::NotFound,
        Error::Network(Network::Exists { .. }) => Code::AlreadyExists,
        Error::SessionConflict { .. } | Error::StepHeld { .. } | Error::NoData { .. } => {
            Code::FailedPrecondition
        }
        Error::ProducerUnknown { .. } => Code::InvalidArgument,
        Error::Unauthenticated { .. } => Code::Unauthenticated,
        Error::ResumeToken { .. } | Error::PermissionDenied { .. } => Code::PermissionDenied,
        Error::OutputLost { .. } => Code::OutOfRange,
        Error::StepTooLarge { .. }
        | Error::Limit { .. }
        | Error::Quota { .. }
        | Error::Network(Network::Limit { .. }) => Code::ResourceExhausted,
        Error::Network(Network::Unimplemented { .. }) => Code::Unimplemented,
        Error::OpenLate { .. } => Code::DeadlineExceeded,
        Error::ShuttingDown => Code::Unavailable,
        Error::Network(Network::Io { .. }) | Error::Journal(_) | Error::Internal(_) => {
            Code::Internal
        }
    }
}
