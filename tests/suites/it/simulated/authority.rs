//! Who may send at the moment of sending: the tenant and the namespace as they are then, not as they were when a pass began.

use std::{sync::Arc, time::Duration};

use graph_simulator::{DeviceClass, Fault, Lag, PathClass, Rule};
use k8s_openapi::jiff::Timestamp;
use passcode_core::api::reset_status::{AttemptResult, Outcome};
use serde_json::json;
use world::{
    World,
    objects::{HELPDESK, reset, tenant, with},
    transport::InProcess,
};

const SOON: Duration = Duration::from_secs(60);
const VERIFIED: Duration = Duration::from_secs(900);
/// How long after its lock was taken a claim may be sent.
const SEND_WINDOW: f64 = 30.0;
/// What operations.md says to wait between suspending one installation and resuming the other.
const SWITCH_OVER: u64 = 310;

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// When requests for a reset arrived, in seconds after `since`.
fn sent_after(world: &World, since: Timestamp) -> Vec<f64> {
    let sent = world.requests_of(PathClass::Action);
    sent.iter().map(|request| request.at.duration_since(since).as_secs_f64()).collect()
}

fn slow_reads(world: &World, seconds: u64) {
    for class in [PathClass::List, PathClass::Read] {
        world.graph.script(Rule::on(class, Fault::none().slow(Duration::from_secs(seconds))));
    }
}

/// A second cluster at the Graph of the first, suspended.
async fn standby(first: &World) -> World {
    let mut second = World::empty().await;
    second.graph = first.graph.clone();
    second.transports = Arc::new(InProcess(first.graph.clone()));
    second.create_tenant(with(tenant("default"), json!({"suspend": true}))).await;
    second
}

/// Everything as late as the bounds allow: the record, and when the first request is carried out.
fn at_the_bounds(world: &World) {
    world.graph.configure(|settings| settings.ledger_lag = Lag::from(Duration::from_secs(119)));
    world.graph.script(Rule::on(PathClass::Action, Fault::none().executed_after(Duration::from_secs(149))).once());
}

#[tokio::test(start_paused = true)]
async fn a_switch_over_in_the_middle_of_a_pass_resets_once() {
    for slow in [0, 5, 11, 12, 20, 25, 29] {
        let first = World::new().await;
        let second = standby(&first).await;
        let (serial, id) = first.device(DeviceClass::IPhone, 1);
        let (a, b) = (first.replica("a"), second.replica("b"));
        seconds(30).await;
        at_the_bounds(&first);
        slow_reads(&first, slow);
        let declared = reset("inc", &serial, first.now());
        first.create(declared.clone()).await;
        second.create(declared).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        first.change_tenant("default", json!({"suspend": true})).await;
        let suspended = first.now();
        // The API server and Graph are as slow for the second as long as they may be.
        seconds(SWITCH_OVER - 60).await;
        first.graph.clear_faults();
        seconds(60).await;
        second.change_tenant("default", json!({"suspend": false})).await;
        for world in [&first, &second] {
            world.outcome("inc", VERIFIED).await;
        }
        assert_eq!(first.executed(&id), 1, "reads of {slow} s: {:?}", sent_after(&first, suspended));
        a.stop().await;
        b.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_withdraws_permission_holds_back_what_is_being_looked_up() {
    enum Withdrawn {
        Suspended,
        Label,
        Selector,
        Tenant,
    }
    use Withdrawn::{Label, Selector, Suspended, Tenant};
    for (withdrawn, slow) in
        [(Suspended, 2), (Suspended, 25), (Suspended, 29), (Label, 25), (Selector, 25), (Tenant, 25)]
    {
        let world = World::empty().await;
        let allowed = json!({"allowedNamespaces": {"matchLabels": {"team": "it"}}});
        world.create_tenant(with(tenant("default"), allowed)).await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let replica = world.replica("a");
        seconds(30).await;
        slow_reads(&world, slow);
        world.create(reset("inc", &serial, world.now())).await;
        seconds(1).await;
        let reason = match withdrawn {
            Suspended => {
                world.change_tenant("default", json!({"suspend": true})).await;
                "Suspended"
            }
            Label => {
                world.label(HELPDESK, "team", None).await;
                "NamespaceNotAllowed"
            }
            Selector => {
                world.change_tenant("default", json!({"allowedNamespaces": {"matchLabels": {"team": "other"}}})).await;
                "NamespaceNotAllowed"
            }
            Tenant => {
                world.delete_tenant("default").await;
                "TenantNotReady"
            }
        };
        let since = world.now();
        world.until("inc", VERIFIED, |status| status.reason() == reason).await;
        let sent = sent_after(&world, since);
        assert!(sent.iter().all(|after| *after <= SEND_WINDOW), "{reason}, reads of {slow} s: {sent:?}");
        assert_eq!(world.executed(&id), 0, "{reason}, reads of {slow} s");
        if reason == "Suspended" {
            world.graph.clear_faults();
            world.change_tenant("default", json!({"suspend": false})).await;
            world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
            assert_eq!(world.executed(&id), 1);
        }
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_needs_the_permission_of_the_first() {
    for by_label in [true, false] {
        let world = World::empty().await;
        let allowed = json!({"allowedNamespaces": {"matchLabels": {"team": "it"}}});
        world.create_tenant(with(tenant("default"), allowed)).await;
        // Where no record was ever seen, there is no second attempt at all.
        let (known, _) = world.device(DeviceClass::IPad, 77);
        let replica = world.replica("a");
        world.create(reset("before", &known, world.now())).await;
        world.ends("before", SOON, Outcome::Complete, "PasscodeRemoved").await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        world.graph.script(Rule::on(PathClass::Action, Fault::status(503)).once());
        world.create(reset("inc", &serial, world.now())).await;
        world.until("inc", SOON, |status| status.reason() == "VerifyingOutcome").await;
        if by_label {
            world.label(HELPDESK, "team", None).await;
        } else {
            world.change_tenant("default", json!({"allowedNamespaces": {"matchLabels": {"team": "other"}}})).await;
        }
        let status = world.ends("inc", VERIFIED, Outcome::Failed, "OutcomeUnknown").await;
        let attempt = status.attempt.unwrap();
        assert_eq!((attempt.number, attempt.result), (1, Some(AttemptResult::Unknown)));
        assert_eq!(world.executed(&id), 0, "by label: {by_label}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_standby_says_expired_only_when_the_active_one_cannot_have_sent_it() {
    let first = World::new().await;
    let second = standby(&first).await;
    let (serial, id) = first.device(DeviceClass::IPhone, 1);
    seconds(30).await;
    at_the_bounds(&first);
    let expires = first.now() + k8s_openapi::jiff::SignedDuration::from_secs(60);
    let expires = expires.strftime("%FT%TZ").to_string();
    let declared = with(reset("inc", &serial, first.now()), json!({"expirationTime": expires}));
    second.create(declared.clone()).await;
    let (a, b) = (first.replica("a"), second.replica("b"));
    seconds(50).await;
    first.create(declared).await;
    let status = second.outcome("inc", VERIFIED).await;
    assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "Adopted"));
    assert_eq!(first.executed(&id), 1);

    // What nobody sent is Rejected in the end.
    let (other, other_id) = first.device(DeviceClass::IPhone, 2);
    let long_ago = first.now() - k8s_openapi::jiff::SignedDuration::from_hours(2);
    let expired = json!({"expirationTime": (first.now()).strftime("%FT%TZ").to_string()});
    second.create(with(reset("late", &other, long_ago), expired)).await;
    second.until("late", SOON, |status| status.reason() == "Suspended").await;
    second.ends("late", VERIFIED, Outcome::Rejected, "Expired").await;
    assert_eq!(first.executed(&other_id), 0);
    a.stop().await;
    b.stop().await;
}
