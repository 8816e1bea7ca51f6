//! The simulator as a transport, in process: no socket, so that time can be paused.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use graph_simulator::{ConnectionLost, Simulator};
use passcode_operator::{
    graph::{ConfigError, Endpoints, Exchange, Transport, TransportError, Truncated},
    operator::transports::Transports,
};
use tokio::sync::watch;

/// Reaches the simulator, whatever the endpoints.
#[derive(Clone)]
pub struct InProcess(pub Simulator);

impl Transports for InProcess {
    fn to(&self, _: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: http::Request<Bytes>, _: Exchange) -> Result<http::Response<Bytes>, TransportError> {
        match self.0.handle(request).await {
            Ok(response) => Ok(response),
            Err(ConnectionLost::RefusedBeforeSending) => Err(TransportError::NotConnected("refused".to_owned())),
            Err(ConnectionLost::LostAfterSending | ConnectionLost::Reset) => {
                Err(TransportError::Lost("reset".to_owned()))
            }
            Err(ConnectionLost::CutBody(response)) => {
                let mut response = *response;
                response.extensions_mut().insert(Truncated);
                Ok(response)
            }
        }
    }
}

/// The ways of one replica to Graph: once severed, nothing goes out and nothing comes back.
pub(crate) struct Severable<T: ?Sized> {
    pub(crate) inner: Arc<T>,
    pub(crate) severed: watch::Receiver<bool>,
}

impl Transports for Severable<dyn Transports> {
    fn to(&self, endpoints: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError> {
        Ok(Arc::new(Severable { inner: self.inner.to(endpoints)?, severed: self.severed.clone() }))
    }
}

#[async_trait]
impl Transport for Severable<dyn Transport> {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        exchange: Exchange,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let mut severed = self.severed.clone();
        let cut = async move { severed.wait_for(|severed| *severed).await.is_ok() };
        tokio::select! {
            biased;
            true = cut => std::future::pending().await,
            answer = self.inner.send(request, exchange) => answer,
        }
    }
}
