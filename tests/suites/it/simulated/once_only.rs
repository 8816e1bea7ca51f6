//! Once only: whatever is lost, repeated or in the way, no phone is reset twice and none is forgotten.

use std::time::Duration;

use api_server::{Fault as ApiFault, On, Verb, status as api_status};
use graph_simulator::{Device, DeviceClass, DevicePlan, Fault, PathClass, Rule};
use kube::api::{Patch, PatchParams};
use passcode_core::api::reset_status::{AttemptResult, Outcome};
use serde_json::json;

use world::{
    World,
    objects::{reset, tenant, with},
};

const SOON: Duration = Duration::from_secs(60);
/// A settle window, a further attempt, and its answer.
const VERIFIED: Duration = Duration::from_secs(900);

/// A device that has shown an action before: this tenant's ledger is known to work.
async fn world_with_history() -> World {
    let world = World::new().await;
    let (serial, _) = world.device(DeviceClass::IPad, 77);
    let replica = world.replica("before");
    world.create(reset("before", &serial, world.now())).await;
    world.ends("before", SOON, Outcome::Complete, "PasscodeRemoved").await;
    replica.stop().await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_second_ticket_shortly_after_is_recently_reset() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("first", &serial, world.now())).await;
    world.ends("first", SOON, Outcome::Complete, "PasscodeRemoved").await;
    tokio::time::sleep(Duration::from_secs(240)).await;
    world.create(reset("second", &serial, world.now())).await;
    let status = world.ends("second", SOON, Outcome::Rejected, "RecentlyReset").await;
    assert!(status.conditions[0].message.contains("2026-11-22T09:1"), "{}", status.conditions[0].message);
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_later_request_resets_again() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("first", &serial, world.now())).await;
    world.ends("first", SOON, Outcome::Complete, "PasscodeRemoved").await;
    tokio::time::sleep(Duration::from_secs(700)).await;
    world.create(reset("second", &serial, world.now())).await;
    world.ends("second", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 2);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_lost_after_execution_is_verified_by_the_ledger() {
    for fault in [
        Fault::lost().executed(),
        Fault::reset().executed(),
        Fault::hang().executed(),
        Fault::status(500).executed(),
        Fault::status(502).executed(),
        Fault::status(503).executed(),
        Fault::status(504).executed(),
        Fault::status(408).executed(),
        Fault::status(409).executed(),
        Fault::redirect("https://elsewhere.example/").executed(),
        Fault::html(504).executed_after(Duration::from_secs(100)),
    ] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let name = format!("{fault:?}");
        world.graph.script(Rule::on(PathClass::Action, fault).once());
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        let status = world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(status.attempt.unwrap().result, Some(AttemptResult::Unknown), "{name}");
        assert!(!status.device_action.unwrap().adopted, "{name}");
        assert_eq!(world.executed(&id), 1, "{name}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_lost_before_execution_is_sent_again_after_the_settle_window() {
    let world = world_with_history().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.script(Rule::on(PathClass::Action, Fault::status(503)).once());
    let replica = world.replica("a");
    let begin = world.now();
    world.create(reset("inc", &serial, begin)).await;
    let status = world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((status.silent_attempts, status.attempt.unwrap().number), (1, 2));
    assert_eq!(world.executed(&id), 1);
    let sent = world.graph.executed().iter().find(|e| e.device == id).unwrap().at;
    assert!(sent.duration_since(begin).as_secs() > 280, "not before sendDeadline + settleWindow");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn silence_is_the_end_where_the_ledger_was_never_seen_or_the_tenant_says_so() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.script(Rule::on(PathClass::Action, Fault::lost()).once());
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", VERIFIED, Outcome::Failed, "OutcomeUnknown").await;
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn three_silent_attempts_are_the_end() {
    let world = world_with_history().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.script(Rule::on(PathClass::Action, Fault::lost()).device(&id));
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    let status = world.ends("inc", Duration::from_secs(3600), Outcome::Failed, "OutcomeUnknown").await;
    assert_eq!(status.silent_attempts, 3);
    assert_eq!(world.graph.requests().iter().filter(|r| r.path.contains(&format!("{id}/resetPasscode"))).count(), 3);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_certainly_not_executed_is_sent_again_and_does_not_count() {
    for (name, fault, times) in [
        ("429", Fault::status(429), 2),
        ("424", Fault::status(424), 1),
        ("refused connection", Fault::connection_refused(), 3),
        ("401", Fault::status(401), 1),
    ] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        world.graph.script(Rule::on(PathClass::Action, fault).times(times));
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        let status = world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!((status.silent_attempts, status.attempt.unwrap().number), (0, 1), "{name}");
        assert_eq!(world.executed(&id), 1, "{name}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_resets_by_hand_is_not_doubled() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let requested = world.now();
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.graph.reset_by_hand(&id, world.now());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let replica = world.replica("a");
    world.create(reset("inc", &serial, requested)).await;
    world.ends("inc", SOON, Outcome::Complete, "Adopted").await;
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_reset_is_sent_at_its_time_and_an_expired_one_never() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let (old_serial, old_id) = world.device(DeviceClass::IPhone, 2);
    let replica = world.replica("a");
    let at = world.now() + Duration::from_secs(7200);
    world.create(reset("later", &serial, at)).await;
    world.create(reset("old", &old_serial, world.now() - Duration::from_secs(2 * 86_400))).await;
    world.ends("old", SOON, Outcome::Rejected, "Expired").await;
    world.until("later", SOON, |status| status.reason() == "Scheduled").await;
    world.ends("later", Duration::from_secs(7300), Outcome::Complete, "PasscodeRemoved").await;
    let sent = world.graph.executed()[0].at;
    assert!(sent >= at && sent.duration_since(at).as_secs() < 10, "{sent}");
    assert_eq!((world.executed(&id), world.executed(&old_id)), (1, 0));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn deleting_before_it_is_sent_cancels() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("later", &serial, world.now() + Duration::from_secs(600))).await;
    world.until("later", SOON, |status| status.reason() == "Scheduled").await;
    world.resets().delete("later", &Default::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1200)).await;
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

/// Whether or not somebody's finalizer keeps the object: once, and when the deletion is asked for.
#[tokio::test(start_paused = true)]
async fn deleting_after_it_was_sent_is_announced() {
    // Without one the object is missed at its next turn.
    for (finalizers, told_within) in [(json!([]), 90), (json!(["argocd.example/hook"]), 5)] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        world.graph.change_device(&id, |device| device.plan = DevicePlan::never());
        let replica = world.replica("a");
        let mut object = reset("inc", &serial, world.now());
        object["metadata"]["finalizers"] = finalizers.clone();
        world.create(object).await;
        world.until("inc", SOON, |status| status.reason() == "WaitingForDevice").await;
        tokio::time::sleep(Duration::from_secs(180)).await;
        let told = || {
            let events = world.api.objects("events.events.k8s.io");
            events.iter().filter(|event| event["reason"] == "DeletedInFlight").count()
        };
        world.resets().delete("inc", &Default::default()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(told_within)).await;
        assert_eq!(told(), 1, "{finalizers}");
        let still = world.resets().get_opt("inc").await.unwrap();
        assert_eq!(still.is_some(), finalizers != json!([]));
        if still.is_some() {
            // Whatever else happens to it, and its end, is no news.
            for patch in [json!({"metadata": {"labels": {"a": "b"}}}), json!({"metadata": {"finalizers": null}})] {
                world.resets().patch("inc", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            assert!(world.resets().get_opt("inc").await.unwrap().is_none());
        }
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(told(), 1, "{finalizers}");
        assert_eq!(world.executed(&id), 1);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_was_lost_counts_only_if_it_is_stored() {
    for (name, fault) in [
        ("stored, answer lost", ApiFault::ApplyThenLose),
        ("stored, 504", ApiFault::ApplyThenFail(api_status(504, "Timeout", "timed out"))),
        ("not stored", ApiFault::LoseBefore),
        ("conflict", ApiFault::Fail(api_status(409, "Conflict", "changed"))),
        ("503", ApiFault::Fail(api_status(503, "ServiceUnavailable", "no"))),
    ] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let claims = |call: &api_server::Call| call.sets_status()["attempt"]["id"].is_string();
        let rule = On::verb(Verb::Patch).resource("passcoderesets").subresource("status").when(claims);
        world.api.caller("a").fault(rule, fault);
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(world.executed(&id), 1, "{name}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_whose_answer_was_lost_is_still_ours() {
    for fault in [ApiFault::ApplyThenLose, ApiFault::LoseBefore] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let locks =
            |call: &api_server::Call| call.body["metadata"]["name"].as_str().is_some_and(|n| n.starts_with("device-"));
        world.api.caller("a").fault(On::verb(Verb::Create).resource("leases").when(locks), fault);
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(world.executed(&id), 1);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_record_of_an_answer_is_stubborn() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let records = |call: &api_server::Call| call.sets_status()["attempt"]["result"] == json!("Accepted");
    let rule = On::verb(Verb::Patch).subresource("status").when(records).times(3);
    world.api.caller("a").fault(rule, ApiFault::Fail(api_status(500, "InternalError", "etcd is slow")));
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    let status = world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(status.attempt.unwrap().result, Some(AttemptResult::Accepted));
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_happy_reset_costs_at_most_four_status_writes_and_two_of_its_device_lease() {
    let world = World::new().await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let writes = world.api.writes();
    let of = |resource: &str, sub: &str| {
        writes
            .iter()
            .filter(|w| w.call.resource == resource && w.call.subresource == sub && w.call.client == "a")
            .count()
    };
    let said: Vec<String> = world
        .api
        .history("PasscodeReset", "helpdesk", "inc")
        .iter()
        .map(|version| version.object["status"]["conditions"][0].to_string())
        .collect();
    assert!(of("passcoderesets", "status") <= 4, "{said:#?}");
    let locks = writes.iter().filter(|w| {
        w.call.resource == "leases"
            && w.call.body["metadata"]["name"].as_str().is_some_and(|n| n.starts_with("device-"))
    });
    // The lock, and what is remembered of the reset before a status says that it was accepted.
    assert_eq!(locks.count(), 2);
    assert!(of("events", "") <= 2, "{}", of("events", ""));
    replica.stop().await;
}

/// Once all is finished, nothing is written but the leader lease, and nothing is asked about devices.
#[tokio::test(start_paused = true)]
async fn an_idle_hour_costs_nothing() {
    let world = World::new().await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    // Nothing that is measured is a whole number of seconds.
    world.graph.configure(|settings| settings.latency = Duration::from_millis(137));
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    let (written, asked) = (world.api.writes().len(), world.requests_about_devices());
    tokio::time::sleep(Duration::from_secs(3000)).await;
    let writes = world.api.writes().split_off(written);
    let other: Vec<String> = writes
        .iter()
        .filter(|write| write.call.name != "passcode-operator-leader")
        .map(|write| format!("{:?} {}", write.call.verb, write.call.path))
        .collect();
    assert_eq!(other, Vec::<String>::new());
    assert_eq!(world.requests_about_devices(), asked);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn unknown_outcome_fail_ends_at_the_settle_window() {
    let world = World::empty().await;
    world.create_tenant(with(tenant("default"), json!({"unknownOutcome": "Fail"}))).await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.plant_entry(&id, graph_simulator::planted::remote_lock("2026-11-01T08:00:00.1234567Z", "1234"));
    world.graph.script(Rule::on(PathClass::Action, Fault::lost()).once());
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", VERIFIED, Outcome::Failed, "OutcomeUnknown").await;
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_no_device_took_in_time_is_not_sent_again_for_its_replay() {
    let world = World::new().await;
    let device = Device::example(DeviceClass::IPhone, 1).with_plan(DevicePlan::never());
    let (serial, id) = world.add(device);
    let replica = world.replica("a");
    let declared = with(reset("inc", &serial, world.now()), json!({"completionTimeout": "2m"}));
    world.create(declared.clone()).await;
    world.ends("inc", VERIFIED, Outcome::Failed, "DeadlineExceeded").await;
    tokio::time::sleep(Duration::from_secs(1200)).await;
    world.resets().delete("inc", &Default::default()).await.unwrap();
    world.create(declared).await;
    world.ends("inc", VERIFIED, Outcome::Failed, "DeadlineExceeded").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_vanishes_while_only_probes_are_let_through_is_found_to_be_gone() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.script(Rule::on(PathClass::Action, Fault::approval_required()).once());
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.until("inc", SOON, |status| status.reason() == "TenantNotReady").await;
    world.graph.retire(&id);
    world.ends("inc", VERIFIED, Outcome::Rejected, "DeviceGone").await;
    replica.stop().await;
}
