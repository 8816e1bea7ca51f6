//! A declared reset is carried out, by the binary, on a real API server, over HTTPS.

use std::time::Duration;

use graph_simulator::{Device, DeviceClass, Fault, PathClass, Rule};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use passcode_core::api::reset_status::{Outcome, PasscodeResetStatus};
use serde_json::Value;
use world::objects::{reset, reset_object};

use super::process::{Operator, Whole};
use crate::scenes::{self, Scene};

const MINUTE: Duration = Duration::from_secs(60);

/// The whole, with the operator that runs at the moment.
struct Stage<'a> {
    whole: &'a Whole,
    operator: &'a Operator,
}

impl Scene for Stage<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn enrol(&self, device: Device) -> (String, String) {
        (device.serial().to_owned(), self.whole.graph.add_device(device))
    }

    fn carried_out(&self, device_id: &str) -> usize {
        self.whole.graph.executed().iter().filter(|executed| executed.device == device_id).count()
    }

    async fn declare(&self, object: Value) {
        self.whole.resets().create(&PostParams::default(), &reset_object(object)).await.unwrap();
    }

    async fn take_back(&self, name: &str) {
        self.whole.resets().delete(name, &Default::default()).await.unwrap();
    }

    async fn outcome_of(&self, name: &str, at_most: Duration) -> PasscodeResetStatus {
        self.whole.outcome(name, at_most, self.operator).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_reach_complete_and_rejected_and_survive_kills() {
    let whole = Whole::start().await;
    let operator = whole.operator("first");
    let stage = Stage { whole: &whole, operator: &operator };
    tokio::join!(
        scenes::a_phone_is_reset_once_and_a_replay_adopts(&stage),
        scenes::a_mac_is_refused_with_advice(&stage),
        scenes::a_work_profile_is_reset_where_it_is_named(&stage),
        scenes::declarations_for_one_device_send_once(&stage),
        scenes::scheduled_and_expired(&stage),
    );
    endpoints_answer(&operator).await;

    // Killed while the answer to its request is under way, and started again.
    let (serial, id) = stage.enrol(Device::example(DeviceClass::AndroidDedicated, 4));
    let fault = Fault::none().slow(Duration::from_secs(8));
    whole.graph.script(Rule::on(PathClass::Action, fault).device(&id).once());
    stage.declare(reset("slow", &serial, Timestamp::now())).await;
    let begin = std::time::Instant::now();
    while stage.carried_out(&id) == 0 && begin.elapsed() < MINUTE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    operator.kill().await;
    let operator = whole.operator("second");
    let status = whole.outcome("slow", 2 * MINUTE, &operator).await;
    assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "TemporaryPasscode"));
    let stage = Stage { whole: &whole, operator: &operator };
    assert_eq!(stage.carried_out(&id), 1, "{}", operator.log());

    assert!(whole.graph.refusals().is_empty(), "{:?}", whole.graph.refusals());
    assert!(!operator.log().contains(graph_simulator::EXAMPLE_SECRET));
    assert!(operator.terminate().await < Duration::from_secs(10));
}

async fn endpoints_answer(operator: &Operator) {
    assert_eq!(operator.get("/livez").await.0, 200);
    assert_eq!(operator.get("/readyz").await, (200, "ok\n".to_owned()));
    let metrics = operator.get("/metrics").await.1;
    let rejected = r#"passcode_operator_resets_finished_total{outcome="Rejected",reason="PlatformNotSupported"} 1"#;
    assert!(metrics.contains(rejected), "{metrics}");
}
