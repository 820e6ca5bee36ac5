//! Weights and parameters of running sessions, read and set between ticks.

use crate::{Client, Error, v1};

impl Client {
    /// One page of a session's weights; `next` in the answer says where the next one begins.
    ///
    /// # Errors
    ///
    /// An unknown session, projection or source, or a convolution.
    pub async fn get_weights(
        &self,
        request: v1::GetWeightsRequest,
    ) -> Result<v1::GetWeightsResponse, Error> {
        Ok(self.session_service().get_weights(request).await?.into_inner())
    }

    /// Sets weights, all or none, and says from which tick on they hold. Answers when that tick is
    /// reached and the change is as durable as the session.
    ///
    /// # Errors
    ///
    /// What the daemon refuses about the weights, or a session that is in a step or has ended.
    pub async fn set_weights(&self, request: v1::SetWeightsRequest) -> Result<v1::Applied, Error> {
        let response = self.session_service().set_weights(request).await?.into_inner();
        response.applied.ok_or_else(|| crate::sessions::missing("tick"))
    }

    /// One page of a population's parameters; `next_neuron` in the answer says where the next one
    /// begins.
    ///
    /// # Errors
    ///
    /// An unknown session, population, parameter or neuron.
    pub async fn get_parameters(
        &self,
        request: v1::GetParametersRequest,
    ) -> Result<v1::GetParametersResponse, Error> {
        Ok(self.session_service().get_parameters(request).await?.into_inner())
    }

    /// Sets parameters of a population, all or none; as [`set_weights`](Self::set_weights).
    ///
    /// # Errors
    ///
    /// What the daemon refuses about the parameters, or a session that is in a step or has ended.
    pub async fn set_parameters(
        &self,
        request: v1::SetParametersRequest,
    ) -> Result<v1::Applied, Error> {
        let response = self.session_service().set_parameters(request).await?.into_inner();
        response.applied.ok_or_else(|| crate::sessions::missing("tick"))
    }
}
