//! The transport in production: reqwest with rustls, over https only.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Client, ClientBuilder, redirect, retry};

use super::{
    endpoints::ConfigError,
    text::tidy,
    transport::{Connection, Exchange, NODE_ORIGIN, Transport, TransportError, Truncated},
};

/// Connecting (name, TCP, TLS, a proxy's tunnel) gets less time than any exchange, so that a host that cannot be
/// reached is told from one that does not answer: only the former is known to have executed nothing.
const CONNECT_TIME_OUT: Duration = Duration::from_secs(10);

/// `TCP_USER_TIMEOUT`: after this, unacknowledged bytes are given up by the kernel too (part of `sendGrace`).
const TCP_USER_TIME_OUT: Duration = Duration::from_secs(30);

/// No answer that is asked for comes near it.
const MAX_BODY: usize = 4 << 20;

/// Exchanges over the network. Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`).
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    pooled: Client,
    own: Client,
    node: Client,
}

impl ReqwestTransport {
    /// A transport that trusts the system's roots and, in addition, the certificates of `ca_pem`.
    ///
    /// # Errors
    /// [`ConfigError`] where `ca_pem` holds no readable certificate, or the system's trust store cannot be used.
    pub fn new(ca_pem: Option<&str>) -> Result<Self, ConfigError> {
        let roots = roots(ca_pem)?;
        // HTTP/1.1 for actions: one request per connection, so that no multiplexing and no GOAWAY has to be judged.
        Ok(Self {
            pooled: build(builder(roots.clone()))?,
            own: build(builder(roots).pool_max_idle_per_host(0).http1_only())?,
            // "IMDS isn't intended to be used behind a proxy" (entra-docs, how-to-use-vm-token.md).
            node: build(builder(Vec::new()).https_only(false).no_proxy().http1_only())?,
        })
    }
}

fn roots(ca_pem: Option<&str>) -> Result<Vec<Certificate>, ConfigError> {
    let Some(pem) = ca_pem else {
        return Ok(Vec::new());
    };
    let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| ConfigError::CaBundle)?;
    if roots.is_empty() {
        return Err(ConfigError::CaBundle);
    }
    Ok(roots)
}

fn builder(roots: Vec<Certificate>) -> ClientBuilder {
    Client::builder()
        .https_only(true)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIME_OUT)
        .tcp_user_timeout(TCP_USER_TIME_OUT)
        .tls_certs_merge(roots)
        .user_agent(concat!("passcode-operator/", env!("CARGO_PKG_VERSION")))
}

fn build(builder: ClientBuilder) -> Result<Client, ConfigError> {
    builder.build().map_err(|e| ConfigError::Tls(describe(&e)))
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        exchange: Exchange,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let client = match exchange.connection {
            Connection::Pooled => &self.pooled,
            Connection::Own => &self.own,
            Connection::Node if is_the_node(request.uri()) => &self.node,
            Connection::Node => return Err(TransportError::NotConnected("this is not the node's address".to_owned())),
        };
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        // A little less than the caller waits: otherwise a body that hangs would lose the status line that came before it.
        *request.timeout_mut() = Some(exchange.time_out * 19 / 20);
        let mut answer = client.execute(request).await.map_err(failed)?;
        let (body, truncated) = body(&mut answer).await;

        let mut response = http::Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        if truncated {
            response.extensions_mut().insert(Truncated);
        }
        Ok(response)
    }
}

/// Whether this is the metadata service of the node: nothing else is asked over plain HTTP.
fn is_the_node(uri: &http::Uri) -> bool {
    let place = (uri.scheme_str(), uri.authority().map(http::uri::Authority::as_str));
    place == (Some("http"), NODE_ORIGIN.strip_prefix("http://"))
}

/// What arrived of the body, and whether something is missing.
async fn body(answer: &mut reqwest::Response) -> (Bytes, bool) {
    let mut body = BytesMut::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY => {
                body.extend_from_slice(&chunk);
            }
            Ok(None) => return (body.freeze(), false),
            Ok(Some(_)) | Err(_) => return (body.freeze(), true),
        }
    }
}

/// `is_builder` and `is_connect` are the two cases in which reqwest has written nothing of the request.
fn failed(error: reqwest::Error) -> TransportError {
    let text = describe(&error);
    if error.is_connect() || error.is_builder() {
        TransportError::NotConnected(text)
    } else if error.is_timeout() {
        TransportError::Lost("no answer in time".to_owned())
    } else {
        TransportError::Lost(text)
    }
}

/// The innermost causes say what happened ("connection refused"); the outermost only that something did.
fn describe(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        let layer = text.starts_with("client error (");
        if !layer && !texts.iter().any(|seen| seen.contains(&text)) {
            texts.push(text);
        }
        source = error.source();
    }
    tidy(&texts.join(": ")).unwrap_or_else(|| "no reason was given".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    async fn get(url: String) -> Result<http::Response<Bytes>, TransportError> {
        get_by(Connection::Own, url).await
    }

    async fn get_by(connection: Connection, url: String) -> Result<http::Response<Bytes>, TransportError> {
        let transport = ReqwestTransport::new(None).unwrap();
        let request = http::Request::get(url).body(Bytes::new()).unwrap();
        let exchange = Exchange { connection, time_out: Duration::from_secs(5) };
        transport.send(request, exchange).await
    }

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA"] {
            let error = ReqwestTransport::new(Some(pem)).unwrap_err();
            assert_eq!(error, ConfigError::CaBundle, "{pem}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_not_connected() {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let error = get(format!("https://127.0.0.1:{port}/v1.0/x?q=secret")).await.unwrap_err();
        assert!(matches!(error, TransportError::NotConnected(_)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_host_that_does_not_speak_tls_is_not_connected() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        let error = get(format!("https://127.0.0.1:{port}/")).await.unwrap_err();
        assert!(matches!(error, TransportError::NotConnected(_)), "{error}");
    }

    #[tokio::test]
    async fn by_the_nodes_way_nothing_else_is_reached() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for url in [
            format!("http://127.0.0.1:{port}/"),
            format!("http://169.254.169.254:{port}/"),
            "https://169.254.169.254/".to_owned(),
            "http://user@169.254.169.254/".to_owned(),
        ] {
            let error = get_by(Connection::Node, url).await.unwrap_err();
            assert!(error.to_string().contains("not the node's address"), "{error}");
        }
        assert!(is_the_node(&"http://169.254.169.254/metadata/identity/oauth2/token?x=1".parse().unwrap()));
    }

    #[tokio::test]
    async fn plain_http_is_refused_before_anything_is_sent() {
        let error = get("http://127.0.0.1:9/".to_owned()).await.unwrap_err();
        assert!(matches!(error, TransportError::NotConnected(_)), "{error}");
    }
}
