//! What the plans have in common: an installation of some age, two replicas, two resets, and what is right at the end.

use std::{sync::Arc, time::Duration};

use graph_simulator::{DeviceClass, Fault, PathClass, RetryAfter, Rule, planted};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use passcode_core::api::reset_status::Outcome;
use tokio::runtime::Handle;
use world::{
    Replica, World,
    objects::{OPERATOR, reset},
};

use super::effect::{Effect, Probe};
use crate::{
    audit::{Terms, audit},
    report::Tally,
};

const LEASE: &str = "passcode-operator-leader";
/// A tenant older than this could have claims that a restore took back: a quarantine concerns it.
const AGE: Duration = Duration::from_secs(700);
/// Within this everything has an end.
const END: Duration = Duration::from_secs(2 * 3600);

/// The reset that something happens in, and one that is declared when it happens.
pub const RESETS: [&str; 2] = ["first", "second"];

/// An installation of some age, whose leader has just let go, and whose clocks are wrong by this.
pub async fn aged(effect: Effect, offset: SignedDuration) -> World {
    let mut world = World::new().await;
    world.graph.configure(|settings| settings.latency = Duration::from_millis(50));
    for number in [1, 2] {
        let (_, id) = world.device(DeviceClass::IPhone, number);
        world.graph.plant_entry(&id, planted::remote_lock("2026-11-01T08:00:00.1234567Z", "1234"));
    }
    if effect == Effect::Release {
        let throttled = Fault::throttled(Duration::from_secs(60), RetryAfter::Seconds);
        world.graph.script(Rule::on(PathClass::Action, throttled).once());
    }
    tokio::time::sleep(AGE).await;
    world.clock_offset = offset;
    let spec = LeaseSpec {
        holder_identity: Some(String::new()),
        renew_time: Some(MicroTime(world.now() + offset)),
        ..LeaseSpec::default()
    };
    let metadata = ObjectMeta { name: Some(LEASE.to_owned()), ..ObjectMeta::default() };
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), OPERATOR);
    leases.create(&PostParams::default(), &Lease { metadata, spec: Some(spec) }).await.unwrap();
    world
}

/// A leader that the probe watches, and another replica that waits.
pub async fn leader_and_standby(world: &World, probe: &Arc<Probe>) -> [Replica; 2] {
    let (environment, plug) = world.environment("a");
    let leader = Replica::start((probe.watch(&world.api, environment, Handle::current()), plug));
    leads(world, "a").await;
    let standby = world.replica("b");
    tokio::time::sleep(Duration::from_secs(2)).await;
    [leader, standby]
}

/// Declares the first reset and waits until it has come to its effect; answers what is wrong where it has not.
pub async fn come_to_the_effect(world: &World, probe: &Probe) -> Vec<String> {
    probe.arm();
    declare(world, 0).await;
    let reached = within(Duration::from_secs(300), || probe.was_reached()).await;
    if reached { Vec::new() } else { vec!["it never came to its effect".to_owned()] }
}

/// Waits until this replica leads.
pub async fn leads(world: &World, name: &str) {
    let leads = || {
        let lease = world.api.object("Lease", OPERATOR, LEASE);
        lease.is_some_and(|lease| lease["spec"]["holderIdentity"] == name)
    };
    while !leads() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // And has set its tenant up.
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// Declares one of the two.
pub async fn declare(world: &World, which: usize) {
    let serial = world.graph.devices()[which].serial().to_owned();
    world.create(reset(RESETS[which], &serial, world.now())).await;
}

/// Waits until this holds, for at most so long.
pub async fn within(at_most: Duration, holds: impl Fn() -> bool) -> bool {
    let begun = tokio::time::Instant::now();
    while !holds() {
        if begun.elapsed() > at_most {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    true
}

/// Whether one of the two has an outcome.
pub fn ended(world: &World, which: usize) -> bool {
    let object = world.api.object("PasscodeReset", "helpdesk", RESETS[which]);
    object.is_some_and(|object| object["status"]["outcome"].is_string())
}

/// Waits for both ends, and for what might follow.
pub async fn both_end(world: &World) {
    within(END, || ended(world, 0) && ended(world, 1)).await;
}

/// Holds the end against the promise, and against what is right here: both phones are reset once.
pub async fn judged(world: &World, terms: Terms) -> Tally {
    let mut tally = audit(world, terms);
    for (name, device) in RESETS.into_iter().zip(world.graph.devices()) {
        let status = world.status(name).await;
        let end = (status.outcome, status.reason());
        if end != (Some(Outcome::Complete), "PasscodeRemoved") {
            tally.violations.push(format!("{name} ended as {end:?}"));
        }
        let carried_out = world.executed(&device.id);
        if carried_out != 1 {
            tally.violations.push(format!("{name} was carried out {carried_out} time(s)"));
        }
    }
    tally
}

/// When the lease first named this replica.
pub fn took_over(world: &World, name: &str) -> Option<Timestamp> {
    let versions = world.api.history("Lease", OPERATOR, LEASE);
    versions.iter().find(|version| version.object["spec"]["holderIdentity"] == name).map(|version| version.at)
}
