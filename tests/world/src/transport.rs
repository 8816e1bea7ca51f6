//! The simulator as a transport, in process: no socket, so that time can be paused.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use graph_simulator::{ConnectionLost, Simulator};
use passcode_operator::{
    graph::{ConfigError, Endpoints, Exchange, Transport, TransportError, Truncated},
    operator::transports::Transports,
};

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
