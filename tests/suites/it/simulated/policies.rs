//! What policies permit: hours, budgets and rules, over the whole operator. Who agreed is tried on a real API server, where admission says who it was.

use std::time::Duration;

use api_server::Verb;
use graph_simulator::{DeviceClass, Fault, PathClass, RetryAfter, Rule};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use passcode_core::api::{policy::PasscodeResetPolicy, reset_status::Outcome};
use serde_json::{Value, json};
use world::{
    World,
    changes::message,
    objects::{HELPDESK, reset, with},
};

const SOON: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);

/// How many wait in the largest of these worlds.
const WAITING: u32 = 2_000;

/// The namespace of a second help desk.
const BRANCH: &str = "branch";

fn policies(world: &World) -> Api<PasscodeResetPolicy> {
    Api::all(world.client.clone())
}

async fn create(world: &World, name: &str, spec: Value) {
    let policy = json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetPolicy", "metadata": {"name": name}, "spec": spec,
    });
    policies(world).create(&PostParams::default(), &serde_json::from_value(policy).unwrap()).await.unwrap();
}

async fn change(world: &World, name: &str, spec: Value) {
    let patch = Patch::Merge(json!({"spec": spec}));
    policies(world).patch(name, &PatchParams::default(), &patch).await.unwrap();
}

/// The reason and the message of the policy's Ready.
async fn says(world: &World, name: &str) -> (String, String) {
    let stored = policies(world).get(name).await.unwrap();
    crate::newer::ready(&serde_json::to_value(stored).unwrap())
}

fn deny() -> Value {
    json!({"rules": [{"name": "no", "decision": "Deny", "message": "Only the second line resets phones."}]})
}

async fn ask(world: &World, name: &str, number: u32) -> String {
    let (serial, id) = world.device(DeviceClass::IPhone, number);
    world.create(reset(name, &serial, world.now())).await;
    id
}

#[tokio::test(start_paused = true)]
async fn what_a_policy_denies_is_rejected_and_only_where_it_is_about() {
    let world = World::new().await;
    world.api.create_namespace(BRANCH, &[("desk", "second")]);
    let mut spec = deny();
    spec["namespaceSelector"] = json!({"matchExpressions": [{"key": "desk", "operator": "DoesNotExist"}]});
    create(&world, "help-desk", spec).await;
    let replica = world.replica("a");
    ask(&world, "inc", 1).await;
    let status = world.ends("inc", SOON, Outcome::Rejected, "PolicyDenied").await;
    assert!(message(&status).contains("Only the second line resets phones. Nothing was sent."), "{}", message(&status));
    assert_eq!(status.reason.as_deref(), Some("PolicyDenied"));
    assert!(world.graph.executed().is_empty());
    assert_eq!(says(&world, "help-desk").await.0, "Ready");
    let (serial, id) = world.device(DeviceClass::IPhone, 2);
    let mut elsewhere = reset("inc", &serial, world.now());
    elsewhere["metadata"]["namespace"] = BRANCH.into();
    world.create(elsewhere).await;
    tokio::time::sleep(SOON).await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_complete_whatever_policies_say_since() {
    let world = World::new().await;
    let replica = world.replica("a");
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let asked = world.now();
    world.create(reset("inc", &serial, asked)).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    create(&world, "help-desk", deny()).await;
    world.create(reset("again", &serial, asked)).await;
    world.ends("again", 10 * MINUTE, Outcome::Complete, "Adopted").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn outside_of_its_hours_it_waits_and_goes_on_by_itself() {
    // The world begins on a Sunday at 09:00.
    let world = World::new().await;
    let hours = json!([{"days": ["Sun"], "from": "11:00", "to": "18:00", "timeZone": "Europe/Amsterdam"}]);
    create(&world, "hours", json!({"hours": hours})).await;
    let replica = world.replica("a");
    let id = ask(&world, "inc", 1).await;
    let status = world.held("inc", "OutsideHours", "open Sun 11:00 Europe/Amsterdam (2026-11-22T10:00:00Z)").await;
    assert!(message(&status).contains("Nothing was sent."), "{}", message(&status));
    tokio::time::sleep(58 * MINUTE).await;
    assert_eq!(world.executed(&id), 0);
    world.ends("inc", 5 * MINUTE, Outcome::Complete, "PasscodeRemoved").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_exact_over_a_burst_a_restart_and_a_hand_over() {
    let world = World::new().await;
    create(&world, "budget", json!({"budgets": [{"name": "desk", "max": 3, "per": "2h", "scope": "Namespace"}]})).await;
    let mut replica = world.replica("a");
    for number in 0..10 {
        ask(&world, &format!("inc-{number}"), number).await;
    }
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(world.graph.executed().len(), 3);
    let waiting = async |world: &World| {
        let mut waiting = Vec::new();
        for number in 0..10 {
            let status = world.status(&format!("inc-{number}")).await;
            if status.outcome.is_none() {
                assert_eq!(status.reason(), "LimitReached", "{}", message(&status));
                let part = "3 of 3 resets in 2h in this namespace (budget \"desk\" of PasscodeResetPolicy \"budget\")";
                assert!(message(&status).contains(part), "{}", message(&status));
                waiting.push(number);
            }
        }
        waiting
    };
    assert_eq!(waiting(&world).await.len(), 7);
    // In good order, and killed.
    replica.stop().await;
    replica = world.replica("b");
    tokio::time::sleep(20 * MINUTE).await;
    assert_eq!(world.graph.executed().len(), 3, "a new leader knows what was sent before it");
    replica.kill().await;
    replica = world.replica("c");
    tokio::time::sleep(60 * MINUTE).await;
    assert_eq!(world.graph.executed().len(), 3, "device leases tell for longer than the hour that limits need");
    tokio::time::sleep(45 * MINUTE).await;
    assert_eq!(world.graph.executed().len(), 6, "the first three are two hours old");
    assert_eq!(waiting(&world).await.len(), 4);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_carried_out_is_given_back() {
    let world = World::new().await;
    create(&world, "budget", json!({"budgets": [{"name": "desk", "max": 1, "per": "24h", "scope": "Namespace"}]}))
        .await;
    // Graph is busy: nothing is carried out, and the claim is given back.
    let busy = Fault::throttled(Duration::from_secs(45), RetryAfter::Seconds);
    world.graph.script(Rule::on(PathClass::Action, busy).once());
    let replica = world.replica("a");
    let id = ask(&world, "inc", 1).await;
    world.ends("inc", 30 * MINUTE, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    ask(&world, "next", 2).await;
    world.held("next", "LimitReached", "1 of 1 resets in 24h").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_appears_under_way_is_asked_under_the_lock() {
    let world = World::new().await;
    create(&world, "quiet", json!({"enforcement": "Audit", "rules": [{"name": "all", "decision": "Permit"}]})).await;
    let replica = world.replica("a");
    tokio::time::sleep(SOON).await;
    for class in [PathClass::List, PathClass::Read] {
        world.graph.script(Rule::on(class, Fault::none().slow(Duration::from_secs(10))));
    }
    let id = ask(&world, "inc", 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    // No watch brings anything any more: only a live list shows the new policy.
    world.api.caller("a").freeze_watches();
    tokio::time::sleep(Duration::from_secs(7)).await;
    create(&world, "help-desk", deny()).await;
    world.ends("inc", 5 * MINUTE, Outcome::Rejected, "PolicyDenied").await;
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_required_policy_that_is_deleted_holds_everything() {
    let world = World::new().await;
    world.change_tenant("default", json!({"requiredPolicies": ["help-desk"]})).await;
    let replica = world.replica("a");
    let id = ask(&world, "inc", 1).await;
    world.held("inc", "PolicyNotReady", "there is no PasscodeResetPolicy \"help-desk\"").await;
    create(&world, "help-desk", json!({"rules": [{"name": "all", "decision": "Permit"}]})).await;
    let status = world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(status.permission.unwrap().policies[0].verdict, "Permitted");
    assert_eq!(world.executed(&id), 1);
    policies(&world).delete("help-desk", &DeleteParams::default()).await.unwrap();
    ask(&world, "next", 2).await;
    world.held("next", "PolicyNotReady", "there is no PasscodeResetPolicy").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_with_a_mistake_holds_its_own_requests_until_it_is_mended() {
    let world = World::new().await;
    world.api.create_namespace(BRANCH, &[("desk", "second")]);
    let wrong = json!({
        "namespaceSelector": {"matchLabels": {"desk": "second"}},
        "hours": [{"days": ["Sun"], "from": "00:00", "to": "24:00", "timeZone": "Europe/Atlantis"}],
    });
    create(&world, "hours", wrong).await;
    let replica = world.replica("a");
    ask(&world, "inc", 1).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    let (reason, told) = says(&world, "hours").await;
    assert_eq!(reason, "InvalidPolicy");
    assert!(told.contains("spec.hours[0].timeZone") && told.contains("Europe/Atlantis"), "{told}");
    let (serial, id) = world.device(DeviceClass::IPhone, 2);
    let mut held = reset("held", &serial, world.now());
    held["metadata"]["namespace"] = BRANCH.into();
    world.create(held).await;
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(world.executed(&id), 0);
    let zone = json!([{"days": ["Sun"], "from": "00:00", "to": "24:00", "timeZone": "Europe/Amsterdam"}]);
    change(&world, "hours", json!({"hours": zone})).await;
    tokio::time::sleep(SOON).await;
    assert_eq!((world.executed(&id), says(&world, "hours").await.0.as_str()), (1, "Ready"));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_only_audits_is_reported_and_decides_nothing() {
    let world = World::new().await;
    let mut spec = deny();
    spec["enforcement"] = "Audit".into();
    create(&world, "planned", spec).await;
    let replica = world.replica("a");
    ask(&world, "inc", 1).await;
    let status = world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    let report = &status.permission.unwrap().policies[0];
    assert_eq!((report.name.as_str(), report.verdict.as_str()), ("planned", "WouldDeny"));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_proved_to_have_agreed_is_asked_before_anybody_is_asked_to() {
    let world = World::new().await;
    let rule = json!({"name": "leads", "decision": "RequireApproval", "approval": {"required": 1}});
    create(&world, "help-desk", json!({"rules": [rule]})).await;
    let replica = world.replica("a");
    let id = ask(&world, "inc", 1).await;
    // Nothing here stamps or demands names.
    world.held("inc", "IdentityNotEnforced", "nothing proves at the moment who that is").await;
    let tried = with(reset("tried", &world.device(DeviceClass::IPhone, 2).0, world.now()), json!({"dryRun": true}));
    world.create(tried).await;
    let status = world.ends("tried", SOON, Outcome::Rejected, "DryRun").await;
    assert!(message(&status).contains("it would wait"), "{}", message(&status));
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_wakes_those_that_a_policy_is_about_and_no_others() {
    let world = World::new().await;
    world.api.create_namespace(BRANCH, &[("desk", "second")]);
    let closed = json!([{"days": ["Mon"], "from": "07:00", "to": "08:00", "timeZone": "UTC"}]);
    let about = |desk: &str| {
        let selector = json!({"matchExpressions": [{"key": "desk", "operator": desk}]});
        json!({"namespaceSelector": selector, "hours": closed})
    };
    create(&world, "first", about("DoesNotExist")).await;
    create(&world, "second", about("Exists")).await;
    let replica = world.replica("a");
    for number in 0..WAITING {
        let (serial, _) = world.device(DeviceClass::IPhone, number);
        let mut object = reset(&format!("inc-{number}"), &serial, world.now());
        object["metadata"]["namespace"] = if number % 2 == 0 { HELPDESK } else { BRANCH }.into();
        world.create(object).await;
    }
    // Nobody is due by time before ten minutes.
    tokio::time::sleep(6 * MINUTE).await;
    let before = world.api.requests().len();
    change(&world, "second", json!({"enforcement": "Warn"})).await;
    tokio::time::sleep(MINUTE).await;
    let since = world.api.requests().split_off(before);
    let read = |namespace: &str| {
        let reads = since.iter().filter(|request| {
            request.call.verb == Verb::Get
                && request.call.resource == "passcoderesets"
                && request.call.namespace.as_deref() == Some(namespace)
        });
        reads.count()
    };
    assert_eq!(read(HELPDESK), 0);
    assert!(read(BRANCH) >= WAITING as usize / 2, "each of them is gone over");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_policies_no_reset_costs_a_call_for_them() {
    let world = World::new().await;
    let replica = world.replica("a");
    tokio::time::sleep(SOON).await;
    let before = world.api.requests().len();
    ask(&world, "inc", 1).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    let about = ["passcoderesetpolicies", "passcoderesetapprovals"];
    let since = world.api.requests().split_off(before);
    let asked: Vec<_> = since
        .iter()
        .filter(|request| about.contains(&request.call.resource.as_str()) && request.call.verb != Verb::Watch)
        .collect();
    assert!(asked.is_empty(), "{asked:?}");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_no_policy_is_about_any_more_goes_on_at_once() {
    let world = World::new().await;
    let closed = json!([{"days": ["Mon"], "from": "07:00", "to": "08:00", "timeZone": "UTC"}]);
    create(&world, "hours", json!({"namespaceSelector": {"matchLabels": {"team": "it"}}, "hours": closed})).await;
    let replica = world.replica("a");
    let id = ask(&world, "inc", 1).await;
    world.held("inc", "OutsideHours", "open Mon 07:00").await;
    world.label(HELPDESK, "team", Some("security")).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}
