//! Every change of every field of what exists: of a reset in flight and of a finished one, and of the tenants and matrices that
//! such resets rest on.

use std::{sync::Mutex, time::Duration};

use futures::future::join_all;
use graph_simulator::{Device, DevicePlan};
use serde_json::{Value, json};

use super::{
    catalogue::{self, Field},
    places::Place,
    record::each,
    server::Manner,
    specimens::{matrix, phone, resets, tenants, with_place},
    stage::Stage,
    states,
    values::Change,
};

/// How long what was put right may take to be so.
const PUT_RIGHT: Duration = Duration::from_secs(150);

/// How far a reset has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Graph has accepted it and the device has not answered.
    InFlight,
    /// It is Complete.
    Finished,
}

/// One operation.
pub struct Alteration {
    phase: Phase,
    field: &'static Field,
    change: &'static Change,
}

/// Everything that is tried.
pub fn all() -> impl Iterator<Item = Alteration> {
    let phases = [Phase::InFlight, Phase::Finished].into_iter();
    phases.flat_map(|phase| catalogue::all().map(move |(field, change)| Alteration { phase, field, change }))
}

impl Alteration {
    fn what(&self) -> String {
        match self.phase {
            Phase::InFlight => format!("{}, in flight,", self.field.kind),
            Phase::Finished => format!("{}, finished,", self.field.kind),
        }
    }
}

/// A reset that has come so far, with everything that it rests on, all its own.
struct Slot {
    phase: Phase,
    matrix: Value,
    tenant: Value,
    /// One for each way to name a device; of a slot that is altered around its reset, one.
    resets: Vec<(Value, Device)>,
}

impl Slot {
    async fn prepare(stage: &Stage, phase: Phase, ways: usize) -> Self {
        let name = format!("slot-{}", stage.number());
        let matrix = matrix(&name);
        let mut tenant = tenants(&name, &stage.certificate).remove(0);
        tenant["spec"]["platformSupportMatrixRef"]["name"] = json!(name);
        let mut made = Vec::new();
        for way in 0..ways {
            let device = stage.phone(phase == Phase::Finished);
            let mut reset = resets(&format!("{name}-{way}"), &device).remove(way);
            reset["spec"]["tenantRef"] = json!({"name": name});
            made.push((reset, device));
        }
        for object in [&matrix, &tenant].into_iter().chain(made.iter().map(|(reset, _)| reset)) {
            stage.must_create(object).await;
        }
        let slot = Self { phase, matrix, tenant, resets: made };
        for (reset, _) in &slot.resets {
            let there = stage.until(reset, PUT_RIGHT, |object| slot.is_as_before(object)).await;
            assert!(there.is_some(), "{:?}: {:?}", phase, stage.record.of(reset));
        }
        assert_eq!(slot.disturbed(stage), Vec::<String>::new());
        slot
    }

    fn is_as_before(&self, reset: &Value) -> bool {
        let reason = if self.phase == Phase::InFlight { "WaitingForDevice" } else { "PasscodeRemoved" };
        states::told(reset) == Some(reason)
    }

    /// The object that is altered, as it was written.
    fn altered(&self, kind: &str, place: &Place) -> &Value {
        match kind {
            "IntuneTenant" => &self.tenant,
            "PlatformSupportMatrix" => &self.matrix,
            _ => {
                let written: Vec<Value> = self.resets.iter().map(|(reset, _)| reset.clone()).collect();
                let chosen = with_place(&written, place)["metadata"]["name"].clone();
                self.resets.iter().map(|(reset, _)| reset).find(|reset| reset["metadata"]["name"] == chosen).unwrap()
            }
        }
    }

    /// What is wrong with the resets, whatever was done around them.
    fn disturbed(&self, stage: &Stage) -> Vec<String> {
        let mut faults = Vec::new();
        let carried_out = stage.carried_out(self.resets.iter().map(|(_, device)| device));
        for ((reset, _), times) in self.resets.iter().zip(carried_out) {
            let Some(known) = stage.record.of(reset) else { continue };
            if times != 1 {
                faults.push(format!("it was carried out {times} times"));
            }
            if self.phase == Phase::Finished && !self.is_as_before(&known) {
                faults.push(format!("a finished reset is now {}", known["status"]));
            }
            faults.extend(states::faults(&known));
        }
        faults
    }

    /// The device answers, and it ends.
    async fn finish(self, stage: &Stage) -> Vec<String> {
        let mut faults = self.disturbed(stage);
        for (reset, device) in &self.resets {
            let now = DevicePlan { delay: Some(Duration::ZERO), ..DevicePlan::default() };
            stage.graph.answer_pending(&device.id, now);
            if stage.until(reset, PUT_RIGHT, states::has_ended).await.is_none() {
                faults.push(format!("the device has answered, and it has no end: {:?}", stage.record.of(reset)));
            }
            stage.server.delete(reset).await;
        }
        stage.server.delete(&self.tenant).await;
        stage.server.delete(&self.matrix).await;
        faults
    }
}

/// Tries these, several at once, in as many slots of each sort.
pub async fn run(stage: &Stage, alterations: impl Iterator<Item = Alteration>, slots: usize) -> Vec<String> {
    let (in_flight, finished) = alterations.partition(|alteration| alteration.phase == Phase::InFlight);
    let phases = (run_in(stage, Phase::InFlight, in_flight, slots), run_in(stage, Phase::Finished, finished, slots));
    let (in_flight, finished) = tokio::join!(phases.0, phases.1);
    [in_flight, finished].concat()
}

async fn run_in(stage: &Stage, phase: Phase, alterations: Vec<Alteration>, slots: usize) -> Vec<String> {
    // No altered reset is accepted, so one of each sort serves all at once; what is around a reset has to be put right first.
    let ways = resets("x", &phone(8, true)).len();
    let (shared, own) =
        tokio::join!(Slot::prepare(stage, phase, ways), join_all((0..slots).map(|_| Slot::prepare(stage, phase, 1))),);
    let own = Mutex::new(own);
    let (shared_slot, own_slots) = (&shared, &own);
    let one = |alteration: Alteration| async move {
        let found = if alteration.field.kind == "PasscodeReset" {
            alter(stage, shared_slot, &alteration).await
        } else {
            let slot = own_slots.lock().unwrap().pop().unwrap();
            let found = alter(stage, &slot, &alteration).await;
            own_slots.lock().unwrap().push(slot);
            found
        };
        let words = || format!("{} {}, {}", alteration.what(), alteration.field.place, alteration.change.words());
        found.into_iter().map(|fault| format!("{}: {fault}", words())).collect()
    };
    let mut faults = each(alterations, slots, one).await;
    let used = own.into_inner().unwrap().into_iter().chain([shared]);
    faults.extend(join_all(used.map(|slot| slot.finish(stage))).await.concat());
    faults
}

async fn alter(stage: &Stage, slot: &Slot, alteration: &Alteration) -> Vec<String> {
    let Alteration { field: Field { kind, place, .. }, change, .. } = alteration;
    let written = slot.altered(kind, place);
    let Some(before) = stage.server.get(written).await else { return vec!["it is gone".to_owned()] };
    let answer = stage.server.replace(written, Manner::Strict, |stored| change.applied_to(place, stored)).await;
    let Some(answer) = answer else { return Vec::new() };
    let mut faults = stage.judge(place, change, &alteration.what(), answer.as_ref());
    if let Ok(after) = answer {
        let changed = after["spec"] != before["spec"];
        if changed && *kind == "PasscodeReset" {
            faults.push(format!("its spec was {} and is {}", before["spec"], after["spec"]));
        } else if changed {
            faults.extend(stage.settled(written).await);
            faults.extend(put_right(stage, written, &before).await);
        }
    }
    faults.extend(slot.disturbed(stage));
    faults
}

/// Writes the spec as it was; what had come of the change is gone with it.
async fn put_right(stage: &Stage, written: &Value, before: &Value) -> Vec<String> {
    let back = stage.server.replace(written, Manner::Strict, |stored| {
        let mut back = stored.clone();
        back["spec"] = before["spec"].clone();
        Some(back)
    });
    match back.await {
        Some(Ok(_)) => {}
        other => return vec![format!("it cannot be put right: {other:?}")],
    }
    if stage.until(written, PUT_RIGHT, states::is_ready).await.is_none() {
        return vec![format!(
            "put right, and not ready: {:?}",
            stage.record.of(written).map(|object| object["status"].clone())
        )];
    }
    Vec::new()
}
