//! Opening sessions: finding the one that is meant, or setting a new one going.

use std::sync::Arc;

use sim_core::network::SensorSize;
use spiked_proto::{hex, v1};

use super::{Launch, Registry, apart, lock};
use crate::{
    error::Error,
    session::{
        handle::{Session, Token},
        host::{Journaling, Keeping},
        journal::{Folder, Journal, Meta},
        making::{self, Made, Wanted},
        settings::{Durability, Settings, check_name},
    },
};

impl Registry {
    /// Opens a session, or finds the one of that id; says whether it was there before.
    pub(crate) async fn open(
        self: &Arc<Self>,
        tenant: &str,
        open: &v1::Open,
    ) -> Result<(Arc<Session>, bool), Error> {
        let settings = Settings::new(open)?;
        let sensors = making::sensors(open)?;
        if !open.session_id.is_empty() {
            check_name("open.session_id", &open.session_id)?;
            if let Some(session) = self.find_or_wake(tenant, &open.session_id).await? {
                session.check_same(open, &settings, &sensors)?;
                return Ok((session, true));
            }
            if open.network.is_empty() || !open.resume_token.is_empty() {
                return Err(Error::SessionUnknown { id: open.session_id.clone() });
            }
        }
        if open.network.is_empty() {
            return Err(Error::field("open.network", "is empty: name a network"));
        }
        self.make(tenant, open, settings, sensors).await
    }

    async fn make(
        self: &Arc<Self>,
        tenant: &str,
        open: &v1::Open,
        settings: Settings,
        sensors: Vec<(String, SensorSize)>,
    ) -> Result<(Arc<Session>, bool), Error> {
        if !open.producer.is_empty() && !settings.producers.contains(&open.producer) {
            return Err(Error::ProducerUnknown {
                id: open.session_id.clone(),
                name: open.producer.clone(),
                known: settings.producers,
            });
        }
        let workers = self.workers("open.workers", open.workers)?;
        self.check_admission(tenant)?;
        let repository = self.repository.clone();
        let wanted = Wanted {
            network: open.network.clone(),
            version: open.network_version.clone(),
            sensors,
            workers,
            field: "open.workers",
        };
        let capacity = self.capacity();
        let made = apart(move || making::make(&repository, wanted, settings, capacity)).await?;
        self.launch(tenant, open.session_id.clone(), fresh_token()?, workers, made).await
    }

    /// Sets a session going that was made from nothing or from a snapshot.
    pub(super) async fn launch(
        self: &Arc<Self>,
        tenant: &str,
        id: String,
        token: Token,
        workers: u32,
        made: Made,
    ) -> Result<(Arc<Session>, bool), Error> {
        let id = if id.is_empty() { fresh_id()? } else { id };
        let key = (tenant.to_owned(), id);
        if made.protocol.settings().durability == Durability::None {
            return self.admit(Launch { key, token, workers, made, journaling: None });
        }
        let _making = self.making.lock().await;
        if let Some(session) = self.find(&key) {
            session.check_settings(made.protocol.settings(), &made.runs)?;
            return Ok((session, true));
        }
        let data = self.data.as_ref().ok_or(Error::NoData { what: "a durable session" })?;
        // Before anything lies on disk.
        let producers = made.protocol.producers();
        self.check_memory(tenant, &made.plan, producers, &lock(&self.sessions))?;
        let plan_sha256 = made.runs.plan_sha256;
        let folder = Folder::new(data.volume.clone(), data.session(&key.0, &key.1), plan_sha256);
        let meta = Meta { id: key.1.clone(), tenant: key.0.clone(), token, workers };
        let repository = self.repository.clone();
        let (made, journal) = apart(move || {
            repository.keep_running(&made.source, &plan_sha256)?;
            let written = folder
                .create(&meta, &made.first_snapshot())
                .and_then(|()| Journal::begin(folder, 0, 0));
            let journal = written.map_err(|error| Error::Journal(error.to_string()))?;
            Ok((made, journal))
        })
        .await?;
        let at = (0, made.start.output_position);
        let journaling = Some(self.journaling(journal, &made, at));
        self.admit(Launch { key, token, workers, made, journaling })
    }

    pub(super) fn journaling(
        &self,
        journal: Journal,
        made: &Made,
        oldest: (u64, u64),
    ) -> Journaling {
        let protocol = &made.protocol;
        let keeping = Keeping {
            sync_interval: self.limits.journal_sync_interval,
            snapshot_after_bytes: self.limits.journal_snapshot_bytes,
            kept_bytes_max: self.limits.journal_bytes,
        };
        let policy = protocol.settings().durability;
        let runs = Arc::new(made.runs.clone());
        Journaling::new(journal, policy, keeping, runs, protocol, oldest)
    }
}

/// Not to be guessed, and unlikely to repeat.
pub(super) fn fresh_token() -> Result<Token, Error> {
    let mut token = Token::default();
    getrandom::fill(&mut token).map_err(|_| Error::Internal("the system has no randomness"))?;
    Ok(token)
}

fn fresh_id() -> Result<String, Error> {
    Ok(hex(&fresh_token()?[..8]))
}
