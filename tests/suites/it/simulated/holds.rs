//! What holds resets back is exact under load and over restarts: the fuse of an hour, and a suspended tenant.

use std::{collections::BTreeSet, time::Duration};

use graph_simulator::{DeviceClass, PathClass};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use passcode_core::api::{reset::PasscodeReset, reset_status::Outcome, tenant::IntuneTenant};
use serde_json::json;
use world::{
    World,
    objects::{HELPDESK, reset},
};

use super::crowd::{all, declare, with_limits};

const MINUTE: Duration = Duration::from_secs(60);

async fn unfinished(world: &World) -> usize {
    all(world)
        .await
        .iter()
        .filter(|object| object.status.as_ref().is_none_or(|status| status.outcome.is_none()))
        .count()
}

/// What the unfinished wait for, each reason once.
async fn reasons(world: &World) -> Vec<String> {
    let all = all(world).await;
    let unfinished = all.iter().filter_map(|object| object.status.as_ref()).filter(|status| status.outcome.is_none());
    let reasons: BTreeSet<String> = unfinished.map(|status| status.reason().to_owned()).collect();
    reasons.into_iter().collect()
}

/// One that waits for the limit.
async fn first_in_line(world: &World) -> String {
    let waits =
        |object: &&PasscodeReset| object.status.as_ref().is_some_and(|status| status.reason() == "LimitReached");
    all(world).await.iter().find(waits).unwrap().name_any()
}

fn posts(world: &World) -> Vec<Timestamp> {
    world.requests_of(PathClass::Action).iter().map(|request| request.at).collect()
}

#[tokio::test(start_paused = true)]
async fn no_hour_has_more_resets_than_the_fuse_admits_whatever_restarts() {
    let world = with_limits(json!({"resetsPerHour": 20})).await;
    declare(&world, HELPDESK, 1..51).await;
    for number in 0..5 {
        let replica = world.replica(&format!("r{number}"));
        // One in three is killed.
        tokio::time::sleep(30 * MINUTE).await;
        if number % 3 == 1 { replica.kill().await } else { replica.stop().await }
    }
    assert_eq!(unfinished(&world).await, 0);
    let posts = posts(&world);
    assert_eq!((posts.len(), world.graph.executed().len()), (50, 50));
    for first in &posts {
        let hour = posts.iter().filter(|at| *at >= first && at.duration_since(*first).as_secs() < 3600);
        assert!(hour.count() <= 20);
    }
    // The fuse is not blown for longer than it has to be either; that one was killed costs the wait for its lease, and a quarantine.
    assert!(posts[20].duration_since(posts[0]).as_secs() < 4000);
}

#[tokio::test(start_paused = true)]
async fn suspended_in_the_middle_of_a_burst_nothing_more_is_sent_until_it_goes_on() {
    let world = with_limits(json!({"writesPer20s": 10})).await;
    declare(&world, HELPDESK, 1..61).await;
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(45)).await;
    suspend(&world, true).await;
    // What was claimed by then is sent, and what was sent is followed.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let sent = posts(&world).len();
    assert!((20..50).contains(&sent), "{sent}");
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!((posts(&world).len(), unfinished(&world).await), (sent, 60 - sent));
    assert_eq!(reasons(&world).await, ["Suspended"]);
    suspend(&world, false).await;
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!((unfinished(&world).await, world.graph.executed().len()), (0, 60));
    replica.stop().await;
}

async fn suspend(world: &World, suspend: bool) {
    let tenants: Api<IntuneTenant> = Api::all(world.client.clone());
    let patch = json!({"spec": {"suspend": suspend}});
    tenants.patch("default", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_in_line_makes_room_for_what_has_its_name() {
    let world = with_limits(json!({"resetsPerHour": 1})).await;
    declare(&world, HELPDESK, 1..4).await;
    let replica = world.replica("a");
    tokio::time::sleep(MINUTE).await;
    let waiting = first_in_line(&world).await;
    world.resets().delete(&waiting, &DeleteParams::default()).await.unwrap();
    let (serial, _) = world.device(DeviceClass::MacBook, 9);
    world.create(reset(&waiting, &serial, world.now())).await;
    world.ends(&waiting, MINUTE, Outcome::Rejected, "PlatformNotSupported").await;
    replica.stop().await;
}
