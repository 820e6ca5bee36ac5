//! Spans of real daemons, sent over the wire to a collector that the tests run.

mod collector;
mod trouble;

use std::time::Duration;

use spiked_client::{AddressEvent, Client, OpenOptions, v1};
use spiked_proto::v1::session_service_client::SessionServiceClient;
use tonic::Request;

use self::collector::{Collector, Span};
use crate::{
    authority::Authority,
    killed::NETWORK,
    metrics::scrape::Scrape,
    process::{Daemon, spiked, tell},
};

/// A daemon with a collector at this address, and with these arguments besides.
fn daemon(endpoint: &str, arguments: &[&str]) -> Daemon {
    let endpoint = format!("traces.endpoint={endpoint}");
    let own = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--set", &endpoint];
    Daemon::start_with(&[&own, arguments].concat())
}

fn named(id: &str) -> OpenOptions {
    OpenOptions { session_id: id.into(), ..OpenOptions::new("delay-line") }
}

fn step(id: &str, until_us: u64) -> v1::StepSessionRequest {
    v1::StepSessionRequest { session_id: id.into(), until_us, ..Default::default() }
}

/// The same over a plain connection, so that headers can be said.
async fn plain(daemon: &Daemon) -> SessionServiceClient<tonic::transport::Channel> {
    let address = format!("http://{}", daemon.address);
    SessionServiceClient::connect(address).await.expect("connected")
}

/// What a span says of a session: which, of what network, for whom, and how it came out.
fn told(span: &Span) -> [String; 5] {
    let version = span.get("version");
    assert!(!version.is_empty(), "{span:?}");
    ["session", "network", "tenant", "outcome", "reason"].map(|name| span.get(name).to_owned())
}

/// A session that is fed to its end, one that is stepped, kept and copied, a refusal, and a network
/// that is loaded.
async fn use_everything(client: &Client, address: &str) {
    let mut session = client.open(named("fed")).await.expect("opened");
    let events = [AddressEvent { time: 10, index: 1 }];
    session.producer().send(0, &events).await.expect("sent");
    let (producer, mut output) = session.split();
    producer.finish().await.expect("finished");
    while let Some(item) = output.next().await {
        item.expect("output");
    }
    client.open_session(&named("stepped")).await.expect("opened");
    client.step_session(step("stepped", 1_000)).await.expect("stepped");
    let taken = client.snapshot_session("stepped").await.expect("taken").snapshot_sha256;
    client.restore_session(taken.clone(), "restored").await.expect("restored");
    client.fork_session("stepped", "forked").await.expect("forked");
    client.rewind_session("restored", taken).await.expect("rewound");
    client.close_session("stepped").await.expect("closed");
    client.open(OpenOptions::new("no-such-network")).await.expect_err("refused");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lively.toml");
    std::fs::write(&file, NETWORK).expect("written");
    let file = file.to_str().expect("plain");
    tell(["networks", "load", file, "--address", address]).done();
}

/// Seen to fail with no word of how a session ended.
#[tokio::test]
async fn every_session_and_every_call_about_one_has_a_span() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    let daemon = daemon(&endpoint, &["--set", "traces.service=lab"]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    use_everything(&client, &daemon.address).await;
    assert_eq!(daemon.end_with("TERM").code(), Some(0));

    let named = |name: &str, session: &str| {
        let mut spans = collector.spans();
        spans.retain(|span| span.name() == name && span.get("session") == session);
        spans
    };
    let one = |name: &str, session: &str| {
        let spans = named(name, session);
        assert_eq!(spans.len(), 1, "{name} of {session} in {:#?}", collector.spans());
        spans[0].clone()
    };
    let line = "delay-line";
    let expected = |session: &str, outcome: &str, reason: &str| {
        [session, line, "local", outcome, reason].map(str::to_owned)
    };
    let stream = one("stream", "fed");
    assert_eq!(told(&stream), expected("fed", "ended", "END_REASON_COMPLETED"));
    for (name, session) in [
        ("open", "stepped"),
        ("step", "stepped"),
        ("snapshot", "stepped"),
        ("restore", "restored"),
        ("fork", "forked"),
        ("rewind", "restored"),
    ] {
        assert_eq!(told(&one(name, session)), expected(session, "ok", ""), "{name}");
    }
    let ended = |session| told(&one("session", session));
    assert_eq!(ended("fed"), expected("fed", "gone", "END_REASON_COMPLETED"));
    assert_eq!(ended("stepped"), expected("stepped", "gone", "END_REASON_CLOSED"));
    assert_eq!(ended("forked"), expected("forked", "gone", "END_REASON_SHUTDOWN"));
    let mut restored: Vec<_> = named("session", "restored").iter().map(told).collect();
    restored.sort();
    let reasons = ["END_REASON_REWOUND", "END_REASON_SHUTDOWN"];
    assert_eq!(restored, reasons.map(|reason| expected("restored", "gone", reason)));
    let refused = one("stream", "");
    assert_eq!(refused.get("outcome"), "refused");
    assert_eq!(refused.get("reason"), "REASON_NETWORK_UNKNOWN");
    assert!(!refused.has_failed(), "that was the client's mistake");
    let loaded = collector.only("load");
    let of_network = ["network", "version", "tenant", "outcome"].map(|name| loaded.get(name));
    assert_eq!(of_network, ["lively", "1", "local", "ok"]);

    // A session outlives the call that opened it: its trace is its own, and names that call.
    let session = one("session", "fed").span;
    assert_ne!(session.trace_id, stream.span.trace_id);
    let linked: Vec<_> = session.links.iter().map(|link| &link.span_id).collect();
    assert_eq!(linked, [&stream.span.span_id]);
    for span in collector.spans() {
        assert_eq!(span.service, "lab");
        assert!(span.span.end_time_unix_nano >= span.span.start_time_unix_nano);
        assert_eq!(span.parent(), "", "nobody named a parent: {span:?}");
    }
}

/// Seen to fail with nothing said of what was asked for.
#[tokio::test]
async fn a_refused_call_says_what_it_was_to_be_about() {
    let collector = Collector::start();
    let daemon = daemon(&format!("http://{}", collector.address), &[]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let nothing = vec![7; 32];
    let elsewhere = |id| OpenOptions { network: "no-such-network".into(), ..named(id) };
    client.open(elsewhere("streamed")).await.expect_err("refused");
    client.open_session(&elsewhere("opened")).await.expect_err("refused");
    let later = OpenOptions { network_version: "9".into(), ..named("later") };
    client.open_session(&later).await.expect_err("refused");
    client.step_session(step("stepped", 1_000)).await.expect_err("refused");
    client.snapshot_session("kept").await.expect_err("refused");
    client.restore_session(nothing.clone().into(), "restored").await.expect_err("refused");
    client.fork_session("forked", "copy").await.expect_err("refused");
    client.rewind_session("rewound", nothing.into()).await.expect_err("refused");
    client.load_network_of_folder("nowhere", "3").await.expect_err("refused");
    assert_eq!(daemon.end_with("TERM").code(), Some(0));

    let mut refused = collector.spans();
    refused.retain(|span| span.get("outcome") == "refused");
    let names = |span: &Span| {
        [span.name(), span.get("session"), span.get("network"), span.get("version")]
            .map(str::to_owned)
    };
    let refused: Vec<_> = refused.iter().map(names).collect();
    let expected = [
        ["stream", "streamed", "no-such-network", ""],
        ["open", "opened", "no-such-network", ""],
        ["open", "later", "delay-line", "9"],
        ["step", "stepped", "", ""],
        ["snapshot", "kept", "", ""],
        ["restore", "restored", "", ""],
        ["fork", "forked", "", ""],
        ["rewind", "rewound", "", ""],
        ["load", "", "nowhere", "3"],
    ];
    assert_eq!(refused, expected.map(|names| names.map(str::to_owned)));
}

/// Seen to fail with the parent not taken.
#[tokio::test]
async fn a_call_that_says_where_it_belongs_is_put_there() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    // None of the traces that begin here are kept.
    let daemon = daemon(&endpoint, &["--set", "traces.ratio=0"]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&named("robot")).await.expect("opened");
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let mut calls = plain(&daemon).await;
    let mut until_us = 0;
    for traceparent in [
        &format!("00-{trace}-{parent}-01"),
        &format!("00-{trace}-{parent}-00"),
        "00-nonsense-01",
        &"0".repeat(4_000),
    ] {
        until_us += 1_000;
        let mut request = Request::new(step("robot", until_us));
        request.metadata_mut().insert("traceparent", traceparent.parse().expect("a value"));
        calls.step_session(request).await.expect("stepped");
    }
    assert_eq!(daemon.end_with("TERM").code(), Some(0));
    let step = collector.only("step");
    assert_eq!((step.trace(), step.parent()), (trace.into(), parent.into()));
    assert_eq!(told(&step)[..3], ["robot", "delay-line", "local"]);
    assert_eq!(collector.spans().len(), 1, "{:#?}", collector.spans());
}

/// A caller that goes away leaves a span that says so. Seen to fail with no word of it.
#[tokio::test]
async fn a_stream_that_breaks_says_that_it_was_cancelled() {
    let collector = Collector::start();
    let daemon = daemon(&format!("http://{}", collector.address), &[]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let lease = Some(Duration::from_secs(60));
    drop(client.open(OpenOptions { lease, ..named("left") }).await.expect("opened"));
    let stream = collector.wait_for(|span| span.name() == "stream").await;
    assert_eq!(told(&stream), ["left", "delay-line", "local", "cancelled", ""]);
    let open = |span: &Span| span.name() == "session";
    assert!(!collector.spans().iter().any(open), "the session goes on");
}

/// Not even where the environment names a collector, as some libraries would have it. Seen to fail with the variable read.
#[tokio::test]
async fn nothing_is_sent_unless_a_collector_is_named() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    let mut command = spiked(["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    command.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint);
    let daemon = Daemon::run(command);
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&named("quiet")).await.expect("opened");
    client.step_session(step("quiet", 1_000)).await.expect("stepped");
    let threads = daemon.threads();
    assert!(!threads.iter().any(|(name, _)| name == "traces"), "{threads:?}");
    assert_eq!(Scrape::of(&daemon).sum("spiked_spans_total"), 0);
    assert_eq!(daemon.end_with("TERM").code(), Some(0));
    assert_eq!(collector.spans().len(), 0);
    assert_eq!(collector.connections(), 0);
}

/// Seen to fail without TLS towards the collector.
#[tokio::test]
async fn a_collector_with_a_certificate_is_reached_over_tls_and_another_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (known, other) = (Authority::new("known"), Authority::new("other"));
    let trusted = known.write(folder.path().join("known.pem"));
    let ours = Collector::start_secured(&known.sign("localhost"));
    let impostor = Collector::start_secured(&other.sign("localhost"));
    for (collector, is_reached) in [(&ours, true), (&impostor, false)] {
        let endpoint = format!("traces.endpoint=https://localhost:{}", collector.address.port());
        let mut command = spiked(["serve", "--listen", "127.0.0.1:0", "--set", &endpoint]);
        command.env("SSL_CERT_FILE", &trusted);
        let daemon = Daemon::run(command);
        let client = Client::connect(&daemon.address).await.expect("connected");
        client.open_session(&named("secret")).await.expect("opened");
        assert_eq!(daemon.end_with("TERM").code(), Some(0));
        assert_eq!(!collector.spans().is_empty(), is_reached);
    }
}
