//! A declared reset is carried out, by the binary, on a real API server, over HTTPS.

use std::time::Duration;

use graph_simulator::{Device, DeviceClass, Fault, PathClass, Rule};
use kube::api::PostParams;
use passcode_operator::api::reset_status::Outcome;
use serde_json::json;

use super::process::Whole;
use crate::support::objects::{reset, reset_object, with};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_reach_complete_and_rejected_and_survive_kills() {
    let whole = Whole::start().await;
    let operator = whole.operator("first");
    let device = |class, number| {
        let device = Device::example(class, number);
        (device.serial().to_owned(), whole.graph.add_device(device))
    };
    let create = async |value| whole.resets().create(&PostParams::default(), &reset_object(value)).await.unwrap();

    let (phone, phone_id) = device(DeviceClass::IPhone, 1);
    let (mac, _) = device(DeviceClass::MacBook, 2);
    let (profile, profile_id) = device(DeviceClass::AndroidCorporateWorkProfile, 3);
    create(reset("iphone", &phone, Whole::now())).await;
    create(reset("mac", &mac, Whole::now())).await;
    create(reset("profile", &profile, Whole::now())).await;
    let asked = with(reset("profile-named", &profile, Whole::now()), json!({"action": "ResetWorkProfilePasscode"}));
    create(asked).await;
    let expected = [
        ("iphone", Outcome::Complete, "PasscodeRemoved"),
        ("mac", Outcome::Rejected, "PlatformNotSupported"),
        ("profile", Outcome::Rejected, "WorkProfileOnly"),
        ("profile-named", Outcome::Complete, "WorkProfileOnly"),
    ];
    for (name, outcome, reason) in expected {
        let status = whole.outcome(name, MINUTE, &operator).await;
        assert_eq!((status.outcome, status.reason()), (Some(outcome), reason), "{name}");
    }

    // The same commit applied again after deletion.
    let again = whole.resets().get("iphone").await.unwrap().spec;
    whole.resets().delete("iphone", &Default::default()).await.unwrap();
    create(serde_json::to_value(passcode_operator::api::reset::PasscodeReset::new("iphone", again)).unwrap()).await;
    let status = whole.outcome("iphone", MINUTE, &operator).await;
    assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "Adopted"));

    // Killed while the answer to its request is under way, and started again.
    let (slow, slow_id) = device(DeviceClass::AndroidDedicated, 4);
    let fault = Fault::none().slow(Duration::from_secs(8));
    whole.graph.script(Rule::on(PathClass::Action, fault).device(&slow_id).once());
    create(reset("slow", &slow, Whole::now())).await;
    let begin = std::time::Instant::now();
    while whole.graph.executed().iter().all(|executed| executed.device != slow_id) && begin.elapsed() < MINUTE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    operator.kill().await;
    let operator = whole.operator("second");
    let status = whole.outcome("slow", 2 * MINUTE, &operator).await;
    assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "TemporaryPasscode"));

    for id in [&phone_id, &profile_id, &slow_id] {
        let count = whole.graph.executed().iter().filter(|executed| executed.device == *id).count();
        assert_eq!(count, 1, "{id}: {}", operator.log());
    }
    assert!(whole.graph.refusals().is_empty(), "{:?}", whole.graph.refusals());
    assert!(!operator.log().contains(graph_simulator::EXAMPLE_SECRET));
    assert!(operator.terminate().await < Duration::from_secs(10));
}
