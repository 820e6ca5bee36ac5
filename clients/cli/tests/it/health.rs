//! Health of a daemon and of its networks, and `spiked healthcheck`.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use spiked_client::Client;

use crate::{
    process::{Daemon, Told, spiked, tell},
    tls::Place,
};

const GOOD: &str = r#"
tick = "1 ms"
input.line.channels = 8
population.echo = { shape = 8, neuron = { accumulator = { threshold = 1.0 } } }
projection.hold = { from = "line", to = "echo", one_to_one = { weight = 1.0, delay = "5 ms" } }
"#;

fn put(networks: &Path, name: &str, text: &str) {
    let folder = networks.join(name);
    fs::create_dir_all(&folder).expect("made");
    fs::write(folder.join("network.toml"), format!("name = \"{name}\"\n{text}")).expect("written");
}

/// Waits until a network's health is this.
async fn until(client: &Client, network: &str, expected: Option<bool>) {
    let mut said = None;
    for _ in 0..100 {
        said = client.is_serving(&format!("network/{network}")).await.expect("answered");
        if said == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("five seconds, and {network} is {said:?} instead of {expected:?}");
}

/// Seen to fail without a word to the health service after the folder was read again.
#[tokio::test]
async fn a_networks_health_follows_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "sound", GOOD);
    put(folder.path(), "broken", "tick = 7");
    let networks = folder.path().to_str().expect("plain");
    let listen = ["--listen", "127.0.0.1:0", "--networks", networks];
    let daemon = Daemon::start_with(&[&listen[..], &["--set", "networks_poll=100 ms"]].concat());
    let client = Client::connect(&daemon.address).await.expect("connected");
    assert_eq!(client.is_serving("").await.expect("answered"), Some(true));
    let expected =
        [("sound", Some(true)), ("broken", Some(false)), ("motion", Some(true)), ("none", None)];
    for (name, expected) in expected {
        let said = client.is_serving(&format!("network/{name}")).await.expect("answered");
        assert_eq!(said, expected, "{name}");
    }

    put(folder.path(), "broken", GOOD);
    until(&client, "broken", Some(true)).await;
    put(folder.path(), "sound", "tick = 7");
    until(&client, "sound", Some(false)).await;
    put(folder.path(), "fresh", GOOD);
    until(&client, "fresh", Some(true)).await;
    fs::remove_dir_all(folder.path().join("fresh")).expect("removed");
    until(&client, "fresh", None).await;
}

/// Seen to fail with an unknown network called healthy.
#[test]
fn a_check_is_one_line_and_a_status_over_any_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let networks = folder.path().join("networks");
    put(&networks, "broken", "tick = 7");
    let socket = format!("unix:{}", folder.path().join("socket").display());
    for listen in ["127.0.0.1:0", &socket] {
        let networks = networks.to_str().expect("plain");
        let daemon = Daemon::start_with(&["--listen", listen, "--networks", networks]);
        let check = |more: &[&str]| {
            tell([&["healthcheck", "--address", &daemon.address][..], more].concat())
        };
        assert_eq!(check(&[]).done().stdout, "the daemon serves\n");
        let told = check(&["--network", "delay-line"]).done();
        assert_eq!(told.stdout, "the network \"delay-line\" serves\n");
        for (network, said) in [("broken", "does not serve"), ("nothing", "there is no network")] {
            let told = check(&["--network", network]);
            assert_eq!((told.status, told.stderr.lines().count()), (Some(1), 1));
            assert!(told.stderr.contains(said), "{}", told.stderr);
        }
    }
    for nobody in [&*socket, "127.0.0.1:1", "no address"] {
        let told = tell(["healthcheck", "--address", nobody]);
        assert_eq!((told.status, told.stderr.lines().count()), (Some(1), 1), "{}", told.stderr);
    }
}

/// Seen to fail with more patience.
#[test]
fn a_check_waits_three_seconds_for_one_who_says_nothing() {
    let mute = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = mute.local_addr().expect("bound").to_string();
    let since = Instant::now();
    let told = tell(["healthcheck", "--address", &address]);
    let waited = since.elapsed();
    assert_eq!((told.status, told.stderr.lines().count()), (Some(1), 1), "{}", told.stderr);
    assert!((2..5).contains(&waited.as_secs()), "{waited:?}");
}

/// Asked for no address, it asks the daemon that file and environment describe.
fn check_configured(variables: &[(&str, &str)]) -> Told {
    let mut command = spiked(["healthcheck"]);
    command.envs(variables.iter().copied());
    Told::of(command.output().expect("spiked runs"))
}

/// Behind TLS that asks for certificates the port of metrics answers, without any. Seen to fail with
/// that port left out, and with an answer of 503 taken for health.
#[test]
fn a_daemon_is_asked_where_its_configuration_says_that_it_is() {
    let place = Place::new();
    let daemon = place.daemon(&["--metrics", "127.0.0.1:0"]);
    let figures = daemon.metrics.clone().expect("metrics");
    let told = check_configured(&[("SPIKED_METRICS", &figures)]).done();
    assert_eq!(told.stdout, "the daemon serves\n");
    let port = figures.rsplit(':').next().expect("a port");
    let everywhere = format!("0.0.0.0:{port}");
    check_configured(&[("SPIKED_METRICS", &everywhere), ("SPIKED_METRICS_INSECURE", "true")])
        .done();

    let plain = Daemon::start();
    let told = check_configured(&[("SPIKED_LISTEN", &plain.address)]).done();
    assert_eq!(told.stdout, "the daemon serves\n");
    // The port of the streams speaks another language, and on the last nobody listens.
    for wrong in [&*plain.address, "127.0.0.1:1"] {
        let told = check_configured(&[("SPIKED_METRICS", wrong)]);
        assert_eq!((told.status, told.stderr.lines().count()), (Some(1), 1), "{}", told.stderr);
    }
    let told = check_configured(&[("SPIKED_LISTN", "127.0.0.1:1")]);
    assert_eq!((told.status, told.stderr.lines().count()), (Some(1), 1), "{}", told.stderr);
    assert!(told.stderr.contains("did you mean"), "{}", told.stderr);
}

/// One that drains is not healthy, although it still answers.
#[test]
fn a_daemon_that_ends_does_not_serve() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("bound").to_string();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("asked");
        let mut request = [0; 1_024];
        let length = stream.read(&mut request).expect("a request");
        assert!(request[..length].starts_with(b"GET /readyz HTTP/1.1\r\n"));
        let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\ndraining\n";
        stream.write_all(answer.as_bytes()).expect("answered");
    });
    let told = check_configured(&[("SPIKED_METRICS", &address)]);
    answering.join().expect("it answered");
    assert_eq!(told.status, Some(1));
    assert_eq!(told.stderr, "error: the daemon does not serve: it is draining\n");
}
