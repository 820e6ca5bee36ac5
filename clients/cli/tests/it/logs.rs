//! What the daemon logs, as JSON.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use spiked_client::{Client, OpenOptions};

use crate::process::{Daemon, signal, spiked};

#[tokio::test]
async fn what_a_session_logs_says_whose_it_is_and_what_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let daemon = Daemon::start_logged(&["--listen", "127.0.0.1:0", "--log", "json"], &log);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let lease = Some(Duration::from_secs(60));
    let options =
        OpenOptions { session_id: "told".into(), lease, ..OpenOptions::new("delay-line") };
    let stream = client.open(options).await.expect("opened");
    drop(stream);
    let broke = async {
        while !fs::read_to_string(&log).expect("a log").contains("a stream broke") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), broke).await.expect("it is said");
    client.close_session("told").await.expect("closed");
    assert_eq!(daemon.end_with("TERM").code(), Some(0));
    let log = fs::read_to_string(log).expect("a log");
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    for message in ["a session begins", "a stream broke", "a session is over"] {
        let is_this = |line: &&Value| {
            line["fields"]["message"].as_str().is_some_and(|said| said.starts_with(message))
        };
        let line = lines.iter().find(is_this).unwrap_or_else(|| panic!("{message} in\n{log}"));
        assert_eq!(line["span"]["session"], "told", "{line}");
        assert_eq!(line["span"]["network"], "delay-line", "{line}");
        assert_eq!(line["span"]["tenant"], "local", "{line}");
    }
}

/// Whoever reads the log of a container reads nothing else between its lines.
#[test]
fn standard_output_holds_nothing_but_the_log_where_that_goes_there() {
    let mut command = spiked(["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    command.envs([("SPIKED_LOG_FORMAT", "json"), ("SPIKED_LOG_OUTPUT", "stdout")]);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("spiked runs");
    let mut said = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    while !said.contains("\"serving\"") {
        assert!(stdout.read_line(&mut said).expect("a line") > 0, "it ended after:\n{said}");
    }
    signal(&child, "TERM");
    stdout.read_to_string(&mut said).expect("the rest");
    assert_eq!(child.wait_with_output().expect("it ends").stderr, b"");
    for line in said.lines() {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?} in\n{said}"));
        assert!(line["fields"]["message"].is_string(), "{line}");
    }
    assert!(said.contains("\"address\":\"127.0.0.1:"), "it says where:\n{said}");
}
