//! `spiked serve`: says where it listens, ends when it is asked to.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use crate::{
    files::Folder,
    process::{Daemon, spiked, tell},
};

#[test]
fn ends_cleanly_when_it_is_asked_to() {
    for name in ["TERM", "INT"] {
        let daemon = Daemon::start();
        assert!(!daemon.address.ends_with(":0"), "{}", daemon.address);
        assert_eq!(daemon.end_with(name).code(), Some(0), "{name}");
    }
}

#[test]
fn ends_with_whoever_holds_its_standard_input() {
    let mut command = spiked(["serve", "--listen", "127.0.0.1:0", "--until-stdin-ends"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let held = child.stdin.take().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("spiked listens on ").unwrap();
    tell(["networks", "--address", address]).done();
    assert!(child.try_wait().unwrap().is_none(), "somebody holds it still");
    drop(held);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Where the shell lets it have more files, it takes them; seen to fail without.
#[test]
fn takes_as_many_files_as_the_system_gives() {
    let mut command = Command::new("sh");
    let limited = "ulimit -S -n 40 && exec \"$0\" serve --listen 127.0.0.1:0";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_spiked")]);
    let daemon = Daemon::run(command);
    let (taken, most) = daemon.file_limits();
    assert!(most > 40, "{most} files are too few to say");
    assert_eq!(taken, most);
}

#[test]
fn listens_on_a_socket_of_the_file_system() {
    let folder = Folder::new();
    let address = format!("unix:{}", folder.path("spiked.sock").display());
    let daemon = Daemon::start_with(&["--listen", &address]);
    assert_eq!(daemon.address, address);
    let told = tell(["networks", "--address", &address]).done();
    assert!(told.stdout.contains("motion"), "{}", told.stdout);
}

#[test]
fn lists_and_describes_the_networks_of_a_folder() {
    let folder = Folder::new();
    folder.network();
    folder.write("nets/broken/network.toml", "tick = 7");
    let networks = folder.path("nets").display().to_string();
    let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0", "--networks", &networks]);
    let listed = tell(["networks", "--address", &daemon.address]).done().stdout;
    let good = listed.lines().find(|line| line.starts_with("quadrant 1 ")).unwrap();
    assert!(good.ends_with("  Four directions, for tests."), "{good}");
    let broken = listed.lines().find(|line| line.starts_with("broken")).unwrap();
    assert!(broken.contains("cannot run: "), "{broken}");

    let arguments = ["networks", "quadrant", "--address", &daemon.address];
    let described = tell(arguments.into_iter().chain(["--geometry", "48x32", "--port", "eye"]));
    assert_eq!(described.done().value("neurons"), "1 536");
}

#[test]
fn refuses_to_be_reachable_from_other_machines_by_mistake() {
    let told = tell(["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.starts_with("error: refusing to listen on 0.0.0.0:0"), "{}", told.stderr);
    assert!(told.stderr.contains("--insecure"));
    assert_eq!(told.stderr.lines().count(), 1);
}

#[test]
fn a_port_that_is_taken_is_one_line() {
    let daemon = Daemon::start();
    let told = tell(["serve", "--listen", &daemon.address]);
    assert_eq!(told.status, Some(1));
    let expected = format!("error: cannot listen on {}: ", daemon.address);
    assert!(told.stderr.starts_with(&expected), "{}", told.stderr);
}
