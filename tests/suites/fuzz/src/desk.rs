//! A client of Graph whose answers are given to it: the way in of everything that Graph or Entra sends.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use azure_core::credentials::Secret;
use bytes::Bytes;
use http::{Request, Response};
use k8s_openapi::jiff::Timestamp;
use passcode_operator::graph::{
    AllowedOrigins, Clock, Credentials, Endpoints, Exchange, Graph, Transport, TransportError,
};

const GRAPH: &str = "https://graph.test";
const AUTHORITY: &str = "https://login.test";
const TENANT: &str = "11111111-2222-3333-4444-555555555555";
/// What no answer may be repeated with.
pub const SECRET: &str = "planted~client+secret";
const TOKEN: &[u8] = br#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"token"}"#;

/// What a question was answered with, and which requests it took.
pub struct Asked<T> {
    /// The answer.
    pub answer: T,
    /// The requests to Graph.
    pub of_graph: Vec<Request<Bytes>>,
    /// The requests to Entra, or to the node.
    pub of_entra: Vec<Request<Bytes>>,
}

/// Asks a fresh client, to which Graph answers with these in their order, and with the last again and again.
pub fn ask<T>(answers: Vec<Response<Bytes>>, question: impl AsyncFnOnce(&Graph) -> T) -> Asked<T> {
    let token = Response::new(Bytes::from_static(TOKEN));
    ask_as(client_secret(), token, answers, question)
}

/// What an app signs in with.
pub fn client_secret() -> Credentials {
    Credentials::ClientSecret { client_id: "client-1".to_owned(), secret: Secret::new(SECRET) }
}

/// The same, signed in with these, where Entra, or the node, answers with this.
pub fn ask_as<T>(
    credentials: Credentials,
    token: Response<Bytes>,
    answers: Vec<Response<Bytes>>,
    question: impl AsyncFnOnce(&Graph) -> T,
) -> Asked<T> {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    }
    let script = Arc::new(Script { token, answers, requests: Mutex::default() });
    let endpoints =
        Endpoints::custom(GRAPH, AUTHORITY, None, &AllowedOrigins::parse([GRAPH, AUTHORITY]).unwrap()).unwrap();
    let graph = Graph::new(TENANT, endpoints, credentials, script.clone(), Arc::new(Standing)).unwrap();
    let answer = RUNTIME.with(|runtime| runtime.block_on(question(&graph)));
    let requests = std::mem::take(&mut *script.requests.lock().unwrap());
    let (of_entra, of_graph) = requests.into_iter().partition(is_sign_in);
    Asked { answer, of_graph, of_entra }
}

fn is_sign_in(request: &Request<Bytes>) -> bool {
    matches!(request.uri().host(), Some("login.test" | "169.254.169.254"))
}

struct Script {
    token: Response<Bytes>,
    answers: Vec<Response<Bytes>>,
    requests: Mutex<Vec<Request<Bytes>>>,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>, _: Exchange) -> Result<Response<Bytes>, TransportError> {
        let mut requests = self.requests.lock().unwrap();
        let before = requests.iter().filter(|request| !is_sign_in(request)).count();
        let answer = match is_sign_in(&request) {
            true => Some(&self.token),
            false => self.answers.get(before).or(self.answers.last()),
        };
        requests.push(request);
        answer.cloned().ok_or_else(|| TransportError::NotConnected("refused".to_owned()))
    }
}

/// A clock that stands still, so that an input's answer depends on nothing else.
struct Standing;

impl Clock for Standing {
    fn boot(&self) -> Duration {
        Duration::from_secs(1000)
    }

    fn wall(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}
