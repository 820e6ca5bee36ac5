//! Connections that break between the client library and a real daemon: the session's halves notice
//! nothing but a pause.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use spiked_client::{Client, OpenOptions, v1::EndReason};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{sleep, timeout},
};

use crate::{
    client::{House, feed, options, to_the_end, undisturbed},
    files::texture,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Between clients and a daemon; cuts all connections when it is told to.
struct Wire {
    address: SocketAddr,
    cut: Arc<Notify>,
}

impl Wire {
    async fn to(daemon: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("a bound listener");
        let (cut, daemon) = (Arc::new(Notify::new()), daemon.to_owned());
        let cutting = cut.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(&daemon).await.expect("the daemon listens");
                let cutting = cutting.clone();
                tokio::spawn(async move {
                    // However it ends, both ends are dropped.
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = cutting.notified() => {}
                    }
                });
            }
        });
        Self { address, cut }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.address.to_string()).await.expect("the daemon listens")
    }

    fn cut(&self) {
        self.cut.notify_waiters();
    }
}

fn patient() -> OpenOptions {
    options().with_patience(PATIENCE)
}

/// Wherever a connection is cut, the very end included, what is read is what an undisturbed client
/// reads, and nothing is left of the session.
#[tokio::test]
async fn a_connection_that_is_cut_anywhere_changes_nothing_that_is_read() {
    let house = House::new();
    let (direct, events) = (house.client().await, texture());
    let expected = undisturbed(&direct, &events).await;
    let wire = Wire::to(&house.daemon.address).await;
    let client = wire.client().await;
    for every_us in [400, 900, 2_000, 5_000, 9_000] {
        let (producer, output) = client.open(patient()).await.expect("it opens").split();
        let cutting = async {
            loop {
                sleep(Duration::from_micros(every_us)).await;
                wire.cut();
                // A connection is given the time to be made.
                sleep(Duration::from_millis(60)).await;
            }
        };
        let run = async { tokio::join!(feed(producer, &events), to_the_end(output)).1 };
        let came = tokio::select! {
            came = timeout(PATIENCE, run) => came.expect("it comes to its end"),
            () = cutting => unreachable!("it goes on for ever"),
        };
        assert_eq!(came, expected, "cut every {every_us} us");
    }
    let waiting = async {
        while !direct.list_sessions().await.expect("it answers").is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("no session waits for anybody");
}

/// A producing half that was dropped said no end: nor does the carrier when it connects again. Seen
/// to end the session's input.
#[tokio::test]
async fn a_dropped_producer_ends_no_input_when_the_connection_breaks() {
    let house = House::new();
    let wire = Wire::to(&house.daemon.address).await;
    let (client, direct) = (wire.client().await, house.client().await);
    let (mut producer, mut output) = client.open(patient()).await.expect("it opens").split();
    let id = output.tables().session_id.clone();
    producer.send(0, &texture()[..100]).await.expect("it is taken");
    producer.flush().await.expect("it is taken");
    drop(producer);
    let attached = |wanted: bool| {
        let direct = &direct;
        async move {
            while direct.list_sessions().await.expect("it answers")[0].has_producer != wanted {
                sleep(Duration::from_millis(1)).await;
            }
        }
    };
    timeout(PATIENCE, attached(true)).await.expect("it is there");
    wire.cut();
    sleep(Duration::from_millis(100)).await;
    timeout(PATIENCE, attached(true)).await.expect("it comes back");
    // Longer than a closed request side takes to be an end.
    sleep(Duration::from_millis(400)).await;
    direct.close_session(&id).await.expect("it goes on");
    let ended = async {
        loop {
            let item = output.next().await.expect("an end comes").expect("the daemon goes on");
            if let spiked_client::Item::Ended(ended) = item {
                return ended;
            }
        }
    };
    let ended = timeout(PATIENCE, ended).await.expect("it ends");
    assert_eq!(ended.reason(), EndReason::Closed, "{}", ended.message);
}
