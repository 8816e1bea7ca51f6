//! People who agree, over the whole operator in paused time: what comes between their answer and the request.

use std::time::Duration;

use graph_simulator::{DeviceClass, Fault, PathClass, Rule};
use kube::{Api, api::PostParams};
use passcode_core::api::{policy::PasscodeResetPolicy, reset::REQUESTED_BY, reset_status::Outcome};
use serde_json::{Value, json};
use world::{
    World,
    changes::message,
    objects::{HELPDESK, reset},
};

const SOON: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);

/// A world in which it is proved who agrees, and whose help desk needs a lead.
async fn world(approval: Value) -> World {
    let world = World::new().await;
    world.enforce_identity();
    let policy = json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetPolicy", "metadata": {"name": "leads"},
        "spec": {"rules": [{"name": "leads", "decision": "RequireApproval", "approval": approval}]},
    });
    let policies: Api<PasscodeResetPolicy> = Api::all(world.client.clone());
    policies.create(&PostParams::default(), &serde_json::from_value(policy).unwrap()).await.unwrap();
    world
}

fn one_lead() -> Value {
    json!({"required": 1, "roles": [{"name": "lead"}]})
}

/// A request of rita's; answers the device's serial number and id.
async fn ask(world: &World, name: &str, number: u32) -> (String, String) {
    let (serial, id) = world.device(DeviceClass::IPhone, number);
    declare(world, name, &serial).await;
    (serial, id)
}

async fn declare(world: &World, name: &str, serial: &str) {
    let mut object = reset(name, serial, world.now());
    object["metadata"]["annotations"] = json!({REQUESTED_BY: "rita"});
    let resets: Api<passcode_core::api::reset::PasscodeReset> =
        Api::namespaced(world.api.client_named("rita"), HELPDESK);
    resets.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_a_lead_also_over_a_restart_and_goes_on_at_once() {
    let world = world(one_lead()).await;
    let replica = world.replica("a");
    seconds(30).await;
    let (_, id) = ask(&world, "inc", 1).await;
    world.held("inc", "AwaitingApproval", "0 of 1; still needed: lead").await;
    replica.kill().await;
    let replica = world.replica("b");
    seconds(600).await;
    assert_eq!(world.executed(&id), 0);
    world.answer("jane", "inc", "Approved").await;
    seconds(10).await;
    assert_eq!(world.executed(&id), 1, "an approval wakes its request");
    let status = world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(status.permission.unwrap().policies[0].verdict, "Permitted");
    replica.stop().await;
}

/// Taken back at any moment of the pass that would send: either the request was under its lock by then, or nothing is sent.
#[tokio::test(start_paused = true)]
async fn an_approval_that_is_taken_back_is_asked_for_again() {
    for after in [0, 3, 8, 12, 18, 22, 28] {
        let world = world(one_lead()).await;
        let replica = world.replica("a");
        seconds(30).await;
        let (_, id) = ask(&world, "inc", 1).await;
        world.held("inc", "AwaitingApproval", "0 of 1").await;
        for class in [PathClass::List, PathClass::Read] {
            world.graph.script(Rule::on(class, Fault::none().slow(Duration::from_secs(10))));
        }
        let approval = world.answer("jane", "inc", "Approved").await;
        seconds(after).await;
        world.take_back(&approval).await;
        let taken_back = world.now();
        seconds(300).await;
        let sent = world.requests_of(PathClass::Action);
        assert!(sent.len() <= 1 && sent.len() == world.executed(&id), "{after} s");
        if let Some(request) = sent.first() {
            // Listed under the lock before it was taken back: it was too late, by the time that a lock may be held.
            let late = request.at.duration_since(taken_back).as_secs();
            assert!(late <= 30, "sent {late} s after it was taken back");
        } else {
            world.held("inc", "AwaitingApproval", "0 of 1").await;
        }
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_proof_nothing_is_sent_and_old_answers_do_not_count_again() {
    let world = world(json!({"required": 2, "roles": [{"name": "lead", "count": 2}]})).await;
    let replica = world.replica("a");
    seconds(30).await;
    let (_, id) = ask(&world, "inc", 1).await;
    world.held("inc", "AwaitingApproval", "0 of 2").await;
    world.answer("jane", "inc", "Approved").await;
    world.held("inc", "AwaitingApproval", "1 of 2").await;
    world.enforce_nothing();
    // Until the next round of probes finds it out.
    seconds(6 * 60).await;
    world.held("inc", "IdentityNotEnforced", "nothing proves at the moment").await;
    world.answer("bob", "inc", "Approved").await;
    seconds(60).await;
    assert_eq!(world.executed(&id), 0);
    world.enforce_identity();
    seconds(60).await;
    world.held("inc", "AwaitingApproval", "older than the proof").await;
    seconds(600).await;
    assert_eq!(world.executed(&id), 0);
    // Nobody is known to have asked, for that was before the proof: one more than two.
    for person in ["jane", "bob", "kim"] {
        world.answer(person, "inc", "Approved").await;
    }
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_of_one_object_and_expires() {
    let world = world(json!({"required": 2, "roles": [{"name": "lead"}], "validFor": "10m"})).await;
    let replica = world.replica("a");
    seconds(30).await;
    let (serial, id) = ask(&world, "inc", 1).await;
    world.held("inc", "AwaitingApproval", "0 of 2").await;
    world.answer("jane", "inc", "Approved").await;
    world.held("inc", "AwaitingApproval", "1 of 2").await;
    seconds(11 * 60).await;
    world.held("inc", "AwaitingApproval", "it was given too long ago").await;
    world.answer("jane", "inc", "Approved").await;
    world.held("inc", "AwaitingApproval", "1 of 2").await;
    // Deleted and created again: another uid.
    world.resets().delete("inc", &Default::default()).await.unwrap();
    seconds(5).await;
    declare(&world, "inc", &serial).await;
    let status = world.held("inc", "AwaitingApproval", "it names the uid of another request").await;
    assert!(message(&status).contains("0 of 2"), "{}", message(&status));
    assert_eq!(world.executed(&id), 0);
    world.answer("jane", "inc", "Denied").await;
    let status = world.ends("inc", SOON, Outcome::Rejected, "ApprovalDenied").await;
    assert!(message(&status).contains("known by voice"), "{}", message(&status));
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_does_not_agree_and_a_replay_asks_nobody() {
    let world = world(one_lead()).await;
    let replica = world.replica("a");
    seconds(30).await;
    let (serial, id) = ask(&world, "inc", 1).await;
    world.held("inc", "AwaitingApproval", "0 of 1").await;
    world.answer("rita", "inc", "Approved").await;
    world.held("inc", "AwaitingApproval", "whoever asked for the reset cannot approve it").await;
    assert_eq!(world.executed(&id), 0);
    world.answer("rita", "inc", "Overridden").await;
    let status = world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(status.permission.unwrap().overrides.len(), 1);
    world.resets().delete("inc", &Default::default()).await.unwrap();
    let mut again = reset("inc", &serial, "2026-11-22T09:00:00Z".parse().unwrap());
    again["metadata"]["annotations"] = json!({});
    world.create(again).await;
    world.ends("inc", 10 * MINUTE, Outcome::Complete, "Adopted").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}
