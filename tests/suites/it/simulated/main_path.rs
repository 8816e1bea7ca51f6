//! The main job: declared, looked up, checked, sent once, followed, told.

use std::time::Duration;

use api_server::Verb;
use graph_simulator::{Device, DeviceClass, DevicePlan, PathClass};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use passcode_core::api::reset_status::{Outcome, PasscodeResetStatus};
use serde_json::{Value, json};
use world::{World, objects::reset};

use crate::scenes::{self, Scene};

impl Scene for World {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    fn enrol(&self, device: Device) -> (String, String) {
        self.add(device)
    }

    fn carried_out(&self, device_id: &str) -> usize {
        self.executed(device_id)
    }

    async fn declare(&self, object: Value) {
        self.create(object).await;
    }

    async fn take_back(&self, name: &str) {
        self.resets().delete(name, &Default::default()).await.unwrap();
    }

    async fn outcome_of(&self, name: &str, at_most: Duration) -> PasscodeResetStatus {
        self.outcome(name, at_most).await
    }
}

/// Runs a body in a world of its own.
macro_rules! scenes {
    ($($body:ident),* $(,)?) => {$(
        #[tokio::test(start_paused = true)]
        async fn $body() {
            let world = World::new().await;
            let replica = world.replica("a");
            scenes::$body(&world).await;
            world.no_refusals();
            replica.stop().await;
        }
    )*};
}

scenes!(
    a_phone_is_reset_once_and_a_replay_adopts,
    a_mac_is_refused_with_advice,
    a_work_profile_is_reset_where_it_is_named,
    declarations_for_one_device_send_once,
    scheduled_and_expired,
);

/// Both have the reason of the matrix; the list of events shows no more than that and the note.
#[tokio::test(start_paused = true)]
async fn the_events_of_a_reset_can_be_told_apart() {
    let world = World::new().await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", Duration::from_secs(120), Outcome::Complete, "PasscodeRemoved").await;
    let events = world.api.objects("events.events.k8s.io");
    let shown: Vec<_> =
        events.iter().map(|event| (event["reason"].as_str(), event["note"].as_str().unwrap())).collect();
    let once = |condition: &str| {
        let of =
            |(reason, note): &&(Option<&str>, &str)| *reason == Some("PasscodeRemoved") && note.starts_with(condition);
        shown.iter().filter(of).count() == 1
    };
    assert!(shown.len() == 2 && once("Issued: ") && once("Complete: "), "{shown:?}");
    replica.stop().await;
}

/// Every call to the API server that one reset makes, in order, where its device answers at once; and how many there are to Graph.
#[tokio::test(start_paused = true)]
async fn what_a_reset_costs() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.change_device(&id, |device| {
        device.plan = DevicePlan { delay: Some(Duration::ZERO), ..DevicePlan::default() };
    });
    let replica = world.replica("a");
    world.tenant_becomes("default", "Ready").await;
    let (before, asked) = (world.api.requests().len(), world.requests_about_devices());
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", Duration::from_secs(120), Outcome::Complete, "PasscodeRemoved").await;
    let calls: Vec<String> = world.api.requests()[before..]
        .iter()
        .filter(|request| request.call.client == "a")
        .map(|request| format!("{:?} {}", request.call.verb, request.call.resource))
        .collect();
    let expected = [
        "Get passcoderesets",
        "Get leases",
        "Create leases",
        // What permits a request, all at once: the leader lease, the tenant, the namespace.
        "Get leases",
        "Get intunetenants",
        "Get namespaces",
        "Patch passcoderesets",
        "Update leases",
        "Patch passcoderesets",
        "Patch passcoderesets",
        // The issue and the outcome in one.
        "Create events",
    ];
    assert_eq!(calls, expected);
    let events = world.api.objects("events.events.k8s.io");
    let notes: Vec<_> = events.iter().map(|event| event["note"].as_str().unwrap()).collect();
    assert!(notes.len() == 1 && notes[0].starts_with("Complete: "), "{notes:?}");
    // The list that finds the device; the device, whose record is the first look; the look under the lock; the request; the looks after it.
    let asked: Vec<_> =
        world.graph.requests().iter().filter(|r| r.class != PathClass::Token).skip(asked).map(|r| r.class).collect();
    assert!(asked.len() <= 6, "{asked:?}");
    replica.stop().await;
}

/// While a device is waited for, what the watch shows unchanged is not read again.
#[tokio::test(start_paused = true)]
async fn following_reads_nothing_from_the_api_server() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.change_device(&id, |device| {
        device.plan = DevicePlan { delay: Some(Duration::from_secs(7200)), ..DevicePlan::default() };
    });
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.until("inc", Duration::from_secs(60), |status| status.device_action.is_some()).await;
    let (calls, looks) = (world.api.requests().len(), world.requests_of(PathClass::Read).len());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let is_read = |request: &api_server::Request| {
        (request.call.verb, request.call.resource.as_str()) == (Verb::Get, "passcoderesets")
    };
    let read = world.api.requests()[calls..].iter().filter(|request| is_read(request)).count();
    let looked = world.requests_of(PathClass::Read).len() - looks;
    assert!(looked > 30 && read <= 2, "{looked} looks, {read} reads");
    // What somebody else writes is noticed, and its version is what the outcome rests on.
    let label = Patch::Merge(json!({"metadata": {"labels": {"team": "it"}}}));
    world.resets().patch("inc", &PatchParams::default(), &label).await.unwrap();
    world.ends("inc", Duration::from_secs(7200), Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}
