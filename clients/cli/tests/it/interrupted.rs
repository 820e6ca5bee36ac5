//! Ctrl-C in the middle of a run, and a daemon that dies in the middle of one.

use std::process::{Child, Stdio};

use spiked_client::Client;

use crate::{
    files::Folder,
    process::{Daemon, Told, signal, spiked},
};

/// A run so slow that it only ends when somebody ends it.
fn endless(folder: &Folder, daemon: &Daemon) -> Child {
    let (network, recording) = (folder.network(), folder.texture());
    spiked(["run".as_ref(), network.as_os_str(), recording.as_os_str()])
        .args(["--address", &daemon.address, "--speed", "0.001x"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs")
}

/// Waits until the daemon has taken events of its only session.
fn wait_for_events(daemon: &Daemon) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = Client::connect(&daemon.address).await.expect("the daemon listens");
        loop {
            let sessions = client.list_sessions().await.expect("a list");
            let position = sessions.first().and_then(|session| session.position);
            if position.is_some_and(|position| position.events_accepted > 0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn ctrl_c_sums_up_what_was_done_and_leaves_no_session_behind() {
    let (folder, daemon) = (Folder::new(), Daemon::start());
    let child = endless(&folder, &daemon);
    wait_for_events(&daemon);
    signal(&child, "INT");
    let told = Told::of(child.wait_with_output().unwrap());
    assert_eq!(told.status, Some(130), "{}", told.stderr);
    assert!(told.value("events").ends_with("not the whole recording"), "{}", told.stdout);
    assert!(told.value("digest").starts_with("sha256:"));
    assert!(told.stderr.is_empty(), "{}", told.stderr);
    // A session left open would hold it up for its grace period, and be ended.
    assert_eq!(daemon.end_with("TERM").code(), Some(0));
}

#[test]
fn a_daemon_that_dies_is_one_line() {
    let (folder, mut daemon) = (Folder::new(), Daemon::start());
    let child = endless(&folder, &daemon);
    wait_for_events(&daemon);
    daemon.kill();
    let told = Told::of(child.wait_with_output().unwrap());
    assert_eq!(told.status, Some(1));
    let line = "error: the connection to the daemon broke: ";
    assert!(told.stderr.starts_with(line), "{}", told.stderr);
    assert_eq!(told.stderr.lines().count(), 1, "{}", told.stderr);
}
