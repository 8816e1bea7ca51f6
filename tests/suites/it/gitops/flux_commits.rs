//! What becomes of commits, by the samples for Flux.

use std::{
    fs,
    time::{Duration, Instant},
};

use graph_simulator::{Device, DeviceClass, DevicePlan};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::{
    ResourceExt,
    api::{DeleteParams, PostParams},
};
use passcode_core::api::reset_status::Outcome;
use serde_json::{Value, json};
use world::objects::{reset, reset_object, with};

use super::{
    argo_cd,
    flux::{Files, Flux, Health},
};
use crate::whole::process::{Operator, Whole};

/// Less than the sample's `timeout`, in which health is given up.
const PROMPTLY: Duration = Duration::from_secs(45);

/// A repository, and the cluster that it is applied to.
struct Desk<'a> {
    whole: &'a Whole,
    operator: &'a Operator,
    flux: &'a Flux<'a>,
    files: Files,
}

impl Desk<'_> {
    /// Enrols a device and writes a file that asks for its reset.
    fn ask(&mut self, name: &'static str, device: Device) -> String {
        self.files.insert(name, reset(name, device.serial(), Timestamp::now()));
        self.whole.graph.add_device(device)
    }

    async fn commit(&self) -> Health {
        let commit = self.flux.commit(&self.files).await;
        self.flux.settled("resets", &commit, PROMPTLY).await
    }

    /// Commits, and expects to see it applied and healthy.
    async fn green(&self) {
        let health = self.commit().await;
        assert_eq!(health.ready, "True", "{health:?}\n{}", self.flux.log());
    }

    /// Commits, and expects to be told of what is wrong.
    async fn red(&self, reason: &str, message: &str) -> Health {
        let health = self.commit().await;
        assert!(health.ready == "False" && health.reason == reason && health.message.contains(message), "{health:?}");
        health
    }

    async fn ends(&self, name: &str, outcome: Outcome, reason: &str) {
        let status = self.whole.outcome(name, PROMPTLY, self.operator).await;
        assert_eq!((status.outcome, status.reason()), (Some(outcome), reason), "{name}");
    }

    async fn waits(&self, name: &str, reason: &str) {
        let begin = Instant::now();
        loop {
            let status = self.whole.resets().get(name).await.unwrap().status.unwrap_or_default();
            if status.reason() == reason {
                return;
            }
            assert!(begin.elapsed() < PROMPTLY, "{name}: {status:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn uid(&self, name: &str) -> Option<String> {
        self.whole.resets().get_opt(name).await.unwrap().and_then(|object| object.uid())
    }

    fn carried_out(&self, device: &str) -> usize {
        self.whole.graph.executed().iter().filter(|executed| executed.device == device).count()
    }

    async fn suspend(&self, suspend: bool) {
        let patch = json!({"spec": {"suspend": suspend}}).to_string();
        let output = self.whole.plane.kubectl(["patch", "itn", "default", "--type=merge", "-p", &patch]).await.unwrap();
        assert!(output.status.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flux_applies_what_it_can_and_tells_of_the_rest() {
    let whole = Whole::start().await;
    let operator = whole.operator("operator");
    let flux = Flux::start(&whole.plane).await;
    let mut desk = Desk { whole: &whole, operator: &operator, flux: &flux, files: Files::new() };
    a_mac_beside_an_iphone(&mut desk).await;
    let drawer = a_phone_in_a_drawer(&mut desk).await;
    an_old_file_in_a_new_cluster(&mut desk).await;
    a_suspended_tenant(&mut desk).await;
    an_edited_file(&mut desk, &drawer).await;
    argo_cd_would_say(&desk).await;
    assert!(whole.graph.refusals().is_empty(), "{:?}", whole.graph.refusals());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flux_declares_again_and_nothing_is_sent() {
    let whole = Whole::start().await;
    let operator = whole.operator("operator");
    let flux = Flux::start(&whole.plane).await;
    let mut desk = Desk { whole: &whole, operator: &operator, flux: &flux, files: Files::new() };
    let stuck = what_does_not_get_on(&desk).await;
    let iphone = desk.ask("iphone", Device::example(DeviceClass::IPhone, 1));
    let drawer = desk.ask("drawer", Device::example(DeviceClass::IPhone, 3).with_plan(DevicePlan::never()));
    desk.green().await;
    desk.ends("iphone", Outcome::Complete, "PasscodeRemoved").await;
    a_kustomization_that_is_made_anew(&desk).await;
    pruned_and_declared_again(&mut desk, &iphone).await;
    deleted_by_hand(&desk, &drawer).await;
    what_force_would_do(&mut desk, &iphone).await;
    what_is_told_of_it(&desk, stuck).await;
    assert!(whole.graph.refusals().is_empty(), "{:?}", whole.graph.refusals());
}

/// The Mac turns the Kustomization red, with its name, and the iPhone of the same commit is reset all the same.
async fn a_mac_beside_an_iphone(desk: &mut Desk<'_>) {
    let iphone = desk.ask("iphone", Device::example(DeviceClass::IPhone, 1));
    let mac = desk.ask("mac", Device::example(DeviceClass::MacBook, 2));
    desk.red("HealthCheckFailed", "PasscodeReset/helpdesk/mac").await;
    desk.ends("mac", Outcome::Rejected, "PlatformNotSupported").await;
    desk.ends("iphone", Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((desk.carried_out(&iphone), desk.carried_out(&mac)), (1, 0));
}

/// A file of last spring is applied to a cluster that knows nothing of it: nothing is sent for it, and it turns nothing red.
async fn an_old_file_in_a_new_cluster(desk: &mut Desk<'_>) {
    let old = Device::example(DeviceClass::IPhone, 4);
    let requested = Timestamp::now() - SignedDuration::from_hours(200 * 24);
    desk.files.insert("old", reset("old", old.serial(), requested));
    let old = desk.whole.graph.add_device(old);
    desk.green().await;
    desk.ends("old", Outcome::Rejected, "Expired").await;
    desk.green().await;
    assert_eq!(desk.carried_out(&old), 0);
}

/// Its file's removal takes the Mac's object away, and a phone that does not answer holds neither its own commit nor the next.
async fn a_phone_in_a_drawer(desk: &mut Desk<'_>) -> String {
    desk.files.remove("mac");
    let device = Device::example(DeviceClass::IPhone, 3).with_plan(DevicePlan::never());
    let drawer = desk.ask("drawer", device);
    desk.green().await;
    assert_eq!(desk.uid("mac").await, None, "pruned");
    desk.waits("drawer", "WaitingForDevice").await;

    let ipad = desk.ask("ipad", Device::example(DeviceClass::IPad, 4));
    desk.green().await;
    desk.ends("ipad", Outcome::Complete, "PasscodeRemoved").await;
    desk.waits("drawer", "WaitingForDevice").await;
    assert_eq!((desk.carried_out(&drawer), desk.carried_out(&ipad)), (1, 1));
    drawer
}

/// What is held on purpose is healthy; what is taken out of Git while it is held is never sent.
async fn a_suspended_tenant(desk: &mut Desk<'_>) {
    desk.suspend(true).await;
    let held = desk.ask("held", Device::example(DeviceClass::IPad, 5));
    let canceled = desk.ask("canceled", Device::example(DeviceClass::IPad, 6));
    desk.green().await;
    desk.waits("held", "Suspended").await;
    desk.waits("canceled", "Suspended").await;

    desk.files.remove("canceled");
    desk.green().await;
    desk.suspend(false).await;
    desk.ends("held", Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((desk.carried_out(&held), desk.carried_out(&canceled)), (1, 0));
}

/// An edited file is refused with the sentence of the definition, and nothing of its commit is applied until that is mended.
async fn an_edited_file(desk: &mut Desk<'_>, drawer: &str) {
    let before = desk.uid("drawer").await;
    let original = desk.files["drawer"].clone();
    desk.files.insert("drawer", with(original.clone(), json!({"justification": "edited"})));
    let other = desk.ask("other", Device::example(DeviceClass::IPad, 7));
    desk.red("ReconciliationFailed", "spec is immutable: create a new PasscodeReset with a new name").await;
    assert_eq!(desk.uid("other").await, None, "one file that is refused holds the commit");
    desk.files.insert("drawer", original);
    desk.green().await;
    desk.ends("other", Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((desk.uid("drawer").await, desk.carried_out(drawer), desk.carried_out(&other)), (before, 1, 1));
}

/// A Kustomization that is deleted leaves the objects, and one that is made again takes them over.
async fn a_kustomization_that_is_made_anew(desk: &Desk<'_>) {
    let names = ["iphone", "drawer"];
    let mut before = Vec::new();
    for name in names {
        before.push(desk.uid(name).await.unwrap());
    }
    let kustomizations = desk.flux.kustomizations();
    kustomizations.delete("resets", &DeleteParams::default()).await.unwrap();
    let begin = Instant::now();
    while kustomizations.get_opt("resets").await.unwrap().is_some() {
        assert!(begin.elapsed() < PROMPTLY, "{}", desk.flux.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    desk.flux.apply("resets.yaml").await;
    desk.green().await;
    for (name, uid) in names.iter().zip(before) {
        assert_eq!(desk.uid(name).await, Some(uid), "{name}");
    }
}

/// An object that is pruned and declared again, as by a branch that is rolled back and forth, finds its reset and sends nothing.
async fn pruned_and_declared_again(desk: &mut Desk<'_>, iphone: &str) {
    let (before, file) = (desk.uid("iphone").await, desk.files.remove("iphone").unwrap());
    desk.green().await;
    assert_eq!(desk.uid("iphone").await, None);
    desk.files.insert("iphone", file);
    desk.green().await;
    desk.ends("iphone", Outcome::Complete, "Adopted").await;
    assert_ne!(desk.uid("iphone").await, before);
    assert_eq!(desk.carried_out(iphone), 1);
}

/// An object that is deleted by hand comes back and goes on with what was sent: to cancel, one removes the file.
async fn deleted_by_hand(desk: &Desk<'_>, drawer: &str) {
    let before = desk.uid("drawer").await;
    desk.whole.resets().delete("drawer", &DeleteParams::default()).await.unwrap();
    desk.green().await;
    desk.waits("drawer", "WaitingForDevice").await;
    assert_ne!(desk.uid("drawer").await, before);
    assert_eq!(desk.carried_out(drawer), 1);
}

/// Why the sample forbids it: an edit makes a new object. With the old requestTime nothing is sent; with another one the phone is reset again.
async fn what_force_would_do(desk: &mut Desk<'_>, iphone: &str) {
    desk.flux.change(json!({"force": true})).await;
    let edit = |files: &mut Files, fields: Value| {
        let file = files.remove("iphone").unwrap();
        files.insert("iphone", with(file, fields));
    };
    let before = desk.uid("iphone").await;
    edit(&mut desk.files, json!({"justification": "edited"}));
    desk.green().await;
    desk.ends("iphone", Outcome::Complete, "Adopted").await;
    assert_ne!(desk.uid("iphone").await, before, "created again");
    assert_eq!(desk.carried_out(iphone), 1);

    let later = reset("iphone", "any", Timestamp::now())["spec"]["requestTime"].clone();
    edit(&mut desk.files, json!({"requestTime": later}));
    desk.green().await;
    desk.ends("iphone", Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(desk.carried_out(iphone), 2);
}

/// The health script of the sample for Argo CD, on what is in the cluster now.
async fn argo_cd_would_say(desk: &Desk<'_>) {
    let mac = Device::example(DeviceClass::MacBook, 9);
    let declared = reset_object(reset("another-mac", mac.serial(), Timestamp::now()));
    desk.whole.graph.add_device(mac);
    desk.whole.resets().create(&PostParams::default(), &declared).await.unwrap();
    desk.ends("another-mac", Outcome::Rejected, "PlatformNotSupported").await;
    let directory = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for name in ["iphone", "another-mac", "drawer"] {
        let object = desk.whole.resets().get(name).await.unwrap();
        paths.push(directory.path().join(name));
        fs::write(&paths[paths.len() - 1], serde_json::to_vec(&object).unwrap()).unwrap();
    }
    let health = argo_cd::health(&paths).await;
    let statuses: Vec<_> = health.iter().map(|health| health.status.as_str()).collect();
    assert_eq!(statuses, ["Healthy", "Degraded", "Suspended"], "{health:?}");
}

/// Declarations that do not get on, applied as the sample does and without its expressions.
struct Stuck {
    sample: String,
    plain: String,
    asleep: String,
}

/// One waits for a tenant that nobody has made, the other for its phone. It takes the shortest timeout of Flux until that is told, 30 s.
async fn what_does_not_get_on(desk: &Desk<'_>) -> Stuck {
    let device = Device::example(DeviceClass::IPhone, 8).with_plan(DevicePlan::never());
    let lost = with(reset("lost", "any", Timestamp::now()), json!({"tenantRef": {"name": "missing"}}));
    let files = Files::from([("lost", lost), ("asleep", reset("asleep", device.serial(), Timestamp::now()))]);
    let asleep = desk.whole.graph.add_device(device);
    let sample = desk.flux.another("sample", &files, json!({"timeout": "30s"})).await;
    let plain = desk.flux.another("plain", &files, json!({"timeout": "30s", "healthCheckExprs": null})).await;
    Stuck { sample, plain, asleep }
}

/// A tenant that is not ready is told of, with the name of what waits for it. A phone in a drawer is not, unless the expressions are left out.
async fn what_is_told_of_it(desk: &Desk<'_>, stuck: Stuck) {
    let plain = desk.flux.settled("plain", &stuck.plain, PROMPTLY).await;
    let sample = desk.flux.settled("sample", &stuck.sample, PROMPTLY).await;
    let (lost, asleep) = ("PasscodeReset/helpdesk/lost status: 'InProgress'", "PasscodeReset/helpdesk/asleep status:");
    assert!(plain.reason == "HealthCheckFailed" && sample.reason == plain.reason, "{plain:?} {sample:?}");
    assert!(plain.message.contains(lost) && sample.message.contains(lost), "{plain:?} {sample:?}");
    assert!(plain.message.contains(asleep) && !sample.message.contains(asleep), "{plain:?} {sample:?}");
    desk.waits("lost", "TenantNotReady").await;
    desk.waits("asleep", "WaitingForDevice").await;
    assert_eq!(desk.carried_out(&stuck.asleep), 1);
}
