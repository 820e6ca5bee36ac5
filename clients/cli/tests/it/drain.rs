//! How a daemon ends that was asked to, with clients that are idle, busy and deaf.

use std::time::{Duration, Instant};

use spiked_client::{
    AddressEvent, Client, Durability, Item, OpenOptions, Output, Reason, Session, WatchItem, v1,
};

use crate::{
    attack::{
        frames::{batch, data, open_of, streams},
        peer::Peer,
    },
    process::Daemon,
};

const GRACE: Duration = Duration::from_secs(6);
/// For sessions to be saved and connections to close, and for a machine that is busy.
const BEYOND: Duration = Duration::from_secs(15);
pub(crate) const CHANNELS: u32 = 8;
/// Of the network `delay-line` \[ticks\].
const DELAY: u64 = 255;

fn options(id: &str) -> OpenOptions {
    OpenOptions { session_id: id.into(), ..OpenOptions::new("delay-line") }
}

pub(crate) fn events(tick: u64) -> Vec<AddressEvent> {
    (0..CHANNELS).map(|index| AddressEvent { time: tick * 1_000, index }).collect()
}

/// Reads to the end: how many spikes there were, and how the session ended.
pub(crate) async fn rest(output: &mut Output) -> (usize, v1::EndReason) {
    let (mut spikes, mut last) = (0, None);
    while let Some(item) = output.next().await {
        match item.expect("it is told the end") {
            Item::Spikes(batch) => spikes += batch.len(),
            Item::Ended(ended) => last = Some(ended.reason()),
            _ => {}
        }
    }
    (spikes, last.expect("an end"))
}

/// A busy session goes on, and gets all of its spikes.
async fn finish_feeding(busy: Session) {
    const TICKS: u64 = 100;
    let (mut producer, mut output) = busy.split();
    let feeding = async {
        for tick in 0..TICKS {
            producer.send_batch(0, &events(tick), Some((tick + 1) * 1_000)).await.expect("sent");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        producer.finish().await.expect("finished");
    };
    let ((spikes, end), ()) = tokio::join!(rest(&mut output), feeding);
    assert_eq!((spikes as u64, end), (TICKS * u64::from(CHANNELS), v1::EndReason::Completed));
}

/// A connection of its own with sessions that have made more than socket and windows take, and that
/// is never read.
fn deaf(address: &str) -> Peer {
    const SESSIONS: u32 = 4;
    let mut peer = Peer::deaf(address);
    for stream in streams(SESSIONS) {
        let fed = (0..48).flat_map(|place| data(stream, &batch(place, 1_024)));
        assert!(peer.say(&[open_of(stream, "delay-line"), fed.collect()].concat()));
    }
    peer
}

/// Seen to fail with a daemon that says it serves, that opens sessions still, that grants no time, and
/// that does not end sessions after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_busy_and_deaf_clients_are_told_in_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("plain");
    let config = ["--listen", "127.0.0.1:0", "--data", data, "--set", "limits.shutdown_grace=6s"];
    let mut daemon = Daemon::start_with(&config);
    let connect = || async { Client::connect(&daemon.address).await.expect("connected") };
    let (asking, client) = (connect().await, connect().await);
    assert_eq!(asking.is_serving("").await.expect("answered"), Some(true));
    let idle = client.open(options("idle")).await.expect("opened");
    let kept = client.open(options("kept").with_durability(Durability::Each)).await;
    let (mut kept, mut kept_output) = kept.expect("opened").split();
    for tick in 0..10 {
        kept.send_batch(0, &events(tick), Some((tick + 1) * 1_000)).await.expect("sent");
    }
    let token = kept_output.tables().resume_token.clone();
    let busy = client.open(options("busy")).await.expect("opened");
    let mut watch = client.watch_session("kept").await.expect("watched");
    let deaf = deaf(&daemon.address);
    let is_deaf = |info: &v1::SessionInfo| !["idle", "busy", "kept"].contains(&&*info.session_id);
    let sessions_of_the_deaf = || async {
        let sessions = asking.list_sessions().await.expect("answered");
        sessions.iter().filter(|info| is_deaf(info)).count()
    };
    let began = Instant::now();
    while sessions_of_the_deaf().await < 4 {
        assert!(began.elapsed() < BEYOND, "the deaf one opens its sessions");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let asked = Instant::now();
    daemon.signal("TERM");
    let serves = || async { asking.is_serving("").await.expect("it still answers") };
    while serves().await == Some(true) {
        assert!(asked.elapsed() < GRACE, "it says that it serves");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(asking.is_serving("").await.expect("it still answers"), Some(false));
    let refused = asking.open(options("late")).await.expect_err("none is opened any more");
    assert_eq!(refused.reason(), Some(Reason::ShuttingDown), "{refused}");

    finish_feeding(busy).await;
    assert!(asked.elapsed() < GRACE, "{:?}: it did not wait for the others", asked.elapsed());
    assert_eq!(daemon.has_ended(), None, "it waits for those who may still finish");

    let (_idle, mut idle_output) = idle.split();
    assert_eq!(rest(&mut idle_output).await.1, v1::EndReason::Shutdown);
    let (kept_spikes, kept_end) = rest(&mut kept_output).await;
    assert_eq!(kept_end, v1::EndReason::Saved);
    let mut watched = None;
    while let Some(item) = watch.next().await {
        if let WatchItem::Ended(ended) = item.expect("a watcher is told the end") {
            watched = Some(ended.reason());
        }
    }
    assert_eq!(watched, Some(v1::EndReason::Saved));
    let status = loop {
        if let Some(status) = daemon.has_ended() {
            break status;
        }
        assert!(asked.elapsed() < GRACE + BEYOND, "the deaf one holds it up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed() >= GRACE, "it left those who might have finished no time");
    drop((deaf, kept));

    let again = Daemon::start_with(&config);
    let resumed = OpenOptions { resume_token: token, ..options("kept") };
    let spikes = resumed_and_finished(&again, resumed.with_durability(Durability::Each)).await;
    assert_eq!(kept_spikes + spikes, 10 * CHANNELS as usize, "each after {DELAY} ticks, once");
}

/// The spikes of a session that goes on, to its end.
async fn resumed_and_finished(daemon: &Daemon, options: OpenOptions) -> usize {
    let client = Client::connect(&daemon.address).await.expect("connected");
    let (producer, mut output) = client.open(options).await.expect("it goes on").split();
    producer.finish().await.expect("finished");
    let (spikes, end) = rest(&mut output).await;
    assert_eq!(end, v1::EndReason::Completed);
    spikes
}

/// A client is told that its session was saved before the daemon is gone, and asks at once: it must come
/// back to the next daemon, and not take for an answer what the last moment of this one says. Seen to fail
/// with a session that has just ended refused as one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_back_at_once_goes_on_at_the_next_daemon() {
    const ROUNDS: u64 = 25;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("plain").to_owned();
    let listen = format!("unix:{}", path("socket"));
    let data = path("data");
    let config = ["--listen", &listen, "--data", &data, "--set", "limits.shutdown_grace=1 ms"];
    let mut daemon = Daemon::start_with(&config);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let patient = options("patient").with_durability(Durability::Each).with_patience(BEYOND);
    let (mut producer, mut output) = client.open(patient).await.expect("opened").split();
    let reading = tokio::spawn(async move { rest(&mut output).await });
    for round in 0..ROUNDS {
        producer.send_batch(0, &events(round), Some((round + 1) * 1_000)).await.expect("sent");
        let ended = tokio::task::spawn_blocking(move || daemon.end_with("TERM").code());
        assert_eq!(ended.await.expect("it ends"), Some(0));
        daemon = Daemon::start_with(&config);
    }
    producer.finish().await.expect("finished");
    let (spikes, end) = tokio::time::timeout(BEYOND, reading).await.expect("an end").expect("read");
    assert_eq!((spikes as u64, end), (ROUNDS * u64::from(CHANNELS), v1::EndReason::Completed));
}
