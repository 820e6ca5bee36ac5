//! `spiked config` and what `spiked serve` makes of a file, the environment and flags.

use std::fs;

use spiked_client::{Client, Item, OpenOptions};

use crate::process::{Daemon, Told, spiked, tell};

#[test]
fn the_printed_configuration_says_where_each_value_comes_from_and_reads_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("spiked.toml");
    fs::write(&file, "listen = \"127.0.0.1:1\"\n[limits]\nsessions = 1\nlease = \"2 min\"\n")
        .expect("written");
    let name = file.to_str().expect("plain");
    let mut command = spiked(["config", "--config", name, "--set", "limits.workers=1"]);
    command.env("SPIKED_LIMITS_SESSIONS", "7");
    let printed = Told::of(command.output().expect("spiked runs")).done().stdout;
    for line in [
        "sessions = 7  # SPIKED_LIMITS_SESSIONS".to_owned(),
        "workers = 1  # --set".to_owned(),
        format!("lease = \"2m\"  # {name}:4"),
        "insecure = false  # default".to_owned(),
        "# data is not set".to_owned(),
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line} in\n{printed}");
    }
    let again = folder.path().join("again.toml");
    fs::write(&again, &printed).expect("written");
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("  #").next().unwrap_or("").to_owned()).collect()
    };
    let read = tell(["config", "--config", again.to_str().expect("plain")]).done().stdout;
    assert_eq!(values(&read), values(&printed));
}

#[test]
fn what_makes_no_sense_is_refused_on_one_line_with_the_nearest_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("spiked.toml");
    fs::write(&file, "[limits]\nsesions = 1\n").expect("written");
    let name = file.to_str().expect("plain");
    for (arguments, said) in [
        (&["config", "--config", name][..], "did you mean \"limits.sessions\"?"),
        (&["serve", "--config", name], "did you mean \"limits.sessions\"?"),
        (&["serve", "--set", "limits.sessions"], "write KEY=VALUE"),
        (&["serve", "--set", "limits.sessions=0"], "limits.sessions: must be at least 1"),
        (&["serve", "--set", "limits.lease=soon"], "no time, as \"5 s\""),
        (&["serve", "--set", "simulation_cores=1-"], "no list of cores, as \"0-3,6\""),
        (&["serve", "--set", "simulation_cores=0,1000"], "there is no core 1000"),
        (&["serve", "--listen", "0.0.0.0:0"], "--insecure"),
        (&["config", "--config", "no/such/file"], "no/such/file"),
    ] {
        let told = tell(arguments);
        assert_eq!((told.status, told.stderr.lines().count()), (Some(2), 1), "{}", told.stderr);
        assert!(told.stderr.contains(said), "{}", told.stderr);
    }
    let mut command = spiked(["config"]);
    command.env("SPIKED_LIMITS_SESION", "7");
    let told = Told::of(command.output().expect("spiked runs"));
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("did you mean \"SPIKED_LIMITS_SESSIONS\"?"), "{}", told.stderr);
}

/// The file's address is where it listens, and a flag beside it wins.
#[test]
fn a_daemon_follows_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, file) = (folder.path().join("socket"), folder.path().join("spiked.toml"));
    fs::write(&file, format!("listen = \"unix:{}\"\n", socket.display())).expect("written");
    let name = file.to_str().expect("plain");
    let daemon = Daemon::start_with(&["--config", name]);
    assert_eq!(daemon.address, format!("unix:{}", socket.display()));
    let flag = Daemon::start_with(&["--config", name, "--listen", "127.0.0.1:0"]);
    assert!(flag.address.starts_with("127.0.0.1:"), "{}", flag.address);
}

/// What simulates keeps to its cores, the threads of a spread session too; what carries the network
/// does not.
#[tokio::test]
async fn simulation_keeps_to_its_cores() {
    let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0", "--set", "simulation_cores=1"]);
    let client = Client::connect(&daemon.address).await.expect("it listens");
    let options = OpenOptions { workers: 2, ..OpenOptions::new("brunel") };
    let (mut producer, mut output) = client.open(options).await.expect("it opens").split();
    producer.promise(20_000).await.expect("it is taken");
    // It has simulated by then, so the threads of the session are there.
    loop {
        match output.next().await.expect("it goes on").expect("it goes on") {
            Item::Acknowledgement(ack) if ack.simulated_to_us >= 10_000 => break,
            _ => {}
        }
    }
    let threads = daemon.threads();
    for kind in ["simulation-", "spiked-worker"] {
        let those: Vec<_> = threads.iter().filter(|(name, _)| name.starts_with(kind)).collect();
        assert!(!those.is_empty(), "no {kind} among {threads:?}");
        assert!(those.iter().all(|(_, cores)| cores == "1"), "{those:?}");
    }
    assert!(threads.iter().any(|(_, cores)| cores != "1"), "{threads:?}");
}
