//! The cluster's admission control denies what the operator writes, or changes it, or does not answer.

use std::{collections::BTreeMap, time::Duration};

use api_server::{Review, Ruling, Verb, denied_by_policy, denied_by_webhook, webhook_down};
use graph_simulator::{DeviceClass, DevicePlan, Lag, PathClass};
use k8s_openapi::jiff::Timestamp;
use kube::core::Status;
use passcode_core::api::{
    conditions::{self, kind},
    reset_status::Outcome,
};
use serde_json::{Value, json};
use world::{World, changes::message, objects::reset};

const SOON: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Whether the write claims: the attempt's id is another.
fn claims(review: &Review<'_>) -> bool {
    let id = |object: &Value| object["status"]["attempt"]["id"].clone();
    writes_status(review) && id(review.object) != id(review.old)
}

fn writes_status(review: &Review<'_>) -> bool {
    review.resource == "passcoderesets" && review.subresource == "status"
}

/// Whether the write is of a device lock that is taken.
fn locks(review: &Review<'_>) -> bool {
    review.resource == "leases" && review.name.starts_with("device-") && review.verb != Verb::Delete
}

/// From now on such writes are answered with this.
fn deny(world: &World, status: &Status, which: impl Fn(&Review<'_>) -> bool + Send + Sync + 'static) {
    let status = status.clone().boxed();
    world.api.admission(move |review| if which(review) { Ruling::Deny(status.clone()) } else { Ruling::Admit });
}

/// From now on such writes are stored after this change.
fn change(world: &World, which: fn(&Review<'_>) -> bool, how: fn(&mut Value)) {
    world.api.admission(move |review| {
        if !which(review) {
            return Ruling::Admit;
        }
        let mut object = review.object.clone();
        how(&mut object);
        Ruling::Change(object)
    });
}

/// The device locks that are there.
fn device_locks(world: &World) -> usize {
    let leases = world.api.objects("Lease");
    leases.iter().filter(|lease| lease["metadata"]["name"].as_str().unwrap().starts_with("device-")).count()
}

/// When claims were tried without being stored.
fn tries(world: &World) -> Vec<Timestamp> {
    let writes = world.api.writes();
    writes.iter().filter(|write| write.call.query.contains_key("dryRun")).map(|write| write.at).collect()
}

/// The events of this reason.
fn events(world: &World, reason: &str) -> usize {
    world.api.objects("events.events.k8s.io").iter().filter(|event| event["reason"] == reason).count()
}

fn permitted(status: &passcode_core::api::reset_status::PasscodeResetStatus) -> (String, String) {
    let permitted = conditions::get(&status.conditions, kind::PERMITTED).unwrap();
    (permitted.status.clone(), permitted.reason.clone())
}

/// One that is asked for now goes its way, whatever is denied to others.
async fn another_goes_on(world: &World) {
    let (serial, id) = world.device(DeviceClass::IPhone, 99);
    world.create(reset("another", &serial, world.now())).await;
    world.ends("another", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
}

/// Every way in which a policy holds back what it could admit later.
fn holds() -> [Status; 7] {
    [
        denied_by_policy(422, "p", "hold: the change window opens at 18:00"),
        denied_by_webhook(
            403,
            "w",
            "\n\nresource PasscodeReset/helpdesk/inc was blocked due to the following policies \n\nw:\n  r: 'hold: later'\n",
        ),
        denied_by_webhook(429, "w", "too much at once"),
        denied_by_webhook(500, "w", "its database is gone"),
        denied_by_policy(422, "p", "expression 'object.x' resulted in error: no such key: x"),
        denied_by_policy(422, "p", "failed to configure binding: no params found"),
        webhook_down("w"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_denied_claim_is_rejected_with_the_sentence_and_concerns_that_object_alone() {
    for denial in [
        denied_by_policy(403, "company-only", "only company phones"),
        denied_by_policy(422, "company-only", "only company phones"),
        denied_by_webhook(400, "w", "only company phones"),
        denied_by_webhook(404, "w", "only company phones"),
        denied_by_webhook(409, "w", "only company phones"),
        denied_by_webhook(410, "w", "[denied by company-only] only company phones"),
    ] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        deny(&world, &denial, |review| claims(review) && review.name == "inc");
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        let status = world.ends("inc", SOON, Outcome::Rejected, "DeniedByAdmission").await;
        let told = message(&status);
        assert!(
            told.contains(
                "denied it: only company phones. Nothing was sent. Only the first policy that refuses is reported"
            ),
            "{told}"
        );
        assert_eq!(permitted(&status), ("False".to_owned(), "DeniedByAdmission".to_owned()));
        assert!(status.attempt.is_none(), "a denied claim leaves no claim");
        assert_eq!((device_locks(&world), world.requests_of(PathClass::Action).len()), (0, 0), "{told}");
        another_goes_on(&world).await;
        assert_eq!((world.executed(&id), tries(&world).len()), (0, 0));
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_tried_without_the_lock_and_goes_on_exactly_once() {
    for denial in holds() {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        deny(&world, &denial, |review| claims(review) && review.name == "inc");
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        let status = world.held("inc", "HeldByAdmission", "It is tried again by itself").await;
        assert_eq!(permitted(&status), ("Unknown".to_owned(), "HeldByAdmission".to_owned()));
        another_goes_on(&world).await;
        let locks = device_locks(&world);
        tokio::time::sleep(HOUR).await;
        let tried = tries(&world);
        assert!((6..=12).contains(&tried.len()), "{}: {tried:?}", message(&status));
        let apart = tried.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs());
        assert!(apart.clone().all(|seconds| (60..=605).contains(&seconds)), "{:?}", apart.collect::<Vec<_>>());
        assert!(device_locks(&world) <= locks, "no lock while it is held");
        assert_eq!((world.executed(&id), events(&world, "HeldByAdmission")), (0, 1));
        world.api.admit_all();
        let status = world.ends("inc", 11 * MINUTE, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(permitted(&status), ("True".to_owned(), "NoPolicy".to_owned()));
        assert_eq!((world.executed(&id), status.attempt.unwrap().number), (1, 1));
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_replica_tries_before_it_takes_the_lock_and_a_hold_ends_with_its_time() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    deny(&world, &holds()[0], claims);
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.held("inc", "HeldByAdmission", "the change window opens at 18:00").await;
    replica.stop().await;
    let before = world.api.requests().len();
    let replica = world.replica("b");
    tokio::time::sleep(5 * MINUTE).await;
    let after = world.api.requests().split_off(before);
    assert!(after.iter().any(|request| request.call.query.contains_key("dryRun")));
    let locked = after.iter().any(|request| {
        request.call.resource == "leases"
            && request.call.body["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("device-"))
    });
    assert!(!locked, "the lock was taken for what is held");
    let status = world.ends("inc", 25 * HOUR, Outcome::Rejected, "Expired").await;
    assert!(message(&status).contains("It last waited for: HeldByAdmission"), "{}", message(&status));
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_many_held_ones_ten_a_second_are_tried() {
    let world = World::new().await;
    deny(&world, &holds()[0], claims);
    let replica = world.replica("a");
    for number in 1..=60 {
        let (serial, _) = world.device(DeviceClass::IPhone, number);
        world.create(reset(&format!("inc{number}"), &serial, world.now())).await;
    }
    tokio::time::sleep(10 * MINUTE).await;
    // A new leader knows of each only that it was held, and would try them all at once.
    replica.stop().await;
    let replica = world.replica("b");
    tokio::time::sleep(HOUR).await;
    let mut seconds: BTreeMap<i64, usize> = BTreeMap::new();
    let tried = tries(&world);
    tried.iter().for_each(|at| *seconds.entry(at.as_second()).or_default() += 1);
    assert!(tried.len() > 60 * 8, "{}", tried.len());
    assert!(seconds.values().all(|count| *count <= 10), "{seconds:?}");
    world.api.admit_all();
    for number in 1..=60 {
        world.ends(&format!("inc{number}"), 15 * MINUTE, Outcome::Complete, "PasscodeRemoved").await;
    }
    assert_eq!(world.graph.executed().len(), 60);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn where_no_status_is_admitted_nothing_is_sent_and_it_is_written_more_and_more_rarely() {
    for (sentence, outcome, reason, sent) in [
        ("nobody writes this", Outcome::Rejected, "DeniedByAdmission", 0),
        ("hold: nobody writes this yet", Outcome::Complete, "PasscodeRemoved", 1),
    ] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let denial = denied_by_policy(403, "p", sentence);
        deny(&world, &denial, |review| writes_status(review) && review.name == "inc");
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        tokio::time::sleep(MINUTE).await;
        another_goes_on(&world).await;
        tokio::time::sleep(2 * HOUR).await;
        let of_it = |request: &&api_server::Request| request.call.name == "inc" && request.call.verb == Verb::Patch;
        let written = world.api.writes().iter().filter(of_it).count();
        assert!((20..=100).contains(&written), "{written}");
        assert_eq!((world.executed(&id), events(&world, "StatusWriteDenied")), (0, 1));
        assert_eq!(world.status("inc").await.reason(), "", "nothing was stored");
        world.api.admit_all();
        world.ends("inc", 16 * MINUTE, outcome, reason).await;
        assert_eq!(world.executed(&id), sent);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_claim_whose_verdict_is_denied_too_ends_when_a_write_is_admitted() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    deny(&world, &denied_by_policy(403, "p", "only company phones"), writes_status);
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(world.status("inc").await.outcome, None);
    deny(&world, &denied_by_policy(403, "p", "only company phones"), claims);
    world.ends("inc", 11 * MINUTE, Outcome::Rejected, "DeniedByAdmission").await;
    assert_eq!((world.executed(&id), device_locks(&world)), (0, 0));
    replica.stop().await;
}

/// Graph accepted it, and Intune's record shows it long after everything has settled: nobody but this process knows.
#[tokio::test(start_paused = true)]
async fn an_answer_whose_record_is_denied_is_not_followed_by_a_second_request() {
    for denial in [denied_by_policy(422, "p", "no results"), webhook_down("w")] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        world.graph.plant_entry(&id, graph_simulator::planted::remote_lock("2026-11-01T08:00:00.1234567Z", "1234"));
        world.graph.change_device(&id, |device| {
            device.ledger.lag = Some(Lag::from(Duration::from_secs(1800)));
            device.plan = DevicePlan::never();
        });
        deny(&world, &denial, |review| {
            writes_status(review) && !review.object["status"]["attempt"]["result"].is_null()
        });
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        tokio::time::sleep(20 * MINUTE).await;
        assert_eq!((world.executed(&id), device_locks(&world), events(&world, "StatusWriteDenied")), (1, 1, 1));
        another_goes_on_once_admitted(&world).await;
        let status = world.until("inc", 6 * MINUTE, |status| status.reason() == "WaitingForDevice").await;
        assert!(conditions::is_true(&status.conditions, kind::ISSUED));
        tokio::time::sleep(HOUR).await;
        assert_eq!(world.executed(&id), 1, "{}", message(&status));
        assert_eq!(world.status("inc").await.attempt.unwrap().number, 1);
        replica.stop().await;
    }
}

async fn another_goes_on_once_admitted(world: &World) {
    world.api.admit_all();
    another_goes_on(world).await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_denied_holds_and_says_so() {
    for denial in [denied_by_policy(403, "no-leases", "no Lease of this kind"), webhook_down("w")] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        deny(&world, &denial, locks);
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        world.held("inc", "HeldByAdmission", "the Lease that keeps two resets of one device apart").await;
        let looks = world.requests_of(PathClass::Read).len();
        assert!(looks < 10, "{looks} looks at what cannot be sent");
        tokio::time::sleep(HOUR).await;
        assert_eq!((world.executed(&id), device_locks(&world)), (0, 0));
        world.api.admit_all();
        world.ends("inc", 11 * MINUTE, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(world.executed(&id), 1);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_changed_is_not_taken() {
    let changes: [fn(&mut Value); 3] = [
        |lease| lease["metadata"]["annotations"] = json!({}),
        |lease| lease["metadata"]["annotations"]["passcode-operator.dev/settle-window"] = "1s".into(),
        |lease| lease["spec"]["holderIdentity"] = Value::Null,
    ];
    for (number, how) in changes.into_iter().enumerate() {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        change(&world, locks, how);
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        if number < 2 {
            world.held("inc", "HeldByAdmission", "a mutating admission webhook or policy changes the Lease").await;
            tokio::time::sleep(HOUR).await;
            assert_eq!((world.executed(&id), device_locks(&world)), (0, 0));
        }
        // Who holds a Lease is said by an annotation, too; that one does no harm.
        world.api.admit_all();
        world.ends("inc", 11 * MINUTE, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(world.executed(&id), 1);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_under_a_claim_that_was_changed() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.plant_entry(&id, graph_simulator::planted::remote_lock("2026-11-01T08:00:00.1234567Z", "1234"));
    change(&world, claims, |object| object["status"]["attempt"]["sendDeadline"] = "2026-11-29T09:00:00Z".into());
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.held("inc", "HeldByAdmission", "status.attempt is stored as something else").await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(world.requests_of(PathClass::Action).len(), 0);
    world.api.admit_all();
    world.ends("inc", 11 * MINUTE, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_denied_the_leader_lease_leads_once_it_is_admitted() {
    let leads = |review: &Review<'_>| review.name == "passcode-operator-leader";
    for changed in [false, true] {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        if changed {
            change(
                &world,
                |review| review.name == "passcode-operator-leader",
                |lease| {
                    lease["spec"]["holderIdentity"] = "somebody".into();
                },
            );
        } else {
            deny(&world, &denied_by_webhook(403, "w", "no leader"), leads);
        }
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now())).await;
        tokio::time::sleep(10 * MINUTE).await;
        assert_eq!((world.executed(&id), world.status("inc").await.reason()), (0, ""));
        world.api.admit_all();
        world.ends("inc", 11 * MINUTE, Outcome::Complete, "PasscodeRemoved").await;
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_and_the_statuses_of_tenants_and_matrices_may_be_denied() {
    let world = World::new().await;
    let matrix = json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PlatformSupportMatrix", "metadata": {"name": "ours"},
        "spec": {"revision": "1", "rules": []},
    });
    world.create_matrix(matrix).await;
    let others = ["events", "intunetenants", "platformsupportmatrices"];
    deny(&world, &denied_by_webhook(409, "w", "none of this"), move |review| others.contains(&review.resource));
    let replica = world.replica("a");
    another_goes_on(&world).await;
    tokio::time::sleep(HOUR).await;
    let reads = world.api.requests();
    let of_the_tenant = reads.iter().filter(|r| r.call.resource == "intunetenants" && r.call.verb == Verb::Get).count();
    assert!(of_the_tenant < 80, "set up {of_the_tenant} times an hour because a status cannot be written");
    let of_the_matrix = world.api.writes().iter().filter(|r| r.call.resource == "platformsupportmatrices").count();
    assert!((5..20).contains(&of_the_matrix), "{of_the_matrix}");
    world.api.admit_all();
    world.tenant_becomes("default", "Ready").await;
    replica.stop().await;
}
