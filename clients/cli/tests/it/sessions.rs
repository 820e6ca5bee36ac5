//! `spiked sessions` against a real daemon: listed, snapshot, forked, rewound, watched, closed; and
//! what becomes of durable sessions when the disk is full or the daemon is asked to end.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    time::Duration,
};

use spiked_client::{AddressEvent, Client, Durability, Item, OpenOptions, Reason, v1};

use crate::process::{Daemon, Told, spiked, tell};

fn asked(daemon: &Daemon, arguments: &[&str]) -> Told {
    let arguments = [&["sessions"], arguments, &["--address", &daemon.address]].concat();
    tell(arguments)
}

fn options(id: &str) -> OpenOptions {
    OpenOptions { session_id: id.into(), ..OpenOptions::new("delay-line") }
}

fn event(time: u64, index: u32) -> AddressEvent {
    AddressEvent { time, index }
}

#[tokio::test]
async fn a_session_is_listed_forked_rewound_watched_and_closed() {
    let daemon = Daemon::start();
    assert_eq!(asked(&daemon, &[]).done().stdout, "no sessions\n");
    let client = Client::connect(&daemon.address).await.expect("connected");
    let (mut producer, mut output) = client.open(options("arm")).await.expect("opened").split();
    producer.send_batch(0, &[event(0, 3)], Some(10_000)).await.expect("sent");
    while let Some(Ok(item)) = output.next().await {
        if matches!(item, Item::Acknowledgement(ack) if ack.simulated_to_us == 10_000) {
            break;
        }
    }
    let listed = asked(&daemon, &["list"]).done().stdout;
    assert!(listed.starts_with("arm  delay-line 1, at 0.010000 s, 1 of 1 producers"), "{listed}");
    let shown = asked(&daemon, &["show", "arm"]).done();
    assert_eq!(shown.value("events"), "1");
    assert_eq!(shown.value("producer"), "main sends, 1 batches");

    let name = asked(&daemon, &["snapshot", "arm"]).done().stdout;
    let name = name.trim();
    assert_eq!(name.len(), 64);
    assert!(asked(&daemon, &["snapshots"]).done().stdout.starts_with(name));
    assert_eq!(asked(&daemon, &["fork", "arm", "--as", "twin"]).done().stdout, "twin\n");
    let restored = asked(&daemon, &["restore", &name[..12], "--as", "third"]).done();
    assert_eq!(restored.stdout, "third\n");

    let mut watching = spiked(["sessions", "watch", "arm", "--address", &daemon.address])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs");
    let told = asked(&daemon, &["show", "arm"]).done();
    assert_eq!(told.value("in the queue"), "0");
    while asked(&daemon, &["show", "arm"]).done().value("watchers") == "0" {}
    producer.send_batch::<AddressEvent>(0, &[], Some(300_000)).await.expect("sent");
    while let Some(Ok(item)) = output.next().await {
        if matches!(item, Item::Spikes(_)) {
            break;
        }
    }
    let rewound = asked(&daemon, &["rewind", "arm", &name[..8]]).done();
    assert_eq!(rewound.value("simulated to"), "0.010000 s");
    let status = watching.wait().expect("it ends");
    assert!(status.success());
    let mut seen = String::new();
    watching.stdout.take().expect("a pipe").read_to_string(&mut seen).expect("text");
    assert_eq!(seen, "position,time_us,port,kind,what,count\n0,255000,0,spike,3,1\n");

    asked(&daemon, &["close", "twin"]).done();
    asked(&daemon, &["forget", &name[..8]]).done();
    assert_eq!(asked(&daemon, &["snapshots"]).done().stdout, "no snapshots\n");
    let latencies = asked(&daemon, &["latencies", "arm"]).done();
    assert_eq!(latencies.value("queue"), "nothing was measured yet");
}

#[test]
fn what_is_not_there_is_said_on_one_line() {
    let daemon = Daemon::start();
    for arguments in [
        &["show", "none"][..],
        &["close", "none"],
        &["forget", "12"],
        &["snapshot", "none"],
        &["watch", "none"],
    ] {
        let told = asked(&daemon, arguments);
        assert_eq!((told.status, told.stderr.lines().count()), (Some(2), 1), "{}", told.stderr);
        assert!(told.stderr.contains("no "), "{}", told.stderr);
    }
    let told = asked(&daemon, &["watch", "none", "--probe", "cells"]);
    assert_eq!(told.status, Some(2), "{}", told.stderr);
}

/// A daemon whose files may not grow beyond a bound, as on a full disk.
fn limited(data: &std::path::Path, blocks: u32) -> (std::process::Child, String) {
    let spiked = env!("CARGO_BIN_EXE_spiked");
    let data = data.display();
    // XFSZ ignored, a write beyond the bound fails, as it does on a full disk.
    let line = format!(
        "trap '' XFSZ; ulimit -f {blocks}; exec {spiked} serve --listen 127.0.0.1:0 --data {data}"
    );
    let mut child = Command::new("sh")
        .args(["-c", &line])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
    let address = line.trim().strip_prefix("spiked listens on ").expect("it listens").to_owned();
    (child, address)
}

/// A session goes on as if nothing had happened.
async fn completes(other: spiked_client::Session) {
    let (mut producer, mut output) = other.split();
    producer.send_batch(0, &[event(0, 1)], None).await.expect("sent");
    producer.finish().await.expect("finished");
    let mut last = None;
    while let Some(item) = output.next().await {
        last = Some(item.expect("the other session goes on"));
    }
    assert!(matches!(last, Some(Item::Ended(ended)) if ended.reason() == v1::EndReason::Completed));
}

/// The journal cannot grow: the session ends and says up to where it is durable; others go on; and
/// with room again it goes on from there, with every spike once.
#[tokio::test]
async fn a_full_disk_ends_the_durable_session_alone_and_loses_nothing_durable() {
    let data = tempfile::tempdir().expect("a folder");
    let (mut child, address) = limited(data.path(), 64);
    let client = Client::connect(&address).await.expect("connected");
    let other = client.open(options("other")).await.expect("opened");
    let full = options("full").with_durability(Durability::Each);
    let session = client.open(full).await.expect("opened");
    let token = session.tables().resume_token.clone();
    let (mut producer, mut output) = session.split();
    // The first batch finds room; of all at once, the first write might be too long already.
    let first: Vec<_> = (0..8).map(|index| event(0, index)).collect();
    producer.send_batch(0, &first, Some(1_000)).await.expect("sent");
    let mut durable = 0;
    while durable == 0 {
        if let Some(Ok(Item::Acknowledgement(ack))) = output.next().await {
            durable = ack.durable;
        }
    }
    let feeding = tokio::spawn(async move {
        for batch in 1..20_000_u64 {
            let events: Vec<_> = (0..8).map(|index| event(batch * 1_000, index)).collect();
            if producer.send_batch(0, &events, Some((batch + 1) * 1_000)).await.is_err() {
                return;
            }
        }
        panic!("64 blocks hold no 20 000 batches");
    });
    let (mut refused, mut spikes) = (None, Vec::new());
    while let Some(Ok(item)) = output.next().await {
        match item {
            Item::Acknowledgement(ack) => durable = ack.durable,
            Item::Spikes(batch) => spikes.extend(batch.iter().map(|one| (one.tick, one.address))),
            Item::Error(refusal) => refused = Some(refusal),
            _ => {}
        }
    }
    feeding.await.expect("it ended with the session");
    let refused = refused.expect("an error");
    assert_eq!(refused.reason, Reason::Journal, "{refused}");
    assert!(refused.message.contains("File too large"), "{refused}");
    assert!(durable > 0);
    completes(other).await;
    child.kill().expect("it runs");
    child.wait().expect("it ends");

    let daemon = Daemon::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.path().to_str().expect("plain"),
    ]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let resumed = OpenOptions {
        session_id: "full".into(),
        resume_token: token,
        output_from: Some(spikes.len() as u64),
        ..OpenOptions::default()
    };
    let (producer, mut output) = client.open(resumed).await.expect("it goes on").split();
    producer.finish().await.expect("finished");
    let mut accepted = 0;
    while let Some(item) = output.next().await {
        match item.expect("no error") {
            Item::Spikes(batch) => spikes.extend(batch.iter().map(|one| (one.tick, one.address))),
            Item::Ended(ended) => accepted = ended.r#final.expect("a position").accepted,
            _ => {}
        }
    }
    assert!(accepted >= durable, "{accepted} of {durable}");
    let expected: Vec<_> =
        (0..accepted).flat_map(|batch| (0..8).map(move |index| (batch + 255, index))).collect();
    assert_eq!(spikes.len(), expected.len());
    assert!(spikes == expected, "each spike once, in order");
}

/// P6: idle, busy and deaf clients, and one that is away, when the daemon is asked to end.
#[tokio::test]
async fn a_daemon_that_is_asked_to_end_finishes_saves_and_tells() {
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path().to_str().expect("plain");
    let config = ["--listen", "127.0.0.1:0", "--data", data];
    let daemon = Daemon::start_with(&config);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let idle = client.open(options("idle")).await.expect("opened");
    let kept = client.open(options("kept").with_durability(Durability::Never)).await;
    let kept = kept.expect("opened");
    let away = client.open(options("away").with_durability(Durability::Each)).await;
    drop(away.expect("opened"));
    let busy = client.open(options("busy")).await.expect("opened");
    let deaf = client.open(options("deaf")).await.expect("opened");
    let (mut deaf_producer, deaf_output) = deaf.split();
    let began = std::time::Instant::now();
    let ending = std::thread::spawn(move || daemon.end_with("TERM"));
    // It sends on, and never reads: nothing of it may hold the daemon up.
    let sending = tokio::spawn(async move {
        while deaf_producer.send_batch::<AddressEvent>(0, &[], None).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let (mut producer, mut output) = busy.split();
    producer.send_batch(0, &[event(0, 1)], None).await.expect("sent");
    producer.finish().await.expect("finished");
    let reason = |last: Option<Item>| match last {
        Some(Item::Ended(ended)) => ended.reason(),
        other => panic!("no end: {other:?}"),
    };
    let mut last = None;
    while let Some(item) = output.next().await {
        last = Some(item.expect("no error"));
    }
    assert_eq!(reason(last), v1::EndReason::Completed, "the busy one finishes");
    for (session, expected) in [(idle, v1::EndReason::Shutdown), (kept, v1::EndReason::Saved)] {
        let (_producer, mut output) = session.split();
        let mut last = None;
        while let Some(item) = output.next().await {
            last = Some(item.expect("no error"));
        }
        assert_eq!(reason(last), expected);
    }
    let status = ending.join().expect("it ended");
    assert!(status.success(), "{status}");
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    drop(deaf_output);
    sending.await.expect("told");

    let again = Daemon::start_with(&config);
    let listed = asked(&again, &[]).done().stdout;
    assert_eq!(listed, "away  rests on disk\nkept  rests on disk\n");
}
