//! Daemons with small queues: what fits is loaded and compared, what does not is told with what would help.

use super::{assert_exact, load, report};
use crate::{files::Folder, process::Daemon};

fn queueing(events: u32) -> Daemon {
    let queue = format!("limits.queue_events={events}");
    Daemon::start_with(&["--listen", "127.0.0.1:0", "--set", &queue])
}

/// Each batch of a load fits, so the references, which are sent as fast as it goes, have to fit as well.
#[test]
fn a_load_that_fits_a_small_queue_is_compared() {
    let folder = Folder::new();
    let json = folder.path("load.json");
    let out = json.display().to_string();
    // Batches of some twenty events, and of a thousand: one waits for the next one's promise.
    for (queue, gather) in [(2_000, "1ms"), (100, "1ms"), (2_100, "50ms")] {
        let daemon = queueing(queue);
        let words = ["--recording", "noise:320x240@20k", "--gather", gather, "--fault", "churn"];
        load(words.into_iter().chain(["--address", &daemon.address, "--json", &out])).done();
        assert_exact(&report(&json), 1);
    }
}

/// One alone is larger than the queue, or two are and the first waits for the second's promise.
#[test]
fn batches_that_no_queue_takes_are_told_with_what_would_help() {
    let daemon = queueing(2_000);
    for (batch, says) in [("2500", "a batch of 2500 events"), ("1500", "no credit is left")] {
        let words = ["--recording", "noise:320x240@20k", "--gather", "300ms", "--batch", batch];
        let told = load(words.into_iter().chain(["--address", &daemon.address]));
        assert_eq!(told.status, Some(1), "{}", told.stderr);
        assert!(told.stderr.contains(says), "{}", told.stderr);
        let hint = "hint: a smaller --batch or --gather, or a larger limits.queue_events";
        assert!(told.stderr.contains(hint), "{}", told.stderr);
    }
}
