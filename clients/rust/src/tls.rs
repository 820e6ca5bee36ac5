//! What went wrong with TLS, in words.
//!
//! The transport says only that it failed; why lies below, as an error of rustls or, once HTTP/2 has
//! passed it on, as its text alone.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// How rustls begins when the daemon said no.
const ALERT: &str = "received fatal alert: ";

/// Why TLS failed, if that is what lies below an error.
pub(crate) fn problem_below(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut below = Some(error);
    while let Some(error) = below {
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inside = inside.and_then(|inside| inside.downcast_ref::<Error>());
        if let Some(error) = inside.or_else(|| error.downcast_ref()) {
            return Some(said(error));
        }
        if let Some(problem) = alert_in(&error.to_string()) {
            return Some(problem);
        }
        below = error.source();
    }
    None
}

/// Whether a failure of the system's lies below an error: nobody listens, a connection broke.
pub(crate) fn is_systems(error: &(dyn StdError + 'static)) -> bool {
    error.is::<io::Error>() || error.source().is_some_and(is_systems)
}

/// What the cause says that has none itself.
pub(crate) fn deepest(error: &dyn StdError) -> String {
    error.source().map_or_else(|| error.to_string(), deepest)
}

/// The alert that a text tells of.
fn alert_in(text: &str) -> Option<String> {
    let (_, name) = text.split_once(ALERT)?;
    let name = name.split(|c: char| !c.is_alphanumeric()).next()?;
    Some(refused_with(name))
}

fn said(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => refused_with(&format!("{alert:?}")),
        Error::InvalidCertificate(error) => distrusted(error),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "what answers there speaks none; without https:// it may be reached".into()
        }
        error => error.to_string(),
    }
}

fn distrusted(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "no authority that is trusted here has signed the daemon's certificate".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the daemon's certificate has expired".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the daemon's certificate is for another name: {error}")
        }
        error => format!("the daemon's certificate is not taken: {error}"),
    }
}

/// What the daemon means by an alert.
fn refused_with(alert: &str) -> String {
    let is = |description: AlertDescription| format!("{description:?}") == alert;
    if is(AlertDescription::CertificateRequired) {
        "the daemon asks for a client's certificate, and none was shown".into()
    } else if [
        AlertDescription::UnknownCA,
        AlertDescription::DecryptError,
        AlertDescription::CertificateUnknown,
        AlertDescription::CertificateExpired,
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
    ]
    .into_iter()
    .any(is)
    {
        format!("the daemon does not take this client's certificate ({alert})")
    } else {
        format!("the daemon refuses ({alert})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_told_from_its_value_and_from_its_text_alike() {
        let error = Error::AlertReceived(AlertDescription::CertificateRequired);
        let text = io::Error::other(format!("connection error: {error}"));
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, error);
        for error in [text, wrapped] {
            let problem = problem_below(&error).unwrap();
            assert!(problem.contains("asks for a client's certificate"), "{problem}");
        }
        let other = io::Error::other(Error::AlertReceived(AlertDescription::UnknownCA));
        assert!(problem_below(&other).unwrap().contains("does not take this client's"));
        assert_eq!(problem_below(&io::Error::other("broken pipe")), None);
        assert!(is_systems(&io::Error::other("broken pipe")) && !is_systems(&std::fmt::Error));
    }
}
