//! The main job: declared, looked up, checked, sent once, followed, told.

use std::time::Duration;

use graph_simulator::Device;
use k8s_openapi::jiff::Timestamp;
use passcode_operator::api::reset_status::PasscodeResetStatus;
use serde_json::Value;
use world::World;

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
