//! Durable sessions that lie on disk: found at start, woken when they are asked for, deleted.

use std::{collections::BTreeSet, io, sync::Arc, time::Instant};

use spiked_proto::v1;

use super::{Key, Launch, Registry, apart, lock};
use crate::{
    error::Error,
    session::{
        data::Resident,
        handle::Session,
        journal::{Broken, Folder, Journal, Rest},
        making,
        snapshot::{self, Runs},
    },
};

impl Registry {
    /// Makes the sessions again that ran when the daemon ended without a word. One that cannot be
    /// made again stays on disk, and says why when it is opened.
    pub(crate) async fn recover(self: &Arc<Self>) -> io::Result<()> {
        let Some(data) = &self.data else {
            return Ok(());
        };
        let mut all_read = true;
        for resident in data.residents()? {
            match resident {
                Ok(resident) => {
                    let key = (resident.meta.tenant.clone(), resident.meta.id.clone());
                    let rests = resident.rests;
                    lock(&self.residents).insert(key.clone(), resident);
                    if rests {
                        continue;
                    }
                    let began = Instant::now();
                    match self.wake(&key).await {
                        Ok(_) => tracing::info!(
                            session = key.1,
                            seconds = began.elapsed().as_secs_f64(),
                            "a session goes on where its journal ends"
                        ),
                        Err(error) => {
                            tracing::error!(session = key.1, %error, "a session cannot go on");
                        }
                    }
                }
                Err(broken) => {
                    all_read = false;
                    tracing::error!(%broken, "a session cannot be read");
                }
            }
        }
        // Nobody knows what one that cannot be read runs.
        if all_read {
            self.sweep_running().await;
        }
        Ok(())
    }

    /// Lets go of the networks of durable sessions that are no more.
    async fn sweep_running(&self) {
        let place = |runs: &Runs| (runs.network.clone(), runs.plan_sha256);
        let live: Vec<_> = lock(&self.sessions).values().cloned().collect();
        let mut needed: BTreeSet<_> = live.iter().map(|session| place(session.runs())).collect();
        needed.extend(self.snapshots.all_runs().iter().map(place));
        let swept = match self.resting_runs().await {
            Ok(resting) if resting.iter().any(|(_, runs)| runs.is_none()) => return,
            Ok(resting) => {
                needed.extend(resting.iter().filter_map(|(_, runs)| runs.as_ref().map(place)));
                let repository = self.repository.clone();
                apart(move || repository.sweep_running(&needed).map_err(Error::from)).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = swept {
            tracing::warn!(%error, "networks that nobody runs any more were not removed");
        }
    }

    /// A session that runs, or one that rests and is made again.
    pub(super) async fn find_or_wake(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
    ) -> Result<Option<Arc<Session>>, Error> {
        let key = (tenant.to_owned(), id.to_owned());
        if let Some(session) = self.find(&key) {
            return Ok(Some(session));
        }
        if !lock(&self.residents).contains_key(&key) {
            return Ok(None);
        }
        self.check_admission(tenant)?;
        self.wake(&key).await
    }

    /// Makes a session again from its folder.
    async fn wake(self: &Arc<Self>, key: &Key) -> Result<Option<Arc<Session>>, Error> {
        let _making = self.making.lock().await;
        let resident = lock(&self.residents).get(key).cloned();
        let (Some(data), Some(Resident { meta, path, .. })) = (&self.data, resident) else {
            // Somebody else was quicker.
            return Ok(self.find(key));
        };
        let (volume, repository) = (data.volume.clone(), self.repository.clone());
        let (capacity, workers) = (self.capacity(), meta.workers.min(self.workers_max()).max(1));
        let what = format!("session {:?}", meta.id);
        let (made, journal, at, folder) = apart(move || {
            let broken = |broken: Broken| Error::Journal(broken.to_string());
            let failed = |error: io::Error| Error::Journal(error.to_string());
            // Which plan it has is not known before its snapshot is read.
            let unknown = Folder::new(volume.clone(), path.clone(), [0; 32]);
            unknown.finish_going_back().map_err(failed)?;
            let (index, snapshot) =
                Folder::oldest_snapshot(volume.as_ref(), &path).map_err(broken)?;
            let made = making::thaw(&repository, None, &snapshot, workers, capacity);
            let mut made = made.map_err(|error| match error {
                Error::Dynamics { found, .. } => Error::Dynamics { what, found },
                error => error,
            })?;
            let at = (index, made.start.output_position);
            let folder = Folder::new(volume, path, made.runs.plan_sha256);
            let found = folder.find(index).map_err(broken)?;
            made.replay(&found.records)?;
            let records = index + found.records.len() as u64;
            let journal = Journal::begin(folder.clone(), records, found.bytes).map_err(failed)?;
            folder.wake().map_err(failed)?;
            Ok((made, journal, at, folder))
        })
        .await?;
        let producers = made.protocol.producers();
        let fits = self.check_memory(&key.0, &made.plan, producers, &lock(&self.sessions));
        if let Err(error) = fits {
            // It rests on, also when the daemon starts anew.
            let rests =
                move || folder.rest(Rest::Saved).map_err(|error| Error::Journal(error.to_string()));
            apart(rests).await?;
            return Err(error);
        }
        let journaling = Some(self.journaling(journal, &made, at));
        let launch = Launch { key: key.clone(), token: meta.token, workers, made, journaling };
        let (session, _) = self.admit(launch)?;
        lock(&self.residents).remove(key);
        Ok(Some(session))
    }

    /// Refuses where a durable session runs a network, or rests on it: without the network it would
    /// not come back.
    pub(crate) async fn check_unused(
        self: &Arc<Self>,
        network: &str,
        version: &str,
    ) -> Result<(), Error> {
        let needed = |id: &str| {
            let problem = "is durable and runs that network: close it first";
            Err(Error::SessionConflict { id: id.to_owned(), problem })
        };
        let runs = |runs: &Runs| runs.network == network && runs.version == version;
        let sessions: Vec<_> = lock(&self.sessions).values().cloned().collect();
        if let Some(session) = sessions.iter().find(|one| one.is_durable() && runs(one.runs())) {
            return needed(session.id());
        }
        let resting = self.resting_runs().await?;
        match resting.iter().find(|(_, resting)| resting.as_ref().is_some_and(runs)) {
            Some((id, _)) => needed(id),
            None => Ok(()),
        }
    }

    /// What the sessions at rest run, by their ids; nothing of one that cannot be read.
    async fn resting_runs(&self) -> Result<Vec<(String, Option<Runs>)>, Error> {
        let Some(data) = &self.data else {
            return Ok(Vec::new());
        };
        let residents: Vec<Resident> = lock(&self.residents).values().cloned().collect();
        let volume = data.volume.clone();
        let runs = move |resident: Resident| {
            let snapshot = Folder::oldest_snapshot(volume.as_ref(), &resident.path).ok();
            let of = snapshot.and_then(|(_, bytes)| snapshot::of(&bytes).ok());
            (resident.meta.id, of.map(|of| of.runs))
        };
        apart(move || Ok(residents.into_iter().map(runs).collect())).await
    }

    /// Ends a session; says where it stood. One at rest is deleted.
    pub(crate) async fn close(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
    ) -> Result<v1::SessionInfo, Error> {
        let key = (tenant.to_owned(), id.to_owned());
        if let Some(session) = self.find(&key) {
            session.end(v1::EndReason::Closed, "closed by a call");
            let info = session.info();
            drop(session);
            self.wait_gone(&key).await;
            return Ok(info);
        }
        let _making = self.making.lock().await;
        let resident = lock(&self.residents).remove(&key);
        let (Some(resident), Some(data)) = (resident, &self.data) else {
            return Err(Error::SessionUnknown { id: id.to_owned() });
        };
        let folder = Folder::new(data.volume.clone(), resident.path, [0; 32]);
        apart(move || folder.remove().map_err(|error| Error::Journal(error.to_string()))).await?;
        let info = v1::SessionInfo { session_id: key.1, at_rest: true, ..Default::default() };
        Ok(info)
    }
}
