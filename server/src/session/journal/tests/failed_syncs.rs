//! P7 where a sync fails: the session ends and says up to where it is durable; what is called durable
//! after it was opened again is on the disk, and no other session is hurt.

use std::{path::Path, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _, channel::mpsc};
use spiked_proto::v1::{self, stream_request::Message as Request, stream_response::Message};
use tokio::time::timeout;

use super::{
    Folder, Journal, PLAN, Record, Rest, Volume,
    failing::Failing,
    meta,
    power_loss::{Memory, batch, open},
};
use crate::{
    config::Limits,
    networks::Repository,
    session::{data::Data, handle::Session, pool::Pool, reader::Reader, registry::Registry},
};

/// Seen to fail with the segment cut, not written anew.
#[test]
fn what_a_failed_sync_left_out_is_written_anew() {
    let disk = Failing::default();
    let volume: Arc<dyn Volume> = Arc::new(disk.clone());
    let folder = Folder::new(volume, Path::new("sessions/local/one").into(), PLAN);
    folder.create(&meta(), b"first").unwrap();
    let mut journal = Journal::begin(folder.clone(), 0, 0).unwrap();
    journal.write(&[Record::Handed]).unwrap();
    journal.sync().unwrap();
    journal.write(&[Record::Dropped, Record::Handed]).unwrap();
    disk.fail_after(0);
    journal.sync().unwrap_err();
    folder.rest(Rest::Doubtful).unwrap();

    // The same system reads all of it, and calls it durable from here on.
    let records = folder.find(0).unwrap().records;
    assert_eq!(records.len(), 3);
    disk.lose_power();
    assert_eq!(folder.find(0).unwrap().records, records);
}

/// One daemon on the disk.
struct Life {
    registry: Arc<Registry>,
    _pool: Pool,
}

impl Life {
    async fn begin(disk: &Failing, root: &Path) -> Self {
        let pool = Pool::start(1, 8, None).unwrap();
        let repository = Arc::new(Repository::open(None).unwrap());
        let data = Data::take(Arc::new(disk.clone()), root.to_owned()).unwrap();
        let limits =
            Limits { journal_sync_interval: Duration::from_millis(2), ..Limits::default() };
        let registry = Registry::new(repository, pool.queue().clone(), Some(data), limits).unwrap();
        registry.recover().await.unwrap();
        Self { registry, _pool: pool }
    }

    async fn attach(&self, open: &v1::Open) -> Client {
        let (session, rejoined): (Arc<Session>, bool) =
            self.registry.open("local", open).await.unwrap();
        let (requests, inbound) = mpsc::channel(1_000);
        let inbound = Box::pin(inbound.map(|message| Ok(Some(message))));
        let mut reader = session.attach(open, inbound, rejoined).await.unwrap();
        let Some(Message::Opened(opened)) = reader.next().await else { panic!("it opens") };
        Client { requests, reader, opened, durable: 0 }
    }
}

/// What a client has been told.
struct Client {
    requests: mpsc::Sender<Request>,
    reader: Reader,
    opened: v1::Opened,
    durable: u64,
}

impl Client {
    async fn send(&mut self, sequence: u64) {
        // A session that has failed takes no more.
        let _ = self.requests.send(Request::Events(batch(sequence))).await;
    }

    /// Reads for a moment; the error that it ended of, if it did.
    async fn read(&mut self, moment: Duration) -> Option<v1::Error> {
        let mut error = None;
        while let Ok(Some(message)) = timeout(moment, self.reader.next()).await {
            match message {
                Message::Acknowledgement(ack) => self.durable = self.durable.max(ack.durable),
                Message::Error(told) => error = Some(told),
                Message::Ended(_) => return error,
                _ => {}
            }
        }
        None
    }
}

/// What was called durable before the power went, and with what token to come back.
struct Told {
    token: Vec<u8>,
    durable: u64,
}

/// A life in which a sync fails, and the session is opened again.
async fn fail(disk: &Failing, root: &Path, durability: v1::Durability) -> Told {
    let life = Life::begin(disk, root).await;
    let mut client = life.attach(&open(durability, &Memory::default())).await;
    let other = v1::Open { session_id: "other".into(), ..open(durability, &Memory::default()) };
    let mut other = life.attach(&other).await;
    let moment = Duration::from_millis(20);
    for sequence in 1..=5 {
        client.send(sequence).await;
        assert_eq!(client.read(moment).await, None);
    }
    assert_eq!(client.durable, 5, "{durability:?}");

    disk.fail_after(0);
    let mut error = None;
    for sequence in 6..=8 {
        client.send(sequence).await;
        error = error.or(client.read(moment).await);
    }
    assert!(!disk.is_to_fail(), "a sync has failed");
    let error = error.expect("it is told");
    assert_eq!((error.reason(), error.fatal), (v1::Reason::Journal, true));
    assert!(error.message.contains("batches up to 5 are durable"), "{}", error.message);
    other.send(1).await;
    assert_eq!(other.read(moment).await, None, "another session goes on");
    assert_eq!(other.durable, 1);

    // Opened again by the same daemon, it calls durable whatever it has found.
    let mut memory = Memory::default();
    memory.token = client.opened.resume_token.to_vec();
    let mut again = life.attach(&open(durability, &memory)).await;
    assert!(again.opened.accepted >= 5, "{}", again.opened.accepted);
    assert_eq!(again.read(moment).await, None);
    assert!(again.durable >= 5, "{}", again.durable);
    Told { token: memory.token, durable: again.durable }
}

/// How many batches the next daemon knows.
async fn come_back(disk: &Failing, root: &Path, durability: v1::Durability, told: &Told) -> u64 {
    let life = Life::begin(disk, root).await;
    let mut memory = Memory::default();
    memory.token.clone_from(&told.token);
    life.attach(&open(durability, &memory)).await.opened.accepted
}

/// With its runtime every task of a daemon is gone.
fn alone<T>(life: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(life)
}

/// Seen to fail with the journal synced once more when the session closes, and with the segment cut
/// when it is opened again.
#[test]
fn a_session_whose_sync_fails_keeps_what_it_called_durable() {
    for durability in [v1::Durability::Each, v1::Durability::Interval] {
        let (disk, at) = (Failing::default(), tempfile::tempdir().unwrap());
        let told = alone(fail(&disk, at.path(), durability));
        disk.lose_power();
        let accepted = alone(come_back(&disk, at.path(), durability, &told));
        assert!(accepted >= told.durable, "{durability:?}: {accepted} of {}", told.durable);
    }
}
