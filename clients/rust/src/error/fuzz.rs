//! Hostile statuses in the place of a daemon's refusal: see `spiked-fuzz`.

use spiked_fuzz::Target;
use tonic_types::ErrorDetails;

use super::*;

/// Code, length of the message, message, details.
fn packed(status: &Status) -> Vec<u8> {
    let (code, message) = (status.code() as i32, status.message().as_bytes());
    let head = [u8::try_from(code).unwrap(), u8::try_from(message.len()).unwrap()];
    [&head, message, status.details()].concat()
}

fn unpacked(input: &[u8]) -> Option<Status> {
    let (&[code, length], rest) = input.split_first_chunk()?;
    let (message, details) = rest.split_at_checked(usize::from(length))?;
    let message = String::from_utf8_lossy(message).into_owned();
    Some(Status::with_details(Code::from(i32::from(code)), message, details.to_vec().into()))
}

fn examples() -> Vec<Vec<u8>> {
    let numbers = [("sequence", "3"), ("position_in_batch", "0"), ("event_number", "9")];
    let numbers = numbers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut details = ErrorDetails::with_error_info("REASON_LATE", DOMAIN, numbers);
    details.set_retry_info(Some(Duration::from_millis(5_250)));
    let statuses = [
        Status::with_error_details(Code::InvalidArgument, "late", details.clone()),
        Status::with_error_details(Code::Unknown, "late (REASON_LATE)", details),
        Status::not_found("no network \"x\" (REASON_NETWORK_UNKNOWN)"),
        Status::unknown("h2 protocol error"),
        Status::unavailable(""),
    ];
    statuses.iter().map(packed).collect()
}

/// Details hold no longer a time: 10 000 years.
const RETRY_MAX: Duration = Duration::from_secs(315_576_000_000);

/// Any status is a refusal or a connection that broke, and says something; a refusal that is told
/// again as the daemon tells them is the same.
#[test]
fn daemon_statuses() {
    Target::new("daemon_statuses", examples()).bytes_max(512).run(|input| {
        let Some(status) = unpacked(input) else { return false };
        let Some(refusal) = Refusal::from_status(&status) else {
            let error = Error::from(status);
            assert!(matches!(error, Error::Broken(ref problem) if !problem.is_empty()), "{error}");
            return false;
        };
        let mut numbers = std::collections::HashMap::new();
        let mut tell = |name: &str, number: Option<u64>| {
            numbers.extend(number.map(|number| (name.to_owned(), number.to_string())));
        };
        tell("sequence", Some(refusal.sequence));
        tell("position_in_batch", refusal.position_in_batch.map(u64::from));
        tell("event_number", refusal.event_number);
        let name = refusal.reason.as_str_name();
        let mut details = ErrorDetails::with_error_info(name, DOMAIN, numbers);
        details.set_retry_info(refusal.retry_after);
        let again = Status::with_error_details(Code::Aborted, refusal.message.clone(), details);
        // A message may itself end in what looks like a reason: that is taken off.
        let is_told = refusal.retry_after.is_none_or(|pause| pause <= RETRY_MAX);
        if is_told && named_reason(&refusal.message).0.is_none() {
            assert_eq!(Refusal::from_status(&again), Some(refusal));
        }
        true
    });
}
