//! Random sequences of operations, each in a namespace of its own with a tenant and a matrix of its own; then all is put right, and
//! everything must end.

use std::time::{Duration, Instant};

use graph_simulator::Device;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use passcode_core::api::Time;
use serde_json::{Value, json};

use super::{
    catalogue::{Field, fields},
    places::KEY,
    record::each,
    server::Manner,
    specimens::{matrix, resets, working_tenant},
    stage::{Stage, namespace},
    states,
    values::Sort,
};

/// Operations of a sequence.
const LENGTH: usize = 5;
/// Names of resets in a sequence: few, so that they are created again.
const NAMES: u64 = 3;

/// How much of a sequence may take minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Only what ends in seconds once all is put right.
    Quick,
    /// Everything.
    Slow,
}

impl Pace {
    fn limit(self) -> Duration {
        Duration::from_secs(if self == Self::Quick { 150 } else { 300 })
    }
}

/// A source of choices, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}

/// What a sequence plays with.
struct Sequence<'a> {
    stage: &'a Stage,
    pace: Pace,
    dice: Dice,
    name: String,
    devices: Vec<Device>,
    /// What was done, for reports.
    done: Vec<String>,
}

/// Runs the sequences of these seeds, some at once.
pub async fn run(stage: &Stage, seeds: impl Iterator<Item = u64>, pace: Pace, at_once: usize) -> Vec<String> {
    each(seeds, at_once, |seed| sequence(stage, seed, pace)).await
}

async fn sequence(stage: &Stage, seed: u64, pace: Pace) -> Vec<String> {
    let name = format!("sequence-{seed}");
    let devices = (0..NAMES).map(|_| stage.phone(true)).collect();
    let mut sequence = Sequence { stage, pace, dice: Dice::new(seed), name, devices, done: Vec::new() };
    for object in [namespace(&sequence.name), matrix(&sequence.name), sequence.tenant()] {
        stage.must_create(&object).await;
    }
    let first = sequence.reset();
    stage.must_create(&first).await;
    let mut faults = Vec::new();
    for _ in 0..LENGTH {
        faults.extend(sequence.step().await);
        let pause = sequence.dice.below(400);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    faults.extend(sequence.put_right().await);
    faults.extend(sequence.all_end().await);
    sequence.clear().await;
    faults.into_iter().map(|fault| format!("seed {seed} ({}): {fault}", sequence.done.join("; "))).collect()
}

impl Sequence<'_> {
    fn tenant(&self) -> Value {
        let mut tenant = working_tenant(&self.name);
        tenant["spec"]["platformSupportMatrixRef"] = json!({"name": self.name});
        tenant["spec"]["allowedNamespaces"] = json!({"matchLabels": {KEY: "it"}});
        tenant
    }

    /// A reset as somebody would write it now: of one of the phones, by one of the names.
    fn reset(&mut self) -> Value {
        let number = self.dice.below(NAMES);
        // In haste, each name has a phone of its own: a lock that a deleted reset has left takes its time.
        let phone = if self.pace == Pace::Quick { number } else { self.dice.below(NAMES) };
        let device = &self.devices[phone as usize];
        let mut all = resets(&format!("reset-{number}"), device);
        let way = self.dice.below(all.len() as u64) as usize;
        let mut reset = all.swap_remove(way);
        reset["metadata"]["namespace"] = json!(self.name);
        reset["spec"]["tenantRef"] = json!({"name": self.name});
        if self.pace == Pace::Slow {
            self.vary(&mut reset);
        }
        reset
    }

    fn vary(&mut self, reset: &mut Value) {
        let now = Timestamp::now();
        let at = |seconds: i64| json!(Time(now + SignedDuration::from_secs(seconds)).floor_to_second().to_string());
        match self.dice.below(8) {
            0 => reset["spec"]["requestTime"] = at(20),
            1 => {
                reset["spec"]["requestTime"] = at(-3600);
                reset["spec"]["expirationTime"] = at(5);
            }
            2 => reset["spec"]["dryRun"] = json!(true),
            3 => reset["spec"]["action"] = json!("ResetWorkProfilePasscode"),
            4 => reset["spec"]["device"] = json!({"serialNumber": "x'or'1'eq'1"}),
            _ => {}
        }
    }

    async fn step(&mut self) -> Vec<String> {
        match self.dice.below(10) {
            0 | 1 => self.create().await,
            2 => self.alter_reset().await,
            3 => self.delete(false).await,
            4 => self.delete(true).await,
            5 | 6 => self.edit_tenant().await,
            7 => self.edit_matrix().await,
            8 => self.relabel().await,
            _ => self.replace_tenant_or_matrix().await,
        }
    }

    fn note(&mut self, what: impl Into<String>) {
        self.done.push(what.into());
    }

    async fn create(&mut self) -> Vec<String> {
        let reset = self.reset();
        let answer = self.stage.server.create(&reset, Manner::Strict).await;
        self.note(format!("create {} {}", reset["metadata"]["name"], reset["spec"]));
        match answer {
            Ok(_) => Vec::new(),
            Err(refused) if refused.code == 409 => Vec::new(),
            Err(refused) => vec![format!("a good reset is refused: {}", refused.message)],
        }
    }

    /// Some field becomes something else: refused, whatever it is.
    async fn alter_reset(&mut self) -> Vec<String> {
        let written = self.reset();
        let field = self.field_of(&written);
        self.alter(&written, field).await
    }

    async fn edit_tenant(&mut self) -> Vec<String> {
        let edits = [
            json!({"suspend": true}),
            json!({"allowedNamespaces": null}),
            json!({"auth": {"clientSecretRef": {"name": "another"}}}),
            json!({"platformSupportMatrixRef": {"name": "missing"}}),
            json!({"limits": {"resetsPerHour": 1}}),
            json!({"unknownOutcome": "Fail"}),
            json!({"minInterval": "168h"}),
            json!({"timing": {"clockError": "5m", "sendGrace": "1h", "ledgerLag": "1h"}, "minInterval": "0s"}),
        ];
        // Verdicts about a namespace, and bounds that are set for hours, take their time.
        let quick = [edits[0].clone(), edits[2].clone(), edits[3].clone(), edits[5].clone()];
        let edit = if self.pace == Pace::Quick { self.dice.one_of(&quick) } else { self.dice.one_of(&edits) }.clone();
        if self.pace == Pace::Slow && self.dice.below(4) == 0 {
            let tenant = self.tenant();
            let field = self.field_of(&tenant);
            return self.alter(&tenant, field).await;
        }
        let tenant = self.tenant();
        self.write(&tenant, &edit).await
    }

    async fn edit_matrix(&mut self) -> Vec<String> {
        let unsupported = json!([{"name": "none", "match": {"platforms": ["IosDeviceEnrollment"]}, "support": "Unsupported", "reason": "NotToday"}]);
        let unknown = json!([{"name": "none", "match": {"platforms": ["Telephone"]}, "support": "Unsupported", "reason": "NotToday"}]);
        let edit = match self.dice.below(3) {
            0 => json!({"rules": unsupported}),
            1 => json!({"rules": unknown}),
            _ => {
                let matrix = matrix(&self.name);
                let field = self.field_of(&matrix);
                return self.alter(&matrix, field).await;
            }
        };
        let matrix = matrix(&self.name);
        self.write(&matrix, &edit).await
    }

    /// A field that the object has: of another, a refusal could be about what is missing around it.
    fn field_of(&mut self, written: &Value) -> &'static Field {
        let is_there = |field: &&'static Field| written["kind"] == field.kind && field.place.of(written).is_some();
        let all: Vec<&'static Field> = fields().iter().filter(is_there).collect();
        let chosen: &&Field = self.dice.one_of(&all);
        chosen
    }

    /// Any of the changes of this field.
    async fn alter(&mut self, written: &Value, field: &'static Field) -> Vec<String> {
        let small: Vec<_> = field.changes.iter().filter(|change| change.sort != Sort::Megabyte).collect();
        let (change, place) = (*self.dice.one_of(&small), &field.place);
        let answer =
            self.stage.server.replace(written, Manner::Strict, |stored| change.applied_to(place, stored)).await;
        let taken = answer.as_ref().map(Result::is_ok);
        self.note(format!("write {} {place}: {}, taken: {taken:?}", field.kind, change.words()));
        let Some(answer) = answer else { return Vec::new() };
        self.stage.judge(place, change, "in a sequence", answer.as_ref())
    }

    /// Writes these fields of the spec, where the object is there.
    async fn write(&mut self, written: &Value, fields: &Value) -> Vec<String> {
        self.note(format!("write {} {fields}", written["kind"]));
        let answer = self.stage.server.replace(written, Manner::Strict, |stored| {
            let mut changed = stored.clone();
            for (name, value) in fields.as_object().unwrap() {
                changed["spec"][name] = value.clone();
            }
            (changed != *stored).then_some(changed)
        });
        match answer.await {
            Some(Err(refused)) => vec![format!("a good edit is refused: {}", refused.message)],
            _ => Vec::new(),
        }
    }

    async fn delete(&mut self, and_create_again: bool) -> Vec<String> {
        let chosen = self.reset();
        let stored = self.stage.server.get(&chosen).await;
        self.note(format!(
            "delete {}{}",
            chosen["metadata"]["name"],
            if and_create_again { ", create it again" } else { "" }
        ));
        self.stage.server.delete(&chosen).await;
        if let (true, Some(stored)) = (and_create_again, stored) {
            // As Git has it: the same declaration, and nothing of its past.
            let again = json!({
                "apiVersion": stored["apiVersion"], "kind": stored["kind"],
                "metadata": {"name": stored["metadata"]["name"], "namespace": self.name}, "spec": stored["spec"],
            });
            self.stage.must_create(&again).await;
        }
        Vec::new()
    }

    async fn relabel(&mut self) -> Vec<String> {
        // Without its label the namespace is not allowed, and that verdict takes two looks.
        let label = if self.pace == Pace::Quick || self.dice.below(2) == 0 { "it" } else { "sales" };
        self.set_label(label, "other").await;
        self.note(format!("label the namespace {label}"));
        Vec::new()
    }

    async fn set_label(&self, team: &str, other: &str) {
        let namespace = namespace(&self.name);
        let answer = self.stage.server.replace(&namespace, Manner::Strict, |stored| {
            let mut changed = stored.clone();
            changed["metadata"]["labels"][KEY] = json!(team);
            changed["metadata"]["labels"]["other"] = json!(other);
            Some(changed)
        });
        answer.await.unwrap().unwrap();
    }

    /// Gone, and there again a moment later as it should be.
    async fn replace_tenant_or_matrix(&mut self) -> Vec<String> {
        let object = if self.dice.below(2) == 0 { self.tenant() } else { matrix(&self.name) };
        self.note(format!("replace {}", object["kind"]));
        self.stage.server.delete(&object).await;
        tokio::time::sleep(Duration::from_millis(self.dice.below(300))).await;
        self.stage.must_create(&object).await;
        Vec::new()
    }

    /// All that resets rest on is as it was in the beginning.
    async fn put_right(&self) -> Vec<String> {
        self.set_label("it", "put-right").await;
        let (objects, mut faults) = ([matrix(&self.name), self.tenant()], Vec::new());
        for object in &objects {
            let back = self.stage.server.replace(object, Manner::Strict, |stored| {
                let mut back = stored.clone();
                back["spec"] = object["spec"].clone();
                Some(back)
            });
            let back = back.await;
            if !matches!(back, Some(Ok(_))) {
                faults.push(format!("{} cannot be put right: {back:?}", object["kind"]));
            }
        }
        for object in &objects {
            if self.stage.until(object, Duration::from_secs(150), states::is_ready).await.is_none() {
                let status = self.stage.record.of(object).map(|object| object["status"].clone());
                faults.push(format!("{}, put right, is not ready: {status:?}", object["kind"]));
            }
        }
        faults
    }

    async fn all_end(&self) -> Vec<String> {
        let (begin, mut faults) = (Instant::now(), Vec::new());
        for number in 0..NAMES {
            let reset = json!({
                "kind": "PasscodeReset", "metadata": {"name": format!("reset-{number}"), "namespace": self.name},
            });
            let left = self.pace.limit().saturating_sub(begin.elapsed());
            if self.stage.server.get(&reset).await.is_none() {
                continue;
            }
            match self.stage.until(&reset, left, states::has_ended).await {
                Some(ended) => faults.extend(states::faults(&ended)),
                None => faults.push(format!("it has no end: {:?}", self.stage.record.of(&reset))),
            }
        }
        faults
    }

    async fn clear(&self) {
        for number in 0..NAMES {
            let reset = json!({"kind": "PasscodeReset", "metadata": {"name": format!("reset-{number}"), "namespace": self.name}});
            self.stage.server.delete(&reset).await;
        }
        self.stage.server.delete(&self.tenant()).await;
        self.stage.server.delete(&matrix(&self.name)).await;
        self.stage.server.delete(&namespace(&self.name)).await;
    }
}
