//! Limits in sliding windows.

use super::*;
use crate::{App, Device, DeviceClass, Limits, PathClass, RetryAfter};
use std::time::Duration;

const LIST: &str = "/v1.0/deviceManagement/managedDevices";

#[tokio::test(start_paused = true)]
async fn writes_beyond_the_limit_are_not_executed() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    client.simulator.configure(|settings| settings.limits = Limits { app_writes: Some(2), ..Limits::default() });
    for _ in 0..2 {
        assert_eq!(client.reset(&id).await.status(), 204);
        tokio::time::advance(Duration::from_millis(1500)).await;
    }
    let answer = client.reset(&id).await;
    assert_eq!((answer.status().as_u16(), json(&answer)["error"]["code"].as_str()), (429, Some("TooManyRequests")));
    assert_eq!(header(&answer, "retry-after"), "18.500", "a decimal, as in the official sample");
    assert_eq!(client.get(LIST).await.status(), 200, "reads have a limit of their own");
    tokio::time::advance(Duration::from_millis(18_500)).await;
    assert_eq!(
        client.reset(&id).await.status(),
        204,
        "a client that obeys is let in, although the rejected request counted as well"
    );
    assert_eq!(client.simulator.executed().len(), 3);
    assert_eq!((client.simulator.peaks().app_writes, client.simulator.peaks().app_requests), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn retry_after_has_four_forms() {
    let client = client().await;
    for (form, expected) in [
        (RetryAfter::Seconds, "20"),
        (RetryAfter::Fractional, "20.000"),
        (RetryAfter::HttpDate, "Sun, 22 Nov 2026 09:00:20 GMT"),
        (RetryAfter::Missing, ""),
    ] {
        client.simulator.configure(|settings| {
            settings.limits = Limits { app_requests: Some(0), retry_after: form, ..Limits::default() }
        });
        assert_eq!(header(&client.get(LIST).await, "retry-after"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn other_apps_use_up_the_tenants_share() {
    let client = client().await;
    client.simulator.add_app(EXAMPLE_TENANT, App::new("neighbour").with_secret("x"));
    let mut form = form("x");
    form[0].1 = "neighbour".into();
    let token = json(&ask_for_token(&client.simulator, &form).await)["access_token"].as_str().unwrap().to_owned();
    let neighbour = Client { token, simulator: client.simulator.clone() };
    client
        .simulator
        .configure(|settings| settings.limits = Limits { tenant_requests: Some(3), ..Limits::documented() });
    for _ in 0..3 {
        assert_eq!(neighbour.get(LIST).await.status(), 200);
    }
    client.simulator.configure(|settings| settings.keep_requests = false);
    let kept = client.simulator.requests().len();
    assert_eq!(client.get(LIST).await.status(), 429);
    assert_eq!((client.simulator.requests().len(), client.simulator.counts()[&PathClass::List]), (kept, 4));
    assert_eq!(client.simulator.peaks().app_requests, 3);
}
