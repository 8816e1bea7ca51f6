//! etcd restored from a backup: under leaders, between them, and around one that stood still.

use std::time::Duration;

use api_server::{Cut, Fault as ApiFault, On, Snapshot, Verb};
use graph_simulator::{Device, DeviceClass, DevicePlan, Fault, Lag, PathClass, Rule};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use passcode_core::api::reset_status::Outcome;
use serde_json::{Value, json};

use world::{
    Replica, World,
    objects::{OPERATOR, reset, tenant, with},
};

const SOON: Duration = Duration::from_secs(60);
const VERIFIED: Duration = Duration::from_secs(900);
/// An installation of some age.
const OLD: Duration = Duration::from_secs(3600);

/// Declares a reset and lets it be sent, while Intune shows nothing of it for a while; returns a backup from before.
async fn sent(world: &World, name: &str, serial: &str) -> Snapshot {
    sent_as(world, reset(name, serial, world.now())).await
}

async fn sent_as(world: &World, declaration: Value) -> Snapshot {
    let object = world.create(declaration).await;
    let before = world.api.snapshot();
    hides(world);
    world.until(&object.name_any(), SOON, |status| status.reason() == "WaitingForDevice").await;
    before
}

/// Intune shows what is carried out from now on after 100 s.
fn hides(world: &World) {
    world.graph.configure(|settings| settings.ledger_lag = Lag::from(Duration::from_secs(100)));
}

/// A leader stands still, another takes over, sends and dies, and etcd is put back to before that; returns the first one, still cut off.
async fn restored_around(world: &World, serial: &str) -> Replica {
    let a = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let b = world.replica("b");
    tokio::time::sleep(OLD).await;
    world.api.caller("a").cut_off(Cut::Silent);
    let before = sent(world, "inc", serial).await;
    b.kill().await;
    world.api.restore(&before);
    a
}

/// A leader dies after it has sent, and so much later etcd is put back to before that, and again so much later another process starts.
async fn restored_before_another(dead: Duration, down: Duration) {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let a = world.replica("a");
    tokio::time::sleep(OLD).await;
    let before = sent(&world, "inc", &serial).await;
    a.kill().await;
    tokio::time::sleep(dead).await;
    world.api.restore(&before);
    tokio::time::sleep(down).await;
    let b = world.replica("b");
    // Intune shows it long before the quarantine ends.
    let status = world.outcome("inc", Duration::from_secs(180)).await;
    assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "Adopted"));
    assert_eq!(world.executed(&id), 1);
    b.stop().await;
}

/// A person resets the device, which answers only later, too late for the object that is declared meanwhile, sends its own and is taken back
/// by a restore. Then the one by hand seems to be all that there was. In seconds: until the device answers, until it is declared, and from there to the restore.
async fn restored_after_one_by_hand(device_answers: u64, declared: u64, restored: u64) {
    let world = World::new().await;
    let slow = DevicePlan { delay: Some(Duration::from_secs(device_answers)), ..DevicePlan::default() };
    let (serial, id) = world.add(Device::example(DeviceClass::IPhone, 1).with_plan(slow));
    let replica = world.replica("a");
    tokio::time::sleep(OLD).await;
    world.graph.reset_by_hand(&id, world.now());
    tokio::time::sleep(Duration::from_secs(declared)).await;
    let declaration = with(reset("inc", &serial, world.now()), json!({"completionTimeout": "60s"}));
    let before = sent_as(&world, declaration).await;
    tokio::time::sleep(Duration::from_secs(restored)).await;
    world.api.restore(&before);
    let status = world.outcome("inc", VERIFIED).await;
    assert_ne!(status.outcome, Some(Outcome::Rejected), "restored after {restored} s: {}", status.reason());
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

/// It ends well, and no other was carried out.
async fn complete(world: &World, name: &str, device: &str, resets: usize) {
    let status = world.outcome(name, VERIFIED).await;
    assert_eq!(status.outcome, Some(Outcome::Complete), "{}", status.reason());
    assert_eq!(world.executed(device), resets);
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
async fn etcd_restored_from_before_the_claim_holds_back_what_may_be_under_way() {
    restored_before_another(Duration::from_secs(2), Duration::from_secs(300)).await;
}

/// The lease of a backup is no older than the backup: an operator that starts soon after finds one that was renewed a moment ago.
#[tokio::test(start_paused = true)]
async fn a_new_operator_on_a_young_backup_sends_nothing_twice() {
    restored_before_another(Duration::from_secs(20), Duration::ZERO).await;
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
    tokio::time::sleep(OLD).await;
    world.create(reset("inc", &serial, world.now())).await;
    a.kill().await;
    world.ends("inc", Duration::from_secs(40), Outcome::Complete, "PasscodeRemoved").await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn etcd_restored_under_a_running_leader_sends_nothing_twice() {
    for after in [0, 1, 3, 10] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let replica = world.replica("a");
        tokio::time::sleep(Duration::from_secs(30)).await;
        let before = sent(&world, "inc", &serial).await;
        tokio::time::sleep(Duration::from_secs(after)).await;
        world.api.restore(&before);
        complete(&world, "inc", &id, 1).await;
        replica.stop().await;
    }
}

/// Within seconds of a restore, before the leader has noticed it.
#[tokio::test(start_paused = true)]
async fn what_was_sent_before_a_restore_is_not_rejected_before_the_restore_is_noticed() {
    for after in 52..58 {
        restored_after_one_by_hand(200, 150, after).await;
    }
}

/// Between two renewals of the lease: it is never noticed.
#[tokio::test(start_paused = true)]
async fn what_was_sent_before_a_restore_that_leaves_no_trace_is_not_rejected() {
    restored_after_one_by_hand(150, 149, 2).await;
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

/// A restore gives versions out again. A renewal must not be written over another's lease and its quarantine, under the very version of the
/// renewal before it.
#[tokio::test(start_paused = true)]
async fn a_lease_is_not_written_over_another_s_of_the_same_version() {
    let world = World::new().await;
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(30)).await;
    let before = world.api.snapshot();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let lease = || world.api.object("Lease", OPERATOR, "passcode-operator-leader").unwrap();
    let renewed = lease();
    let version: u64 = renewed["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    world.api.restore(&before);
    while world.api.resource_version() + 1 < version {
        world.label("helpdesk", "edited", Some(&world.api.resource_version().to_string())).await;
    }
    let time = &renewed["spec"]["renewTime"];
    let annotations = json!({
        "passcode-operator.dev/quarantine-begin": "2000-01-01T00:00:00Z",
        "passcode-operator.dev/quarantine-end": "2100-01-01T00:00:00Z",
    });
    let other = json!({"metadata": {"annotations": annotations}, "spec": {"holderIdentity": "b", "renewTime": time}});
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), OPERATOR);
    let params = PatchParams::default();
    let stored = leases.patch("passcode-operator-leader", &params, &Patch::Merge(other)).await.unwrap();
    assert_eq!(stored.metadata.resource_version, Some(version.to_string()));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(lease()["spec"]["holderIdentity"], json!("b"));
    // Once it is as old as a dead leader's, it is taken, with the quarantine.
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(lease()["spec"]["holderIdentity"], json!("a"));
    let end = lease()["metadata"]["annotations"]["passcode-operator.dev/quarantine-end"].clone();
    assert!(end.as_str().is_some_and(|end| end.starts_with("2100-01-01T00:00")), "{end}");
    replica.stop().await;
}

/// A leader that could not renew during the restore begins a new term, and still knows what it has sent.
#[tokio::test(start_paused = true)]
async fn the_memory_of_locks_outlives_a_term() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    // Just renewed, so that the lease of the copy is the one that this process wrote last.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let renewals = On::verb(Verb::Update).resource("leases").named("passcode-operator-leader").always();
    world.api.caller("a").fault(renewals, ApiFault::LoseBefore);
    let before = sent(&world, "inc", &serial).await;
    world.api.caller("a").cut_off(Cut::Refused);
    world.api.restore(&before);
    // Longer than a leader acts, and not so long that another may have led.
    tokio::time::sleep(Duration::from_secs(8)).await;
    world.api.caller("a").clear_faults();
    world.api.caller("a").reconnect();
    complete(&world, "inc", &id, 1).await;
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
        let before = sent(&world, "second", &serial).await;
        tokio::time::sleep(Duration::from_secs(after)).await;
        world.api.restore(&before);
        complete(&world, "second", &id, 2).await;
        replica.stop().await;
    }
}

/// The first one finds the lease as it left it.
#[tokio::test(start_paused = true)]
async fn a_restore_around_a_leader_that_stood_still_sends_nothing_twice() {
    for back_after in [0, 5, 60] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let a = restored_around(&world, &serial).await;
        tokio::time::sleep(Duration::from_secs(back_after)).await;
        world.api.caller("a").reconnect();
        let status = world.until("inc", SOON, |status| status.reason() == "Quarantine").await;
        assert!(status.attempt.is_none(), "{:?}", status.attempt);
        complete(&world, "inc", &id, 1).await;
        a.stop().await;
    }
}

/// The same, and the first one ends before it has looked: the lease that it leaves must not look as if all were in order.
#[tokio::test(start_paused = true)]
async fn who_stood_still_does_not_let_go() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let a = restored_around(&world, &serial).await;
    a.sigterm()();
    world.api.caller("a").reconnect();
    a.stop().await;
    let c = world.replica("c");
    complete(&world, "inc", &id, 1).await;
    c.stop().await;
}

/// The same with a candidate: it saw a leader die, and not the one after it.
#[tokio::test(start_paused = true)]
async fn a_restore_around_a_candidate_that_stood_still_sends_nothing_twice() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let a = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (b, c) = (world.replica("b"), world.replica("c"));
    tokio::time::sleep(OLD).await;
    a.kill().await;
    world.api.caller("b").cut_off(Cut::Silent);
    let before = sent(&world, "inc", &serial).await;
    c.kill().await;
    world.api.restore(&before);
    world.api.caller("b").reconnect();
    complete(&world, "inc", &id, 1).await;
    b.stop().await;
}

/// A short outage costs a new term, and no quarantine: nobody else can have led meanwhile.
#[tokio::test(start_paused = true)]
async fn an_outage_that_is_shorter_than_the_lease_costs_no_quarantine() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let a = world.replica("a");
    tokio::time::sleep(OLD).await;
    world.create(reset("inc", &serial, world.now())).await;
    world.api.caller("a").cut_off(Cut::Refused);
    tokio::time::sleep(Duration::from_secs(9)).await;
    world.api.caller("a").reconnect();
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    a.stop().await;
}

/// Each call of the election is answered just in time.
#[tokio::test(start_paused = true)]
async fn a_slow_api_server_has_a_leader() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    for verb in [Verb::Get, Verb::Create, Verb::Update] {
        let leases = On::verb(verb).resource("leases").named("passcode-operator-leader").always();
        world.api.caller("a").fault(leases, ApiFault::Delay(Duration::from_millis(2900)));
    }
    let tenants = On::verb(Verb::List).resource("intunetenants").always();
    world.api.caller("a").fault(tenants, ApiFault::Delay(Duration::from_millis(2900)));
    let a = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", Duration::from_secs(120), Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    a.stop().await;
}

/// The age of a tenant says nothing about what was lost: it may be newer than the backup.
#[tokio::test(start_paused = true)]
async fn a_tenant_that_was_created_again_after_a_restore_is_in_quarantine_too() {
    for wait in [0, 60] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let a = world.replica("a");
        tokio::time::sleep(OLD).await;
        world.graph.script(Rule::on(PathClass::Action, Fault::none().executed_after(Duration::from_secs(60))).once());
        let before = sent(&world, "inc", &serial).await;
        a.kill().await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        world.api.restore(&before);
        world.delete_tenant("default").await;
        world.create_tenant(tenant("default")).await;
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let b = world.replica("b");
        complete(&world, "inc", &id, 1).await;
        b.stop().await;
    }
}

/// Neither a leader lease, nor a device lease, nor a status: nothing can have been lost, however old the objects are.
#[tokio::test(start_paused = true)]
async fn a_new_installation_does_not_wait() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.create(reset("inc", &serial, world.now())).await;
    tokio::time::sleep(OLD).await;
    let replica = world.replica("a");
    let status = world.outcome("inc", SOON).await;
    assert_eq!(status.outcome, Some(Outcome::Complete), "{}", status.reason());
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

/// The operator's namespace is deleted with its leases, while a request is under way whose claim a second object does not know of.
#[tokio::test(start_paused = true)]
async fn an_installation_made_again_waits_where_statuses_are_left() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let a = world.replica("a");
    tokio::time::sleep(OLD).await;
    world.graph.script(Rule::on(PathClass::Action, Fault::none().executed_after(Duration::from_secs(100))).once());
    sent(&world, "inc", &serial).await;
    a.kill().await;
    for lease in world.api.objects("Lease") {
        let name = lease["metadata"]["name"].as_str().unwrap();
        let leases: Api<Lease> = Api::namespaced(world.client.clone(), OPERATOR);
        leases.delete(name, &DeleteParams::default()).await.unwrap();
    }
    world.resets().delete("inc", &DeleteParams::default()).await.unwrap();
    let (other, _) = world.device(DeviceClass::IPhone, 2);
    world.create(reset("other", &other, world.now())).await;
    world.create(reset("inc", &serial, world.now())).await;
    // What is left of the time before.
    let left = json!({"status": {"conditions": [], "reason": "WaitingForDevice", "observedGeneration": 1}});
    let params = PatchParams::default();
    world.resets().patch_status("other", &params, &Patch::Merge(left)).await.unwrap();
    let b = world.replica("b");
    complete(&world, "inc", &id, 1).await;
    b.stop().await;
}
