//! At Graph's limit: never above it, nothing of it wasted, and nobody starved.

use std::{collections::BTreeMap, time::Duration};

use graph_simulator::{DeviceClass, Fault, Limits, PathClass, RequestRecord, RetryAfter, Rule};
use kube::{Api, api::ListParams};
use passcode_core::api::{reset::PasscodeReset, reset_status::Outcome};
use serde_json::{Value, json};
use tokio::time::Instant;
use world::{
    World,
    objects::{reset, tenant, with},
};

use super::crowd::{all, declare, with_limits};

const MINUTE: Duration = Duration::from_secs(60);

/// A tenant with these limits in any 20 s, which Graph enforces.
async fn limited(requests: usize, writes: usize) -> World {
    let limits = json!({"requestsPer20s": requests, "writesPer20s": writes, "resetsPerHour": 100_000});
    let world = with_limits(limits).await;
    world.graph.configure(|settings| {
        settings.limits = Limits { app_requests: Some(requests), app_writes: Some(writes), ..Limits::default() };
        settings.latency = Duration::from_millis(200);
    });
    world
}

async fn unfinished(world: &World) -> usize {
    let outcome = |object: &PasscodeReset| object.status.as_ref().and_then(|status| status.outcome);
    all(world).await.iter().filter(|object| outcome(object) != Some(Outcome::Complete)).count()
}

/// Waits until all are Complete; answers how long that took.
async fn all_complete(world: &World, at_most: Duration) -> Duration {
    let begin = Instant::now();
    while unfinished(world).await > 0 {
        assert!(begin.elapsed() < at_most, "{} are not Complete after {at_most:?}", unfinished(world).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    begin.elapsed()
}

/// Every device had its one reset.
fn each_once(world: &World, count: usize) {
    let mut by_device: BTreeMap<String, usize> = BTreeMap::new();
    for executed in world.graph.executed() {
        *by_device.entry(executed.device).or_default() += 1;
    }
    assert_eq!(by_device.len(), count);
    assert!(by_device.values().all(|times| *times == 1), "{by_device:?}");
}

fn throttled(world: &World) -> Vec<RequestRecord> {
    world.graph.requests().into_iter().filter(|request| request.status == Some(429)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_burst_uses_the_limit_and_never_more() {
    let world = limited(600, 40).await;
    declare(&world, "helpdesk", 1..201).await;
    let replica = world.replica("a");
    let took = all_complete(&world, 5 * MINUTE).await;
    each_once(&world, 200);
    assert_eq!(throttled(&world), []);
    let peaks = world.graph.peaks();
    assert!(peaks.app_writes <= 40 && peaks.app_requests <= 600, "{peaks:?}");
    // 40 in the first seconds, 160 at two a second, and the last ones' phones have to answer.
    assert!(took < Duration::from_secs(100), "{took:?}");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_on_though_look_ups_wait_and_the_first_phones_answer() {
    // That Intune's record works is noticed every five seconds: once in the middle of the burst, when all places are taken by look-ups.
    for second in 60..65 {
        let world = limited(1000, 20).await;
        let asked = world.now();
        let replica = world.replica("a");
        tokio::time::sleep(Duration::from_secs(second)).await;
        for number in 1..601 {
            let (_, id) = world.device(DeviceClass::IPhone, number);
            let mut value = reset(&format!("inc{number}"), "", asked);
            value["spec"]["device"] = json!({"managedDeviceId": id});
            world.create(value).await;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        // It must not send those that are queued to the end of another queue.
        assert_eq!(world.graph.executed().len(), 20, "{second}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_take_is_learned_and_what_they_leave_is_used() {
    for form in [RetryAfter::Seconds, RetryAfter::Fractional, RetryAfter::HttpDate, RetryAfter::Missing] {
        let world = limited(2000, 100).await;
        world.graph.configure(|settings| {
            settings.limits.retry_after = form;
            settings.latency = Duration::from_millis(100);
        });
        declare(&world, "helpdesk", 1..601).await;
        let replica = world.replica("a");
        tokio::time::sleep(Duration::from_secs(30)).await;
        // Another app takes half from now on.
        world.graph.configure(|settings| settings.limits.app_writes = Some(50));
        let changed = world.now();
        tokio::time::sleep(Duration::from_secs(100)).await;
        let learned = throttled(&world);
        assert!((1..=6).contains(&learned.len()), "{form:?}: {} were throttled", learned.len());
        let since = |from: u64, to: u64| {
            let at = |request: &RequestRecord| request.at.duration_since(changed).as_secs_f64();
            let posts = world.graph.requests();
            posts
                .iter()
                .filter(|request| request.class == PathClass::Action && request.status == Some(204))
                .filter(|request| (from as f64..to as f64).contains(&at(request)))
                .count()
        };
        // 2.5 a second are left.
        let used = since(40, 100);
        assert!(used >= 115, "{form:?}: {used} of 150");
        world.graph.configure(|settings| settings.limits.app_writes = Some(100));
        all_complete(&world, 10 * MINUTE).await;
        each_once(&world, 600);
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_with_hundreds_starves_no_other() {
    let world = limited(600, 20).await;
    world.api.create_namespace("other", &[("team", "it")]);
    declare(&world, "helpdesk", 1..301).await;
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(unfinished(&world).await > 200);
    declare(&world, "other", 1000..1005).await;
    let begin = Instant::now();
    let others: Api<PasscodeReset> = Api::namespaced(world.client.clone(), "other");
    loop {
        let all = others.list(&ListParams::default()).await.unwrap();
        if all.iter().all(|object| object.status.as_ref().is_some_and(|status| status.outcome.is_some())) {
            break;
        }
        assert!(begin.elapsed() < MINUTE, "they wait behind the other namespace's");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(unfinished(&world).await > 100);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_graph_hangs_starves_no_other() {
    let world = World::new().await;
    world.create_tenant(tenant("slow")).await;
    let (_, id) = world.device(DeviceClass::IPhone, 999);
    world.graph.script(Rule::on(PathClass::Read, Fault::hang()).device(&id));
    let replica = world.replica("a");
    for number in 0..200 {
        let slow = json!({"device": {"managedDeviceId": id}, "tenantRef": {"name": "slow"}});
        world.create(with(reset(&format!("slow{number}"), "", world.now()), slow)).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    declare(&world, "helpdesk", 1..21).await;
    let begin = Instant::now();
    for number in 1..21 {
        world.outcome(&format!("inc{number}"), MINUTE).await;
    }
    assert!(begin.elapsed() < MINUTE);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_limits_hold_across_a_hand_over_and_a_crash() {
    for crash in [false, true] {
        let world = limited(600, 40).await;
        declare(&world, "helpdesk", 1..161).await;
        let (first, second) = (world.replica("a"), world.replica("b"));
        tokio::time::sleep(Duration::from_secs(31)).await;
        if crash {
            first.kill().await
        } else {
            first.stop().await
        }
        let third = world.replica("c");
        all_complete(&world, 5 * MINUTE).await;
        each_once(&world, 160);
        let peaks = world.graph.peaks();
        assert!(peaks.app_writes <= 40 && peaks.app_requests <= 600, "crash: {crash}, {peaks:?}");
        assert_eq!(throttled(&world), []);
        second.stop().await;
        third.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn many_open_actions_are_followed_evenly_and_starve_no_reset() {
    let world = limited(220, 20).await;
    declare(&world, "helpdesk", 1..401).await;
    world.graph.configure(|settings| settings.latency = Duration::from_millis(50));
    for device in world.graph.devices() {
        world.graph.change_device(&device.id, |device| device.plan.delay = None);
    }
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(480)).await;
    assert_eq!(world.graph.executed().len(), 400, "{} unfinished", unfinished(&world).await);
    // Ten reads a second are there for 400 open actions.
    tokio::time::sleep(10 * MINUTE).await;
    let (before, begin) = (world.graph.requests().len(), world.now());
    declare(&world, "helpdesk", 1000..1020).await;
    for number in 1000..1020 {
        world.outcome(&format!("inc{number}"), MINUTE).await;
    }
    tokio::time::sleep(2 * MINUTE).await;
    let took = world.now().duration_since(begin).as_secs_f64();
    let rate = (world.graph.requests().len() - before) as f64 / took;
    assert!(rate > 5.0 && rate < 11.0, "{rate} requests a second");
    assert_eq!(throttled(&world), []);
    replica.stop().await;
}

/// What goes wrong with one of many reads spoils nothing else, and is never taken for an answer.
#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_one_answer_of_many_spoils_no_other() {
    use PathClass::{List, Read};
    let second = Duration::from_secs(1);
    let faults = [
        ("throttled", Read, Fault::throttled(3 * second, RetryAfter::Fractional), 429),
        ("token rejected", Read, Fault::status(401), 401),
        ("not available", List, Fault::status(503), 503),
    ];
    for (name, class, fault, status) in faults {
        let world = limited(2000, 200).await;
        world.graph.script(Rule::on(class, fault).after(10).with_probability(0.2, 7).times(20));
        declare(&world, "helpdesk", 1..101).await;
        let replica = world.replica("a");
        all_complete(&world, 5 * MINUTE).await;
        each_once(&world, 100);
        assert!(world.graph.requests().iter().any(|request| request.status == Some(status)), "{name}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_tenants_of_one_app_share_its_budget() {
    let world = limited(600, 20).await;
    let mut other = tenant("other");
    let limits: Value = json!({"requestsPer20s": 600, "writesPer20s": 20, "resetsPerHour": 100_000});
    other["spec"]["limits"] = limits;
    world.create_tenant(other).await;
    declare(&world, "helpdesk", 1..41).await;
    for number in 41..81 {
        let (serial, _) = world.device(DeviceClass::IPhone, number);
        let mut value = reset(&format!("inc{number}"), &serial, world.now());
        value["spec"]["tenantRef"] = json!({"name": "other"});
        world.create(value).await;
    }
    let replica = world.replica("a");
    all_complete(&world, 5 * MINUTE).await;
    each_once(&world, 80);
    assert_eq!(throttled(&world), []);
    assert!(world.graph.peaks().app_writes <= 20);
    replica.stop().await;
}
