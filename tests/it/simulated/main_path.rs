//! The main job: declared, looked up, checked, sent once, followed, told.

use std::time::Duration;

use graph_simulator::{Device, DeviceClass};
use k8s_openapi::jiff::Timestamp;
use passcode_core::api::reset_status::{Outcome, PasscodeResetStatus};
use serde_json::Value;
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
