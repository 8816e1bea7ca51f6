//! `deviceActionResults` over time.

use super::*;
use crate::{ActionState, ArrayShape, Device, DeviceClass, DevicePlan, History, Lag, SignedDuration, planted};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn states(client: &Client, id: &str) -> Vec<String> {
    client
        .results(id)
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["actionState"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_entry_appears_after_the_lag_and_follows_the_plan() {
    let client = client().await;
    let plan = DevicePlan { active_after: Some(6 * SECOND), ..DevicePlan::failing(17, 10 * SECOND) };
    let id = client
        .simulator
        .add_device(Device::example(DeviceClass::AndroidFullyManaged, 1).with_plan(plan).with_lag(4 * SECOND));
    client.simulator.configure(|settings| settings.intune_offset = SignedDuration::from_secs(-30));
    assert_eq!(client.reset(&id).await.status(), 204);
    tokio::time::advance(3 * SECOND).await;
    assert!(states(&client, &id).await.is_empty());
    tokio::time::advance(SECOND).await;
    let entry = client.results(&id).await[0].clone();
    assert_eq!(
        (entry["actionName"].as_str(), entry["actionState"].as_str(), entry["errorCode"].as_i64()),
        (Some("resetPasscode"), Some("pending"), Some(0))
    );
    assert_eq!(entry["@odata.type"], "#microsoft.graph.resetPasscodeActionResult");
    assert_eq!(entry["startDateTime"], "2026-11-22T08:59:30.0000000Z");
    assert_eq!(entry["passcode"], "PLANTED-passcode-7413");
    tokio::time::advance(2 * SECOND).await;
    assert_eq!(states(&client, &id).await, ["active"]);
    tokio::time::advance(4 * SECOND).await;
    let entry = client.results(&id).await[0].clone();
    assert_eq!((entry["actionState"].as_str(), entry["errorCode"].as_i64()), (Some("failed"), Some(17)));
    assert_eq!(entry["lastUpdatedDateTime"], "2026-11-22T08:59:40.0000000Z");
    let read = json(&client.get(&format!("/v1.0/deviceManagement/managedDevices/{id}?$select=lastSyncDateTime")).await);
    assert_eq!(read["lastSyncDateTime"], "2026-11-22T08:59:40.0000000Z");
}

#[tokio::test(start_paused = true)]
async fn a_lagging_front_end_hides_what_another_shows() {
    let client = client().await;
    let id = client
        .simulator
        .add_device(Device::example(DeviceClass::IPhone, 1).with_lag(Lag { first: SECOND, everywhere: 9 * SECOND }));
    client.reset(&id).await;
    tokio::time::advance(SECOND).await;
    let seen = [states(&client, &id).await.len(), states(&client, &id).await.len(), states(&client, &id).await.len()];
    assert_eq!(seen, [1, 0, 1]);
    tokio::time::advance(8 * SECOND).await;
    assert_eq!([states(&client, &id).await.len(), states(&client, &id).await.len()], [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn history_keeps_or_overwrites_and_next_lags_come_first() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1).with_lag(Duration::ZERO));
    client.simulator.plant_entry(&id, planted::reset("2025-01-01T00:00:00Z", "done", "old"));
    for scan in ["quick", "full"] {
        client.simulator.plant_entry(&id, planted::defender_scan("2025-07-01T00:00:00Z", scan));
    }
    client.simulator.change_device(&id, |device| device.ledger.next_lags.push_back((2 * SECOND).into()));
    client.reset(&id).await;
    assert_eq!(client.results(&id).await.as_array().unwrap().len(), 3);
    tokio::time::advance(2 * SECOND).await;
    client.reset(&id).await;
    assert_eq!(client.results(&id).await.as_array().unwrap().len(), 5);
    client.simulator.configure(|settings| settings.history = History::OnePerAction);
    let names: Vec<_> = client
        .results(&id)
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["actionName"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["windowsDefenderScan", "windowsDefenderScan", "resetPasscode"]);
    assert_eq!(client.simulator.executed().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn devices_may_be_silent_odd_or_unable() {
    let client = client().await;
    let add = |number, plan| {
        client
            .simulator
            .add_device(Device::example(DeviceClass::IPhone, number).with_lag(Duration::ZERO).with_plan(plan))
    };
    let odd = DevicePlan { waiting_state: ActionState::Other("queued".into()), ..DevicePlan::never() };
    let (silent, odd) = (add(1, DevicePlan::never()), add(2, odd));
    let canceled = add(3, DevicePlan::answering(ActionState::Canceled, SECOND));
    let mac = client.simulator.add_device(Device::example(DeviceClass::MacBook, 4));
    for id in [&silent, &odd, &canceled, &mac] {
        assert_eq!(client.reset(id).await.status(), 204);
    }
    tokio::time::advance(1_000_000 * SECOND).await;
    let client = Client { token: sign_in(&client.simulator).await, ..client };
    assert_eq!(states(&client, &silent).await, ["pending"]);
    assert_eq!(states(&client, &odd).await, ["queued"]);
    assert_eq!(states(&client, &canceled).await, ["canceled"]);
    assert_eq!(states(&client, &mac).await, ["notSupported"]);
}

#[tokio::test(start_paused = true)]
async fn the_array_may_be_null_or_missing_and_entries_strange() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::AndroidDedicated, 1).with_lag(Duration::ZERO));
    client.simulator.change_device(&id, |device| {
        device.ledger.year_one_start = true;
        device.ledger.capital_names = true;
        device.ledger.passcode = Some("another-secret".into());
    });
    client.reset(&id).await;
    let entry = client.results(&id).await[0].clone();
    assert_eq!(
        (entry["startDateTime"].as_str(), entry["actionName"].as_str()),
        (Some("0001-01-01T00:00:00Z"), Some("ResetPasscode"))
    );
    assert_eq!(entry["passcode"], "another-secret");
    client.simulator.change_device(&id, |device| device.ledger.shape = ArrayShape::Null);
    assert!(client.results(&id).await.is_null());
    client.simulator.change_device(&id, |device| device.ledger.shape = ArrayShape::Missing);
    let answer =
        client.get(&format!("/v1.0/deviceManagement/managedDevices/{id}?$select=id,deviceActionResults")).await;
    assert!(json(&answer).get("deviceActionResults").is_none());
    let plain = client.get(&format!("/v1.0/deviceManagement/managedDevices/{id}")).await;
    assert_eq!(json(&plain)["deviceActionResults"].as_array().unwrap().len(), 0, "without $select the array is empty");
}

#[tokio::test(start_paused = true)]
async fn a_person_resets_by_hand() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    let past = client.simulator.now().checked_sub(60 * SECOND).unwrap();
    client.simulator.reset_by_hand(&id, past);
    assert_eq!(states(&client, &id).await, ["done"]);
    assert!(client.results(&id).await[0]["passcode"].is_null(), "an iPhone gets no new passcode");
    assert!(client.simulator.executed().is_empty());
    assert_eq!(client.simulator.all_resets()[0].at, past);
}
