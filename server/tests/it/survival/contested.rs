//! One token, two clients that both want the session, all the time.

use std::{collections::BTreeMap, sync::Arc};

use spiked_proto::v1::{self, stream_request::Message as Request};
use tokio::sync::Mutex;

use super::{batches, named, resuming};
use crate::{
    recorded::{output, recording, truth},
    support::{Random, Record, Server},
};

/// What all of them have read, by position.
#[derive(Default)]
struct Read {
    words: BTreeMap<u64, [u64; 6]>,
    superseded: u32,
    completed: u32,
}

impl Read {
    fn next(&self) -> u64 {
        // Positions come without a gap.
        self.words.len() as u64
    }

    /// What is read twice must be the same.
    fn take(&mut self, record: &Record) {
        for words in output(record) {
            let known = *self.words.entry(words[0]).or_insert(words);
            assert_eq!(known, words, "position {}", words[0]);
        }
    }
}

/// Takes the session over, again and again: sends what is not accepted yet and reads, until the other one
/// has taken it away or it is over.
async fn contend(
    server: Arc<Server>,
    before: Record,
    batches: Arc<Vec<v1::EventBatch>>,
    read: Arc<Mutex<Read>>,
    seed: u64,
) {
    let mut random = Random::new(seed);
    loop {
        let from = read.lock().await.next();
        let opened = server.open(resuming(&before, Some(from))).await;
        let mut producer = match opened {
            Ok(producer) => producer,
            Err(status) if status.code() == tonic::Code::NotFound => return,
            // The other one was first, in the moment in which the session ended.
            Err(status) if status.code() == tonic::Code::FailedPrecondition => {
                assert!(status.message().contains("has just ended"), "{status}");
                return;
            }
            Err(status) => panic!("{status}"),
        };
        let accepted = producer.record.opened.as_ref().unwrap().accepted;
        let more = 1 + random.below(12);
        let rest = batches.iter().filter(|batch| batch.sequence > accepted);
        for batch in rest.take(usize::try_from(more).unwrap()) {
            producer.send(Request::Events(batch.clone()));
        }
        if accepted + more >= batches.len() as u64 {
            producer.send(Request::End(v1::EndOfInput {}));
        }
        // It goes on until it is told: by the other one, or by the end.
        while producer.record.ended.is_none() {
            if producer.next().await.is_none() {
                break;
            }
        }
        let record = producer.record;
        assert_eq!(record.errors, []);
        let mut read = read.lock().await;
        read.take(&record);
        match record.reason() {
            v1::EndReason::Superseded => read.superseded += 1,
            v1::EndReason::Completed => {
                read.completed += 1;
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Whoever comes later wins and the other one is told, however often; input is applied once, and what the
/// two read fits together to the undisturbed output.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_take_a_session_from_each_other_lose_and_double_nothing() {
    let server = Arc::new(Server::start().await);
    let recording = recording(4_000);
    let expected = truth(&recording);
    let batches = Arc::new(batches(&recording, 20));
    let producer = server.open(named("contested")).await.unwrap();
    let before = producer.record.clone();
    let read = Arc::new(Mutex::new(Read::default()));
    let contenders = [1, 2].map(|seed| {
        let (server, before) = (server.clone(), before.clone());
        tokio::spawn(contend(server, before, batches.clone(), read.clone(), seed))
    });
    let told = producer.finish().await;
    assert_eq!(told.reason(), v1::EndReason::Superseded);
    for contender in contenders {
        contender.await.unwrap();
    }
    let read = read.lock().await;
    // Both, where the second comes before the daemon knows that the first has heard it.
    assert!((1..=2).contains(&read.completed), "{} were told the end", read.completed);
    assert!(read.superseded > 10, "{} times prove little", read.superseded);
    let words: Vec<_> = read.words.values().copied().collect();
    assert!(words == expected, "the output differs");
}
