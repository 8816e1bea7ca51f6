//! Real connections: HTTPS on the loopback interface, in real time.

use super::*;
use crate::{Device, DeviceClass, Fault, PathClass, Rule, ServeOptions, Server, serve};

struct Real {
    simulator: Simulator,
    server: Server,
    http: reqwest::Client,
    token: String,
}

fn http(server: &Server, http1: bool) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(server.ca_pem().as_bytes()).unwrap();
    let builder = reqwest::Client::builder().tls_certs_only([ca]).no_proxy();
    if http1 { builder.http1_only() } else { builder }.build().unwrap()
}

async fn real(http1: bool) -> (Real, String) {
    let simulator = Simulator::new();
    let id = simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    let server = serve(&simulator, ServeOptions::default()).await.unwrap();
    let http = http(&server, http1);
    let mut form = form(EXAMPLE_SECRET);
    form[3].1 = format!("{}/.default", server.graph_origin());
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let answer = http
        .post(format!("{}/{EXAMPLE_TENANT}/oauth2/v2.0/token", server.authority_origin()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();
    (Real { simulator, server, http, token }, id)
}

impl Real {
    async fn reset(&self, id: &str) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}/v1.0/deviceManagement/managedDevices/{id}/resetPasscode", self.server.graph_origin());
        self.http.post(url).bearer_auth(&self.token).send().await
    }

    async fn list(&self) -> reqwest::Result<reqwest::Response> {
        self.http
            .get(format!("{}/v1.0/deviceManagement/managedDevices", self.server.graph_origin()))
            .bearer_auth(&self.token)
            .send()
            .await
    }
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    for (http1, version) in [(true, http::Version::HTTP_11), (false, http::Version::HTTP_2)] {
        let (real, id) = real(http1).await;
        let answer = real.list().await.unwrap();
        assert_eq!((answer.version(), answer.status().as_u16()), (version, 200));
        assert_eq!(answer.headers().get_all("date").iter().count(), 1);
        assert_eq!(real.reset(&id).await.unwrap().status(), 204);
        assert_eq!(real.simulator.executed().len(), 1);
        assert!(real.simulator.refusals().is_empty(), "{:?}", real.simulator.refusals());
        real.simulator.script(Rule::everywhere(Fault::none().without_date()));
        assert!(!real.list().await.unwrap().headers().contains_key("date"));
    }
}

#[tokio::test]
async fn connections_break_for_real() {
    for http1 in [true, false] {
        let (real, id) = real(http1).await;
        for fault in [Fault::lost().executed(), Fault::reset().executed()] {
            real.simulator.script(Rule::on(PathClass::Action, fault).once());
            let error = real.reset(&id).await.unwrap_err();
            assert!(error.is_request() && !error.is_connect(), "{error:?}");
        }
        assert_eq!(real.simulator.executed().len(), 2);
        real.simulator.script(Rule::on(PathClass::List, Fault::cut_body()).once());
        let answer = real.list().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.is_err());
        assert!(real.list().await.unwrap().bytes().await.is_ok(), "the next connection is good");
    }
}

#[tokio::test]
async fn what_is_unreachable_or_gone_cannot_be_connected_to() {
    let (real, id) = real(true).await;
    real.simulator.configure(|settings| settings.graph_reachable = false);
    let fresh = Real { http: http(&real.server, true), ..real };
    assert!(fresh.reset(&id).await.unwrap_err().is_connect());
    fresh.simulator.configure(|settings| settings.graph_reachable = true);
    assert_eq!(fresh.reset(&id).await.unwrap().status(), 204);
    let url = format!("{}/x", fresh.server.graph_origin());
    drop(fresh.server);
    tokio::task::yield_now().await;
    assert!(fresh.http.get(url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn the_admin_interface_shows_and_adds() {
    let simulator = Simulator::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let admin = tokio::spawn(crate::admin::serve(simulator.clone(), listener));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = serde_json::json!({"class": "AndroidDedicated", "number": 3, "properties": {"serialNumber": "S1"}, "answerDelay": 1, "answer": "failed"});
    let added: Value = http.post(format!("{base}/devices")).json(&body).send().await.unwrap().json().await.unwrap();
    assert_eq!((added["serialNumber"].as_str(), added["class"].as_str()), (Some("S1"), Some("AndroidDedicated")));
    simulator.reset_by_hand(added["managedDeviceId"].as_str().unwrap(), simulator.now());
    let get = async |path: &str| http.get(format!("{base}{path}")).send().await.unwrap().json::<Value>().await.unwrap();
    let ledger = get("/ledger").await;
    assert_eq!((ledger[0]["serial"].as_str(), ledger[0]["app"].is_null()), (Some("S1"), true));
    assert_eq!(get("/devices").await[0]["managedDeviceId"], added["managedDeviceId"]);
    assert_eq!((get("/refusals").await, get("/requests").await), (serde_json::json!([]), serde_json::json!([])));
    let wrong =
        http.post(format!("{base}/devices")).json(&serde_json::json!({"class": "Toaster"})).send().await.unwrap();
    assert!(wrong.status().is_client_error());
    admin.abort();
}
