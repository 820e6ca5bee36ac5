//! Daemons with names, as several behind one address have them.

use spiked_client::{Client, ConnectOptions, OpenOptions, Reason};

use crate::process::{Daemon, tell};

async fn asking_for(daemon: &Daemon, name: &str) -> Client {
    let options = ConnectOptions::default().with_daemon(name).expect("plain");
    Client::connect_using(&daemon.address, options).await.expect("connected")
}

/// Seen to fail with a daemon that answers whoever is asked for.
#[tokio::test]
async fn a_daemon_with_a_name_tells_it_and_answers_to_no_other() {
    let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0", "--set", "name=spiked-1"]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let options = OpenOptions { session_id: "arm".into(), ..OpenOptions::new("delay-line") };
    let session = client.open(options).await.expect("opened");
    assert_eq!(session.daemon(), Some("spiked-1"));

    let same = asking_for(&daemon, "spiked-1").await;
    assert_eq!(same.list_sessions().await.expect("answered").len(), 1);
    let astray = asking_for(&daemon, "spiked-2").await;
    let refused = astray.list_sessions().await.expect_err("it is another");
    assert_eq!(refused.reason(), Some(Reason::OtherDaemon), "{refused}");
    let said = refused.to_string();
    assert!(said.contains("\"spiked-1\"") && said.contains("\"spiked-2\""), "{said}");
    let refused = astray.open(OpenOptions::new("delay-line")).await.expect_err("it is another");
    assert_eq!(refused.reason(), Some(Reason::OtherDaemon), "{refused}");
}

#[tokio::test]
async fn a_daemon_without_a_name_answers_to_any() {
    let daemon = Daemon::start();
    let client = asking_for(&daemon, "spiked-2").await;
    let session = client.open(OpenOptions::new("delay-line")).await.expect("opened");
    assert_eq!(session.daemon(), None);
    assert!(ConnectOptions::default().with_daemon("a\nb").is_err());
}

#[test]
fn a_name_is_plain() {
    let told = tell(["config", "--set", "name=a b"]);
    assert_eq!((told.status, told.stderr.lines().count()), (Some(2), 1), "{}", told.stderr);
    assert!(told.stderr.contains("name: \"a b\" is no name"), "{}", told.stderr);
}
