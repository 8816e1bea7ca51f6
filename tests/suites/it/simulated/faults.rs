//! Faults around a reset: clocks that are wrong, servers that are gone, objects that come and go.

use std::time::Duration;

use api_server::{Cut, Fault as ApiFault, On, Verb, status as api_status};
use graph_simulator::{DeviceClass, DevicePlan, Lag};
use k8s_openapi::jiff::SignedDuration;
use passcode_core::api::{conditions, reset_status::Outcome};
use serde_json::json;

use world::{
    World,
    objects::{reset, with},
};

const SOON: Duration = Duration::from_secs(60);
const VERIFIED: Duration = Duration::from_secs(900);

#[tokio::test(start_paused = true)]
async fn our_clock_may_be_ten_minutes_wrong() {
    for minutes in [10, -10] {
        let mut world = World::new().await;
        world.clock_offset = SignedDuration::from_mins(minutes);
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let (later, later_id) = world.device(DeviceClass::IPhone, 2);
        let replica = world.replica("a");
        world.create(reset("now", &serial, world.now())).await;
        let at = world.now() + Duration::from_secs(1200);
        world.create(reset("later", &later, at)).await;
        world.ends("now", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        world.ends("later", Duration::from_secs(3600), Outcome::Complete, "PasscodeRemoved").await;
        let sent = world.graph.executed().iter().find(|e| e.device == later_id).unwrap().at;
        assert!((0..60).contains(&sent.duration_since(at).as_secs()), "{minutes}: {sent}");
        assert_eq!(world.executed(&id), 1);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn graphs_clock_decides_when() {
    for minutes in [10, -10] {
        let world = World::new().await;
        let offset = SignedDuration::from_mins(minutes);
        world.graph.configure(|settings| {
            settings.front_end_offset = offset;
            settings.intune_offset = offset;
        });
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let replica = world.replica("a");
        // Asked for by the clock of a desk that agrees with Graph's.
        world.create(reset("inc", &serial, world.now() + offset)).await;
        world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(world.executed(&id), 1, "{minutes}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn intunes_clock_may_be_off_once_an_attempt_was_made() {
    for minutes in [10, -10] {
        let world = World::new().await;
        world.graph.configure(|settings| settings.intune_offset = SignedDuration::from_mins(minutes));
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        let status = world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        assert!(!status.device_action.unwrap().adopted, "{minutes}");
        assert_eq!(world.executed(&id), 1, "{minutes}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_api_server_may_be_gone_for_a_minute_at_any_moment() {
    for after in [0, 1, 2, 3, 5, 8] {
        for cut in [Cut::Refused, Cut::Silent] {
            let world = World::new().await;
            let (serial, id) = world.device(DeviceClass::IPhone, 1);
            world.graph.configure(|settings| settings.latency = Duration::from_millis(700));
            let replica = world.replica("a");
            world.create(reset("inc", &serial, world.now())).await;
            tokio::time::sleep(Duration::from_secs(after)).await;
            world.api.caller("a").cut_off(cut);
            tokio::time::sleep(SOON).await;
            world.api.caller("a").reconnect();
            world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
            assert_eq!(world.executed(&id), 1, "cut after {after} s");
            replica.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_write_may_be_slow_or_lost_once() {
    for nth in 1..=8 {
        for (name, fault) in [
            ("slow", ApiFault::Delay(Duration::from_secs(12))),
            ("hangs", ApiFault::ApplyThenHang),
            ("504 of a write that happened", ApiFault::ApplyThenFail(api_status(504, "Timeout", "timed out"))),
            ("lost before", ApiFault::LoseBefore),
            ("conflict", ApiFault::Fail(api_status(409, "Conflict", "changed"))),
        ] {
            let world = World::new().await;
            let (serial, id) = world.device(DeviceClass::IPhone, 1);
            world.api.caller("a").fault(On::writes().nth(nth), fault);
            let replica = world.replica("a");
            world.create(reset("inc", &serial, world.now())).await;
            let status = world.outcome("inc", VERIFIED).await;
            assert_eq!(status.outcome, Some(Outcome::Complete), "{name}, write {nth}: {}", status.reason());
            assert_eq!(world.executed(&id), 1, "{name}, write {nth}");
            replica.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_operator_is_followed_by_another_wherever_it_was() {
    for nth in 1..=10 {
        for fault in [ApiFault::Hang, ApiFault::ApplyThenHang] {
            let world = World::new().await;
            let (serial, id) = world.device(DeviceClass::IPhone, 1);
            let hit = world.api.caller("a").fault(On::writes().nth(nth), fault);
            let replica = world.replica("a");
            world.create(reset("inc", &serial, world.now())).await;
            if tokio::time::timeout(SOON, hit.wait()).await.is_err() {
                replica.stop().await;
                continue;
            }
            replica.kill().await;
            let next = world.replica("b");
            let status = world.outcome("inc", VERIFIED).await;
            // Killed between its claim and its request, nobody can tell in a tenant whose ledger was never seen to work.
            let told = matches!(status.outcome, Some(Outcome::Complete)) || status.reason() == "OutcomeUnknown";
            assert!(told, "write {nth}: {}", status.reason());
            assert!(world.executed(&id) <= 1, "write {nth}");
            assert_eq!(world.executed(&id) == 1, status.outcome == Some(Outcome::Complete), "write {nth}");
            next.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hand_over_on_sigterm_is_quick_and_sends_nothing_twice() {
    let world = World::new().await;
    let a = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let b = world.replica("b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut ids = Vec::new();
    for number in 1..=20 {
        let (serial, id) = world.device(DeviceClass::IPhone, number);
        world.create(reset(&format!("inc{number}"), &serial, world.now())).await;
        ids.push(id);
    }
    a.stop().await;
    for (number, id) in (1..=20).zip(&ids) {
        world.ends(&format!("inc{number}"), VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(world.executed(id), 1);
    }
    let lease = world.api.object("Lease", "passcode-operator", "passcode-operator-leader").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], json!("b"));
    b.stop().await;
    let lease = world.api.object("Lease", "passcode-operator", "passcode-operator-leader").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"].as_str().unwrap_or_default(), "", "let go, not deleted");
}

#[tokio::test(start_paused = true)]
async fn hand_over_on_sigterm_does_not_wait_for_a_slow_renewal() {
    for fault in [ApiFault::Hang, ApiFault::ApplyThenHang] {
        let world = World::new().await;
        let a = world.replica("a");
        tokio::time::sleep(Duration::from_secs(5)).await;
        let b = world.replica("b");
        let renewal = On::verb(Verb::Update).resource("leases").named("passcode-operator-leader");
        world.api.caller("a").fault(renewal, fault).wait().await;
        let at = world.now();
        a.stop().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        world.create(reset("inc", &serial, world.now())).await;
        world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
        let sent = world.graph.executed().iter().find(|executed| executed.device == id).unwrap().at;
        assert!(sent.duration_since(at) <= SignedDuration::from_secs(2), "{}", sent.duration_since(at));
        b.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_leader_is_followed_after_its_lease() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let a = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let b = world.replica("b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.api.caller("a").cut_off(Cut::Silent);
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    world.api.caller("a").reconnect();
    tokio::time::sleep(SOON).await;
    assert_eq!(world.executed(&id), 1);
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn recreated_at_once_under_the_same_name() {
    for after in [0, 1, 2, 4, 6, 9] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        world.graph.configure(|settings| settings.latency = Duration::from_millis(600));
        let replica = world.replica("a");
        let declared = reset("inc", &serial, world.now());
        world.create(declared.clone()).await;
        tokio::time::sleep(Duration::from_secs(after)).await;
        world.resets().delete("inc", &Default::default()).await.unwrap();
        world.create(declared).await;
        let status = world.outcome("inc", VERIFIED).await;
        assert_eq!(status.outcome, Some(Outcome::Complete), "after {after} s: {}", status.reason());
        assert_eq!(world.executed(&id), 1, "after {after} s");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_copied_manifest_with_yesterdays_time() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    let yesterday = world.now() - Duration::from_secs(90_000);
    world.create(reset("copy", &serial, yesterday)).await;
    let status = world.ends("copy", SOON, Outcome::Rejected, "Expired").await;
    assert!(status.conditions[0].message.contains("requestTime now"), "{}", status.conditions[0].message);
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_never_appears_after_a_204() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.change_device(&id, |device| {
        device.ledger.lag = Some(Lag::from(Duration::from_secs(400 * 86_400)));
        device.plan = DevicePlan::never();
    });
    let replica = world.replica("a");
    world.create(with(reset("inc", &serial, world.now()), json!({"completionTimeout": "2h"}))).await;
    let status = world.ends("inc", Duration::from_secs(8000), Outcome::Failed, "DeadlineExceeded").await;
    assert!(conditions::is_true(&status.conditions, "Issued"));
    assert_eq!(world.executed(&id), 1);
    let tenant = world.tenant("default").await.status.unwrap();
    let readable = conditions::get(&tenant.conditions, "LedgerReadable").unwrap();
    assert_eq!((readable.status.as_str(), readable.reason.as_str()), ("False", "EntryMissing"));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_older_definition_claims_nothing_and_refuses_no_outcome() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let mut definitions = passcode_core::api::manifests::definitions().unwrap();
    let current = definitions.remove(1);
    let mut older = serde_json::to_value(&current).unwrap();
    let status = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/attempt/properties";
    older.pointer_mut(status).unwrap().as_object_mut().unwrap().remove("seenStartTimes");
    world.api.register(serde_json::from_value(older).unwrap());
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.executed(&id), 0);
    world.api.register(current);
    world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_object_stops_nobody_else() {
    let world = World::new().await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    let client = world.api.client();
    let resource = kube::core::ApiResource::erase::<passcode_core::api::reset::PasscodeReset>(&());
    let raw: kube::Api<kube::core::DynamicObject> = kube::Api::namespaced_with(client, "helpdesk", &resource);
    let broken = json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeReset",
        "metadata": {"name": "broken", "namespace": "helpdesk"},
        "spec": {"device": {"serialNumber": "X"}, "requestTime": "not a time"},
    });
    raw.create(&Default::default(), &serde_json::from_value(broken).unwrap()).await.unwrap();
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_conflicting_label_edit_changes_nothing() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let editor = world.api.client_named("editor");
    world.api.caller("a").before(move |call| {
        let editor = editor.clone();
        async move {
            // Somebody labels the object just before each write of its status.
            if call.verb == Verb::Patch && call.resource == "passcoderesets" && call.subresource == "status" {
                let api: kube::Api<passcode_core::api::reset::PasscodeReset> =
                    kube::Api::namespaced(editor, "helpdesk");
                let stamp = json!({"metadata": {"labels": {"edited": uuid::Uuid::new_v4().to_string()}}});
                if api.list(&Default::default()).await.unwrap().items[0].metadata.labels.is_none() {
                    api.patch("inc", &Default::default(), &kube::api::Patch::Merge(stamp)).await.unwrap();
                }
            }
            None
        }
    });
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}
