//! Thousands of objects as if they had been there for long: copies of one that the operator really finished, and of one that it really follows.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use graph_simulator::{Device, DeviceClass, DevicePlan, Timestamp};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    contestant::{Contestant, Programs},
    stage::{HELPDESK, OURS, PEERS, Stage},
};

/// The numbers of the phones that are copied.
const PATTERNS: std::ops::Range<u32> = 9_000_000..9_000_002;
const AT_MOST: Duration = Duration::from_secs(90);

/// What is copied.
pub struct Patterns {
    finished: Value,
    followed: Value,
    /// When the reset that is followed began, by the simulator.
    began: Timestamp,
}

impl Patterns {
    /// Lets an operator finish one object and follow another, and ends it.
    ///
    /// # Errors
    /// If it does not.
    pub async fn made(programs: &Programs, stage: &Stage) -> Result<Self> {
        let mut phones = stage.phones(PATTERNS.start..PATTERNS.end - 1, Some(Duration::ZERO));
        phones.append(&mut stage.phones(PATTERNS.end - 1..PATTERNS.end, None));
        let [finished, followed] = phones.as_slice() else { bail!("two phones are needed") };
        let mut operator = programs.start(Contestant::Ours, stage, "pattern-maker", 0)?;
        stage.declare(OURS, &phones).await?;
        until(stage, finished, |status| status["outcome"] == "Complete").await?;
        until(stage, followed, |status| status["deviceAction"]["startTime"].is_string()).await?;
        operator.terminate().await?;
        let executed = stage.simulator.executed();
        let began = executed.iter().find(|executed| executed.device == *followed).context("no reset")?.at;
        let stored = Self {
            finished: stored(stage, OURS, finished).await?,
            followed: stored(stage, OURS, followed).await?,
            began,
        };
        for phone in &phones {
            stage.resets(OURS).delete(phone, &Default::default()).await?;
        }
        Ok(stored)
    }

    /// Stores so many finished resets, of phones that Intune does not have; answers their ids.
    ///
    /// # Errors
    /// If etcd refuses.
    pub async fn store_finished(&self, stage: &Stage, count: usize) -> Result<Vec<String>> {
        let phones: Vec<String> = (0..count).map(|_| Uuid::new_v4().to_string()).collect();
        store(stage, OURS, &self.finished, &phones).await?;
        Ok(phones)
    }

    /// Stores resets under way, one for each plan, and has Intune carry them out at the same time as the one that is copied; answers their
    /// phones' ids.
    ///
    /// # Errors
    /// If etcd refuses.
    pub async fn store_followed(&self, stage: &Stage, plans: &[DevicePlan]) -> Result<Vec<String>> {
        let enrol = |(number, plan): (u32, &DevicePlan)| {
            let device = Device::example(DeviceClass::IPhone, 5_000_000 + number).with_plan(plan.clone());
            let id = stage.simulator.add_device(device);
            stage.simulator.reset_by_hand(&id, self.began);
            id
        };
        let phones: Vec<String> = (0..).zip(plans).map(enrol).collect();
        store(stage, OURS, &self.followed, &phones).await?;
        Ok(phones)
    }

    /// When the resets that are followed began.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.began
    }
}

/// Stores so many of a peer's finished resets.
///
/// # Errors
/// If the API server or etcd refuses.
pub async fn store_peers_finished(stage: &Stage, count: usize) -> Result<()> {
    let pattern = Uuid::new_v4().to_string();
    stage.declare(PEERS, std::slice::from_ref(&pattern)).await?;
    let status = json!({"status": {"phase": "Complete", "completionTime": "2026-11-22T09:00:00Z"}});
    stage.resets(PEERS).patch_status(&pattern, &PatchParams::default(), &Patch::Merge(status)).await?;
    let object = stored(stage, PEERS, &pattern).await?;
    let phones: Vec<String> = (1..count).map(|_| Uuid::new_v4().to_string()).collect();
    store(stage, PEERS, &object, &phones).await
}

fn key(group: &str, name: &str) -> String {
    format!("/registry/{group}/passcoderesets/{HELPDESK}/{name}")
}

async fn stored(stage: &Stage, group: &str, name: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&stage.plane.stored(&key(group, name)).await?)?)
}

async fn store(stage: &Stage, group: &str, pattern: &Value, phones: &[String]) -> Result<()> {
    let copies = phones.iter().map(|phone| (key(group, phone), copy(pattern, phone).to_string().into_bytes()));
    stage.plane.store(copies).await
}

/// The same object for another phone.
fn copy(pattern: &Value, phone: &str) -> Value {
    let mut object = pattern.clone();
    object["metadata"]["name"] = json!(phone);
    object["metadata"]["uid"] = json!(Uuid::new_v4().to_string());
    object["spec"]["device"]["managedDeviceId"] = json!(phone);
    if object["status"]["device"].is_object() {
        object["status"]["device"]["managedDeviceId"] = json!(phone);
    }
    if object["status"]["attempt"].is_object() {
        object["status"]["attempt"]["id"] = json!(Uuid::new_v4().to_string());
    }
    object
}

async fn until(stage: &Stage, name: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
    let deadline = Instant::now() + AT_MOST;
    loop {
        let object = serde_json::to_value(stage.resets(OURS).get(name).await?)?;
        if wanted(&object["status"]) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{name} after {AT_MOST:?}: {}", object["status"]);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_of_another_phone_and_another_attempt() {
        let pattern = json!({
            "metadata": {"name": "a", "uid": "1", "generation": 1},
            "spec": {"device": {"managedDeviceId": "a"}},
            "status": {"device": {"managedDeviceId": "a", "model": "x"}, "attempt": {"id": "2"}},
        });
        let copied = copy(&pattern, "b");
        assert_eq!(copied["metadata"]["name"], "b");
        assert_eq!(copied["spec"]["device"]["managedDeviceId"], "b");
        assert_eq!(copied["status"]["device"], json!({"managedDeviceId": "b", "model": "x"}));
        assert_ne!(copied["metadata"]["uid"], "1");
        assert_ne!(copied["status"]["attempt"]["id"], "2");
        assert_eq!(copied["metadata"]["generation"], 1);
    }

    #[test]
    fn a_peers_status_gets_nothing_new() {
        let pattern = json!({"metadata": {}, "spec": {"device": {}}, "status": {"phase": "Complete"}});
        assert_eq!(copy(&pattern, "b")["status"], json!({"phase": "Complete"}));
    }
}
