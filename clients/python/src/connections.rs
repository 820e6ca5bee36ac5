//! Connections to one daemon, as many as its streams need.
//!
//! A daemon gives a connection so many streams at once, and what asks for more waits for one to end.
//! So a connection that has [`STREAMS_MAX`] is followed by another.

use std::sync::Arc;

use spiked_client::{Client, Error};
use tokio::sync::Mutex;

/// Streams of a connection: fewer than the 64 that a daemon gives, for there are calls besides.
const STREAMS_MAX: usize = 48;

/// Each connection with what its streams share; whose count tells how many there are.
pub(crate) struct Connections {
    open: Mutex<Vec<Place>>,
}

/// A stream's place on a connection, which is free again when it is dropped.
pub(crate) struct Place {
    client: Client,
    shared: Arc<()>,
}

impl Connections {
    pub(crate) fn new(client: Client) -> Self {
        Self { open: Mutex::new(vec![Place { client, shared: Arc::default() }]) }
    }

    /// A place on a connection that has one, or on a new one.
    pub(crate) async fn place(&self) -> Result<Place, Error> {
        // Held while connecting: who waits meanwhile finds places there.
        let mut open = self.open.lock().await;
        let free = |connection: &&Place| Arc::strong_count(&connection.shared) <= STREAMS_MAX;
        if let Some(connection) = open.iter().find(free) {
            return Ok(connection.another());
        }
        let client = open[0].client.reconnect().await?;
        let connection = Place { client, shared: Arc::default() };
        let place = connection.another();
        open.push(connection);
        Ok(place)
    }
}

impl Place {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    fn another(&self) -> Self {
        Self { client: self.client.clone(), shared: self.shared.clone() }
    }
}
