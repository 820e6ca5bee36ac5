//! Why a command did not do what it was asked: one line for people, an exit status for scripts.

use std::{
    fmt::{self, Display},
    io,
    process::ExitCode,
};

use spiked_client::Reason;

use crate::terminal;

/// It was asked for something that cannot be, and asking differently helps.
pub(crate) const USED_WRONGLY: u8 = 2;
/// It was asked rightly, and could not do it.
const FAILED: u8 = 1;
/// As shells report a process that SIGINT ended.
const INTERRUPTED: u8 = 130;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u8,
    /// Empty: everything has been said.
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// The thing failed.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self { status: FAILED, message: message.to_string(), hint: None }
    }

    /// The command was used wrongly.
    pub(crate) fn used_wrongly(message: impl Display) -> Self {
        Self { status: USED_WRONGLY, ..Self::failed(message) }
    }

    /// The same in one line, for those who know no other status than that something failed.
    pub(crate) fn unhealthy(self) -> Self {
        Self { status: FAILED, hint: None, ..self }
    }

    /// The user ended it.
    pub(crate) fn interrupted() -> Self {
        Self { status: INTERRUPTED, ..Self::failed("") }
    }

    /// Adds what could be done about it.
    pub(crate) fn with_hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Says what it happened at, where it says anything.
    pub(crate) fn at(self, what: &str) -> Self {
        if self.message.is_empty() {
            return self;
        }
        Self { message: format!("at {what}: {}", self.message), ..self }
    }

    /// Nobody reads the output any more: that is how pipes end, and no failure.
    pub(crate) fn output(name: &str, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { status: 0, ..Self::failed("") };
        }
        Self::failed(format!("cannot write {name}: {error}"))
    }

    /// Tells the user, and gives the exit status.
    pub(crate) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            terminal::say(format!("error: {}", one_line(&self.message)));
        }
        if let Some(hint) = &self.hint {
            terminal::say(format!("hint: {}", one_line(hint)));
        }
        self.status.into()
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status == INTERRUPTED {
            return formatter.write_str("interrupted");
        }
        formatter.write_str(&one_line(&self.message))
    }
}

/// What a user may have written wrongly, as far as the daemon can tell.
const REASONS_OF_MISUSE: [Reason; 5] = [
    Reason::NetworkUnknown,
    Reason::SessionUnknown,
    Reason::PortUnknown,
    Reason::PortShape,
    Reason::FieldInvalid,
];

impl From<spiked_client::Error> for Failure {
    fn from(error: spiked_client::Error) -> Self {
        use spiked_client::Error;
        let misused = matches!(error, Error::Address { .. } | Error::WithoutTls { .. })
            || error.reason().is_some_and(|reason| REASONS_OF_MISUSE.contains(&reason));
        if misused {
            return Self::used_wrongly(error);
        }
        let retry_after = match &error {
            Error::Refused(refusal) => refusal.retry_after,
            _ => None,
        };
        match retry_after {
            Some(delay) => Self::failed(error).with_hint(format!("try again in {delay:.1?}")),
            None => Self::failed(error),
        }
    }
}

impl From<spiked_recordings::Error> for Failure {
    fn from(error: spiked_recordings::Error) -> Self {
        use spiked_recordings::Fault;
        match error.fault {
            Fault::Missing | Fault::Directory | Fault::GeometryDiffers { .. } => {
                Self::used_wrongly(error)
            }
            Fault::NotCamera { .. } => {
                let hint = "`spiked info` says what it holds, and `spiked convert` writes samples";
                Self::failed(error).with_hint(hint)
            }
            _ => Self::failed(error),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_many_lines_is_told_on_one() {
        assert_eq!(one_line("a\n  b\n"), "a b");
    }

    #[test]
    fn a_broken_pipe_is_quiet_and_a_full_disk_is_not() {
        let broken = Failure::output("stdout", &io::ErrorKind::BrokenPipe.into());
        assert_eq!((broken.status, broken.message.as_str()), (0, ""));
        let full = Failure::output("a.csv", &io::ErrorKind::StorageFull.into());
        assert_eq!(full.status, FAILED);
        assert!(full.message.starts_with("cannot write a.csv: "));
    }
}
