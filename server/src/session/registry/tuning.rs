//! Weights and parameters of sessions, by id. What a request means for the network takes time to
//! find out, so that happens on a thread apart.

use std::sync::Arc;

use sim_core::Plan;
use spiked_proto::v1;

use super::{Registry, apart};
use crate::{error::Error, session::tuning::Setting};

impl Registry {
    /// Sets weights; says from when on they hold.
    pub(crate) async fn set_weights(
        self: &Arc<Self>,
        tenant: &str,
        request: v1::SetWeightsRequest,
    ) -> Result<v1::Applied, Error> {
        let id = request.session_id.clone();
        self.set(tenant, &id, |plan| Setting::weights(plan, request)).await
    }

    /// Sets parameters; says from when on they hold.
    pub(crate) async fn set_parameters(
        self: &Arc<Self>,
        tenant: &str,
        request: v1::SetParametersRequest,
    ) -> Result<v1::Applied, Error> {
        let id = request.session_id.clone();
        self.set(tenant, &id, |plan| Setting::parameters(plan, request)).await
    }

    async fn set(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
        check: impl FnOnce(&Plan) -> Result<Setting, Error> + Send + 'static,
    ) -> Result<v1::Applied, Error> {
        let session = self.get(tenant, id).await?;
        let plan = session.plan().clone();
        let setting = apart(move || check(&plan)).await?;
        session.change(setting).await
    }
}
