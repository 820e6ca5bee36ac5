//! Tokens against real daemons: what each scope allows, what a tenant sees, quotas, and a file that
//! changes while a stream goes on.

use std::{fs, path::Path, time::Duration};

use bytes::Bytes;
use spiked_client::{AddressEvent, Client, Durability, Error, Item, OpenOptions, Reason, v1};

use crate::{
    files::{overwrite_unseen, put},
    process::{Daemon, Told, spiked, tell},
};

/// A token and its entry, as `spiked token` makes them.
pub(crate) fn made(name: &str, tenant: &str, scopes: &[&str]) -> (String, String) {
    let mut arguments = vec!["token", "--name", name, "--tenant", tenant];
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    let told = tell(arguments).done().stdout;
    let (secret, entry) = told.split_once("\n\n").expect("a token and its entry");
    assert!(!entry.contains(secret), "the file has the hash alone");
    (secret.to_owned(), entry.to_owned())
}

pub(crate) fn daemon(file: &Path) -> Daemon {
    Daemon::start_with(&["--listen", "127.0.0.1:0", "--tokens", file.to_str().expect("plain")])
}

pub(crate) async fn with(daemon: &Daemon, token: &str) -> Client {
    Client::connect_with(&daemon.address, token).await.expect("connected")
}

fn options(id: &str) -> OpenOptions {
    OpenOptions { session_id: id.into(), ..OpenOptions::new("delay-line") }
}

fn reason<T>(result: Result<T, Error>) -> Option<Reason> {
    result.err().and_then(|error| error.reason())
}

#[tokio::test]
async fn each_scope_allows_its_calls_and_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.toml");
    let tokens = ["read", "stream", "admin"].map(|scope| made(scope, "lab", &[scope]));
    put(&file, &tokens.each_ref().map(|(_, entry)| entry.as_str()).concat());
    let daemon = daemon(&file);
    let denied = Some(Reason::PermissionDenied);
    for (scope, (secret, _)) in tokens.iter().enumerate() {
        let client = with(&daemon, secret).await;
        let expected = |needed: usize| if needed == scope { None } else { denied };
        assert_eq!(reason(client.list_sessions().await), expected(0));
        assert_eq!(reason(client.list_networks().await), expected(0));
        assert_eq!(reason(client.open_session(&options("one")).await), expected(1));
        assert_eq!(reason(client.open(options("two")).await), expected(1));
        assert_eq!(reason(client.upload_blob(Bytes::from_static(b"array")).await), expected(2));
        // Whoever may, is told that there is no such session.
        let unknown = |needed: usize| expected(needed).or(Some(Reason::SessionUnknown));
        assert_eq!(reason(client.get_weights(Default::default()).await), unknown(0));
        assert_eq!(reason(client.get_parameters(Default::default()).await), unknown(0));
        assert_eq!(reason(client.set_weights(Default::default()).await), unknown(1));
        assert_eq!(reason(client.set_parameters(Default::default()).await), unknown(1));
    }
    let unknown = with(&daemon, &"0".repeat(64)).await;
    let nobody = Client::connect(&daemon.address).await.expect("connected");
    for client in [unknown, nobody] {
        let unauthenticated = Some(Reason::Unauthenticated);
        assert_eq!(reason(client.list_sessions().await), unauthenticated);
        assert_eq!(reason(client.open(options("three")).await), unauthenticated);
        assert_eq!(reason(client.upload_blob(Bytes::from_static(b"a")).await), unauthenticated);
    }
}

#[tokio::test]
async fn one_tenant_can_neither_see_nor_touch_anothers_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.toml");
    let scopes = ["read", "stream"];
    let ((left, one), (right, other)) = (made("l", "left", &scopes), made("r", "right", &scopes));
    put(&file, &(one + &other));
    let daemon = daemon(&file);
    let (left, right) = (with(&daemon, &left).await, with(&daemon, &right).await);
    let _lefts = left.open(options("arm")).await.expect("opened");
    let session = left.open(options("own")).await.expect("opened");
    let resume_token = session.tables().resume_token.clone();
    let taken = left.snapshot_session("own").await.expect("taken").snapshot_sha256;

    let _rights = right.open(options("arm")).await.expect("the same id side by side");
    let ids = |sessions: Vec<v1::SessionInfo>| -> Vec<String> {
        sessions.into_iter().map(|info| info.session_id).collect()
    };
    assert_eq!(ids(left.list_sessions().await.expect("listed")), ["arm", "own"]);
    assert_eq!(ids(right.list_sessions().await.expect("listed")), ["arm"]);
    assert_eq!(right.list_snapshots().await.expect("listed").len(), 0);

    let unknown = Some(Reason::SessionUnknown);
    assert_eq!(reason(right.watch_session("own").await), unknown);
    assert_eq!(reason(right.snapshot_session("own").await), unknown);
    assert_eq!(reason(right.fork_session("own", "copy").await), unknown);
    assert_eq!(reason(right.latencies("own").await), unknown);
    assert_eq!(reason(right.close_session("own").await), unknown);
    let step = v1::StepSessionRequest { session_id: "own".into(), ..Default::default() };
    assert_eq!(reason(right.step_session(step).await), unknown);
    let session_id = || "own".to_owned();
    let weights = v1::GetWeightsRequest { session_id: session_id(), ..Default::default() };
    assert_eq!(reason(right.get_weights(weights).await), unknown);
    let weights = v1::SetWeightsRequest { session_id: session_id(), ..Default::default() };
    assert_eq!(reason(right.set_weights(weights).await), unknown);
    let parameters = v1::GetParametersRequest { session_id: session_id(), ..Default::default() };
    assert_eq!(reason(right.get_parameters(parameters).await), unknown);
    let parameters = v1::SetParametersRequest { session_id: session_id(), ..Default::default() };
    assert_eq!(reason(right.set_parameters(parameters).await), unknown);
    let no_snapshot = Some(Reason::SnapshotInvalid);
    assert_eq!(reason(right.restore_session(taken.clone(), "copy").await), no_snapshot);
    assert_eq!(reason(right.rewind_session("arm", taken.clone()).await), no_snapshot);
    assert_eq!(reason(right.delete_snapshot(taken).await), no_snapshot);
    let resumed = OpenOptions { session_id: "own".into(), resume_token, ..OpenOptions::default() };
    assert_eq!(reason(right.open(resumed.clone()).await), unknown);
    let resumed = OpenOptions { session_id: "arm".into(), ..resumed };
    assert_eq!(reason(right.open(resumed).await), Some(Reason::ResumeToken));
    assert_eq!(ids(left.list_sessions().await.expect("listed")), ["arm", "own"]);
}

/// Also of durable sessions that were made again after the daemon had been killed.
#[tokio::test]
async fn tenants_stay_apart_when_the_daemon_begins_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.toml");
    let scopes = ["read", "stream"];
    let ((left, one), (right, other)) = (made("l", "left", &scopes), made("r", "right", &scopes));
    put(&file, &(one + &other));
    let (tokens, data) = (file.display().to_string(), folder.path().join("data"));
    let data = data.display().to_string();
    let arguments = ["--listen", "127.0.0.1:0", "--tokens", &tokens, "--data", &data];
    let durable = |id: &str| options(id).with_durability(Durability::Each);
    let mut daemon = Daemon::start_with(&arguments);
    let mut positions = Vec::new();
    for (token, id, batches) in [(&left, "arm", 1), (&left, "own", 2), (&right, "arm", 3)] {
        let client = with(&daemon, token).await;
        let (mut producer, mut output) = client.open(durable(id)).await.expect("opened").split();
        for batch in 0..batches {
            let event = AddressEvent { time: batch * 1_000, index: 0 };
            let promise_us = Some((batch + 1) * 1_000);
            producer.send_batch(0, &[event], promise_us).await.expect("sent");
        }
        let durable = async {
            while let Some(item) = output.next().await {
                if matches!(item, Ok(Item::Acknowledgement(ack)) if ack.durable == batches) {
                    return;
                }
            }
            panic!("{id} of {batches} batches ended early");
        };
        durable.await;
        positions.push((producer, output));
    }

    daemon.kill();
    let daemon = Daemon::start_with(&arguments);
    let (left, right) = (with(&daemon, &left).await, with(&daemon, &right).await);
    let known = |sessions: Vec<v1::SessionInfo>| -> Vec<(String, u64)> {
        let accepted = |info: &v1::SessionInfo| info.position.expect("it is told").accepted;
        sessions.iter().map(|info| (info.session_id.clone(), accepted(info))).collect()
    };
    let lefts = [("arm".to_owned(), 1), ("own".to_owned(), 2)];
    assert_eq!(known(left.list_sessions().await.expect("listed")), lefts);
    assert_eq!(known(right.list_sessions().await.expect("listed")), [("arm".to_owned(), 3)]);
    let unknown = Some(Reason::SessionUnknown);
    assert_eq!(reason(right.close_session("own").await), unknown);
    assert_eq!(reason(right.watch_session("own").await), unknown);
    right.close_session("arm").await.expect("its own");
    assert_eq!(known(left.list_sessions().await.expect("listed")), lefts, "and no other");
}

#[tokio::test]
async fn a_tenants_sessions_are_bounded_and_anothers_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.toml");
    let ((few, one), (many, other)) =
        (made("f", "few", &["stream"]), made("m", "many", &["stream"]));
    put(&file, &format!("{one}{other}[tenant.few]\nsessions = 1\n"));
    let daemon = daemon(&file);
    let (few, many) = (with(&daemon, &few).await, with(&daemon, &many).await);
    few.open_session(&options("one")).await.expect("opened");
    let refused = few.open_session(&options("two")).await.expect_err("one is the most");
    assert_eq!(refused.reason(), Some(Reason::Quota));
    assert!(refused.to_string().contains("sessions of tenant \"few\": at most 1"), "{refused}");
    assert_eq!(reason(few.fork_session("one", "two").await), Some(Reason::Quota));
    for id in ["one", "two", "three"] {
        many.open_session(&options(id)).await.expect("another tenant is not concerned");
    }
    few.close_session("one").await.expect("closed");
    few.open_session(&options("two")).await.expect("there is room again");
}

/// Waits until a call with a token is answered so.
async fn until(client: &Client, expected: Option<Reason>) {
    for _ in 0..100 {
        if reason(client.list_sessions().await) == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("five seconds, and not {expected:?}");
}

#[tokio::test]
async fn a_removed_token_opens_nothing_more_and_its_stream_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.toml");
    let scopes = ["read", "stream"];
    let ((old, old_entry), (new, new_entry)) = (made("o", "t", &scopes), made("n", "t", &scopes));
    put(&file, &old_entry);
    let daemon = daemon(&file);
    let (old, new) = (with(&daemon, &old).await, with(&daemon, &new).await);
    let (mut producer, mut output) = old.open(options("arm")).await.expect("opened").split();
    until(&new, Some(Reason::Unauthenticated)).await;
    put(&file, &new_entry);
    until(&new, None).await;
    assert_eq!(reason(old.list_sessions().await), Some(Reason::Unauthenticated));
    assert_eq!(reason(old.open(options("leg")).await), Some(Reason::Unauthenticated));

    // Nothing of a broken file comes into force.
    put(&file, &format!("{old_entry}scops = []\n"));
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(reason(new.list_sessions().await), None);
    assert_eq!(reason(old.list_sessions().await), Some(Reason::Unauthenticated));

    producer.send_batch(0, &[AddressEvent { time: 0, index: 3 }], None).await.expect("sent");
    producer.finish().await.expect("finished");
    let mut spikes = 0;
    while let Some(item) = output.next().await {
        if let Item::Spikes(batch) = item.expect("the stream lives") {
            spikes += batch.iter().count();
        }
    }
    assert_eq!(spikes, 1);
}

/// A change that no look at the file shows comes into force with the signal, and not before. Seen to
/// fail with a handler that reads nothing.
#[tokio::test]
async fn the_file_is_read_again_on_sighup() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.toml");
    let ((old, old_entry), (new, new_entry)) =
        (made("a", "t", &["read"]), made("b", "t", &["read"]));
    put(&file, &old_entry);
    let daemon = daemon(&file);
    let (old, new) = (with(&daemon, &old).await, with(&daemon, &new).await);
    until(&old, None).await;
    // The look that every daemon begins with must be over.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    overwrite_unseen(&file, &new_entry);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(reason(new.list_sessions().await), Some(Reason::Unauthenticated));
    daemon.signal("HUP");
    until(&new, None).await;
    assert_eq!(reason(old.list_sessions().await), Some(Reason::Unauthenticated));
}

#[test]
fn the_command_line_takes_its_token_from_the_environment_or_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.toml");
    let (secret, entry) = made("r", "lab", &["read"]);
    put(&file, &entry);
    let daemon = daemon(&file);
    let arguments = ["sessions", "list", "--address", &daemon.address];
    let told = tell(arguments);
    assert_ne!(told.status, Some(0));
    assert!(told.stderr.contains("no token"), "{}", told.stderr);
    let mut command = spiked(arguments);
    command.env("SPIKED_TOKEN", &secret);
    let told = Told::of(command.output().expect("spiked runs")).done();
    assert_eq!(told.stdout, "no sessions\n");
    let kept = folder.path().join("secret");
    fs::write(&kept, format!("{secret}\n")).expect("written");
    let kept = kept.to_str().expect("plain");
    tell([&arguments[..], &["--token-file", kept]].concat()).done();
    let networks = ["networks", "--address", &daemon.address, "--token-file", kept];
    assert!(tell(networks).done().stdout.contains("delay-line"));
}

#[test]
fn a_daemon_does_not_start_with_a_file_that_makes_no_sense() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.toml");
    put(&file, "[[token]]\nscops = []\n");
    let name = file.to_str().expect("plain");
    let told = tell(["serve", "--listen", "127.0.0.1:0", "--tokens", name]);
    assert_eq!((told.status, told.stderr.lines().count()), (Some(2), 1), "{}", told.stderr);
    assert!(told.stderr.contains("tokens.toml:2: scops: unknown key"), "{}", told.stderr);
    assert!(told.stderr.contains("did you mean \"scopes\"?"), "{}", told.stderr);
    assert_eq!(tell(["token", "--tenant", "../x"]).status, Some(2));
    assert_eq!(tell(["token", "--scope", "rea"]).status, Some(2));
}
