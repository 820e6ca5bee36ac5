//! P7 and P8: a daemon that is killed at random moments, and a client that resumes, give the output
//! of an undisturbed run.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use spiked_client::{AddressEvent, Client, Durability, Item, OpenOptions, Session, v1};
use spiked_fuzz::Random;

use crate::process::{Daemon, spiked};

/// Recurrent, noisy, and with delays up to 30 ms, so that whatever is lost or doubled shows.
pub(crate) const NETWORK: &str = r#"
name = "lively"
tick = "100 us"
seed = 5

[input.skin]
channels = 64
max_events_per_tick = 100

[population.cells]
shape = [256]
neuron = { lif = { tau = "10 ms", threshold = "1 mV", refractory = "1 ms" } }

[projection.in]
from = "skin"
to = "cells"
random = { in_degree = 8, weight = { uniform = [0.2, 0.6] }, delay = { uniform = ["1 ms", "30 ms"] } }

[projection.within]
from = "cells"
to = "cells"
random = { in_degree = 16, weight = { normal = { mean = -0.05, sd = 0.1 } }, delay = { uniform = ["0.1 ms", "20 ms"] } }
"#;

const BATCHES: u64 = 3_000;
const BATCH_EVENTS: u64 = 24;
pub(crate) const WINDOW_US: u64 = 1_000;
/// Together with the other two policies, a hundred.
const KILLS: u32 = 34;
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn events(batch: u64) -> Vec<AddressEvent> {
    let mut random = Random::new(batch);
    let mut events: Vec<_> = (0..BATCH_EVENTS)
        .map(|_| AddressEvent {
            time: batch * WINDOW_US + random.below(WINDOW_US),
            index: u32::try_from(random.below(64)).expect("few"),
        })
        .collect();
    events.sort_unstable_by_key(|event| event.time);
    events
}

pub(crate) fn serve(socket: &Path, folder: &Path) -> Daemon {
    Daemon::run(serving(socket, folder))
}

fn serving(socket: &Path, folder: &Path) -> Command {
    let listen = format!("unix:{}", socket.display());
    let (networks, data) = (folder.join("networks"), folder.join("data"));
    let mut command = spiked(["serve", "--listen", &listen]);
    command.arg("--networks").arg(networks).arg("--data").arg(data);
    // Some twenty snapshots in all.
    command.args(["--set", "limits.journal_snapshot_bytes=20000 B"]);
    command
}

/// Snapshots on the disk that are not what a session was opened with.
fn later_snapshots(folder: &Path) -> u32 {
    let sessions = std::fs::read_dir(folder.join("data/sessions/local")).into_iter().flatten();
    let files = sessions.flatten().flat_map(|session| std::fs::read_dir(session.path()));
    let names = files.flatten().flatten().map(|file| file.file_name().into_string());
    let is_later =
        |name: &String| name.ends_with(".snapshot") && !name.starts_with(&"0".repeat(20));
    u32::try_from(names.flatten().filter(is_later).count()).expect("few")
}

/// Opens a session; carried it is from then on, so a kill that falls into the opening is for us.
async fn opened(address: &str, options: OpenOptions) -> Session {
    loop {
        if let Ok(client) = Client::connect(address).await
            && let Ok(session) = client.open(options.clone()).await
        {
            return session;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// (tick, address) of every spike, and what the session said last.
async fn run(
    address: &str,
    durability: Durability,
    pause: Duration,
) -> (Vec<(u64, u32)>, v1::Ended) {
    let options = OpenOptions::new("lively").with_durability(durability).with_patience(PATIENCE);
    let opening = tokio::time::timeout(PATIENCE, opened(address, options));
    let (mut producer, mut output) = opening.await.expect("it opens").split();
    let feeding = tokio::spawn(async move {
        for batch in 0..BATCHES {
            let promise_us = Some((batch + 1) * WINDOW_US);
            producer.send_batch(0, &events(batch), promise_us).await.expect("sent");
            tokio::time::sleep(pause).await;
        }
        producer.finish().await.expect("finished");
    });
    let (mut spikes, mut ended) = (Vec::new(), None);
    while let Some(item) = output.next().await {
        match item.expect("nothing that was safe is lost, and no connection is given up") {
            Item::Spikes(batch) => {
                spikes.extend(batch.iter().map(|spike| (spike.tick, spike.address)));
            }
            Item::Error(refusal) => panic!("{refusal}"),
            Item::Ended(end) => ended = Some(end),
            _ => {}
        }
    }
    feeding.await.expect("fed");
    (spikes, ended.expect("an end"))
}

/// Kills and restarts the daemon until the session is over; says how many times it went on from a later
/// snapshot than the first.
fn torment(folder: &Path, socket: &Path, seed: u64, over: &AtomicBool, kills: &AtomicU32) -> u32 {
    let mut random = Random::new(seed);
    let mut daemon = serve(socket, folder);
    let mut from_later = 0;
    while !over.load(SeqCst) {
        thread::sleep(Duration::from_millis(5 + random.below(90)));
        if kills.load(SeqCst) < KILLS {
            daemon.kill();
            kills.fetch_add(1, SeqCst);
            from_later += later_snapshots(folder).min(1);
            // Every other time the next one is killed, too, while it may still be recovering.
            if random.below(2) == 0 {
                let mut early = Daemon::spawn(serving(socket, folder), Stdio::null());
                thread::sleep(Duration::from_millis(random.below(25)));
                early.kill();
            }
            daemon = serve(socket, folder);
        }
    }
    from_later
}

async fn killed_at_random(durability: Durability, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let networks = folder.path().join("networks/lively");
    std::fs::create_dir_all(&networks).expect("made");
    std::fs::write(networks.join("network.toml"), NETWORK).expect("written");
    let calm_socket = folder.path().join("calm");
    let calm = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(folder.path().join("networks"), calm.path().join("networks"))
        .expect("linked");
    let (expected, _) = {
        let daemon = serve(&calm_socket, calm.path());
        run(&daemon.address, Durability::None, Duration::ZERO).await
    };
    assert!(expected.len() > 10_000, "{} spikes prove little", expected.len());

    let socket = folder.path().join("socket");
    let (over, kills) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let tormentor = {
        let (folder, socket) = (folder.path().to_owned(), socket.clone());
        let (over, kills) = (over.clone(), kills.clone());
        thread::spawn(move || torment(&folder, &socket, seed, &over, &kills))
    };
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let address = format!("unix:{}", socket.display());
    let (spikes, ended) = run(&address, durability, Duration::from_millis(1)).await;
    over.store(true, SeqCst);
    let from_later = tormentor.join().expect("it ended");
    assert!(from_later > KILLS / 2, "{from_later} of {KILLS} went on from a later snapshot");
    assert_eq!(kills.load(SeqCst), KILLS, "the session was over too soon");
    let last = ended.r#final.expect("a final position");
    assert_eq!(last.accepted, BATCHES);
    assert_eq!(last.events_accepted, BATCHES * BATCH_EVENTS, "each event once");
    assert_eq!(spikes.len(), expected.len(), "{durability:?}");
    assert!(spikes == expected, "{durability:?}: the spikes differ");
}

/// Seen to fail with output sent from where the journal begins instead of where the reader was, and
/// with batches called durable before they were written.
#[tokio::test]
async fn a_hundred_kills_lose_nothing_and_double_nothing() {
    for (durability, seed) in
        [(Durability::Each, 1), (Durability::Interval, 2), (Durability::Never, 3)]
    {
        killed_at_random(durability, seed).await;
    }
}
