//! Networks that clients load: kept across a daemon that is killed, taken away, read on request.

use std::{fs, path::Path};

use spiked_client::{Client, Durability, OpenOptions, Reason, v1};
use spiked_server::networks::text;

use crate::{
    killed::{NETWORK, serve},
    process::{Daemon, Told, tell},
};

/// With an array of its own.
const LISTED: &str = r#"
name = "listed"
input.line.channels = 2
population.echo = { shape = 2, neuron.accumulator.threshold = 1.0 }
projection.hold = { from = "line", to = "echo", synapses = [{ from = 0, to = 1, weight = 1.0 }] }
"#;

fn at(daemon: &Daemon, arguments: &[&str]) -> Told {
    tell(arguments.iter().chain(&["--address", &daemon.address]))
}

/// Writes a network's text, and gives its path.
fn text_of(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, text).expect("written");
    file.to_str().expect("plain").to_owned()
}

fn durable(network: &str, id: &str) -> OpenOptions {
    let options = OpenOptions { session_id: id.into(), ..OpenOptions::new(network) };
    options.with_durability(Durability::Each)
}

async fn networks(client: &Client, name: &str) -> Vec<(String, String)> {
    let listed = client.list_networks().await.expect("listed");
    let named = listed.into_iter().filter(|info| info.name == name);
    named.map(|info| (info.version, info.problem)).collect()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// Steps on, from where a session is.
async fn step(client: &Client, until_us: u64, from: u64) -> v1::StepSessionResponse {
    let request = v1::StepSessionRequest {
        session_id: "robot".into(),
        until_us,
        output_from: Some(from),
        ..Default::default()
    };
    client.step_session(request).await.expect("stepped")
}

/// Seen to fail with networks that end with the daemon.
#[tokio::test]
async fn a_loaded_network_outlives_the_daemon_and_its_sessions_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("networks")).expect("made");
    let socket = folder.path().join("socket");
    let mut daemon = serve(&socket, folder.path());
    let lively = text_of(folder.path(), "lively", NETWORK);
    assert_eq!(at(&daemon, &["networks", "load", &lively]).done().stdout, "lively 1\n");
    assert_eq!(
        at(&daemon, &["networks", "load", &lively, "--as", "9"]).done().stdout,
        "lively 9\n"
    );
    let listed = text_of(folder.path(), "listed", LISTED);
    at(&daemon, &["networks", "load", &listed, "--as", "10"]).done();
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&durable("lively", "robot")).await.expect("opened");
    let before = step(&client, 50_000, 0).await;

    daemon.kill();
    daemon = serve(&socket, folder.path());
    let client = Client::connect(&daemon.address).await.expect("connected");
    let whole = |version: &str| (version.to_owned(), String::new());
    assert_eq!(networks(&client, "lively").await, [whole("1"), whole("9")]);
    assert_eq!(networks(&client, "listed").await, [whole("10")]);
    let sessions = client.list_sessions().await.expect("listed");
    assert_eq!((sessions[0].session_id.as_str(), sessions[0].at_rest), ("robot", false));
    assert_eq!(sessions[0].network_version, "9");
    step(&client, 80_000, before.output_position).await;

    // The newest is what the session runs; the older one is free.
    let refused = at(&daemon, &["networks", "unload", "lively"]);
    assert_eq!(refused.status, Some(1));
    let says = "session \"robot\" is durable and runs that network: close it first";
    assert!(refused.stderr.contains(says), "{}", refused.stderr);
    at(&daemon, &["networks", "unload", "lively", "1"]).done();
    let kept = folder.path().join("data/networks/lively");
    assert_eq!(files(&kept), [kept.join("9")]);
    client.close_session("robot").await.expect("closed");
    at(&daemon, &["networks", "unload", "lively"]).done();
    assert!(!kept.exists(), "nothing is left of it");
    daemon.kill();
    let daemon = serve(&socket, folder.path());
    let client = Client::connect(&daemon.address).await.expect("connected");
    assert_eq!(networks(&client, "lively").await, []);
    assert_eq!(networks(&client, "listed").await.len(), 1);
}

/// A session that rests needs its network too.
#[tokio::test]
async fn what_a_session_at_rest_runs_is_not_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("networks")).expect("made");
    let socket = folder.path().join("socket");
    let daemon = serve(&socket, folder.path());
    let lively = text_of(folder.path(), "lively", NETWORK);
    at(&daemon, &["networks", "load", &lively]).done();
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&durable("lively", "robot")).await.expect("opened");
    drop(client);
    assert!(daemon.end_with("TERM").success());
    let daemon = serve(&socket, folder.path());
    let client = Client::connect(&daemon.address).await.expect("connected");
    assert!(client.list_sessions().await.expect("listed")[0].at_rest);
    let refused = client.unload_network("lively", "").await.expect_err("it is needed");
    assert_eq!(refused.reason(), Some(Reason::SessionConflict), "{refused}");
    client.close_session("robot").await.expect("closed");
    client.unload_network("lively", "").await.expect("nothing needs it");
}

/// Each file is checked against the hash that it is named by.
#[tokio::test]
async fn a_damaged_file_is_named_and_stops_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("networks")).expect("made");
    let socket = folder.path().join("socket");
    let mut daemon = serve(&socket, folder.path());
    let listed = text_of(folder.path(), "listed", LISTED);
    at(&daemon, &["networks", "load", &listed]).done();
    daemon.kill();
    let kept = files(&folder.path().join("data/networks/listed/1"));
    assert!(kept.len() > 2, "a description and its arrays: {kept:?}");
    for file in &kept {
        let whole = fs::read(file).expect("read");
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        fs::write(file, damaged).expect("written");
        let mut daemon = serve(&socket, folder.path());
        let client = Client::connect(&daemon.address).await.expect("connected");
        let found = networks(&client, "listed").await;
        let name = file.file_name().expect("a name").to_str().expect("plain");
        let says = format!("{name}: is damaged: its bytes are not those that it is named by");
        assert!(found[0].1.contains(&says), "{found:?}");
        let refused = client.open_session(&durable("listed", "robot")).await;
        assert!(refused.is_err(), "it cannot run");
        daemon.kill();
        fs::write(file, whole).expect("written");
    }
    // What a crash left half-written is no network.
    let half = folder.path().join("data/networks/half/1");
    fs::create_dir_all(&half).expect("made");
    fs::write(half.join("00.array"), "x").expect("written");
    let daemon = serve(&socket, folder.path());
    let client = Client::connect(&daemon.address).await.expect("connected");
    assert_eq!(networks(&client, "listed").await, [("1".to_owned(), String::new())]);
    assert_eq!(networks(&client, "half").await, []);
    assert!(!folder.path().join("data/networks/half").exists());
    let _ = text::read(Path::new(&listed)).expect("as it was");
    drop(daemon);
}

/// Networks of the folder come when they are asked for; a durable session's comes back with it.
#[tokio::test]
async fn a_folder_is_read_when_a_client_asks() {
    let folder = tempfile::tempdir().expect("a folder");
    let networks_folder = folder.path().join("networks");
    fs::create_dir(&networks_folder).expect("made");
    text_of(&networks_folder, "lively", NETWORK);
    let listen = format!("unix:{}", folder.path().join("socket").display());
    let data = folder.path().join("data");
    let arguments = [
        "--listen",
        &listen,
        "--networks",
        networks_folder.to_str().expect("plain"),
        "--data",
        data.to_str().expect("plain"),
        "--set",
        "networks_mode=explicit",
    ];
    let mut daemon = Daemon::start_with(&arguments);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let refused = client.open_session(&durable("lively", "robot")).await.err();
    assert_eq!(refused.and_then(|error| error.reason()), Some(Reason::NetworkUnknown));
    assert_eq!(at(&daemon, &["networks", "load", "lively"]).done().stdout, "lively 1\n");
    client.open_session(&durable("lively", "robot")).await.expect("opened");
    let missing = at(&daemon, &["networks", "load", "livly"]);
    assert_eq!(missing.status, Some(2));
    assert!(missing.stderr.contains("did you mean \"lively\"?"), "{}", missing.stderr);
    daemon.kill();
    let daemon = Daemon::start_with(&arguments);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let sessions = client.list_sessions().await.expect("listed");
    assert!(!sessions[0].at_rest, "{sessions:?}");
    assert_eq!(networks(&client, "lively").await.len(), 1, "asked for once");
}
