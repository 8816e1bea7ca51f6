//! What Graph answers when it does not answer: none of it is a verdict, and none of it resets a phone twice.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use api_server::Verb;
use graph_simulator::{
    Device, DeviceClass, DevicePlan, EXAMPLE_CLIENT, Fault, PathClass, READ_PERMISSION, RESET_PERMISSION,
    RequestRecord, RetryAfter, Revocation, Rule,
};
use passcode_core::api::reset_status::Outcome;

use world::{World, changes::BY_ITSELF, objects::reset};

const TEN_MINUTES: Duration = Duration::from_secs(600);
const FORMS: [RetryAfter; 4] = [RetryAfter::Seconds, RetryAfter::Fractional, RetryAfter::HttpDate, RetryAfter::Missing];

fn permit(world: &World, permissions: &'static [&'static str]) {
    world.graph.change_app(EXAMPLE_CLIENT, |app| {
        app.permissions = permissions.iter().map(|&permission| permission.to_owned()).collect();
    });
}

fn statuses(requests: &[RequestRecord]) -> Vec<Option<u16>> {
    requests.iter().map(|request| request.status).collect()
}

/// Completes with one attempt that counts, and one reset.
async fn completes_once(world: &World, name: &str, id: &str) {
    let status = world.ends(name, BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((status.attempt.unwrap().number, status.silent_attempts), (1, 0));
    assert_eq!(world.executed(id), 1);
    world.no_refusals();
}

#[tokio::test(start_paused = true)]
async fn a_permission_missing_for_reads_is_told_until_it_is_granted() {
    let world = World::new().await;
    permit(&world, &[RESET_PERMISSION]);
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "TenantNotReady", READ_PERMISSION).await;
    assert!(world.tenant_becomes("default", "PermissionMissing").await.contains(READ_PERMISSION));
    let before = world.requests_of(PathClass::List).len();
    tokio::time::sleep(TEN_MINUTES).await;
    let probes = world.requests_of(PathClass::List).len() - before;
    assert!((9..=11).contains(&probes), "{probes} probes in ten minutes");
    permit(&world, &[READ_PERMISSION, RESET_PERMISSION]);
    completes_once(&world, "inc1", &id).await;
    world.tenant_becomes("default", "Ready").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_permission_missing_for_the_reset_is_probed_once_a_minute() {
    let world = World::new().await;
    permit(&world, &[READ_PERMISSION]);
    let slow = Device::example(DeviceClass::IPhone, 9).with_plan(DevicePlan::never());
    let (followed, _) = world.add(slow);
    let replica = world.replica("a");
    permit(&world, &[READ_PERMISSION, RESET_PERMISSION]);
    world.create(reset("followed", &followed, world.now())).await;
    world.held("followed", "WaitingForDevice", "not answered yet").await;
    permit(&world, &[READ_PERMISSION]);
    world.graph.expire_tokens();

    let names = ["one", "two", "three"];
    let mut ids = Vec::new();
    for (name, number) in names.into_iter().zip(1..) {
        let (serial, id) = world.device(DeviceClass::IPhone, number);
        world.create(reset(name, &serial, world.now())).await;
        ids.push(id);
    }
    for name in names {
        let status = world.held(name, "TenantNotReady", "PermissionMissing: ").await;
        assert!(status.attempt.is_none_or(|attempt| attempt.number == 1));
    }
    assert!(world.tenant_becomes("default", "PermissionMissing").await.contains(RESET_PERMISSION));
    world.held("followed", "WaitingForDevice", "not answered yet").await;
    let before = world.requests_of(PathClass::Action).len();
    tokio::time::sleep(TEN_MINUTES).await;
    let posts = world.requests_of(PathClass::Action);
    let probes = &posts[before..];
    assert!((9..=11).contains(&probes.len()), "{} probes in ten minutes", probes.len());
    assert!(probes.windows(2).all(|two| two[1].at.duration_since(two[0].at).as_secs() >= 59), "{probes:?}");
    assert_eq!(world.graph.executed().len(), 1);

    permit(&world, &[READ_PERMISSION, RESET_PERMISSION]);
    for (name, id) in names.into_iter().zip(&ids) {
        completes_once(&world, name, id).await;
    }
    world.tenant_becomes("default", "Ready").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn multi_admin_approval_in_each_of_its_forms_holds_until_the_app_is_excluded() {
    for (fault, with_a_code) in [
        (Fault::approval_required(), true),
        (Fault::approval_not_justified(), false),
        (Fault::approval_filed(), true),
        (Fault::approval_pending(), false),
    ] {
        let world = World::new().await;
        world.graph.script(Rule::on(PathClass::Action, fault));
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let replica = world.replica("a");
        world.create(reset("inc1", &serial, world.now())).await;
        world.held("inc1", "TenantNotReady", "MultiAdminApprovalRequired: ").await;
        let told = world.tenant_becomes("default", "MultiAdminApprovalRequired").await;
        assert!(told.contains("exclude the app"), "{told}");
        assert_eq!(told.contains("has filed approval request"), with_a_code, "{told}");
        tokio::time::sleep(TEN_MINUTES).await;
        let status = world.held("inc1", "TenantNotReady", "MultiAdminApprovalRequired: ").await;
        assert_eq!((status.silent_attempts, world.executed(&id)), (0, 0));
        assert_eq!(world.tenant_says("default").await.1, told, "another code of each probe is no news");
        world.graph.clear_faults();
        completes_once(&world, "inc1", &id).await;
        world.tenant_becomes("default", "Ready").await;
        replica.stop().await;
    }
}

/// A world in which requests take a moment, so that a new token is later than what withdrew the old one.
async fn with_latency() -> World {
    let world = World::new().await;
    world.graph.configure(|settings| settings.latency = Duration::from_millis(100));
    world
}

#[tokio::test(start_paused = true)]
async fn a_token_withdrawn_before_a_look_is_replaced() {
    for kind in [Some(Revocation::Plain), Some(Revocation::ClaimsChallenge), None] {
        let world = with_latency().await;
        let slow = Device::example(DeviceClass::IPhone, 1)
            .with_plan(DevicePlan { delay: Some(Duration::from_secs(30)), ..DevicePlan::default() });
        let (serial, id) = world.add(slow);
        let replica = world.replica("a");
        world.create(reset("inc1", &serial, world.now())).await;
        world.held("inc1", "WaitingForDevice", "not answered yet").await;
        match kind {
            Some(kind) => world.graph.revoke_tokens(EXAMPLE_CLIENT, kind),
            None => world.graph.expire_tokens(),
        }
        completes_once(&world, "inc1", &id).await;
        let refused = world.graph.requests().iter().filter(|request| request.status == Some(401)).count();
        assert_eq!(refused, 1, "{kind:?}");
        let claims = world.graph.token_requests().last().unwrap().claims.clone();
        assert_eq!(claims.is_some_and(|claims| claims.contains("nbf")), kind == Some(Revocation::ClaimsChallenge));
        assert_eq!(world.tenant_says("default").await.0, "Ready");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_withdrawn_after_the_claim_is_replaced_and_the_same_claim_sent_again() {
    for kind in [Some(Revocation::Plain), Some(Revocation::ClaimsChallenge), None] {
        let world = with_latency().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let (graph, withdrawn) = (world.graph.clone(), AtomicBool::new(false));
        world.api.caller("a").after(move |call, _| {
            let claims = call.verb == Verb::Patch && !call.sets_status()["attempt"]["id"].is_null();
            if claims && !withdrawn.swap(true, Ordering::Relaxed) {
                match kind {
                    Some(kind) => graph.revoke_tokens(EXAMPLE_CLIENT, kind),
                    None => graph.expire_tokens(),
                }
            }
            async { None }
        });
        let replica = world.replica("a");
        world.create(reset("inc1", &serial, world.now())).await;
        completes_once(&world, "inc1", &id).await;
        let posts = world.requests_of(PathClass::Action);
        assert_eq!(statuses(&posts), [Some(401), Some(204)], "{kind:?}");
        assert_eq!(posts[0].client_request_id, posts[1].client_request_id);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_read_waits_as_long_as_it_is_told() {
    for form in FORMS {
        for class in [PathClass::List, PathClass::Read] {
            let world = World::new().await;
            world.graph.script(Rule::on(class, Fault::throttled(Duration::from_millis(7_400), form)).times(2));
            let (serial, id) = world.device(DeviceClass::IPhone, 1);
            let replica = world.replica("a");
            world.create(reset("inc1", &serial, world.now())).await;
            world.held("inc1", "LookingUp", "429").await;
            completes_once(&world, "inc1", &id).await;
            let reads = world.requests_of(class);
            assert_eq!(statuses(&reads)[..3], [Some(429), Some(429), Some(200)]);
            let least = if form == RetryAfter::Missing { 5_000 } else { 7_400 };
            for two in reads[..3].windows(2) {
                let pause = two[1].at.duration_since(two[0].at).as_millis();
                assert!((least..15_000).contains(&pause), "{form:?} {class:?}: {pause} ms");
            }
            replica.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_reset_is_sent_again_under_its_claim() {
    for form in FORMS {
        let world = World::new().await;
        world.graph.script(Rule::on(PathClass::Action, Fault::throttled(Duration::from_millis(7_400), form)).times(2));
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let replica = world.replica("a");
        world.create(reset("inc1", &serial, world.now())).await;
        completes_once(&world, "inc1", &id).await;
        let posts = world.requests_of(PathClass::Action);
        assert_eq!(statuses(&posts), [Some(429), Some(429), Some(204)], "{form:?}");
        assert!(posts.iter().all(|post| post.client_request_id == posts[0].client_request_id));
        // Where Graph does not say how long, it is tried sooner, and then later.
        let least = if form == RetryAfter::Missing { [2_000, 4_000] } else { [7_400, 7_400] };
        for (two, least) in posts.windows(2).zip(least) {
            assert!(two[1].at.duration_since(two[0].at).as_millis() >= least, "{form:?}");
        }
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn throttled_beyond_its_deadline_it_is_claimed_anew_and_never_counted() {
    let world = World::new().await;
    let throttled = Fault::throttled(Duration::from_secs(90), RetryAfter::Seconds);
    world.graph.script(Rule::on(PathClass::Action, throttled).times(5));
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "LimitReached", "429").await;
    tokio::time::sleep(Duration::from_secs(5 * 90)).await;
    completes_once(&world, "inc1", &id).await;
    let posts = world.requests_of(PathClass::Action);
    assert_eq!(posts.len(), 6);
    assert!(posts.windows(2).all(|two| two[1].at.duration_since(two[0].at).as_secs() >= 90));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn graph_down_for_reads_is_waited_for() {
    for fault in [Fault::status(503), Fault::html(502), Fault::status(500), Fault::connection_refused(), Fault::lost()]
    {
        for class in [PathClass::List, PathClass::Read] {
            let world = World::new().await;
            world.graph.script(Rule::on(class, fault.clone()));
            let (serial, id) = world.device(DeviceClass::IPhone, 1);
            let replica = world.replica("a");
            world.create(reset("inc1", &serial, world.now())).await;
            world.held("inc1", "LookingUp", "Graph could not be read").await;
            tokio::time::sleep(TEN_MINUTES).await;
            let status = world.held("inc1", "LookingUp", "Graph could not be read").await;
            assert!(status.attempt.is_none(), "{fault:?} {class:?}");
            world.graph.clear_faults();
            completes_once(&world, "inc1", &id).await;
            replica.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn graph_down_while_the_device_is_waited_for_changes_no_word() {
    let world = World::new().await;
    let slow = Device::example(DeviceClass::IPhone, 1)
        .with_plan(DevicePlan { delay: Some(Duration::from_secs(300)), ..DevicePlan::default() });
    let (serial, id) = world.add(slow);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "WaitingForDevice", "not answered yet").await;
    world.graph.script(Rule::on(PathClass::Read, Fault::status(503)));
    tokio::time::sleep(TEN_MINUTES).await;
    world.held("inc1", "WaitingForDevice", "not answered yet").await;
    world.graph.clear_faults();
    completes_once(&world, "inc1", &id).await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_look_without_the_device_is_no_verdict() {
    let world = World::new().await;
    world.graph.script(Rule::on(PathClass::Read, Fault::status(404)).nth(2));
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "LookingUp", "looking once more in 30 s").await;
    completes_once(&world, "inc1", &id).await;
    assert!(world.requests_of(PathClass::Read).iter().any(|read| read.status == Some(404)));
    replica.stop().await;
}
