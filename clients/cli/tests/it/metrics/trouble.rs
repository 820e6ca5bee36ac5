//! What goes wrong shows: floods, a disk that takes no more, and a daemon that is not ready yet.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use spiked_client::{Client, Durability, Reason};

use super::{
    daemon, named,
    scrape::{Scrape, ask_at},
    step, volley,
};
use crate::{
    attack::{
        frames::{LIST, ping, request, reset},
        peer::Peer,
    },
    process::{Daemon, spiked},
};

const PATIENCE: Duration = Duration::from_secs(20);

fn wait(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn floods_that_are_cut_off_are_counted_by_their_cause() {
    let daemon = daemon(&[]);
    let counted = || {
        let scrape = Scrape::of(&daemon);
        ["controls", "resets"]
            .map(|cause| scrape.sum_where("spiked_floods_cut_total", &[("cause", cause)]))
    };
    assert_eq!(counted(), [0, 0]);
    let flood = |bytes: &dyn Fn(u32) -> Vec<u8>| {
        let mut peer = Peer::polite(&daemon.address);
        peer.repeat(200_000, bytes);
        assert!(peer.is_closed_within(PATIENCE).is_some());
    };
    flood(&|place| ping(u64::from(place)));
    wait("the flood of pings is not counted", || counted() == [1, 0]);
    flood(&|place| ping(u64::from(place)));
    wait("the second one is not counted", || counted() == [2, 0]);
    // Each call is begun before it is given up.
    let mut peer = Peer::polite(&daemon.address);
    for stream in (1..40_000).step_by(2) {
        let asked = peer.say(&request(stream, LIST)) && peer.keeps_up(PATIENCE);
        if !asked || !peer.say(&reset(stream)) {
            break;
        }
    }
    assert!(peer.is_closed_within(PATIENCE).is_some());
    wait("the flood of resets is not counted", || counted() == [2, 1]);
}

#[tokio::test]
async fn a_disk_that_takes_no_more_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("sh");
    // No file may grow beyond 128 blocks of 512 or 1 024 bytes; a write that would says so.
    let limited = "trap '' XFSZ && ulimit -f 128 && exec \"$0\" serve --listen 127.0.0.1:0 \
                   --metrics 127.0.0.1:0 --data \"$1\"";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_spiked")]).arg(folder.path());
    // Unused there: it says that a line about metrics is to be read.
    command.arg("--metrics").stdin(Stdio::null());
    let daemon = Daemon::run(command);
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&named("kept").with_durability(Durability::Each)).await.expect("opened");
    step(&client, "kept", 1, &volley(0), 1_000, None).await;
    assert_eq!(Scrape::of(&daemon).sum("spiked_journal_failures_total"), 0);
    client.open_session(&named("beside")).await.expect("opened");
    let mut session =
        client.open(named("large").with_durability(Durability::Each)).await.expect("opened");
    let mut is_refused = false;
    for batch in 0..1_000 {
        let events: Vec<_> = (0..100).flat_map(|at| volley(batch * 10_000 + at)).collect();
        if session.producer().send_batch(0, &events, None).await.is_err() {
            is_refused = true;
            break;
        }
    }
    let (_, mut output) = session.split();
    let mut reasons = Vec::new();
    while let Ok(Some(item)) = tokio::time::timeout(PATIENCE, output.next()).await {
        if let Ok(spiked_client::Item::Error(refusal)) = &item {
            reasons.push(refusal.reason);
        }
        if item.is_err() {
            break;
        }
    }
    assert!(is_refused || reasons.contains(&Reason::Journal), "{reasons:?}");
    wait("the failure is not counted", || {
        Scrape::of(&daemon).sum("spiked_journal_failures_total") > 0
    });
    let told = step(&client, "beside", 1, &volley(0), 1_000, None).await;
    assert_eq!(told.events_accepted, 8, "another session goes on");
}

/// The one file of a session's folder that ends so.
fn file_of(session: &Path, suffix: &str) -> PathBuf {
    let files = fs::read_dir(session).expect("a session's folder").flatten();
    let mut files = files.map(|entry| entry.path());
    let is_it = |path: &PathBuf| path.to_string_lossy().ends_with(suffix);
    files.find(is_it).unwrap_or_else(|| panic!("no {suffix} in {}", session.display()))
}

/// A daemon that is kept waiting for a session's snapshot, as by a slow disk, serves its pages and says
/// that it recovers; its sessions are there from the moment that it calls itself ready.
#[tokio::test]
async fn it_is_not_ready_while_it_recovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("plain");
    let mut running = daemon(&["--data", data]);
    let client = Client::connect(&running.address).await.expect("connected");
    client.open_session(&named("kept").with_durability(Durability::Each)).await.expect("opened");
    step(&client, "kept", 1, &volley(0), 1_000, None).await;
    running.kill();

    // Who reads it waits until somebody writes it.
    let held = file_of(&folder.path().join("sessions/local/kept"), ".snapshot");
    let bytes = fs::read(&held).expect("a snapshot");
    fs::remove_file(&held).expect("removed");
    assert!(Command::new("mkfifo").arg(&held).status().expect("mkfifo runs").success());
    let free = TcpListener::bind("127.0.0.1:0").expect("bound");
    let metrics = free.local_addr().expect("an address").to_string();
    drop(free);
    let mut command = spiked(["serve", "--listen", "127.0.0.1:0", "--metrics", &metrics]);
    command.args(["--data", data]);
    let mut daemon = Daemon::spawn(command, Stdio::null());
    let ready = || ask_at(&metrics, "GET /readyz").map(|answer| (answer.status, answer.body));
    wait("it says nothing", || ready().is_some());
    let recovers = Some((503, "recovering\n".to_owned()));
    for _ in 0..20 {
        assert_eq!(ready(), recovers);
        assert_eq!(ask_at(&metrics, "GET /healthz").map(|answer| answer.status), Some(200));
        thread::sleep(Duration::from_millis(10));
    }
    assert!(fs::metadata(&held).expect("it is there").file_type().is_fifo());
    fs::write(&held, bytes).expect("somebody reads it");

    let serves = Some((200, "ready\n".to_owned()));
    wait("it never gets ready", || {
        let said = ready();
        assert!(said == recovers || said == serves, "{said:?}");
        said == serves
    });
    daemon.listens();
    let scrape = Scrape::of(&daemon);
    assert_eq!(scrape.sum_where("spiked_sessions", &[("state", "running")]), 1);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let told = step(&client, "kept", 2, &volley(2_000), 3_000, Some(0)).await;
    assert_eq!((told.accepted, told.events_accepted), (2, 16));
}

#[tokio::test]
async fn watchers_are_counted_while_they_watch() {
    let daemon = daemon(&[]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&named("watched")).await.expect("opened");
    client.open_session(&named("alone")).await.expect("opened");
    let labels = [("network", "delay-line"), ("tenant", "local")];
    let counted = async |expected| {
        let told = move |daemon: &Daemon| {
            let scrape = Scrape::of(daemon);
            (scrape.sum_where("spiked_watchers", &labels), scrape.sum("spiked_watchers"))
                == (expected, expected)
        };
        let since = Instant::now();
        while !told(&daemon) {
            assert!(since.elapsed() < PATIENCE, "not {expected} watchers");
            // The client tells the daemon meanwhile.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    counted(0).await;
    let one = client.watch_session("watched").await.expect("watched");
    counted(1).await;
    let other = client.watch_session("watched").await.expect("watched");
    counted(2).await;
    drop(one);
    counted(1).await;
    drop(other);
    counted(0).await;
}
