//! A webhook of the tests' own: what it answers is said by the path that it is called by.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::post,
    serve::Listener,
};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// What Kyverno says of a claim that is to wait.
const KYVERNO: &str = "\n\nresource PasscodeReset/helpdesk/kyverno was blocked due to the following policies \n\noffice-hours:\n  \
     closed: 'validation error: hold: opens at 07:00. rule closed failed at path /status/attempt/'\n";

/// A running webhook; it ends with the test.
pub struct Webhook {
    pub address: SocketAddr,
    /// The certificate to trust, PEM.
    pub ca: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Webhook {
    pub async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let listener = Tls { address, connected: connections(tcp, TlsAcceptor::from(Arc::new(config))) };
        let router = Router::new()
            .route(
                "/deny/{code}",
                post(async |Path(code): Path<u16>, Json(review)| deny(&review, code, "only company phones")),
            )
            .route("/kyverno", post(async |Json(review)| deny(&review, 400, KYVERNO)))
            .route(
                "/gatekeeper",
                post(async |Json(review)| deny(&review, 403, "[denied by company-only] only company phones")),
            )
            .route("/slow", post(slow))
            .route("/nonsense", post(async || "hello"))
            .route("/no-annotations", post(async |Json(review)| without_annotations(&review)));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, ca: made.cert.pem(), task }
    }
}

fn answer(review: &Value, response: Value) -> Response {
    let mut response = response;
    response["uid"] = review["request"]["uid"].clone();
    Json(json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})).into_response()
}

fn deny(review: &Value, code: u16, sentence: &str) -> Response {
    answer(review, json!({"allowed": false, "status": {"code": code, "message": sentence}}))
}

async fn slow(Json(review): Json<Value>) -> Response {
    tokio::time::sleep(Duration::from_secs(5)).await;
    answer(&review, json!({"allowed": true}))
}

fn without_annotations(review: &Value) -> Response {
    use base64::Engine;
    let patch = json!([{"op": "remove", "path": "/metadata/annotations"}]).to_string();
    let patch = base64::engine::general_purpose::STANDARD.encode(patch);
    answer(review, json!({"allowed": true, "patchType": "JSONPatch", "patch": patch}))
}

/// Connections with TLS.
struct Tls {
    address: SocketAddr,
    connected: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

/// Each handshake has a task of its own: one that is never finished holds up nobody else.
fn connections(tcp: TcpListener, acceptor: TlsAcceptor) -> mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)> {
    let (connect, connected) = mpsc::channel(16);
    tokio::spawn(async move {
        while !connect.is_closed() {
            let Ok((stream, address)) = tcp.accept().await else { continue };
            let (acceptor, connect) = (acceptor.clone(), connect.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let _ = connect.send((stream, address)).await;
                }
            });
        }
    });
    connected
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.connected.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}
