//! What a reader is told: items in order, why something was refused, why it is over.

use spiked_client::{
    AddressEvent, Client, Error, Item, OpenOptions, Reason,
    v1::{self, stream_response::Message},
};
use tokio::net::TcpListener;
use tonic::Status;

use crate::stub::Stub;

#[tokio::test]
async fn nobody_there_is_one_line_that_says_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Client::connect(&address).await.unwrap_err();
    let expected = format!("no daemon answers at {address}; start one with `spiked serve`");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_refused_opening_keeps_its_reason() {
    let stub = Stub::start().await;
    stub.refuse(Status::not_found("no network \"x\" (REASON_NETWORK_UNKNOWN)")).await;
    let client = Client::connect(&stub.address).await.unwrap();
    let error = client.open(OpenOptions::new("x")).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::NetworkUnknown));
    assert_eq!(error.to_string(), "no network \"x\"");
}

#[tokio::test]
async fn items_come_in_order_and_the_end_ends_both_halves() {
    let stub = Stub::start().await;
    stub.open(0).await;
    let client = Client::connect(&stub.address).await.unwrap();
    let (mut producer, mut output) = client.open(OpenOptions::new("n")).await.unwrap().split();
    stub.answer(Message::Error(v1::Error {
        reason: Reason::Late.into(),
        message: "event 3 is late".into(),
        event_number: Some(3),
        fatal: true,
        ..v1::Error::default()
    }))
    .await;
    stub.answer(Message::Ended(v1::Ended { message: "over".into(), ..Default::default() })).await;

    let Some(Ok(Item::Error(refusal))) = output.next().await else { panic!("an error") };
    assert_eq!(
        (refusal.reason, refusal.event_number, refusal.fatal),
        (Reason::Late, Some(3), true)
    );
    assert!(matches!(output.next().await, Some(Ok(Item::Ended(_)))));
    assert!(output.next().await.is_none());
    let event = AddressEvent { time: 1, index: 0 };
    let error = producer.send_batch(0, &[event], None).await.unwrap_err();
    assert!(matches!(error, Error::InputOver), "{error}");
}

#[tokio::test]
async fn a_daemon_that_vanishes_is_an_error_and_not_an_end() {
    let stub = Stub::start().await;
    stub.open(0).await;
    let client = Client::connect(&stub.address).await.unwrap();
    let (_producer, mut output) = client.open(OpenOptions::new("n")).await.unwrap().split();
    drop(stub);
    assert!(matches!(output.next().await, Some(Err(Error::Broken(_)))));
    assert!(output.next().await.is_none());
}
