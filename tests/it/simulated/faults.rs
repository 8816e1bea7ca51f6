//! Faults around a reset: clocks that are wrong, servers that are gone, objects that come and go.

use std::time::Duration;

use api_server::{Cut, Fault as ApiFault, On, Verb, status as api_status};
use graph_simulator::{DeviceClass, DevicePlan, Fault, Lag, PathClass, Rule};
use k8s_openapi::jiff::SignedDuration;
use passcode_operator::api::{conditions, reset_status::Outcome};
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
async fn a_lease_that_a_restore_took_back_is_left_for_the_next_leader_to_see() {
    let world = World::new().await;
    let a = world.replica("a");
    tokio::time::sleep(Duration::from_secs(30)).await;
    let before = world.api.snapshot();
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.api.restore(&before);
    a.stop().await;
    let lease = world.api.object("Lease", "passcode-operator", "passcode-operator-leader").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], json!("a"));
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
    let mut definitions = passcode_operator::api::manifests::definitions().unwrap();
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
    let resource = kube::core::ApiResource::erase::<passcode_operator::api::reset::PasscodeReset>(&());
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
async fn etcd_restored_from_before_the_claim_holds_back_what_may_be_under_way() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let a = world.replica("a");
    // An installation of some age: a fresh one is not concerned.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    world.create(reset("inc", &serial, world.now())).await;
    let before = world.api.snapshot();
    world.graph.configure(|settings| settings.ledger_lag = Lag::from(Duration::from_secs(100)));
    world.until("inc", SOON, |status| status.reason() == "WaitingForDevice").await;
    a.kill().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.api.restore(&before);
    tokio::time::sleep(Duration::from_secs(300)).await;
    let b = world.replica("b");
    let status = world.outcome("inc", VERIFIED).await;
    assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "Adopted"));
    assert_eq!(world.executed(&id), 1);
    b.stop().await;
}

/// The lease of a backup is no older than the backup: an operator that starts soon after finds one that was renewed a moment ago.
#[tokio::test(start_paused = true)]
async fn a_new_operator_on_a_young_backup_sends_nothing_twice() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let a = world.replica("a");
    // An installation of some age: a fresh one is not concerned.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    world.create(reset("inc", &serial, world.now())).await;
    let before = world.api.snapshot();
    world.graph.configure(|settings| settings.ledger_lag = Lag::from(Duration::from_secs(100)));
    world.until("inc", SOON, |status| status.reason() == "WaitingForDevice").await;
    a.kill().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.api.restore(&before);
    let b = world.replica("b");
    let status = world.outcome("inc", VERIFIED).await;
    assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "Adopted"));
    assert_eq!(world.executed(&id), 1);
    b.stop().await;
}

/// A watch that goes on from a version which a restore took back is told nothing until that version has been given out again.
#[tokio::test(start_paused = true)]
async fn what_is_declared_after_a_restore_under_a_running_leader_is_seen() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(30)).await;
    let before = world.api.snapshot();
    let declaration = reset("inc", &serial, world.now());
    world.create(declaration.clone()).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    world.api.restore(&before);
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.create(declaration).await;
    world.ends("inc", SOON, Outcome::Complete, "Adopted").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

/// A replica that was there knows that its leader died, and that nothing was restored: nobody waits longer than the lease lasts.
#[tokio::test(start_paused = true)]
async fn a_leader_that_dies_under_the_eyes_of_another_costs_no_quarantine() {
    let world = World::new().await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let a = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let b = world.replica("b");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    world.create(reset("inc", &serial, world.now())).await;
    a.kill().await;
    world.ends("inc", Duration::from_secs(40), Outcome::Complete, "PasscodeRemoved").await;
    b.stop().await;
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
                let api: kube::Api<passcode_operator::api::reset::PasscodeReset> =
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

#[tokio::test(start_paused = true)]
async fn etcd_restored_under_a_running_leader_sends_nothing_twice() {
    for after in [0, 1, 3, 10] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        world.graph.configure(|settings| settings.ledger_lag = Lag::from(Duration::from_secs(100)));
        let replica = world.replica("a");
        tokio::time::sleep(Duration::from_secs(30)).await;
        world.create(reset("inc", &serial, world.now())).await;
        let before = world.api.snapshot();
        world.until("inc", SOON, |status| status.reason() == "WaitingForDevice").await;
        tokio::time::sleep(Duration::from_secs(after)).await;
        world.api.restore(&before);
        let status = world.outcome("inc", VERIFIED).await;
        assert_eq!(status.outcome, Some(Outcome::Complete), "after {after} s: {}", status.reason());
        assert_eq!(world.executed(&id), 1, "after {after} s");
        replica.stop().await;
    }
}

/// A restore gives versions out again. The record of an answer must not end up on the attempt that another replica has claimed
/// meanwhile, under the very version of the claim that it belongs to.
#[tokio::test(start_paused = true)]
async fn an_answer_is_not_recorded_on_another_attempt_of_the_same_version() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.script(Rule::on(PathClass::Action, Fault::status(400).slow(Duration::from_secs(10))).once());
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.create(reset("inc", &serial, world.now())).await;
    let before = world.api.snapshot();
    let claimed = world.until("inc", SOON, |status| status.attempt.is_some()).await;
    let version: u64 = world.resets().get("inc").await.unwrap().metadata.resource_version.unwrap().parse().unwrap();
    world.api.restore(&before);
    // Somebody else's claim comes under the same version.
    while world.api.resource_version() + 1 < version {
        world.label("helpdesk", "edited", Some(&world.api.resource_version().to_string())).await;
    }
    let mut other = claimed.clone();
    let attempt = other.attempt.as_mut().unwrap();
    attempt.id = "another".to_owned();
    let patch = kube::api::Patch::Merge(json!({"status": other}));
    let stored = world.resets().patch_status("inc", &Default::default(), &patch).await.unwrap();
    assert_eq!(stored.metadata.resource_version, Some(version.to_string()));
    tokio::time::sleep(Duration::from_secs(12)).await;
    let attempt = world.status("inc").await.attempt.unwrap();
    assert_eq!((attempt.id.as_str(), attempt.result), ("another", None));
    assert_eq!(world.executed(&id), 0);
    replica.kill().await;
}

/// A leader that could not renew during the restore begins a new term, and still knows what it has sent.
#[tokio::test(start_paused = true)]
async fn the_memory_of_locks_outlives_a_term() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.configure(|settings| settings.ledger_lag = Lag::from(Duration::from_secs(100)));
    let replica = world.replica("a");
    // Just renewed, so that the lease of the copy is the one that this process wrote last.
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.create(reset("inc", &serial, world.now())).await;
    let renewals = On::verb(Verb::Update).resource("leases").named("passcode-operator-leader").always();
    world.api.caller("a").fault(renewals, ApiFault::LoseBefore);
    let before = world.api.snapshot();
    world.until("inc", SOON, |status| status.reason() == "WaitingForDevice").await;
    world.api.caller("a").cut_off(Cut::Refused);
    world.api.restore(&before);
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.api.caller("a").clear_faults();
    world.api.caller("a").reconnect();
    let status = world.outcome("inc", VERIFIED).await;
    assert_eq!(status.outcome, Some(Outcome::Complete), "{}", status.reason());
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn etcd_restored_to_a_lock_that_is_over_sends_nothing_twice() {
    for after in [0, 1, 3] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let replica = world.replica("a");
        world.create(reset("first", &serial, world.now())).await;
        world.ends("first", SOON, Outcome::Complete, "PasscodeRemoved").await;
        // The device's lock is over, and kept for an hour.
        tokio::time::sleep(Duration::from_secs(1800)).await;
        world.graph.configure(|settings| settings.ledger_lag = Lag::from(Duration::from_secs(100)));
        world.create(reset("second", &serial, world.now())).await;
        let before = world.api.snapshot();
        world.until("second", SOON, |status| status.reason() == "WaitingForDevice").await;
        tokio::time::sleep(Duration::from_secs(after)).await;
        world.api.restore(&before);
        let status = world.outcome("second", VERIFIED).await;
        assert_eq!(status.outcome, Some(Outcome::Complete), "after {after} s: {}", status.reason());
        assert_eq!(world.executed(&id), 2, "after {after} s");
        replica.stop().await;
    }
}
