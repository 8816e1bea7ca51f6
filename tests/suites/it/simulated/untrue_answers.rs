//! Answers to the request that are not true, or not Graph's: a refusal of what is carried out all the same, pages of something on the way.

use std::time::Duration;

use graph_simulator::{DeviceClass, Fault, Lag, PathClass, Rule, planted};
use passcode_core::api::{
    conditions,
    reset_status::{AttemptResult, Outcome, PasscodeResetStatus},
};
use world::{World, changes::message, objects::reset};

const AT_ONCE: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_secs(60);
/// A settle window, a further attempt, and its answer.
const VERIFIED: Duration = Duration::from_secs(900);
/// As late as a request may be carried out.
const LATE: Duration = Duration::from_secs(149);

/// A world in which Intune hides a new entry for as long as it may, with a phone whose record is known to work.
async fn laggard() -> (World, String, String) {
    let world = World::new().await;
    world.graph.configure(|settings| settings.ledger_lag = Lag::from(Duration::from_secs(119)));
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.plant_entry(&id, planted::remote_lock("2026-11-01T08:00:00.1234567Z", "1234"));
    (world, serial, id)
}

fn on_the_reset(world: &World, fault: Fault) {
    world.graph.script(Rule::on(PathClass::Action, fault).once());
}

fn result(status: &PasscodeResetStatus) -> Option<AttemptResult> {
    status.attempt.as_ref().and_then(|attempt| attempt.result)
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_and_carried_out_is_found_and_followed_by_no_second_reset() {
    for (answer, fault) in [
        ("400", Fault::status(400)),
        ("400 of Intune", Fault::refused_by_intune()),
        ("404", Fault::status(404)),
        ("422", Fault::status(422)),
    ] {
        for (when, fault) in [("at once", fault.clone().executed()), ("late", fault.executed_after(LATE))] {
            let (world, serial, id) = laggard().await;
            on_the_reset(&world, fault);
            let replica = world.replica("a");
            world.create(reset("first", &serial, world.now())).await;
            let told = world.until("first", AT_ONCE, |status| status.reason() == "VerifyingOutcome").await;
            let message = message(&told);
            assert!(
                message.starts_with("Microsoft Graph refused it with 4") && message.contains("Until 2026"),
                "{message}"
            );
            assert_eq!(result(&told), Some(AttemptResult::Refused));
            tokio::time::sleep(AT_ONCE).await;
            // The next ticket for the same phone.
            world.create(reset("second", &serial, world.now())).await;
            world.held("second", "DeviceBusy", "Another reset").await;
            world.ends("first", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
            world.ends("second", VERIFIED, Outcome::Complete, "Adopted").await;
            tokio::time::sleep(VERIFIED).await;
            assert_eq!(world.executed(&id), 1, "{answer}, carried out {when}");
            replica.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_and_not_carried_out_is_rejected_once_that_is_sure() {
    for fault in [Fault::refused_by_intune(), Fault::status(404), Fault::status(422)] {
        let (world, serial, id) = laggard().await;
        on_the_reset(&world, fault);
        let replica = world.replica("a");
        let begin = world.now();
        world.create(reset("first", &serial, begin)).await;
        world.held("first", "VerifyingOutcome", "in case it was carried out all the same").await;
        world.create(reset("second", &serial, world.now())).await;
        world.held("second", "DeviceBusy", "Another reset").await;
        let status = world.ends("first", VERIFIED, Outcome::Rejected, "RefusedByIntune").await;
        assert!(world.now().duration_since(begin).as_secs() >= 310, "no sooner than sendDeadline + settleWindow");
        assert!(
            message(&status).contains("request id") && message(&status).contains("shows no reset"),
            "{}",
            message(&status)
        );
        assert_eq!(status.silent_attempts, 0);
        world.ends("second", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(world.executed(&id), 1);
        replica.stop().await;
    }
}

/// The tenant's record did not show what Graph accepted: that it shows nothing proves nothing.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_believed_where_the_record_is_known_to_be_broken() {
    let world = World::new().await;
    let (before, _) = world.device(DeviceClass::IPhone, 1);
    on_the_reset(&world, Fault::none().not_executed());
    let replica = world.replica("a");
    world.create(reset("before", &before, world.now())).await;
    world.held("before", "WaitingForDevice", "not list it yet").await;
    tokio::time::sleep(Duration::from_secs(400)).await;
    assert_eq!(world.tenant_says_of("default", "LedgerReadable").await.0, "EntryMissing");
    let (serial, _) = world.device(DeviceClass::IPhone, 2);
    on_the_reset(&world, Fault::refused_by_intune());
    world.create(reset("inc", &serial, world.now())).await;
    let status = world.ends("inc", VERIFIED, Outcome::Failed, "OutcomeUnknown").await;
    assert!(
        message(&status).contains("An error has occurred") && message(&status).contains("LedgerReadable"),
        "{}",
        message(&status)
    );
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_in_graphs_place_is_not_believed() {
    for status in [200, 204, 400, 401, 403, 404, 405, 407, 422, 424, 429, 502] {
        for (when, fault) in [
            ("carried out", Fault::html(status).executed()),
            ("carried out late", Fault::html(status).executed_after(LATE)),
            ("not carried out", Fault::html(status)),
        ] {
            let (world, serial, id) = laggard().await;
            on_the_reset(&world, fault);
            let replica = world.replica("a");
            world.create(reset("inc", &serial, world.now())).await;
            let said = format!("Something on the way answered {status}");
            let told = world.held("inc", "VerifyingOutcome", &said).await;
            assert_eq!(result(&told), Some(AttemptResult::Unknown), "{status} {when}");
            assert_eq!(world.tenant_says("default").await.0, "Ready", "{status} {when}");
            let ended = world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
            let attempts = if when == "not carried out" { 2 } else { 1 };
            assert_eq!(ended.attempt.unwrap().number, attempts, "{status} {when}");
            tokio::time::sleep(VERIFIED).await;
            assert_eq!(world.executed(&id), 1, "{status} {when}");
            replica.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_server_under_the_status_of_a_refusal_is_no_refusal() {
    for (status, code, sentence) in [(400, "InternalError", "Something went wrong"), (504, "UnknownError", "")] {
        let (world, serial, id) = laggard().await;
        on_the_reset(&world, Fault::error(status, code, sentence).executed());
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        let told = world.held("inc", "VerifyingOutcome", &format!("answered {status} ({code})")).await;
        assert_eq!(result(&told), Some(AttemptResult::Unknown));
        world.ends("inc", VERIFIED, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(world.executed(&id), 1);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_graph_said_outlives_a_restart_and_is_told_in_the_end() {
    for (fault, said, reason, outcome) in [
        (
            Fault::refused_by_intune(),
            "refused it with 400 (BadRequest): An error has occurred",
            "RefusedByIntune",
            Outcome::Rejected,
        ),
        (
            Fault::status(500),
            "answered 500 (InternalServerError): The service could not",
            "OutcomeUnknown",
            Outcome::Failed,
        ),
    ] {
        // Nothing was ever seen in this tenant's record: one attempt that tells nothing is the last.
        let world = World::new().await;
        let (serial, _) = world.device(DeviceClass::IPhone, 1);
        on_the_reset(&world, fault);
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        let before = world.held("inc", "VerifyingOutcome", said).await;
        replica.kill().await;
        let replica = world.replica("b");
        tokio::time::sleep(SOON).await;
        assert_eq!(world.status("inc").await.conditions, before.conditions, "nothing else is said");
        let ended = world.ends("inc", VERIFIED, outcome, reason).await;
        assert!(message(&ended).contains(said), "{}", message(&ended));
        let told = conditions::get(&ended.conditions, "Issued").unwrap().message.clone();
        for text in [message(&before), message(&ended), &told] {
            assert!(!text.contains("://") && !text.contains('{') && !text.contains("Activity ID"), "{text}");
        }
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_reset_that_is_deleted_may_still_happen() {
    let (world, serial, id) = laggard().await;
    on_the_reset(&world, Fault::refused_by_intune().executed_after(LATE));
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.held("inc", "VerifyingOutcome", "refused it").await;
    world.resets().delete("inc", &Default::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let events = world.api.objects("events.events.k8s.io");
    assert!(events.iter().any(|event| event["reason"] == "DeletedInFlight"), "{events:?}");
    // The lock stays: the next object for the phone waits, and follows what shows.
    world.create(reset("next", &serial, world.now())).await;
    world.held("next", "DeviceBusy", "Another reset").await;
    world.ends("next", VERIFIED, Outcome::Complete, "Adopted").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}
