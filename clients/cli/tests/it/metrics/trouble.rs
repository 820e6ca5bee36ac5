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

pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn wait(what: &str, mut holds: impl FnMut() -> bool) {
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

/// A daemon that is kept waiting for a session's snapshot, as by a slow disk.
struct Held {
    daemon: Daemon,
    /// Of its metrics, which it serves while it recovers.
    metrics: String,
    snapshot: PathBuf,
    bytes: Vec<u8>,
}

impl Held {
    /// One session with one batch lies in the folder that the daemon begins on.
    async fn begin(folder: &Path) -> Self {
        let data = folder.to_str().expect("plain");
        let mut before = daemon(&["--data", data]);
        let client = Client::connect(&before.address).await.expect("connected");
        let kept = named("kept").with_durability(Durability::Each);
        client.open_session(&kept).await.expect("opened");
        step(&client, "kept", 1, &volley(0), 1_000, None).await;
        before.kill();

        // Who reads it waits until somebody writes it.
        let snapshot = file_of(&folder.join("sessions/local/kept"), ".snapshot");
        let bytes = fs::read(&snapshot).expect("a snapshot");
        fs::remove_file(&snapshot).expect("removed");
        assert!(Command::new("mkfifo").arg(&snapshot).status().expect("mkfifo runs").success());
        let free = TcpListener::bind("127.0.0.1:0").expect("bound");
        let metrics = free.local_addr().expect("an address").to_string();
        drop(free);
        let mut command = spiked(["serve", "--listen", "127.0.0.1:0", "--metrics", &metrics]);
        command.args(["--data", data]);
        let daemon = Daemon::spawn(command, Stdio::null());
        let held = Self { daemon, metrics, snapshot, bytes };
        wait("it says nothing", || held.ready().is_some());
        held
    }

    fn ready(&self) -> Option<(u16, String)> {
        ask_at(&self.metrics, "GET /readyz").map(|answer| (answer.status, answer.body))
    }
}

/// A daemon that recovers serves its pages and says so; its sessions are there from the moment that
/// it calls itself ready.
#[tokio::test]
async fn it_is_not_ready_while_it_recovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut held = Held::begin(folder.path()).await;
    let recovers = Some((503, "recovering\n".to_owned()));
    for _ in 0..20 {
        assert_eq!(held.ready(), recovers);
        let alive = ask_at(&held.metrics, "GET /healthz");
        assert_eq!(alive.map(|answer| answer.status), Some(200));
        thread::sleep(Duration::from_millis(10));
    }
    assert!(fs::metadata(&held.snapshot).expect("it is there").file_type().is_fifo());
    fs::write(&held.snapshot, &held.bytes).expect("somebody reads it");

    let serves = Some((200, "ready\n".to_owned()));
    wait("it never gets ready", || {
        let said = held.ready();
        assert!(said == recovers || said == serves, "{said:?}");
        said == serves
    });
    held.daemon.listens();
    let scrape = Scrape::of(&held.daemon);
    assert_eq!(scrape.sum_where("spiked_sessions", &[("state", "running")]), 1);
    goes_on(&held.daemon).await;
}

/// Asked to end while it recovers, a daemon ends at once and as asked, and the one after it goes on
/// with the session. Seen to fail with the recovery not watching for signals.
#[tokio::test]
async fn it_ends_when_asked_while_it_recovers() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut held = Held::begin(folder.path()).await;
        held.daemon.signal(signal);
        wait("it goes on recovering", || held.daemon.has_ended().is_some());
        assert_eq!(held.daemon.has_ended().and_then(|status| status.code()), Some(0));
        fs::remove_file(&held.snapshot).expect("removed");
        fs::write(&held.snapshot, &held.bytes).expect("written");
        let next = daemon(&["--data", folder.path().to_str().expect("plain")]);
        goes_on(&next).await;
    }
}

/// The session takes its second batch.
async fn goes_on(daemon: &Daemon) {
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
