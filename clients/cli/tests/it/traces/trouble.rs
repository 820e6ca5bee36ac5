//! Collectors that are not there, say nothing, or say nonsense: the daemon serves, and counts.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use spiked_client::Client;

use super::{Collector, daemon, named, step};
use crate::{metrics::scrape::Scrape, process::Daemon};

fn logged(endpoint: &str, log: &Path) -> Daemon {
    let endpoint = format!("traces.endpoint={endpoint}");
    let own = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--set", &endpoint];
    Daemon::start_logged(&own, log)
}

fn lines(log: &Path, what: &str) -> usize {
    fs::read_to_string(log).expect("a log").matches(what).count()
}

fn spans(daemon: &Daemon, outcome: &str) -> u64 {
    Scrape::of(daemon).sum_where("spiked_spans_total", &[("outcome", outcome)])
}

async fn wait(what: impl Fn() -> bool) {
    let holds = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), holds).await.expect("it holds in the end");
}

/// Seen to fail with every attempt told.
#[tokio::test]
async fn a_collector_that_comes_late_gets_what_waited_and_its_lack_is_said_once() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let daemon = logged(&format!("http://{address}"), &log);
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&named("early")).await.expect("opened");
    wait(|| lines(&log, "takes no spans") > 0).await;
    // Further attempts meanwhile.
    for until in 1..=20 {
        client.step_session(step("early", until * 1_000)).await.expect("stepped");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let collector = Collector::start_at(address);
    let waited = |span: &super::Span| span.name() == "open" && span.get("session") == "early";
    collector.wait_for(waited).await;
    wait(|| lines(&log, "takes spans again") > 0).await;
    client.open_session(&named("late")).await.expect("opened");
    collector.wait_for(|span| span.name() == "open" && span.get("session") == "late").await;
    wait(|| spans(&daemon, "sent") == 22).await;
    assert_eq!(Scrape::of(&daemon).sum("spiked_spans_total"), 22);
    assert_eq!(lines(&log, "takes no spans"), 1);
    assert_eq!(daemon.end_with("TERM").code(), Some(0));
}

/// Takes connections and does with each as told, until the test is over.
fn listen(answer: fn(std::net::TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            thread::spawn(move || answer(socket));
        }
    });
    address
}

/// Reads and never answers.
fn is_silent(mut socket: std::net::TcpStream) {
    let mut bytes = [0; 4_096];
    while socket.read(&mut bytes).is_ok_and(|read| read > 0) {}
}

/// Never reads.
fn is_deaf(socket: std::net::TcpStream) {
    thread::sleep(Duration::from_secs(600));
    drop(socket);
}

/// Answers with something else, for as long as it is let.
fn talks_nonsense(mut socket: std::net::TcpStream) {
    while socket.write_all(&[0xA5; 4_096]).is_ok() {}
}

/// Speaks HTTP/2, and opens it with frames that ask for answers without end.
fn pings_without_end(mut socket: std::net::TcpStream) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let pings = PING.repeat(512);
    if socket.write_all(&SETTINGS).is_ok() {
        while socket.write_all(&pings).is_ok() {}
    }
}

/// More spans than the queue takes, whatever the collector does; the daemon serves as it would, its
/// memory stays where it is, and it ends when it is asked to. Seen to fail with more patience at the end.
#[tokio::test]
async fn a_collector_that_misbehaves_costs_spans_and_nothing_else() {
    let behaviours = [is_silent, is_deaf, talks_nonsense, pings_without_end];
    for (which, behaviour) in behaviours.into_iter().enumerate() {
        let daemon = daemon(&format!("http://{}", listen(behaviour)), &[]);
        let client = Client::connect(&daemon.address).await.expect("connected");
        client.open_session(&named("robot")).await.expect("opened");
        let mut slowest = Duration::ZERO;
        for until in 1..=10_000 {
            let since = Instant::now();
            client.step_session(step("robot", until * 10)).await.expect("stepped");
            slowest = slowest.max(since.elapsed());
        }
        assert!(slowest < Duration::from_secs(1), "collector {which}: a step took {slowest:?}");
        let resident = daemon.status("VmHWM");
        assert!(resident < 200 << 10, "collector {which}: {resident} KiB");
        let scrape = Scrape::of(&daemon);
        let with = |outcome| scrape.sum_where("spiked_spans_total", &[("outcome", outcome)]);
        assert_eq!(with("sent"), 0, "collector {which}");
        let lost = with("dropped") + with("refused") + with("unsent");
        assert!(lost > 0, "collector {which}: {lost} spans were lost of 10 001");
        let since = Instant::now();
        assert_eq!(daemon.end_with("TERM").code(), Some(0), "collector {which}");
        let took = since.elapsed();
        assert!(took < Duration::from_secs(6), "collector {which}: it took {took:?} to end");
    }
}
