#![allow(clippy::unwrap_used)]
use super::*;
use crate::graph::testing::*;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::sync::Arc;

const ID: &str = "705c034c-034c-705c-4c03-5c704c035c70";

fn row(id: &str) -> Value {
    json!({
        "id": id, "serialNumber": "F9FX", "imei": "35123", "azureADDeviceId": "aad-1", "userPrincipalName": "a@b.test",
        "deviceName": "Phone", "operatingSystem": "iOS", "lastSyncDateTime": "2026-11-20T00:00:00Z",
    })
}

fn single() -> Value {
    let mut device = row(ID);
    device["hardwareInformation"] = json!({"isSharedDevice": false});
    device["deviceType"] = json!("iPhone");
    device
}

/// Lists answer by what is filtered for, single reads with `device`.
fn intune(device: Value, list: impl Fn(&str) -> Value + Send + Sync + 'static) -> Arc<Script> {
    Script::signed_in(move |request| {
        let Some(query) = request.uri().query().filter(|q| q.contains("$filter=")) else {
            return ok(&device);
        };
        let filter = query.split('&').next().unwrap();
        let filter = percent_decode_str(filter).decode_utf8().unwrap();
        ok(&list(filter.trim_start_matches("$filter=")))
    })
}

fn page(rows: &[Value]) -> Value {
    json!({"value": rows})
}

fn serial(value: &str) -> Selector {
    Selector::SerialNumber(value.to_owned())
}

fn user(name: Option<&str>, system: Option<&str>) -> Selector {
    Selector::User {
        principal_name: "a@b.test".to_owned(),
        device_name: name.map(str::to_owned),
        operating_system: system.map(str::to_owned),
    }
}

async fn find(script: &Arc<Script>, selector: &Selector) -> Result<Found, ReadError> {
    let heard = client(script).0.find(selector, Urgency::LookUp).await?;
    assert_eq!(heard.date.to_string(), "2026-11-22T09:00:00Z");
    assert_eq!(heard.request_id.as_deref(), Some("request-200"));
    Ok(heard.value)
}

fn what(result: Result<Found, ReadError>) -> String {
    match result {
        Err(ReadError::Unreadable { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_selector_finds_its_device_by_one_list_and_one_single_read_of_beta() {
    for selector in [
        serial(" f9fx "),
        Selector::Imei("35 123".to_owned()),
        Selector::AzureAdDeviceId("AAD-1".to_owned()),
        user(None, None),
        user(Some("phone"), Some("ios")),
    ] {
        let script = intune(single(), |_| page(&[row(ID)]));
        let Found::One(device) = find(&script, &selector).await.unwrap() else {
            panic!("{selector:?}");
        };
        assert_eq!(device.id, ID);
        assert_eq!(device.is_shared_device, Some(false));
        assert_eq!(device.device_type, "iPhone");
        let calls = script.graph_calls();
        assert_eq!(calls.len(), 2);
        assert!(calls.iter().all(|call| call.line.starts_with(&format!("GET {GRAPH}/beta/"))));
        assert!(calls[1].line.contains(&format!("/{ID}?$select=id,")));
        assert!(calls[1].line.ends_with(",hardwareInformation"));
    }
}

#[tokio::test]
async fn a_managed_device_id_is_read_at_once() {
    let script = intune(single(), |_| page(&[]));
    let selector = Selector::ManagedDeviceId(ID.to_uppercase());
    assert!(matches!(find(&script, &selector).await.unwrap(), Found::One(_)));
    assert_eq!(script.graph_calls().len(), 1);
    let script = Script::signed_in(|_| reply(404, samples::NOT_FOUND));
    let heard = client(&script).0.find(&selector, Urgency::LookUp).await.unwrap();
    assert_eq!(heard.value, Found::None);
    assert_eq!(heard.request_id.as_deref(), Some("request-404"));
    let selector = Selector::ManagedDeviceId("../x".to_owned());
    let error = find(&script, &selector).await.unwrap_err();
    assert!(matches!(error, ReadError::BadSelector(_)));
}

#[tokio::test]
async fn a_serial_number_is_tried_as_given_and_then_in_upper_case() {
    let script = intune(single(), |filter| match filter {
        "serialNumber eq 'F9FX'" => page(&[row(ID)]),
        _ => page(&[]),
    });
    assert!(matches!(find(&script, &serial("f9fx")).await.unwrap(), Found::One(_)));
    assert_eq!(script.graph_calls().len(), 3);
    let script = intune(single(), |_| page(&[]));
    assert_eq!(find(&script, &serial("f9fx")).await.unwrap(), Found::None);
    assert_eq!(script.graph_calls().len(), 2);
    let script = intune(single(), |_| page(&[]));
    assert_eq!(find(&script, &serial("F9FX")).await.unwrap(), Found::None);
    assert_eq!(script.graph_calls().len(), 1);
}

#[tokio::test]
async fn names_are_narrowed_here_if_the_exact_filter_finds_none() {
    let other = |id: &str| {
        let mut device = row(id);
        device["deviceName"] = json!("Tablet");
        device
    };
    let list = move |filter: &str| match filter {
        "userPrincipalName eq 'a@b.test'" => page(&[other("1"), row(ID), other("2")]),
        _ => page(&[]),
    };
    let script = intune(single(), list);
    let found = find(&script, &user(Some("PHONE"), None)).await.unwrap();
    assert!(matches!(found, Found::One(_)));
    let script = intune(single(), list);
    let found = find(&script, &user(Some("watch"), Some("iOS"))).await.unwrap();
    assert_eq!(found, Found::None);
    let script = intune(single(), list);
    let found = find(&script, &user(Some("tablet"), None)).await.unwrap();
    assert!(matches!(found, Found::Several { total: 2, more: false, .. }));
}

#[tokio::test]
async fn further_pages_of_a_user_leave_one_match_undecided_and_none_at_none() {
    let list = |filter: &str| match filter {
        "userPrincipalName eq 'a@b.test'" => json!({"value": [row(ID)], "@odata.nextLink": "x"}),
        _ => page(&[]),
    };
    let script = intune(single(), list);
    let undecided = find(&script, &user(Some("PHONE"), None)).await;
    assert!(what(undecided).contains("further pages"));
    let script = intune(single(), list);
    let found = find(&script, &user(Some("watch"), None)).await.unwrap();
    assert_eq!(found, Found::None);
}

#[tokio::test]
async fn an_ignored_filter_stops_the_look_up() {
    for selector in [serial("X"), user(None, Some("Android")), user(Some("other"), None)] {
        let script =
            intune(single(), |_| json!({"value": [row(ID), row("2")], "@odata.nextLink": "https://graph.test/next"}));
        let result = find(&script, &selector).await;
        assert!(what(result).contains("ignored the filter"));
        assert_eq!(script.graph_calls().len(), 1);
    }
}

#[tokio::test]
async fn several_are_listed_with_the_latest_sync_first_and_at_most_ten() {
    let script = intune(single(), |_| {
        let rows: Vec<Value> = (0..12)
            .map(|n| {
                let mut device = row(&format!("id-{n}"));
                device["lastSyncDateTime"] = json!(format!("2026-11-{:02}T00:00:00Z", n + 1));
                device
            })
            .collect();
        let mut rows = [rows.clone(), vec![rows[0].clone()]].concat();
        rows[0]["lastSyncDateTime"] = json!("0001-01-01T00:00:00Z");
        json!({"value": rows, "@odata.nextLink": "https://graph.test/next"})
    });
    let Found::Several { total, more, candidates } = find(&script, &serial("F9FX")).await.unwrap() else {
        panic!("not several");
    };
    assert_eq!((total, more, candidates.len()), (12, true, 10));
    assert_eq!(candidates[0].id, "id-11");
    assert!(candidates.iter().all(|device| device.id != "id-0"));
    assert!(candidates.iter().all(|device| device.is_shared_device.is_none()));
    assert_eq!(script.graph_calls().len(), 1, "no single reads");
}

#[tokio::test]
async fn a_row_twice_is_one_device() {
    let script = intune(single(), |_| page(&[row(ID), row(&ID.to_uppercase())]));
    assert!(matches!(find(&script, &serial("F9FX")).await.unwrap(), Found::One(_)));
}

#[tokio::test]
async fn a_page_link_with_less_than_two_rows_is_no_answer() {
    for rows in [vec![], vec![row(ID)]] {
        let document = json!({"value": rows, "@odata.nextLink": "https://graph.test/next"});
        let script = intune(single(), move |_| document.clone());
        let result = find(&script, &serial("F9FX")).await;
        assert!(what(result).contains("further pages"));
    }
}

#[tokio::test]
async fn the_single_read_must_be_of_that_device_and_match_again() {
    let mut other = single();
    other["id"] = json!("other");
    let script = intune(other, |_| page(&[row(ID)]));
    assert!(what(find(&script, &serial("F9FX")).await).contains("another device"));
    let mut changed = single();
    changed["serialNumber"] = json!("OTHER");
    let script = intune(changed, |_| page(&[row(ID)]));
    assert!(what(find(&script, &serial("F9FX")).await).contains("does not match"));
}

#[tokio::test]
async fn a_device_that_vanished_after_the_list_is_none() {
    let script = Script::signed_in(|request| {
        if request.uri().path().ends_with("managedDevices") {
            return ok(&page(&[row(ID)]));
        }
        reply(404, samples::NOT_FOUND)
    });
    let heard = client(&script).0.find(&serial("F9FX"), Urgency::LookUp).await.unwrap();
    assert_eq!(heard.value, Found::None);
}

#[tokio::test]
async fn lists_that_are_none_are_no_answer() {
    for document in [json!({}), json!({"value": null}), json!([]), json!([[], null])] {
        let script = intune(single(), move |_| document.clone());
        let result = find(&script, &serial("F9FX")).await;
        what(result);
    }
    let script = intune(single(), |_| page(&[json!({"serialNumber": "F9FX"})]));
    assert!(what(find(&script, &serial("F9FX")).await).contains("its id"));
    let script = intune(single(), |_| page(&[json!({"serialNumber": "F9FX", "id": "a/b"})]));
    assert!(what(find(&script, &serial("F9FX")).await).contains("its id"));
}

#[tokio::test]
async fn an_empty_selector_asks_nothing() {
    let script = intune(single(), |_| page(&[]));
    let error = find(&script, &serial(" ")).await.unwrap_err();
    assert!(matches!(error, ReadError::BadSelector(_)));
    assert!(script.seen().is_empty());
}
