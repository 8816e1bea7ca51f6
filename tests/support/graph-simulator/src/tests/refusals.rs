//! What no documentation covers is refused and recorded.

use super::*;
use crate::{Device, DeviceClass, PathClass};

async fn refused(client: &Client, request: Request<Bytes>) -> (u16, String) {
    let before = client.simulator.refusals().len();
    let answer = client.simulator.handle(request).await.unwrap();
    assert_eq!(client.simulator.refusals().len(), before + 1);
    (answer.status().as_u16(), json(&answer)["error"]["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(start_paused = true)]
async fn unknown_paths_methods_and_versions() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    let device = format!("/deviceManagement/managedDevices/{id}");
    for (method, path, status) in [
        (Method::GET, "/v1.0/users".to_owned(), 400),
        (Method::GET, "/v2.0/deviceManagement/managedDevices".to_owned(), 400),
        (Method::GET, "/v1.0/devicemanagement/manageddevices".to_owned(), 400),
        (Method::GET, format!("/v1.0{device}/deviceActionResults"), 400),
        (Method::POST, format!("/v1.0{device}/removeDevicePasscode"), 400),
        (Method::POST, format!("/beta{device}/resetPasscode"), 400),
        (Method::DELETE, format!("/v1.0{device}"), 405),
        (Method::GET, format!("/v1.0{device}/resetPasscode"), 405),
        (Method::POST, "/v1.0/deviceManagement/managedDevices".to_owned(), 405),
        (Method::GET, format!("/v1.0{device}?$filter=id"), 400),
        (Method::POST, format!("/v1.0{device}/resetPasscode?$select=id"), 400),
    ] {
        assert_eq!(refused(&client, client.request(method.clone(), &path)).await.0, status, "{method} {path}");
    }
    let message = refused(&client, client.request(Method::POST, &format!("/v1.0{device}/wipe"))).await.1;
    assert_eq!(message, "Resource not found for the segment 'wipe'.");
    assert!(client.simulator.executed().is_empty());
    assert_eq!(client.simulator.counts()[&PathClass::Action], 2);
}

#[tokio::test(start_paused = true)]
async fn missing_and_invented_tokens() {
    let client = client().await;
    let mut request = client.request(Method::GET, "/v1.0/deviceManagement/managedDevices");
    request.headers_mut().remove("authorization");
    assert_eq!(refused(&client, request).await, (401, "Access token is empty.".into()));
    for header in ["Bearer invented", "Basic dTpw"] {
        let mut request = client.request(Method::GET, "/v1.0/deviceManagement/managedDevices");
        request.headers_mut().insert("authorization", header.parse().unwrap());
        assert_eq!(refused(&client, request).await.0, 401);
    }
    assert!(!client.simulator.requests()[1].authorized);
}

#[tokio::test(start_paused = true)]
async fn wrong_hosts_bodies_and_accept_headers() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    let mut request = client.request(Method::GET, "/v1.0/deviceManagement/managedDevices");
    *request.uri_mut() = "https://graph.microsoft.us/v1.0/deviceManagement/managedDevices".parse().unwrap();
    assert_eq!(refused(&client, request).await.0, 421);
    let mut request = client.request(Method::GET, "/v1.0/deviceManagement/managedDevices");
    *request.uri_mut() = "http://graph.microsoft.com/v1.0/deviceManagement/managedDevices".parse().unwrap();
    assert_eq!(refused(&client, request).await.0, 421);
    let mut request = client.request(Method::GET, "/v1.0/deviceManagement/managedDevices");
    *request.body_mut() = Bytes::from_static(b"{}");
    assert_eq!(refused(&client, request).await.0, 400);
    let mut request = client.reset_request(&id);
    *request.body_mut() = Bytes::from_static(b"{}");
    assert_eq!(refused(&client, request).await.0, 400);
    let mut request = client.request(Method::GET, "/v1.0/deviceManagement/managedDevices");
    request.headers_mut().insert("accept", "text/html".parse().unwrap());
    assert_eq!(refused(&client, request).await.0, 406);
    assert!(client.simulator.executed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_host_header_is_enough() {
    let client = client().await;
    let mut request = client.request(Method::GET, "/v1.0/deviceManagement/managedDevices");
    *request.uri_mut() = "/v1.0/deviceManagement/managedDevices".parse().unwrap();
    request.headers_mut().insert("host", "graph.microsoft.com:443".parse().unwrap());
    assert_eq!(client.simulator.handle(request).await.unwrap().status(), 200);
    assert!(client.simulator.refusals().is_empty());
}
