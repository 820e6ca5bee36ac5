//! Quotas of tenants against real daemons: rates that slow and never break, memory, and what a
//! refusal says to any gRPC client.

use std::time::{Duration, Instant};

use spiked_client::{
    AddressEvent, Client, Error, Item, OpenOptions, Overload, Reason, Refusal, v1,
};
use spiked_proto::{layout::address, v1::session_service_client::SessionServiceClient};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt as _;

use crate::{
    files::put,
    process::Daemon,
    tokens::{daemon, made, with},
};

/// What every bucket holds, however small the rate.
const BURST: u64 = 128 << 10;
const BATCH: usize = 10_000;

/// Tenants with quotas, each with a token.
struct Tenants {
    folder: TempDir,
    entries: String,
    secrets: Vec<String>,
    daemon: Daemon,
}

impl Tenants {
    /// Each is a name and its quotas.
    fn new<const N: usize>(tenants: [(&str, &str); N]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = tenants.map(|(name, _)| made(name, name, &["read", "stream"]));
        let entries = tokens.each_ref().map(|(_, entry)| entry.as_str()).concat();
        put(&folder.path().join("tokens.toml"), &(entries.clone() + &quotas(&tenants)));
        let daemon = daemon(&folder.path().join("tokens.toml"));
        let secrets = tokens.map(|(secret, _)| secret).into();
        Self { folder, entries, secrets, daemon }
    }

    /// Other quotas from here on.
    fn change(&self, tenants: &[(&str, &str)]) {
        put(&self.folder.path().join("tokens.toml"), &(self.entries.clone() + &quotas(tenants)));
    }

    async fn client(&self, tenant: usize) -> Client {
        with(&self.daemon, &self.secrets[tenant]).await
    }

    /// A client that knows nothing of ours.
    async fn plain(&self) -> SessionServiceClient<Channel> {
        let uri = format!("http://{}", self.daemon.address);
        let channel = Channel::from_shared(uri).expect("an address").connect().await;
        SessionServiceClient::new(channel.expect("connected"))
    }

    fn request<T>(&self, tenant: usize, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let token = format!("Bearer {}", self.secrets[tenant]);
        request.metadata_mut().insert("authorization", token.parse().expect("plain"));
        request
    }
}

fn quotas(tenants: &[(&str, &str)]) -> String {
    tenants.iter().map(|(name, quotas)| format!("[tenant.{name}]\n{quotas}\n")).collect()
}

fn options(id: &str) -> OpenOptions {
    OpenOptions { session_id: id.into(), ..OpenOptions::new("delay-line") }
}

/// Time between two events \[µs\]: a network takes so many in a tick, and no more.
const APART_US: u64 = 10;

/// So many events, after so many others.
fn events(before: u64, count: u64) -> Vec<AddressEvent> {
    let numbers = before..before + count;
    numbers.map(|number| AddressEvent { time: number * APART_US, index: 3 }).collect()
}

/// What a session came to.
struct Come {
    took: Duration,
    ended: v1::Ended,
    refusals: Vec<Refusal>,
}

impl Come {
    fn last(&self) -> &v1::Acknowledgement {
        self.ended.r#final.as_ref().expect("where it stood")
    }
}

/// Sends so many events, as fast as credit comes.
fn feed(client: Client, options: OpenOptions, count: u64) -> JoinHandle<Come> {
    tokio::spawn(async move {
        let began = Instant::now();
        let (mut producer, mut output) = client.open(options).await.expect("opened").split();
        let feeding = tokio::spawn(async move {
            for before in (0..count).step_by(BATCH) {
                let events = events(before, (count - before).min(BATCH as u64));
                if producer.send_batch(0, &events, Some(before * APART_US)).await.is_err() {
                    break;
                }
            }
            // A session that has ended takes no more, and its output says why.
            let _ = producer.finish().await;
        });
        let (mut ended, mut refusals) = (None, Vec::new());
        while let Some(item) = output.next().await {
            match item.expect("the stream lives") {
                Item::Ended(last) => ended = Some(last),
                Item::Error(refusal) => refusals.push(refusal),
                _ => {}
            }
        }
        feeding.await.expect("it ends");
        Come { took: began.elapsed(), ended: ended.expect("an end"), refusals }
    })
}

/// A rate of events and one of bytes, both for two seconds' worth beyond the burst.
#[tokio::test]
async fn a_rate_slows_its_tenant_and_breaks_nothing_and_slows_nobody_else() {
    let rates = [
        ("events", "events_a_second = 100_000"),
        ("bytes", "bytes_a_second = \"800000 B\""),
        ("free", ""),
    ];
    let tenants = Tenants::new(rates);
    let count = BURST + 200_000;
    let slow = [0, 1].map(|tenant| (tenant, tenants.client(tenant)));
    let mut slowed = Vec::new();
    for (_, client) in slow {
        slowed.push(feed(client.await, options("slow"), count));
    }
    let free = feed(tenants.client(2).await, options("free"), count).await.expect("it ends");
    assert!(slowed.iter().all(|slowed| !slowed.is_finished()), "the free one is not held up");
    assert!(free.took < Duration::from_secs(1), "{:?}", free.took);
    for slowed in slowed {
        let slowed = slowed.await.expect("it ends");
        assert_eq!(slowed.refusals, []);
        assert_eq!(slowed.ended.reason(), v1::EndReason::Completed);
        assert_eq!(slowed.last().events_accepted, count);
        assert_eq!(slowed.last().drops, Some(v1::Drops::default()));
        let seconds = slowed.took.as_secs_f64();
        assert!((1.9..4.0).contains(&seconds), "{seconds} s for two seconds' worth");
    }
}

/// All sessions of a tenant share its rate.
#[tokio::test]
async fn two_sessions_together_get_what_one_would() {
    let tenants = Tenants::new([("lab", "events_a_second = 100_000")]);
    let began = Instant::now();
    let client = tenants.client(0).await;
    // Both may find the whole burst there; what they take beyond it is paid before more is given.
    let both = ["left", "right"].map(|id| feed(client.clone(), options(id), BURST + 100_000));
    for one in both {
        assert_eq!(one.await.expect("it ends").last().events_accepted, BURST + 100_000);
    }
    // The last credit that was given need not be paid for when the last event is accepted.
    let least = (BURST + 200_000) as f64 / 100_000.0 - 1.4;
    let seconds = began.elapsed().as_secs_f64();
    assert!(seconds > least, "{seconds} s where {least} is the least");
}

#[tokio::test]
async fn a_rate_that_is_lifted_holds_nobody_any_more() {
    let tenants = Tenants::new([("lab", "events_a_second = 1_000")]);
    let fed = feed(tenants.client(0).await, options("arm"), BURST + 200_000);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!fed.is_finished());
    tenants.change(&[("lab", "")]);
    let fed = fed.await.expect("it ends");
    assert_eq!(fed.last().events_accepted, BURST + 200_000);
    assert!(fed.took < Duration::from_secs(10), "{:?} where 200 s were due", fed.took);
}

/// Where nobody waits for credit, what comes beyond the rate meets the overload policy.
#[tokio::test]
async fn beyond_its_rate_a_session_that_drops_drops_and_one_that_fails_fails() {
    let tenants = Tenants::new([
        ("newest", "events_a_second = 1_000"),
        ("oldest", "events_a_second = 1_000"),
        ("failing", "events_a_second = 1_000"),
    ]);
    for (tenant, overload) in [Overload::DropNewest, Overload::DropOldest].into_iter().enumerate() {
        let options = OpenOptions { overload, ..options("arm") };
        let come = feed(tenants.client(tenant).await, options, 300_000).await.expect("it ends");
        let dropped = come.last().drops.as_ref().expect("drops").overload;
        // All that is left, and a batch that goes below nothing.
        assert_eq!(come.last().events_accepted, 140_000, "{overload:?}");
        assert_eq!(dropped, 160_000, "{overload:?}");
    }
    let options = OpenOptions { overload: Overload::Fail, ..options("arm") };
    let come = feed(tenants.client(2).await, options, 300_000).await.expect("it ends");
    assert_eq!(come.ended.reason(), v1::EndReason::Failed);
    assert_eq!(come.refusals[0].reason, Reason::Quota, "{:?}", come.refusals);
}

/// Events of a large step.
const STEP: u64 = 120_000;

fn step(sequence: u64, count: u64) -> v1::StepSessionRequest {
    let before = (sequence - 1) * STEP;
    let (from_us, until_us) = (before * APART_US, (before + count) * APART_US);
    let mut payload = Vec::new();
    address::encode(&events(before, count), from_us, &mut payload).expect("they fit");
    let batch = v1::EventBatch {
        sequence,
        base_time_us: from_us,
        layout: v1::Layout::Address.into(),
        count: count.try_into().expect("few"),
        payload: payload.into(),
        ..v1::EventBatch::default()
    };
    let session_id = "arm".to_owned();
    v1::StepSessionRequest { session_id, events: vec![batch], until_us, ..Default::default() }
}

#[tokio::test]
async fn a_step_beyond_the_rate_is_refused_whole_and_may_come_again_when_it_is_said() {
    let tenants = Tenants::new([("lab", "events_a_second = 100_000")]);
    let client = tenants.client(0).await;
    client.open_session(&options("arm")).await.expect("opened");
    client.step_session(step(1, STEP)).await.expect("less than the burst");
    let mut refused = None;
    for _ in 0..10 {
        match client.step_session(step(2, STEP)).await {
            Err(Error::Refused(refusal)) => refused = Some(refusal),
            stepped => {
                stepped.expect("a step");
                break;
            }
        }
        let refusal = refused.as_ref().expect("just set");
        assert_eq!(refusal.reason, Reason::Quota, "{refusal}");
        let delay = refusal.retry_after.expect("when it may come again");
        assert!(delay < Duration::from_millis(1_200), "{delay:?}");
        tokio::time::sleep(delay).await;
    }
    assert!(refused.is_some(), "two of them are more than what is left");
    let far = client.step_session(step(3, 1)).await.expect("the session goes on");
    assert_eq!(far.acknowledgement.expect("where it stands").accepted, 3);
}

fn open(id: &str) -> v1::OpenSessionRequest {
    let open =
        v1::Open { session_id: id.into(), network: "delay-line".into(), ..v1::Open::default() };
    v1::OpenSessionRequest { open: Some(open) }
}

/// What the details say in numbers.
fn number(status: &Status, name: &str) -> u64 {
    let info = status.get_details_error_info().expect("an ErrorInfo");
    info.metadata[name].parse().expect("a number")
}

fn assert_details(status: &Status, code: Code, reason: &str) {
    assert_eq!(status.code(), code, "{status}");
    let info = status.get_details_error_info().expect("an ErrorInfo");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "spiked"));
    assert!(status.message().ends_with(&format!("({reason})")), "{status}");
}

#[tokio::test]
async fn memory_is_bounded_for_a_tenant_and_says_what_is_needed_and_left() {
    let tenants = Tenants::new([
        ("small", "memory_bytes = \"84 MiB\""),
        ("tiny", "memory_bytes = \"1 MiB\""),
        ("free", ""),
    ]);
    let mut plain = tenants.plain().await;
    let mut opened = 0;
    let refused = loop {
        let request = tenants.request(0, open(&format!("s{opened}")));
        match plain.open_session(request).await {
            Ok(_) => opened += 1,
            Err(status) => break status,
        }
        assert!(opened < 10, "84 MiB are no bound");
    };
    // A queue of 16 MiB each, 10 MiB of output, and what the network takes.
    assert_eq!(opened, 3);
    assert_details(&refused, Code::ResourceExhausted, "REASON_QUOTA");
    let (needed, left) = (number(&refused, "needed_bytes"), number(&refused, "available_bytes"));
    assert!(needed > left && needed > 26 << 20 && left < 8 << 20, "{needed} of {left}");
    assert_eq!(number(&refused, "limit_bytes"), 84 << 20);
    let retry = refused.get_details_retry_info().expect("a RetryInfo").retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(5)));

    let never = plain.open_session(tenants.request(1, open("s"))).await.expect_err("too much");
    assert_details(&never, Code::ResourceExhausted, "REASON_QUOTA");
    assert!(never.get_details_retry_info().is_none(), "time does not help");
    for id in ["a", "b", "c", "d"] {
        plain.open_session(tenants.request(2, open(id))).await.expect("another's memory");
    }

    let client = tenants.client(0).await;
    let Err(Error::Refused(refusal)) = client.open_session(&options("s3")).await else {
        panic!("it is refused");
    };
    assert_eq!((refusal.reason, refusal.retry_after), (Reason::Quota, retry));
    client.close_session("s0").await.expect("closed");
    client.open_session(&options("s3")).await.expect("there is room again");
}

#[tokio::test]
async fn memory_is_bounded_for_the_daemon() {
    let bound = "limits.memory_bytes=84 MiB";
    let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0", "--set", bound]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    for id in ["a", "b", "c"] {
        client.open_session(&options(id)).await.expect("opened");
    }
    let Err(Error::Refused(refusal)) = client.open_session(&options("d")).await else {
        panic!("it is refused");
    };
    assert_eq!(refusal.reason, Reason::Limit);
    assert!(refusal.message.contains("bytes of the daemon are left"), "{refusal}");
    assert!(refusal.retry_after.is_some());
}

#[tokio::test]
async fn details_name_the_field_at_fault_and_when_to_try_again() {
    let tenants = Tenants::new([("lab", "sessions = 1")]);
    let mut plain = tenants.plain().await;
    let field = plain.open_session(tenants.request(0, open("../x"))).await.expect_err("no id");
    assert_details(&field, Code::InvalidArgument, "REASON_FIELD_INVALID");
    let violations = field.get_details_bad_request().expect("a BadRequest").field_violations;
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].field, "open.session_id");
    assert!(violations[0].description.contains("1 to 128"), "{violations:?}");
    assert!(field.get_details_retry_info().is_none());

    plain.open_session(tenants.request(0, open("one"))).await.expect("opened");
    let count = plain.open_session(tenants.request(0, open("two"))).await.expect_err("one alone");
    assert_details(&count, Code::ResourceExhausted, "REASON_QUOTA");
    assert_eq!(number(&count, "limit"), 1);
    assert!(count.get_details_retry_info().is_some());

    let nobody = plain.open_session(open("one")).await.expect_err("no token");
    assert_details(&nobody, Code::Unauthenticated, "REASON_UNAUTHENTICATED");
}
