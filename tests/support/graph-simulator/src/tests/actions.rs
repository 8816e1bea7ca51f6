//! `resetPasscode` and `recoverPasscode`.

use super::*;
use crate::{Device, DeviceClass, READ_PERMISSION, RESET_PERMISSION};

#[tokio::test(start_paused = true)]
async fn a_reset_is_executed_and_answered_without_content() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    let answer = client.reset(&id).await;
    assert_eq!((answer.status().as_u16(), answer.body().len()), (204, 0));
    let executed = client.simulator.executed();
    assert_eq!(executed.len(), 1);
    assert_eq!((executed[0].device.as_str(), executed[0].action.as_str()), (id.as_str(), "resetPasscode"));
    assert_eq!(executed[0].client_request_id.as_deref(), Some("6e8f0b3c-0000-4000-8000-00000000c11e"));
    assert_eq!((executed[0].app.as_deref(), executed[0].at), (Some(EXAMPLE_CLIENT), client.simulator.now()));
    assert_eq!(executed[0].serial, client.simulator.device(&id).unwrap().serial());
}

#[tokio::test(start_paused = true)]
async fn windows_phones_recover_and_others_reset() {
    let client = client().await;
    let phone = client.simulator.add_device(Device::example(DeviceClass::Windows10Mobile, 1));
    let ipad = client.simulator.add_device(Device::example(DeviceClass::IPad, 1));
    let recover =
        |id: &str| client.request(Method::POST, &format!("/v1.0/deviceManagement/managedDevices/{id}/recoverPasscode"));
    let wrong = [client.reset(&phone).await, client.simulator.handle(recover(&ipad)).await.unwrap()];
    for answer in wrong {
        assert_eq!(answer.status(), 400);
        let message = json(&answer)["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            serde_json::from_str::<Value>(&message).unwrap()["Message"]
                .as_str()
                .unwrap()
                .starts_with("An error has occurred")
        );
    }
    assert!(client.simulator.executed().is_empty());
    assert_eq!(client.simulator.handle(recover(&phone)).await.unwrap().status(), 204);
    tokio::time::advance(std::time::Duration::from_secs(9)).await;
    let entry = client.results(&phone).await[0].clone();
    assert_eq!((entry["actionName"].as_str(), entry["actionState"].as_str()), (Some("recoverPasscode"), Some("done")));
    assert!(entry.get("passcode").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reset_needs_its_permission() {
    let simulator = Simulator::new();
    simulator.change_app(EXAMPLE_CLIENT, |app| app.permissions = [READ_PERMISSION.to_owned()].into());
    let client = Client { token: sign_in(&simulator).await, simulator };
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    let answer = client.reset(&id).await;
    assert_eq!(answer.status(), 403);
    let message = json(&answer)["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(RESET_PERMISSION) && message.contains("api.resetPasscode"));
    assert!(client.simulator.executed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_nothing_is_not_found() {
    let client = client().await;
    assert_eq!(client.reset("00000000-0000-4000-8000-000000000000").await.status(), 404);
    assert!(client.simulator.refusals().is_empty());
}
