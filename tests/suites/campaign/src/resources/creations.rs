//! Every change of every field in a fresh object: refused with a sentence, or it comes to a named state.

use std::time::Duration;

use graph_simulator::Device;
use serde_json::Value;

use super::{
    catalogue::{self, Field, fields, specimens},
    places::Place,
    record::each,
    server::Manner,
    specimens::{KINDS, TRIED_KINDS, phone, resets, with_place, working_tenant},
    stage::Stage,
    states,
    values::{Change, Sort},
};

/// How many are under way at once.
const AT_ONCE: usize = 12;

/// One operation.
pub struct Creation {
    field: &'static Field,
    change: &'static Change,
    manner: Manner,
}

/// Everything that is tried on fresh objects.
pub fn all() -> impl Iterator<Item = Creation> {
    catalogue::all().flat_map(|(field, change)| {
        let lenient = (change.sort == Sort::Unknown).then_some(Manner::Lenient);
        let manners = [Some(Manner::Strict), lenient].into_iter().flatten();
        manners.map(move |manner| Creation { field, change, manner })
    })
}

/// Everything that is only tried.
pub fn only_tried() -> impl Iterator<Item = Creation> {
    catalogue::only_tried().map(|(field, change)| Creation { field, change, manner: Manner::Strict })
}

/// Tries these, storing what is taken, and waits until it is told how it is.
pub async fn run(
    stage: &Stage,
    creations: impl Iterator<Item = Creation>,
    ends_within: Option<Duration>,
) -> Vec<String> {
    let one = |creation: Creation| async move { create(stage, &creation, ends_within).await };
    let mut faults = each(creations, AT_ONCE, one).await;
    if let Some(limit) = ends_within {
        faults.extend(all_end(stage, limit).await);
    }
    faults
}

/// Tries these without storing anything.
pub async fn run_dry(stage: &Stage, creations: impl Iterator<Item = Creation>) -> Vec<String> {
    let device = phone(8, true);
    let device = &device;
    let one = |creation: Creation| async move {
        let Creation { field, change, .. } = creation;
        let specimens = specimens(field.kind, "dry", device, &stage.certificate);
        let Some(object) = change.applied_to(&field.place, with_place(&specimens, &field.place)) else {
            return Vec::new();
        };
        let answer = stage.server.create(&object, Manner::DryRun).await;
        stage.judge(&field.place, change, "fresh", answer.as_ref())
    };
    let creations = creations.filter(|creation| creation.manner == Manner::Strict);
    each(creations, AT_ONCE, one).await
}

async fn create(stage: &Stage, creation: &Creation, ends_within: Option<Duration>) -> Vec<String> {
    let Creation { field: Field { kind, place, .. }, change, manner } = creation;
    let (device, name) = (stage.phone(true), format!("fresh-{}", stage.number()));
    let specimens = specimens(kind, &name, &device, &stage.certificate);
    let Some(object) = change.applied_to(place, with_place(&specimens, place)) else { return Vec::new() };
    let answer = stage.server.create(&object, *manner).await;
    let what = if *manner == Manner::Lenient { "fresh, leniently," } else { "fresh" };
    let mut faults = stage.judge(place, change, what, answer.as_ref());
    if answer.is_err() {
        stage.counts().untouchable.insert(device.id);
        return faults;
    }
    let mut found = stage.settled(&object).await;
    if *kind == "IntuneTenant" {
        found.extend(use_tenant(stage, &object, &device, ends_within.is_some()).await);
    }
    if let Some(wrong) = meant_another(stage, &object, &device) {
        found.push(wrong);
    }
    faults.extend(found.iter().map(|fault| format!("{what} {place}, {}: {fault}", change.words())));
    if *kind == "PlatformSupportMatrix" {
        stage.server.delete(&object).await;
    }
    faults
}

/// A reset through the tenant comes to a named state, with the tenant and after it is gone.
async fn use_tenant(stage: &Stage, tenant: &Value, device: &Device, patient: bool) -> Vec<String> {
    let name = tenant["metadata"]["name"].as_str().unwrap();
    let mut reset = resets(&format!("{name}-reset"), device).remove(0);
    reset["spec"]["tenantRef"]["name"] = name.into();
    stage.must_create(&reset).await;
    let mut faults = stage.settled(&reset).await;
    if patient {
        // Long enough for a look-up, a claim and a request, where the tenant works.
        stage.until(&reset, Duration::from_secs(4), states::has_ended).await;
        faults.extend(stage.settled(&reset).await);
    }
    faults.extend(meant_another(stage, &reset, device));
    stage.server.delete(tenant).await;
    if patient {
        let waits_or_ended = |object: &Value| {
            states::has_ended(object)
                || matches!(
                    states::told(object),
                    Some("TenantNotReady" | "LimitReached" | "WaitingForDevice" | "VerifyingOutcome")
                )
        };
        if stage.until(&reset, stage.first_word, waits_or_ended).await.is_none() {
            faults.push(format!("without its tenant it is {:?}", stage.record.of(&reset).map(|r| r["status"].clone())));
        }
    }
    stage.server.delete(&reset).await;
    faults
}

/// A selector that was written for one phone never means another.
fn meant_another(stage: &Stage, object: &Value, device: &Device) -> Option<String> {
    let known = stage.record.of(object)?;
    let meant = known["status"]["device"]["managedDeviceId"].as_str()?;
    (meant != device.id).then(|| format!("it means the device {meant} and was written for {}", device.id))
}

/// Waits until every reset has ended, or waits for a reason that is so.
async fn all_end(stage: &Stage, limit: Duration) -> Vec<String> {
    let mut faults = Vec::new();
    let begin = std::time::Instant::now();
    for reset in stage.record.all("PasscodeReset") {
        let left = limit.saturating_sub(begin.elapsed());
        let rests = |object: &Value| states::has_ended(object) || waits_rightly(stage, object);
        if stage.until(&reset, left, rests).await.is_none()
            && let Some(object) = stage.record.of(&reset)
        {
            faults.push(format!("{} has no end: {} {}", object["metadata"]["name"], object["spec"], object["status"]));
        }
        stage.server.delete(&reset).await;
    }
    faults
}

/// Waiting for a time that has not come, or for a tenant that does not work.
fn waits_rightly(stage: &Stage, object: &Value) -> bool {
    match states::told(object) {
        Some("Scheduled") => object["spec"]["requestTime"].as_str().is_some_and(|time| {
            time.parse::<k8s_openapi::jiff::Timestamp>().is_ok_and(|time| time > k8s_openapi::jiff::Timestamp::now())
        }),
        Some("TenantNotReady") => {
            let tenant = working_tenant(object["spec"]["tenantRef"]["name"].as_str().unwrap_or_default());
            !stage.record.of(&tenant).is_some_and(|tenant| states::is_ready(&tenant))
        }
        _ => false,
    }
}

/// Every leaf of a schema has a value that the API server takes: without one, nothing was shown of it.
pub async fn every_field_can_be_written(stage: &Stage) -> Vec<String> {
    let device = phone(8, true);
    let mut faults = Vec::new();
    for kind in KINDS.into_iter().chain(TRIED_KINDS) {
        let specimens = specimens(kind, "valid", &device, &stage.certificate);
        for specimen in &specimens {
            if let Err(refused) = stage.server.create(specimen, Manner::DryRun).await {
                faults.push(format!("a specimen is refused: {}", refused.message));
            }
        }
        // What a specimen has is taken with it.
        let written = |place: &Place| specimens.iter().any(|specimen| place.of(specimen).is_some());
        let leaf = |place: &Place| !matches!(place.kind(), "object" | "array");
        for field in fields().iter().filter(|field| field.kind == kind && leaf(&field.place) && !written(&field.place))
        {
            if !is_taken_somehow(stage, field, &specimens).await {
                faults.push(format!("{}: no value is known that the API server takes", field.place));
            }
        }
    }
    faults
}

async fn is_taken_somehow(stage: &Stage, field: &Field, specimens: &[Value]) -> bool {
    for change in field.changes.iter().filter(|change| change.sort == Sort::Valid) {
        for object in specimens.iter().filter_map(|specimen| change.applied_to(&field.place, specimen)) {
            if stage.server.create(&object, Manner::DryRun).await.is_ok() {
                return true;
            }
        }
    }
    false
}
