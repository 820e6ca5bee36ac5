//! Durable sessions as files: out of one data folder, into another, and on.

use std::{fs, io::Write as _, path::Path};

use spiked_client::{Client, Durability, OpenOptions, Reason, v1};

use crate::{
    drain::{CHANNELS, events, rest},
    process::{Daemon, Told, tell},
};

const TICKS: u64 = 20;
/// Of the operator's own folder, which only the first daemon has.
const NETWORK: &str = r#"
name = "own"
tick = "1 ms"
input.line.channels = 8
population.echo = { shape = 8, neuron = { accumulator = { threshold = 1.0 } } }
projection.hold = { from = "line", to = "echo", one_to_one = { weight = 1.0, delay = "50 ms" } }
"#;

fn serve(data: &Path) -> Daemon {
    serve_with(data, &[])
}

fn serve_with(data: &Path, more: &[&str]) -> Daemon {
    let data = data.to_str().expect("plain");
    let grace = "limits.shutdown_grace=1 ms";
    let listen = ["--listen", "127.0.0.1:0", "--data", data, "--set", grace];
    Daemon::start_with(&[&listen[..], more].concat())
}

fn sessions(words: &[&str], data: &Path) -> Told {
    let data = data.to_str().expect("plain");
    tell([&["sessions"][..], words, &["--data", data]].concat())
}

/// Feeds a durable session and ends its daemon; gives its token and the spikes that it had.
async fn left_behind(data: &Path) -> (bytes::Bytes, usize) {
    let networks = tempfile::tempdir().expect("a folder");
    fs::create_dir(networks.path().join("own")).expect("made");
    fs::write(networks.path().join("own/network.toml"), NETWORK).expect("written");
    let daemon = serve_with(data, &["--networks", networks.path().to_str().expect("plain")]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let options = OpenOptions { session_id: "arm".into(), ..OpenOptions::new("own") };
    let session = client.open(options.with_durability(Durability::Each)).await.expect("opened");
    let token = session.tables().resume_token.clone();
    let (mut producer, mut output) = session.split();
    for tick in 0..TICKS {
        producer.send_batch(0, &events(tick), Some((tick + 1) * 1_000)).await.expect("sent");
    }
    let ending = tokio::task::spawn_blocking(move || daemon.end_with("TERM").code());
    let (spikes, reason) = rest(&mut output).await;
    assert_eq!(reason, v1::EndReason::Saved);
    drop(producer);
    assert_eq!(ending.await.expect("it ends"), Some(0));
    (token, spikes)
}

/// Its client goes on at another daemon with every spike once. Seen to fail with the network left behind,
/// and with the journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_was_carried_goes_on_at_another_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let archive = folder.path().join("arm.zip");
    let name = archive.to_str().expect("plain");
    let (token, before) = left_behind(&here).await;

    let listed = sessions(&["lying"], &here).done().stdout;
    assert_eq!(listed, "arm  own 1, tenant local, dynamics version 1\n");
    sessions(&["export", "arm", name], &here).done();
    assert_eq!(sessions(&["lying"], &here).done().stdout, listed, "it stays there as well");
    fs::create_dir(&there).expect("made");
    sessions(&["import", name], &there).done();
    assert_eq!(sessions(&["lying"], &there).done().stdout, listed);

    let daemon = serve(&there);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let options =
        OpenOptions { session_id: "arm".into(), resume_token: token, ..OpenOptions::new("own") };
    let (producer, mut output) = client.open(options).await.expect("it goes on").split();
    producer.finish().await.expect("finished");
    let (after, reason) = rest(&mut output).await;
    assert_eq!(reason, v1::EndReason::Completed);
    assert_eq!((before + after) as u64, TICKS * u64::from(CHANNELS));
}

/// Makes all snapshots of a session ones of the next dynamics.
fn of_other_dynamics(data: &Path) {
    for file in fs::read_dir(data.join("sessions/local/arm")).expect("a folder").flatten() {
        let path = file.path();
        if path.extension().is_none_or(|end| end != "snapshot") {
            continue;
        }
        let mut bytes = fs::read(&path).expect("a snapshot");
        // Magic and version, then a section: its length, itself, its checksum.
        let length = u64::from_le_bytes(bytes[16..24].try_into().expect("eight"));
        let end = 24 + usize::try_from(length).expect("few");
        bytes[24..32].copy_from_slice(&2_u64.to_le_bytes());
        let checksum = u64::from(crc32fast::hash(&bytes[24..end]));
        bytes[end..end + 8].copy_from_slice(&checksum.to_le_bytes());
        fs::write(&path, bytes).expect("written");
    }
}

/// It stays as it is, is known by its name, and can be taken to where its dynamics are. Seen to fail with
/// such a snapshot called damaged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_of_other_dynamics_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().join("here");
    left_behind(&here).await;
    of_other_dynamics(&here);
    let daemon = serve(&here);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let options = OpenOptions { session_id: "arm".into(), ..OpenOptions::new("own") };
    let options = options.with_durability(Durability::Each);
    let refused = client.open(options).await.expect_err("it is of others");
    assert_eq!(refused.reason(), Some(Reason::SnapshotInvalid), "{refused}");
    let said = refused.to_string();
    for words in ["session \"arm\" is of dynamics version 2", "this daemon has 1", "export"] {
        assert!(said.contains(words), "{said}");
    }
    client.open(OpenOptions::new("delay-line")).await.expect("others are served");
    assert_eq!(daemon.end_with("TERM").code(), Some(0));
    let listed = sessions(&["lying"], &here).done().stdout;
    assert!(listed.starts_with("arm  own 1, tenant local, dynamics version 2"), "{listed}");
    let archive = folder.path().join("arm.zip");
    sessions(&["export", "arm", archive.to_str().expect("plain")], &here).done();
}

/// Each is one line that names what is wrong, and leaves nothing behind. Seen to fail with the check of
/// names left out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_carried_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    fs::create_dir(&there).expect("made");
    let path = |name: &str| folder.path().join(name).to_str().expect("plain").to_owned();
    left_behind(&here).await;
    let good = path("arm.zip");
    sessions(&["export", "arm", &good], &here).done();
    let said = |told: Told, status: i32, what: &str| {
        assert_eq!(
            (told.status, told.stderr.lines().count()),
            (Some(status), 1),
            "{}",
            told.stderr
        );
        assert!(told.stderr.contains(what), "{} for {what}", told.stderr);
    };
    said(sessions(&["export", "amr", &path("a.zip")], &here), 2, "did you mean \"arm\"?");
    said(sessions(&["export", "arm", &good], &here), 1, "exists");
    said(sessions(&["import", &good], &here), 2, "lies there already");
    said(sessions(&["lying"], &folder.path().join("nowhere")), 1, "nowhere");
    let running = serve(&here);
    said(sessions(&["export", "arm", &path("b.zip")], &here), 1, "another daemon uses it");
    drop(running);

    let bytes = fs::read(&good).expect("an archive");
    let cut = path("cut.zip");
    fs::write(&cut, &bytes[..bytes.len() / 2]).expect("written");
    said(sessions(&["import", &cut], &there), 1, "cut.zip");
    fs::write(path("text.zip"), "no archive").expect("written");
    said(sessions(&["import", &path("text.zip")], &there), 1, "text.zip");
    let damaged = path("damaged.zip");
    let mut flipped = bytes.clone();
    let at = flipped.windows(8).position(|bytes| bytes == b"spiked-j").expect("a journal");
    flipped[at + 20] ^= 1;
    fs::write(&damaged, flipped).expect("written");
    said(sessions(&["import", &damaged], &there), 1, "damaged.zip");
    let outside = path("outside.zip");
    leading_out(&good, &outside);
    said(sessions(&["import", &outside], &there), 1, "is no name");
    assert!(!folder.path().join("escaped").exists());
    assert_eq!(sessions(&["lying"], &there).done().stdout, "no sessions\n");
}

/// The same archive with a file that would be written beside the data folder.
fn leading_out(from: &str, to: &str) {
    let mut old = zip::ZipArchive::new(fs::File::open(from).expect("it is there")).expect("a zip");
    let mut new = zip::ZipWriter::new(fs::File::create(to).expect("made"));
    for index in 0..old.len() {
        new.raw_copy_file(old.by_index_raw(index).expect("a file")).expect("copied");
    }
    let options = zip::write::SimpleFileOptions::default();
    new.start_file("session/../../../../../escaped", options).expect("begun");
    new.write_all(b"out").expect("written");
    new.finish().expect("whole");
}
