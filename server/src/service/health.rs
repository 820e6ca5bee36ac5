//! Health, as gRPC's own service tells it: of the daemon (the empty name), of each service, and of
//! each network under `network/NAME`.
//!
//! A network serves when its newest version can be opened, as far as that is known: those that
//! come along are read when they are first asked for. While the daemon ends, nothing serves.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::Mutex;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::networks::Repository;

/// The whole, and each service.
const NAMES: [&str; 4] =
    ["", "spiked.v1.NetworkService", "spiked.v1.SessionService", "spiked.v1.StreamService"];

/// What sets the health that others ask for.
pub(crate) struct Health {
    reporter: HealthReporter,
    repository: Arc<Repository>,
    /// Held while anything is told, so that what is told last is what holds.
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    serving: bool,
    networks: BTreeMap<String, ServingStatus>,
}

impl Health {
    pub(super) fn new(reporter: HealthReporter, repository: Arc<Repository>) -> Self {
        Self { reporter, repository, told: Mutex::default() }
    }

    /// The daemon serves from here on, or ends.
    pub(crate) async fn set_serving(&self, serving: bool) {
        let mut told = self.told.lock().await;
        told.serving = serving;
        for name in NAMES {
            self.reporter.set_service_status(name, status(serving)).await;
        }
        self.tell_networks(&mut told).await;
    }

    /// Networks came, went or changed.
    pub(crate) async fn follow_networks(&self) {
        self.tell_networks(&mut *self.told.lock().await).await;
    }

    async fn tell_networks(&self, told: &mut Told) {
        // Ordered by version: of each name the newest stays.
        let newest: BTreeMap<String, bool> = self.repository.standing().into_iter().collect();
        for gone in told.networks.keys().filter(|name| !newest.contains_key(*name)) {
            self.reporter.clone().clear_service_status(&service(gone)).await;
        }
        told.networks.retain(|name, _| newest.contains_key(name));
        for (name, sound) in newest {
            let now = status(told.serving && sound);
            if told.networks.get(&name) != Some(&now) {
                self.reporter.set_service_status(service(&name), now).await;
                told.networks.insert(name, now);
            }
        }
    }
}

fn service(network: &str) -> String {
    format!("network/{network}")
}

const fn status(serving: bool) -> ServingStatus {
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}
