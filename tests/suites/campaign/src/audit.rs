//! What the API server and the simulator know, held against the promise and what has to hold of every status.
//!
//! The simulator's record is the ground truth of what was carried out, and the API server keeps every version of every object, also
//! those that a restore took back. Nothing here looks at which functions the operator called.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use api_server::{Change, Key, Version};
use graph_simulator::{Executed, PathClass, Simulator};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use passcode_core::api::{
    conditions::{self, reason},
    reset::PasscodeReset,
    reset_status::{Attempt, Outcome, PasscodeResetStatus},
};
use world::World;

use crate::report::Tally;

/// What an audit may take for granted of its plan.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whether every object is to have an outcome by now: faults have stopped, and long enough ago.
    pub all_end: bool,
    /// How long after it was sent a request may still arrive, beyond the simulator's latency.
    pub arrives_within: SignedDuration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { all_end: true, arrives_within: SignedDuration::ZERO }
    }
}

/// What is known of a plan at its end.
pub struct Records {
    /// Every version of every object.
    pub histories: Vec<(Key, Vec<Arc<Version>>)>,
    /// The objects as they are now.
    pub objects: Vec<serde_json::Value>,
    /// What was really carried out.
    pub graph: Simulator,
}

impl Records {
    /// Those of a world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        Self {
            histories: world.api.histories("PasscodeReset"),
            objects: world.api.objects("PasscodeReset"),
            graph: world.graph.clone(),
        }
    }
}

/// One object, by uid, over its whole life.
struct Life {
    name: String,
    /// As it was last stored, and as it is now: a restore takes it back without a version.
    versions: Vec<PasscodeReset>,
    exists: bool,
}

impl Life {
    fn status(&self) -> PasscodeResetStatus {
        self.versions.last().and_then(|object| object.status.clone()).unwrap_or_default()
    }

    fn request_time(&self) -> Timestamp {
        self.versions.first().map_or(Timestamp::MIN, |object| object.spec.request_time.0)
    }
}

/// Audits a world at the end of its plan.
#[must_use]
pub fn audit(world: &World, terms: Terms) -> Tally {
    judge(&Records::of(world), terms)
}

/// Audits what is known, wherever it comes from.
#[must_use]
pub fn judge(records: &Records, terms: Terms) -> Tally {
    let mut audit = Audit {
        lives: lives(records),
        claims: BTreeMap::new(),
        executed: records.graph.executed(),
        graph_offset: records.graph.settings().front_end_offset,
        tally: Tally::default(),
    };
    audit.read_claims(records);
    audit.only_claimed_requests_arrive(records, terms);
    audit.never_twice(records);
    audit.outcomes_are_true(records, terms);
    audit.statuses_are_sound(records);
    audit.tally.declared = audit.lives.len();
    audit.tally.carried_out = audit.executed.len();
    audit.tally
}

struct Audit {
    lives: BTreeMap<String, Life>,
    /// By attempt id: the claim, its object's uid, and when it was stored.
    claims: BTreeMap<String, (Attempt, String, Timestamp)>,
    executed: Vec<Executed>,
    /// Graph's clock less true time.
    graph_offset: SignedDuration,
    tally: Tally,
}

fn lives(records: &Records) -> BTreeMap<String, Life> {
    let mut lives: BTreeMap<String, Life> = BTreeMap::new();
    for (key, versions) in &records.histories {
        for version in versions {
            let Some(object) = understood(&version.object) else { continue };
            let life = lives.entry(object.metadata.uid.clone().unwrap_or_default()).or_insert_with(|| Life {
                name: key.1.clone(),
                versions: Vec::new(),
                exists: false,
            });
            life.versions.push(object);
        }
    }
    for object in records.objects.iter().filter_map(understood) {
        if let Some(life) = lives.get_mut(object.metadata.uid.as_deref().unwrap_or_default()) {
            life.exists = true;
            life.versions.push(object);
        }
    }
    lives
}

/// An object that the operator could read, too.
fn understood(object: &serde_json::Value) -> Option<PasscodeReset> {
    serde_json::from_value(object.clone()).ok()
}

impl Audit {
    fn broken(&mut self, what: String) {
        self.tally.violations.push(what);
    }

    fn read_claims(&mut self, records: &Records) {
        for (_, versions) in &records.histories {
            for version in versions.iter().filter(|version| version.change != Change::Deleted) {
                let Some(object) = understood(&version.object) else { continue };
                let Some(attempt) = object.status.and_then(|status| status.attempt) else { continue };
                let uid = object.metadata.uid.unwrap_or_default();
                self.claims.entry(attempt.id.clone()).or_insert((attempt, uid, version.at));
            }
        }
    }

    /// Nothing arrives without a claim that was stored before, nor after its deadline.
    fn only_claimed_requests_arrive(&mut self, records: &Records, terms: Terms) {
        let slack = SignedDuration::try_from(records.graph.settings().latency).unwrap() + terms.arrives_within;
        for request in records.graph.requests().iter().filter(|request| request.class == PathClass::Action) {
            let id = request.client_request_id.clone().unwrap_or_default();
            let Some((attempt, _, stored)) = self.claims.get(&id) else {
                self.broken(format!("a request {id} arrived at {} without a claim", request.at));
                continue;
            };
            let late = request.at + self.graph_offset > attempt.send_deadline.0 + slack;
            if *stored > request.at || late {
                let deadline = attempt.send_deadline;
                self.broken(format!(
                    "request {id} arrived at {}; it was claimed at {stored} until {deadline}",
                    request.at
                ));
            }
        }
    }

    /// What was carried out, once for each request: what a proxy repeats of a request is one, and what two requests asked for is two,
    /// under one claim as well.
    fn carried_out_by_request(&self, records: &Records) -> Vec<Executed> {
        let mut arrived: BTreeMap<Option<String>, usize> = BTreeMap::new();
        for request in records.graph.requests().into_iter().filter(|request| request.class == PathClass::Action) {
            *arrived.entry(request.client_request_id).or_default() += 1;
        }
        let mut moments: BTreeMap<Option<String>, BTreeSet<Timestamp>> = BTreeMap::new();
        let counts = |executed: &&Executed| {
            let moments = moments.entry(executed.client_request_id.clone()).or_default();
            let requests = arrived.get(&executed.client_request_id).copied().unwrap_or(1);
            moments.len() < requests && moments.insert(executed.at)
        };
        self.executed.iter().filter(counts).cloned().collect()
    }

    /// The promise: none is carried out for an object if one of ours was carried out for that device at or after
    /// its requestTime.
    fn never_twice(&mut self, records: &Records) {
        let ours = self.carried_out_by_request(records);
        for later in &ours {
            let Some((_, uid, _)) = later.client_request_id.as_ref().and_then(|id| self.claims.get(id)) else {
                continue;
            };
            let (requested, name) = (self.lives[uid].request_time(), self.lives[uid].name.clone());
            let earlier = ours.iter().find(|earlier| {
                earlier.device == later.device && earlier.at < later.at && earlier.at + self.graph_offset >= requested
            });
            if let Some(earlier) = earlier {
                self.tally.duplicates += 1;
                self.broken(format!(
                    "{name}, asked for at {requested}, was carried out at {} although one had been at {}",
                    later.at, earlier.at
                ));
            }
        }
    }

    fn carried_out_for(&self, uid: &str) -> usize {
        let of = |executed: &&Executed| {
            let claim = executed.client_request_id.as_ref().and_then(|id| self.claims.get(id));
            claim.is_some_and(|(_, of, _)| of == uid)
        };
        self.executed.iter().filter(of).count()
    }

    /// An outcome says what is true, and each object has one.
    fn outcomes_are_true(&mut self, records: &Records, terms: Terms) {
        let all = records.graph.all_resets();
        for uid in self.lives.keys().cloned().collect::<Vec<_>>() {
            let (life, carried_out) = (&self.lives[&uid], self.carried_out_for(&uid));
            let (name, status, exists) = (life.name.clone(), life.status(), life.exists);
            let why = status.reason().to_owned();
            // The device was asked and has said no: nothing happened to it.
            let refused_by_device = status.device_action.as_ref().is_some_and(|a| a.state == "notSupported");
            match status.outcome {
                Some(Outcome::Rejected) if carried_out > 0 && !refused_by_device => {
                    self.broken(format!("{name} is Rejected/{why}, and {carried_out} was carried out for it"));
                }
                Some(Outcome::Complete) => {
                    let adopted = status.device_action.as_ref().is_some_and(|action| action.adopted);
                    let device = status.device.as_ref().map(|device| device.managed_device_id.clone());
                    let any = all.iter().any(|reset| Some(&reset.device) == device.as_ref());
                    // Where a claim was never sent, or its answer told nothing, the next entry is taken for its own: nobody can tell, and the
                    // phone was reset.
                    let known = any || has_planted(records, device.as_deref());
                    let told = (adopted || status.attempt.is_some()) && known;
                    if carried_out == 0 && !told {
                        self.tally.lost += 1;
                        self.broken(format!("{name} is Complete/{why} without a reset"));
                    }
                }
                None if exists && terms.all_end => {
                    self.tally.lost += 1;
                    let status = serde_json::to_string(&status).unwrap();
                    self.broken(format!("{name} has no end: {status}"));
                }
                _ => {}
            }
            if status.outcome.is_some() && why == reason::OUTCOME_UNKNOWN {
                self.tally.left_to_people += 1;
            }
        }
    }

    /// An outcome is the last word, conditions are well formed, and lastTransitionTime moves only with the status.
    fn statuses_are_sound(&mut self, records: &Records) {
        for (key, versions) in &records.histories {
            for version in versions {
                if let Some(problem) = step_problem(version) {
                    self.broken(format!("{} at {}: {problem}", key.1, version.at));
                }
            }
        }
    }
}

fn has_planted(records: &Records, device: Option<&str>) -> bool {
    device.and_then(|id| records.graph.device(id)).is_some_and(|device| device.ledger.has_planted())
}

/// What is wrong with the step from one version to the next.
fn step_problem(version: &Version) -> Option<String> {
    let new = understood(&version.object)?.status.unwrap_or_default();
    if !new.conditions.is_empty() {
        world::check(&new);
    }
    let old = version.previous().and_then(understood);
    let old = old.filter(|old| old.metadata.uid.as_deref() == version.object["metadata"]["uid"].as_str())?;
    let old = old.status.unwrap_or_default();
    if old.outcome.is_some() && old != new {
        return Some(format!("{:?} was not the last word", old.outcome));
    }
    if new.silent_attempts < old.silent_attempts {
        return Some("silentAttempts fell".to_owned());
    }
    if old.attempt.is_some() && new.attempt.is_none() {
        return Some("the attempt is forgotten".to_owned());
    }
    for before in &old.conditions {
        let Some(after) = conditions::get(&new.conditions, &before.type_) else { continue };
        let moved = after.last_transition_time != before.last_transition_time;
        if moved && after.status == before.status {
            return Some(format!("lastTransitionTime of {} moved and its status did not", before.type_));
        }
    }
    None
}
