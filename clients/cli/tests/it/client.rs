//! The client library against a real daemon: the ways that `spiked run` doesn't take.

use bytes::Bytes;
use spiked_client::{
    CameraEvent, Client, Error, Item, Layout, OpenOptions, Origin, Output, Producer, Reason, Spike,
    WatchItem,
    v1::{Decision, EndReason},
};
use spiked_proto::layout::evt2::Encoder;

use crate::{
    files::{Folder, texture},
    process::Daemon,
};

/// What came out, without what depends on messages.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Came {
    spikes: Vec<Spike>,
    decisions: Vec<(u64, u32, u64, u64)>,
}

impl Came {
    fn decided(&mut self, decision: &Decision) {
        let Decision { tick, class, votes, votes_total, .. } = *decision;
        self.decisions.push((tick, class, votes, votes_total));
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Spikes(spikes) => self.spikes.extend(spikes.iter()),
            Item::Decision(decision) => self.decided(decision),
            Item::Error(refusal) => panic!("{refusal}"),
            _ => {}
        }
    }
}

/// A daemon that has the network of the tests.
pub(crate) struct House {
    pub(crate) daemon: Daemon,
    _folder: Folder,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        folder.network();
        let networks = folder.path("nets").display().to_string();
        let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0", "--networks", &networks]);
        Self { daemon, _folder: folder }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.daemon.address).await.expect("the daemon listens")
    }
}

pub(crate) fn options() -> OpenOptions {
    OpenOptions::new("quadrant").with_sensor("eye", 48, 32).with_origin(Origin::FirstBatch)
}

pub(crate) async fn to_the_end(mut output: Output) -> Came {
    let mut came = Came::default();
    while let Some(item) = output.next().await {
        let item = item.expect("the daemon goes on");
        came.item(&item);
        if let Item::Ended(ended) = item {
            assert_eq!(ended.reason(), EndReason::Completed, "{}", ended.message);
        }
    }
    came
}

/// Sends events through the gathering, with promises on the way.
pub(crate) async fn feed(mut producer: Producer, events: &[CameraEvent]) {
    for some in events.chunks(300) {
        producer.send(0, some).await.expect("the session takes it");
        producer.promise(some.last().expect("a chunk").t_us).await.expect("times rise");
    }
    producer.finish().await.expect("the session takes it");
}

pub(crate) async fn undisturbed(client: &Client, events: &[CameraEvent]) -> Came {
    let (producer, output) = client.open(options()).await.expect("it opens").split();
    let ((), came) = tokio::join!(feed(producer, events), to_the_end(output));
    assert!(!came.spikes.is_empty() && !came.decisions.is_empty());
    came
}

#[tokio::test]
async fn a_sensors_own_words_come_to_the_same_as_packed_events() {
    let house = House::new();
    let (client, events) = (house.client().await, texture());
    let expected = undisturbed(&client, &events).await;
    let mut words = Vec::new();
    Encoder::new().encode(&events, &mut words).expect("they fit");
    let (mut producer, output) = client.open(options()).await.expect("it opens").split();
    let send = async {
        // Cut in the middle of words.
        for piece in words.chunks(1_001) {
            let piece = Bytes::copy_from_slice(piece);
            producer.send_raw(0, Layout::Evt2, piece, None).await.expect("it is taken");
        }
        producer.finish().await.expect("it is taken");
    };
    let ((), came) = tokio::join!(send, to_the_end(output));
    assert_eq!(came, expected);
}

/// Catches a snapshot without what is in flight, and a client that numbers its batches from one.
#[tokio::test]
async fn a_session_restored_in_the_middle_goes_on_as_if_nothing_had_been() {
    let house = House::new();
    let (client, events) = (house.client().await, texture());
    let expected = undisturbed(&client, &events).await;

    let named = OpenOptions { session_id: "first".into(), ..options() };
    let (mut producer, mut output) = client.open(named).await.expect("it opens").split();
    let (before, after) = events.split_at(events.len() / 2);
    let last_us = before.last().expect("a half").t_us;
    producer.send_batch(0, before, Some(last_us)).await.expect("it is taken");
    let mut came = Came::default();
    let mut simulated_to_us = 0;
    while simulated_to_us + 1_000 <= last_us {
        let item = output.next().await.expect("more").expect("the daemon goes on");
        came.item(&item);
        if let Item::Acknowledgement(position) = item {
            simulated_to_us = position.simulated_to_us;
        }
    }
    let snapshot = client.snapshot_session("first").await.expect("a snapshot");
    client.close_session("first").await.expect("it is there");
    assert_eq!(snapshot.accepted, 1);

    let restored = client.restore_session(snapshot.snapshot_sha256, "second").await;
    assert_eq!(restored.expect("the snapshot is there").session_id, "second");
    let rejoin = OpenOptions { session_id: "second".into(), ..options() };
    let session = client.open(rejoin).await.expect("it can be joined");
    assert!(session.tables().rejoined);
    let (producer, output) = session.split();
    let ((), later) = tokio::join!(feed(producer, after), to_the_end(output));
    came.spikes.extend(later.spikes);
    came.decisions.extend(later.decisions);
    assert_eq!(came, expected);
}

#[tokio::test]
async fn a_watcher_sees_what_the_producer_sees_and_changes_nothing() {
    let house = House::new();
    let (client, events) = (house.client().await, texture());
    let expected = undisturbed(&client, &events).await;
    let named = OpenOptions { session_id: "watched".into(), ..options() };
    let (producer, output) = client.open(named).await.expect("it opens").split();
    let mut watch = client.watch_session("watched").await.expect("it is there");
    let watching = async {
        let mut seen = Came::default();
        while let Some(item) = watch.next().await {
            match item.expect("the daemon goes on") {
                WatchItem::Spikes(spikes) => seen.spikes.extend(spikes.iter()),
                WatchItem::Decision(decision) => seen.decided(&decision),
                WatchItem::Missed(messages) => panic!("{messages} missed"),
                _ => {}
            }
        }
        seen
    };
    let ((), came, seen) = tokio::join!(feed(producer, &events), to_the_end(output), watching);
    assert_eq!(came, expected);
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn refusals_carry_their_reasons() {
    let house = House::new();
    let client = house.client().await;
    let reason = |error: Error| error.reason();
    let opened = client.open(OpenOptions::new("moton")).await;
    assert_eq!(opened.err().and_then(reason), Some(Reason::NetworkUnknown));
    let unsized_eye = client.open(OpenOptions::new("quadrant")).await;
    assert_eq!(unsized_eye.err().and_then(reason), Some(Reason::PortShape));
    let nobody = client.close_session("nobody").await;
    assert_eq!(nobody.err().and_then(reason), Some(Reason::SessionUnknown));

    let (mut producer, mut output) = client.open(options()).await.expect("it opens").split();
    let outside = CameraEvent { t_us: 5, x: 48, y: 0, on: true };
    let inside = CameraEvent { x: 0, ..outside };
    producer.send_batch(0, &[inside, outside], None).await.expect("it is taken");
    let refusal = loop {
        match output.next().await.expect("an error").expect("the daemon goes on") {
            Item::Error(refusal) => break refusal,
            Item::Ended(ended) => panic!("{ended:?} before the error"),
            _ => {}
        }
    };
    assert_eq!(refusal.reason, Reason::AddressOutside);
    assert_eq!((refusal.sequence, refusal.position_in_batch), (1, Some(1)));
    assert_eq!((refusal.event_number, refusal.fatal), (Some(2), true));
}

/// More events than the daemon's queue holds, and no promise: the producer is told rather than
/// left waiting.
#[tokio::test]
async fn a_queue_that_only_a_promise_could_empty_is_an_error() {
    let house = House::new();
    let client = house.client().await;
    let (mut producer, mut output) = client.open(options()).await.expect("it opens").split();
    let batch: Vec<_> =
        (0..16_384_u64).map(|place| CameraEvent { t_us: place, x: 1, y: 1, on: true }).collect();
    let send = async {
        loop {
            if let Err(error) = producer.send_batch(0, &batch, None).await {
                return error;
            }
        }
    };
    let read = async { while let Some(Ok(_)) = output.next().await {} };
    let error = tokio::select! {
        error = send => error,
        () = read => panic!("the session ended"),
    };
    assert!(matches!(error, Error::PromiseStalled { promise_us: None, .. }), "{error}");
}
