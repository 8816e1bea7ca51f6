#![allow(clippy::unwrap_used)]
use super::*;
use crate::graph::{calls::testing::*, http::testing::*};
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
    let heard = client(script).0.find(selector, Priority::LookUp).await?;
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
        assert!(calls[1].line.contains(",hardwareInformation,"));
    }
}

#[tokio::test]
async fn the_single_read_is_a_look_where_it_shows_the_record() {
    let entry = json!({"actionName": "resetPasscode", "actionState": "done", "startDateTime": "2026-11-21T00:00:00Z"});
    for (record, shows) in [
        (json!([entry]), Some(1)),
        (json!([]), Some(0)),
        (Value::Null, None),
        // Nobody could tell when it was.
        (json!([{"actionName": "resetPasscode", "actionState": "done"}]), None),
    ] {
        let mut device = single();
        device["deviceActionResults"] = record.clone();
        let (graph, _) = client(&intune(device, |_| page(&[row(ID)])));
        let Identified::One(candidate) = graph.identify(&serial("F9FX"), Priority::LookUp).await.unwrap() else {
            panic!("not found");
        };
        assert_eq!(candidate.id(), ID);
        let (found, look) = graph.device(&candidate, &serial("F9FX")).await.unwrap();
        assert!(matches!(found.value, Found::One(_)), "{record}: it is found all the same");
        let shown = look.map(|look| match look {
            Look::Seen { results, .. } => results.len(),
            Look::Gone => panic!("it is there"),
        });
        assert_eq!(shown, shows, "{record}");
    }
}

#[tokio::test]
async fn a_managed_device_id_is_read_at_once() {
    let script = intune(single(), |_| page(&[]));
    let selector = Selector::ManagedDeviceId(ID.to_uppercase());
    assert!(matches!(find(&script, &selector).await.unwrap(), Found::One(_)));
    assert_eq!(script.graph_calls().len(), 1);
    let script = Script::signed_in(|_| reply(404, samples::NOT_FOUND));
    let heard = client(&script).0.find(&selector, Priority::LookUp).await.unwrap();
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
    assert!(matches!(found, Found::Several { total: 2, .. }));
}

/// The link to a page of the list that has this number.
fn link(number: usize) -> String {
    format!("{GRAPH}/beta/deviceManagement/managedDevices?$filter=x&$skiptoken={number}")
}

/// Pages of a list, the last one without a link; asked for more, there is none.
fn pages(device: Value, pages: Vec<Value>) -> Arc<Script> {
    Script::signed_in(move |request| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let number = query.rsplit_once("skiptoken=").map_or(0, |(_, number)| number.parse::<usize>().unwrap());
        match request.uri().path().ends_with("/managedDevices") {
            true => ok(&pages[number]),
            false => ok(&device),
        }
    })
}

#[tokio::test]
async fn a_short_page_is_followed_to_the_next() {
    let other = |id: &str| {
        let mut device = row(id);
        device["deviceName"] = json!("Tablet");
        device
    };
    let page = |rows: &[Value], next: usize| json!({"value": rows, "@odata.nextLink": link(next)});
    for (selector, list, calls) in [
        (serial("F9FX"), vec![page(&[row(ID)], 1), page(&[], 2), json!({"value": []})], 4),
        (serial("F9FX"), vec![page(&[], 1), json!({"value": [row(ID)]})], 3),
        // The same device on two pages is one.
        (serial("F9FX"), vec![page(&[row(ID)], 1), json!({"value": [row(ID)], "@odata.nextLink": null})], 3),
        (user(Some("phone"), None), vec![page(&[other("1")], 1), json!({"value": [other("2"), row(ID)]})], 3),
    ] {
        let is_narrowed = matches!(selector, Selector::User { .. });
        let script = pages(single(), list.clone());
        // The exact filter finds nothing, so that the pages are those of the user.
        let script = if is_narrowed {
            let device = single();
            Script::signed_in(move |request| {
                let query = request.uri().query().unwrap_or_default();
                match (query.contains("deviceName%20eq"), query.rsplit_once("skiptoken=")) {
                    (true, _) => ok(&json!({"value": []})),
                    (_, Some((_, number))) => ok(&list[number.parse::<usize>().unwrap()]),
                    _ if query.contains("$filter") => ok(&list[0]),
                    _ => ok(&device),
                }
            })
        } else {
            script
        };
        let found = find(&script, &selector).await.unwrap();
        assert!(matches!(found, Found::One(_)), "{selector:?}: {found:?}");
        assert_eq!(script.graph_calls().len(), calls + usize::from(is_narrowed), "{selector:?}");
    }
    let script = pages(single(), vec![page(&[row(ID)], 1), page(&[row("2")], 2)]);
    let found = find(&script, &serial("F9FX")).await.unwrap();
    assert!(matches!(found, Found::Several { total: 2, .. }), "{found:?}");
    let script = pages(single(), vec![page(&[], 1), json!({"value": []})]);
    assert_eq!(find(&script, &serial("F9FX")).await.unwrap(), Found::None);
}

#[tokio::test]
async fn pages_are_followed_a_bounded_number_of_times() {
    for rows in [vec![], vec![row(ID)]] {
        let endless = json!({"value": rows, "@odata.nextLink": link(0)});
        let script = pages(single(), vec![endless]);
        let error = find(&script, &serial("F9FX")).await.unwrap_err();
        assert_eq!(error, ReadError::TooManyPages { pages: MAX_PAGES });
        assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(60)));
        assert_eq!(script.graph_calls().len(), MAX_PAGES);
    }
}

/// A token goes with the request.
#[tokio::test]
async fn a_link_that_leads_elsewhere_is_not_followed() {
    for elsewhere in [
        json!("https://evil.test/beta/deviceManagement/managedDevices?$skiptoken=1"),
        json!(format!("{GRAPH}/v1.0/deviceManagement/managedDevices?$skiptoken=1")),
        json!(format!("{GRAPH}/beta/users?$skiptoken=1")),
        json!("x"),
        json!(7),
    ] {
        for rows in [vec![], vec![row(ID)]] {
            let document = json!({"value": rows, "@odata.nextLink": elsewhere});
            let script = intune(single(), move |_| document.clone());
            assert!(what(find(&script, &serial("F9FX")).await).contains("leads elsewhere"), "{elsewhere}");
            assert_eq!(script.graph_calls().len(), 1, "{elsewhere}");
        }
    }
}

#[tokio::test]
async fn a_filter_on_the_name_that_fails_is_as_one_that_finds_nothing() {
    let failing = |status: u16, rows: Vec<Value>| {
        let device = single();
        Script::signed_in(move |request| {
            let query = request.uri().query().unwrap_or_default();
            match (query.contains("deviceName%20eq"), query.contains("$filter=")) {
                (true, _) => reply(status, samples::NOT_FOUND),
                (_, true) => ok(&page(&rows)),
                _ => ok(&device),
            }
        })
    };
    for status in [400, 500, 501, 504] {
        let script = failing(status, vec![row(ID)]);
        let found = find(&script, &user(Some("phone"), None)).await.unwrap();
        assert!(matches!(found, Found::One(_)), "{status}: {found:?}");
        assert_eq!(script.graph_calls().len(), 3, "{status}");
        // That the user has no such device is an answer, too.
        let script = failing(status, vec![row(ID)]);
        assert_eq!(find(&script, &user(Some("watch"), None)).await.unwrap(), Found::None, "{status}");
    }
    for status in [401, 403, 429, 503] {
        let error = find(&failing(status, vec![row(ID)]), &user(Some("phone"), None)).await.unwrap_err();
        assert_eq!(error.refusal().unwrap().status, status);
    }
    // Where the wider filter fails as well, nobody can tell; nor is there a wider one for the user alone.
    for selector in [user(Some("phone"), None), user(None, None), serial("F9FX")] {
        let script = Script::signed_in(|_| reply(500, samples::BAD_REQUEST));
        let error = find(&script, &selector).await.unwrap_err();
        assert_eq!(error.refusal().unwrap().status, 500, "{selector:?}");
    }
}

#[tokio::test]
async fn a_name_is_found_as_people_type_it() {
    let mut phone = single();
    phone["deviceName"] = json!("Anna\u{2019}s\u{a0}iPhone");
    let stored = phone.clone();
    let script = intune(phone.clone(), move |filter| match filter {
        "userPrincipalName eq 'a@b.test'" => page(std::slice::from_ref(&stored)),
        _ => page(&[]),
    });
    for typed in ["Anna's iPhone", "anna&apos;s  iphone", "Anna\u{2019}s iPhone "] {
        let found = find(&script, &user(Some(typed), None)).await.unwrap();
        assert!(matches!(found, Found::One(_)), "{typed}: {found:?}");
    }
    assert_eq!(find(&script, &user(Some("Annas iPhone"), None)).await.unwrap(), Found::None);
}

/// 14 digits and their check digit, which is 3.
const IMEI: &str = "350123450000043";

#[tokio::test]
async fn an_imei_is_found_with_and_without_its_check_digit() {
    let with_imei = |imei: &str, id: &str| {
        let mut device = row(id);
        device["imei"] = json!(imei);
        device
    };
    let listing = |rows: Vec<Value>| {
        let device = rows[0].clone();
        intune(device, move |filter| {
            let imei = |row: &&Value| filter == format!("imei eq '{}'", row["imei"].as_str().unwrap());
            page(&rows.iter().filter(imei).cloned().collect::<Vec<_>>())
        })
    };
    for (stored, asked) in [(&IMEI[..14], IMEI), (IMEI, &IMEI[..14]), (IMEI, IMEI), (&IMEI[..14], &IMEI[..14])] {
        let script = listing(vec![with_imei(stored, ID)]);
        let found = find(&script, &Selector::Imei(asked.to_owned())).await.unwrap();
        assert!(matches!(found, Found::One(_)), "{stored} {asked}: {found:?}");
        assert_eq!(script.graph_calls().len(), 3, "both forms, and the device");
    }
    // Two records, one in each form: nobody says which is meant.
    let script = listing(vec![with_imei(IMEI, ID), with_imei(&IMEI[..14], "2")]);
    let found = find(&script, &Selector::Imei(IMEI.to_owned())).await.unwrap();
    assert!(matches!(found, Found::Several { total: 2, .. }), "{found:?}");
    // A check digit that does not fit is another number, or none.
    for (stored, asked) in
        [(&IMEI[..14], "350123450000048"), ("350123450000048", &IMEI[..14]), (IMEI, "3501234500000430")]
    {
        let script = listing(vec![with_imei(stored, ID)]);
        assert_eq!(find(&script, &Selector::Imei(asked.to_owned())).await.unwrap(), Found::None, "{stored} {asked}");
    }
}

#[tokio::test]
async fn an_error_does_not_repeat_what_was_asked() {
    let selector = Selector::User {
        principal_name: "anna.o'neil@contoso.example".to_owned(),
        device_name: Some("Anna's \"work\" phone".to_owned()),
        operating_system: None,
    };
    for status in [400, 401, 403, 404, 405, 409, 429, 500, 503] {
        let script = Script::signed_in(move |request| {
            let message = format!(
                "Could not do {:?}: Anna's \"WORK\" phone of anna.o'neil@contoso.example",
                request.uri().path_and_query()
            );
            reply(status, &json!({"error": {"code": "BadRequest", "message": message}}).to_string())
        });
        let error = find(&script, &selector).await.unwrap_err();
        let said = format!("{error} {error:?}").to_lowercase();
        for part in ["anna", "neil", "contoso", "work"] {
            assert!(!said.contains(part), "{status}: {said}");
        }
    }
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
    let Found::Several { total, candidates } = find(&script, &serial("F9FX")).await.unwrap() else {
        panic!("not several");
    };
    assert_eq!((total, candidates.len()), (12, 10));
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
    let heard = client(&script).0.find(&serial("F9FX"), Priority::LookUp).await.unwrap();
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
