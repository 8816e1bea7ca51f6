//! Every behaviour, in process and in paused time; one test over real HTTPS.

mod actions;
mod assertions;
mod batches;
mod connections;
mod devices;
mod faults;
mod ledger;
mod lists;
mod metadata;
mod reads;
mod refusals;
mod signing_in;
mod throttling;

use crate::{EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, Simulator};
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

/// A client that has signed in.
struct Client {
    simulator: Simulator,
    token: String,
}

/// A world with one signed-in client.
async fn client() -> Client {
    let simulator = Simulator::new();
    let token = sign_in(&simulator).await;
    Client { simulator, token }
}

async fn sign_in(simulator: &Simulator) -> String {
    let answer = ask_for_token(simulator, &form(EXAMPLE_SECRET)).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.body());
    json(&answer)["access_token"].as_str().unwrap().to_owned()
}

fn form(secret: &str) -> Vec<(&'static str, String)> {
    vec![
        ("client_id", EXAMPLE_CLIENT.to_owned()),
        ("client_secret", secret.to_owned()),
        ("grant_type", "client_credentials".to_owned()),
        ("scope", "https://graph.microsoft.com/.default".to_owned()),
    ]
}

async fn ask_for_token(simulator: &Simulator, form: &[(&'static str, String)]) -> Response<Bytes> {
    ask_for_token_of(simulator, EXAMPLE_TENANT, form).await
}

async fn ask_for_token_of(simulator: &Simulator, tenant: &str, form: &[(&'static str, String)]) -> Response<Bytes> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post(format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .unwrap();
    simulator.handle(request).await.unwrap()
}

fn json(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

impl Client {
    fn request(&self, method: Method, path: &str) -> Request<Bytes> {
        Request::builder()
            .method(method)
            .uri(format!("https://graph.microsoft.com{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("client-request-id", "6e8f0b3c-0000-4000-8000-00000000c11e")
            .body(Bytes::new())
            .unwrap()
    }

    async fn get(&self, path: &str) -> Response<Bytes> {
        self.simulator.handle(self.request(Method::GET, path)).await.unwrap()
    }

    /// With `Prefer: include-unknown-enum-members`.
    async fn get_all_members(&self, path: &str) -> Response<Bytes> {
        let mut request = self.request(Method::GET, path);
        request.headers_mut().insert("prefer", "include-unknown-enum-members".parse().unwrap());
        self.simulator.handle(request).await.unwrap()
    }

    async fn reset(&self, id: &str) -> Response<Bytes> {
        self.simulator.handle(self.reset_request(id)).await.unwrap()
    }

    fn reset_request(&self, id: &str) -> Request<Bytes> {
        self.request(Method::POST, &format!("/v1.0/deviceManagement/managedDevices/{id}/resetPasscode"))
    }

    /// The device's `deviceActionResults` as a single read shows them.
    async fn results(&self, id: &str) -> Value {
        let answer =
            self.get(&format!("/v1.0/deviceManagement/managedDevices/{id}?$select=id,deviceActionResults")).await;
        assert_eq!(answer.status(), 200);
        json(&answer)["deviceActionResults"].clone()
    }
}
