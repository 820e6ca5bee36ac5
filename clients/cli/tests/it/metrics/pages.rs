//! The pages, who may ask, and for how long.

use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

use spiked_client::Client;
use spiked_server::telemetry::families;

use super::{
    daemon, named,
    scrape::{Scrape, ask, connect},
};
use crate::process::tell;

#[test]
fn only_its_own_pages_are_there_and_they_are_only_read() {
    let daemon = daemon(&[]);
    assert_eq!(ask(&daemon, "GET /healthz").body, "alive\n");
    assert_eq!(ask(&daemon, "GET /readyz").body, "ready\n");
    assert_eq!(ask(&daemon, "GET /else").status, 404);
    for method in ["POST", "PUT", "DELETE", "HEAD"] {
        let answer = ask(&daemon, &format!("{method} /metrics"));
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.to_lowercase().contains("allow: get"), "{}", answer.head);
    }
}

/// Seen to fail with three times the deadline of a head.
#[test]
fn who_is_slow_is_cut_off() {
    let daemon = daemon(&[]);
    let mut slow = connect(&daemon);
    slow.write_all(b"GET /metrics HT").expect("sent");
    let since = Instant::now();
    let mut rest = Vec::new();
    // Either end of it will do.
    let _ = slow.read_to_end(&mut rest);
    let waited = since.elapsed();
    assert!((4..10).contains(&waited.as_secs()), "cut off after {waited:?}");
}

#[test]
fn the_seventeenth_connection_is_closed_and_sixteen_are_served() {
    let daemon = daemon(&[]);
    let mut held: Vec<_> = (0..16).map(|_| connect(&daemon)).collect();
    let mut beyond = connect(&daemon);
    let since = Instant::now();
    let mut told = Vec::new();
    let read = beyond.read_to_end(&mut told);
    assert!(read.is_err() || told.is_empty(), "{told:?}");
    assert!(since.elapsed() < Duration::from_secs(2), "it was left waiting");
    for held in &mut held {
        held.write_all(b"GET /healthz HTTP/1.1\r\nHost: daemon\r\n\r\n").expect("sent");
        let mut answer = String::new();
        held.read_to_string(&mut answer).expect("answered");
        assert!(answer.ends_with("alive\n"), "{answer}");
    }
    drop(held);
    assert_eq!(ask(&daemon, "GET /healthz").status, 200);
}

#[test]
fn metrics_beyond_this_machine_need_a_word() {
    let told = tell(["serve", "--listen", "127.0.0.1:0", "--metrics", "0.0.0.0:0"]);
    assert_eq!((told.status, told.stderr.lines().count()), (Some(2), 1), "{}", told.stderr);
    assert!(told.stderr.contains("--metrics-insecure") && told.stderr.contains("127.0.0.1"));
}

/// Seen to fail with the stage left as it was at the end.
#[tokio::test]
async fn it_is_not_ready_while_it_ends() {
    let daemon = daemon(&["--set", "limits.shutdown_grace=30 s"]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let session = client.open(named("held")).await.expect("opened");
    assert_eq!(ask(&daemon, "GET /readyz").status, 200);
    daemon.signal("TERM");
    let draining = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        ask(&daemon, "GET /readyz").status == 503
    });
    assert!(draining, "two seconds after SIGTERM it still calls itself ready");
    assert_eq!(ask(&daemon, "GET /readyz").body, "draining\n");
    assert_eq!(ask(&daemon, "GET /healthz").status, 200);
    assert_eq!(Scrape::of(&daemon).sum_where("spiked_sessions", &[("state", "running")]), 1);
    drop(session);
}

/// Every family is in the table with its type and its labels, and nothing else is said.
#[tokio::test]
async fn a_scrape_is_what_the_table_says() {
    let daemon = daemon(&[]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&named("one")).await.expect("opened");
    let scrape = Scrape::of(&daemon);
    let families = families();
    let suffixes = ["", "_total", "_info"];
    let declared: Vec<_> = scrape.types.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(declared.len(), families.len());
    for family in &families {
        let name = family.name();
        let of_family = |(declared, kind): &&(String, String)| {
            suffixes.iter().any(|suffix| name == format!("{declared}{suffix}"))
                && kind == family.kind()
        };
        assert_eq!(scrape.types.iter().filter(of_family).count(), 1, "{name}");
        let histogram = family.kind() == "histogram";
        let own = |sample: &str| {
            sample == name
                || histogram
                    && ["_sum", "_count", "_bucket"]
                        .iter()
                        .any(|part| sample == format!("{name}{part}"))
        };
        let samples: Vec<_> = scrape.samples.iter().filter(|sample| own(&sample.name)).collect();
        assert!(!samples.is_empty(), "{name} has no value");
        for sample in samples {
            let mut labels: Vec<_> = sample.labels.iter().map(|(key, _)| key.as_str()).collect();
            labels.retain(|label| !(histogram && *label == "le"));
            assert_eq!(labels, family.labels(), "{name}");
        }
    }
    let allowed =
        ["network", "tenant", "cause", "outcome", "state", "le", "version", "dynamics_version"];
    for sample in &scrape.samples {
        assert!(sample.name.starts_with("spiked_"), "{sample:?}");
        for (key, value) in &sample.labels {
            assert!(allowed.contains(&key.as_str()), "{sample:?}");
            assert_ne!(value, "one", "a session's id is no label: {sample:?}");
        }
    }
}

#[tokio::test]
async fn the_process_and_the_daemon_are_described() {
    let daemon = daemon(&["--set", "limits.connections=1"]);
    let _client = Client::connect(&daemon.address).await.expect("connected");
    let second = Client::connect(&daemon.address).await;
    if let Ok(second) = second {
        assert!(second.list_sessions().await.is_err(), "there is one place");
    }
    let scrape = Scrape::of(&daemon);
    assert_eq!(scrape.sum("spiked_connections"), 1);
    assert!(scrape.sum_where("spiked_connections_refused_total", &[("cause", "total")]) >= 1);
    let networks = concat!(env!("CARGO_MANIFEST_DIR"), "/../../server/networks");
    let along = std::fs::read_dir(networks).expect("networks come along").count() as u64;
    assert_eq!(scrape.sum_where("spiked_networks", &[("state", "loaded")]), along);
    assert_eq!(scrape.sum_where("spiked_networks", &[("state", "broken")]), 0);
    let resident = scrape.sum("spiked_process_resident_bytes") / 1_024;
    assert!(resident.abs_diff(daemon.status("VmRSS")) < 16 << 10, "{resident} KiB");
    let open = scrape.sum("spiked_process_open_files");
    assert!(open.abs_diff(daemon.files() as u64) <= 2, "{open} files");
    assert!(scrape.value("spiked_process_cpu_seconds_total") > 0.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age =
        now.expect("after 1970").as_secs_f64() - scrape.value("spiked_process_start_time_seconds");
    assert!((0.0..60.0).contains(&age), "started {age} s ago");
}
