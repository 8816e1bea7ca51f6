//! `$batch`.

use super::*;
use crate::{Device, DeviceClass, Fault, Limits, PathClass, Rule};
use serde_json::json;

async fn batch(client: &Client, requests: Value) -> Response<Bytes> {
    let mut request = client.request(Method::POST, "/v1.0/$batch");
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    *request.body_mut() = Bytes::from(json!({"requests": requests}).to_string());
    client.simulator.handle(request).await.unwrap()
}

fn read(number: usize, id: &str) -> Value {
    json!({"id": number.to_string(), "method": "GET", "url": format!("/deviceManagement/managedDevices/{id}?$select=id,deviceActionResults")})
}

fn responses(answer: &Response<Bytes>) -> Vec<Value> {
    assert_eq!(answer.status(), 200);
    super::json(answer)["responses"].as_array().unwrap().clone()
}

fn status_of(responses: &[Value], number: usize) -> Vec<u64> {
    let id = number.to_string();
    responses
        .iter()
        .filter(|response| response["id"] == id.as_str())
        .map(|response| response["status"].as_u64().unwrap())
        .collect()
}

/// A client and so many iPhones.
async fn phones(count: u32) -> (Client, Vec<String>) {
    let client = client().await;
    let ids =
        (0..count).map(|number| client.simulator.add_device(Device::example(DeviceClass::IPhone, number))).collect();
    (client, ids)
}

#[tokio::test(start_paused = true)]
async fn items_are_answered_in_any_order() {
    let (client, ids) = phones(20).await;
    let answer = batch(&client, ids.iter().enumerate().map(|(number, id)| read(number, id)).collect()).await;
    let responses = responses(&answer);
    let order: Vec<usize> =
        responses.iter().map(|response| response["id"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(order.len(), 20);
    assert!(!order.is_sorted());
    for response in &responses {
        let number: usize = response["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(response["body"]["id"], ids[number].as_str());
        assert_eq!(response["headers"]["Content-Type"], "application/json");
    }
    assert_eq!(client.simulator.counts()[&PathClass::Read], 20);
    assert_eq!(client.simulator.peaks().app_requests, 20);
    assert!(client.simulator.requests().last().unwrap().in_batch);
}

#[tokio::test(start_paused = true)]
async fn items_fail_on_their_own() {
    let (client, ids) = phones(3).await;
    client.simulator.configure(|settings| settings.limits = Limits { app_requests: Some(3), ..Limits::default() });
    let mut items: Vec<Value> = ids.iter().enumerate().map(|(number, id)| read(number, id)).collect();
    items.insert(1, read(9, "00000000-0000-4000-8000-000000000000"));
    let responses = responses(&batch(&client, json!(items)).await);
    assert_eq!(
        (status_of(&responses, 0), status_of(&responses, 9), status_of(&responses, 2)),
        (vec![200], vec![404], vec![429])
    );
    let throttled = responses.iter().find(|response| response["id"] == "2").unwrap();
    assert!(throttled["headers"]["Retry-After"].is_string());
}

#[tokio::test(start_paused = true)]
async fn a_reset_in_a_batch_needs_headers_and_an_empty_body() {
    let (client, ids) = phones(2).await;
    let reset = |id: &str, item: &str| json!({"id": item, "method": "POST", "url": format!("/deviceManagement/managedDevices/{id}/resetPasscode")});
    let mut good = reset(&ids[0], "1");
    good["headers"] = json!({"Content-Type": "application/json"});
    good["body"] = json!({});
    let responses = responses(&batch(&client, json!([good, reset(&ids[1], "2")])).await);
    assert_eq!((status_of(&responses, 1), status_of(&responses, 2)), (vec![204], vec![400]));
    assert_eq!(client.simulator.executed().len(), 1);
    assert_eq!(client.simulator.refusals().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn items_may_be_missing_doubled_or_faulty() {
    let (client, ids) = phones(4).await;
    for (id, fault) in
        ids.iter().zip([Fault::left_out_of_batch(), Fault::repeated_in_batch(), Fault::status(503), Fault::lost()])
    {
        client.simulator.script(Rule::on(PathClass::Read, fault).device(id));
    }
    let answer = batch(&client, ids.iter().enumerate().map(|(number, id)| read(number, id)).collect()).await;
    let responses = responses(&answer);
    let statuses: Vec<Vec<u64>> = (0..4).map(|number| status_of(&responses, number)).collect();
    assert_eq!(statuses, [vec![], vec![200, 200], vec![503], vec![504]]);
    client.simulator.script(Rule::on(PathClass::Batch, Fault::status(429)).once());
    let reads = client.simulator.counts()[&PathClass::Read];
    assert_eq!(batch(&client, json!([read(0, &ids[0])])).await.status(), 429);
    assert_eq!(client.simulator.counts()[&PathClass::Read], reads, "no item was taken in");
}

#[tokio::test(start_paused = true)]
async fn bad_envelopes_are_refused() {
    let (client, ids) = phones(1).await;
    let item = read(1, &ids[0]);
    let with = |key: &str, value: Value| {
        let mut item = item.clone();
        item[key] = value;
        json!([item])
    };
    let many: Value = (0..21).map(|number| read(number, &ids[0])).collect();
    let bad = [
        many,
        json!([]),
        json!([item, item]),
        with("dependsOn", json!(["0"])),
        with("url", json!("https://x/")),
        with("id", json!(1)),
    ];
    let count = bad.len();
    for requests in bad {
        assert_eq!(batch(&client, requests).await.status(), 400);
    }
    let mut untyped = client.request(Method::POST, "/beta/$batch");
    *untyped.body_mut() = Bytes::from(json!({"requests": [item]}).to_string());
    assert_eq!(client.simulator.handle(untyped).await.unwrap().status(), 400);
    assert_eq!(client.simulator.refusals().len(), count + 1);
    let nested = batch(&client, json!([{"id": "1", "method": "POST", "url": "/$batch"}])).await;
    assert_eq!(status_of(&responses(&nested), 1), [400]);
}
