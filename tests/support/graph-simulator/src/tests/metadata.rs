//! The node's metadata service.

use super::*;
use crate::{Fault, PathClass, Rule};

const ASKED: &str = "api-version=2019-08-01&resource=https%3A%2F%2Fgraph.microsoft.com&client_id=";

fn node() -> Simulator {
    let simulator = Simulator::new();
    simulator.configure(|settings| settings.node = Some(vec![EXAMPLE_CLIENT.to_owned()]));
    simulator
}

async fn ask(simulator: &Simulator, query: &str, metadata: bool) -> (u16, Value) {
    let request = Request::get(format!("http://169.254.169.254/metadata/identity/oauth2/token?{query}"));
    let request = if metadata { request.header("metadata", "true") } else { request };
    let answer = simulator.handle(request.body(Bytes::new()).unwrap()).await.unwrap();
    (answer.status().as_u16(), super::json(&answer))
}

#[tokio::test(start_paused = true)]
async fn an_assigned_identity_gets_a_token_whose_numbers_are_strings() {
    let simulator = node();
    let (status, body) = ask(&simulator, &format!("{ASKED}{EXAMPLE_CLIENT}"), true).await;
    assert_eq!((status, body["expires_in"].as_str()), (200, Some("3599")));
    let ends: i64 = body["expires_on"].as_str().unwrap().parse().unwrap();
    assert_eq!(ends, simulator.now().as_second() + 3599);
    let client = Client { token: body["access_token"].as_str().unwrap().to_owned(), simulator };
    assert_eq!(client.get("/v1.0/deviceManagement/managedDevices").await.status(), 200);
    assert_eq!(client.simulator.token_requests()[0].scope, "https://graph.microsoft.com");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_told_as_documented() {
    let simulator = node();
    let error = async |query: &str, metadata| {
        let (status, body) = ask(&simulator, query, metadata).await;
        (status, body["error"].as_str().unwrap().to_owned())
    };
    let good = format!("{ASKED}{EXAMPLE_CLIENT}");
    assert_eq!(error(&good, false).await, (400, "bad_request_102".into()));
    assert_eq!(error(&format!("{ASKED}other"), true).await, (400, "invalid_request".into()));
    assert_eq!(error(ASKED, true).await, (400, "invalid_request".into()));
    assert_eq!(error(&good.replace("graph", "vault"), true).await, (400, "invalid_resource".into()));
    assert_eq!(error(&good.replace("2019", "2017"), true).await, (400, "invalid_request".into()));
    simulator.script(Rule::on(PathClass::Token, Fault::status(410)).once());
    assert_eq!(error(&good, true).await, (410, "unknown".into()));
    assert_eq!(ask(&simulator, &good, true).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn elsewhere_there_is_none() {
    let request = Request::get("http://169.254.169.254/metadata/identity/oauth2/token").body(Bytes::new()).unwrap();
    assert!(Simulator::new().handle(request).await.is_err());
}
