//! The script, played: declared, deleted and declared again, while processes die.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Mutex,
    time::Duration,
};

use control_plane::Component;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use world::objects::HELPDESK;

use super::{
    cluster::{Cluster, until},
    contestant::{Contestant, end_of},
    intune::{Bounds, Intune},
    program::Program,
    script::{Blow, Dice, Disturbance, Script, Victim},
};
use crate::{
    audit::{Terms, judge},
    report::Tally,
};

/// Kept by everything here: nothing is frozen for D, and the simulator shows an entry well before L.
const BOUNDS: Bounds = Bounds { send_grace: 10, ledger_lag: 3 };
const LAG: Duration = Duration::from_millis(1500);
/// How long a phone takes to answer.
const ANSWER: Duration = Duration::from_secs(2);
/// How long one call of the script may take: a server may be frozen.
const CALL: Duration = Duration::from_secs(8);
/// How long nothing may change at the end until nothing more is expected: longer than any peer's framework waits between two tries, and
/// than a silent attempt takes here.
const PATIENCE: Duration = Duration::from_secs(100);
/// How long nothing may change until somebody restarts a peer by hand, once: kopf serves nothing, for good, if it was started while the API
/// server did not tell of its resource yet.
const HELP: Duration = Duration::from_secs(40);

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// The counts. Violations of this operator's own promise are among them, where it is this operator's.
    pub tally: Tally,
    /// Of the duplicates, those on phones whose declaration was deleted and declared again.
    pub replayed: usize,
    /// Objects without an end.
    pub unfinished: usize,
    /// Declarations that were deleted and declared again.
    pub redeclared: usize,
    /// Processes that were frozen.
    pub freezes: usize,
    /// How long it took.
    pub took: Duration,
    /// The end of the log of whoever left objects without an end.
    pub last_words: Vec<String>,
}

impl fmt::Display for Played {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tally, replayed, unfinished, redeclared, freezes, took, .. } = self;
        write!(
            out,
            "declared {} ({redeclared} again)  carried out {}  duplicates {} ({replayed} of what was declared again)  lost {}  unfinished {unfinished}  killed {}  frozen {freezes}  {} s",
            tally.declared,
            tally.carried_out,
            tally.duplicates,
            tally.lost,
            tally.kills,
            took.as_secs(),
        )
    }
}

/// Plays the script to a contestant.
pub async fn play(script: Script, contestant: &Contestant<'_>) -> Played {
    let intune = Intune::serve(BOUNDS, LAG).await;
    let cluster = Cluster::start().await;
    match &contestant.definition {
        Some(definition) => cluster.plane.apply(definition).await.unwrap(),
        None => cluster.apply(&intune.tenant(json!({}))).await,
    }
    let stage = Stage { script, contestant, intune, cluster, garden: Mutex::default() };
    let began = Instant::now();
    let mut processes = stage.processes();
    if contestant.definition.is_none() {
        stage.cluster.tenant_is_ready("default").await;
    }
    let ((), (), freezes) = tokio::join!(stage.declare(), stage.garden(), processes.suffer(&stage));
    stage.all_ends(&mut processes).await;
    let mut played = stage.judged().await;
    played.tally.violations.append(&mut processes.complaints);
    if played.unfinished > 0 {
        played.last_words = processes.operators.iter().flat_map(|operator| last_lines(&operator.log(), 8)).collect();
    }
    played.freezes = freezes;
    played.took = began.elapsed();
    played
}

/// What is declared at the moment.
#[derive(Default)]
struct Garden {
    declared: Vec<Value>,
    redeclared: BTreeSet<String>,
    complete: bool,
}

struct Stage<'a> {
    script: Script,
    contestant: &'a Contestant<'a>,
    intune: Intune,
    cluster: Cluster,
    garden: Mutex<Garden>,
}

impl Stage<'_> {
    fn processes(&self) -> Processes {
        let name = |number| ["a", "b"][number];
        let start = |number| (self.contestant.start)(&self.cluster, &self.intune, name(number)).started();
        Processes { operators: (0..self.contestant.replicas).map(start).collect(), complaints: Vec::new() }
    }

    fn api(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(self.contestant.group, "v1alpha1", "PasscodeReset");
        Api::namespaced_with(self.cluster.client.clone(), HELPDESK, &ApiResource::from_gvk(&kind))
    }

    /// Declares everything, spread over the time in which things go wrong.
    async fn declare(&self) {
        let pause = self.script.length().mul_f64(0.9) / self.script.resets.max(1);
        let mut next = Instant::now();
        for number in 1..=self.script.resets {
            let device = self.intune.phone(number, ANSWER);
            let requested = Timestamp::now() - SignedDuration::from_secs(1);
            let object = self.contestant.declaration(&format!("reset-{number}"), &device, requested);
            self.create(&object).await;
            self.garden.lock().unwrap().declared.push(object);
            next += pause;
            tokio::time::sleep_until(next).await;
        }
        self.garden.lock().unwrap().complete = true;
    }

    /// Deletes declarations and applies them again, as a tool does that prunes and one that rebuilds: one in ten.
    async fn garden(&self) {
        let mut dice = Dice::seeded(self.script.seed ^ 0x6172_6465_6e65_7273);
        let mut done = 0;
        loop {
            let (declared, complete) = {
                let garden = self.garden.lock().unwrap();
                (garden.declared.len(), garden.complete)
            };
            if done >= declared / 10 {
                if complete {
                    return;
                }
                sleep(Duration::from_millis(100)).await;
                continue;
            }
            done += 1;
            // Half of them are young: their reset may be under way.
            let young = declared.min(20) as u64;
            let index =
                if dice.below(2) == 0 { declared as u64 - 1 - dice.below(young) } else { dice.below(declared as u64) };
            let object = self.garden.lock().unwrap().declared[usize::try_from(index).unwrap()].clone();
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            self.delete(&name).await;
            self.create(&object).await;
            self.garden.lock().unwrap().redeclared.insert(name);
        }
    }

    async fn create(&self, object: &Value) {
        let api = self.api();
        let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        loop {
            match timeout(CALL, api.create(&PostParams::default(), &object)).await {
                Ok(Ok(_)) => return,
                // An earlier try was carried out and its answer lost.
                Ok(Err(kube::Error::Api(status))) if status.code == 409 => return,
                Ok(Err(kube::Error::Api(status))) if [400, 422].contains(&status.code) => panic!("{status:?}"),
                _ => sleep(Duration::from_millis(200)).await,
            }
        }
    }

    async fn delete(&self, name: &str) {
        let api = self.api();
        loop {
            match timeout(CALL, api.delete(name, &Default::default())).await {
                Ok(Err(kube::Error::Api(status))) if status.code == 404 => return,
                // Asked once more, until it is certainly gone.
                Ok(Ok(_)) => {}
                _ => sleep(Duration::from_millis(200)).await,
            }
        }
    }

    async fn objects(&self) -> Option<Vec<Value>> {
        let list = timeout(Duration::from_secs(30), self.api().list(&ListParams::default())).await.ok()?.ok()?;
        Some(list.items.iter().map(|object| serde_json::to_value(object).unwrap()).collect())
    }

    /// Waits until every object has an end, for as long as there is any progress.
    async fn all_ends(&self, processes: &mut Processes) {
        let (mut before, mut since) = (usize::MAX, Instant::now());
        let mut helped = self.contestant.definition.is_none();
        while since.elapsed() < PATIENCE {
            processes.keep_up(self).await;
            if !helped && since.elapsed() > HELP {
                helped = true;
                eprintln!("    {} stands still, and is started again by hand", self.contestant.name);
                for operator in &mut processes.operators {
                    operator.kill();
                    operator.start();
                }
            }
            if let Some(objects) = self.objects().await {
                let open = objects.iter().filter(|object| end_of(object).is_none()).count();
                if open == 0 {
                    return;
                }
                if open != before {
                    (before, since) = (open, Instant::now());
                }
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn judged(&self) -> Played {
        let objects = until("the objects are listed", Duration::from_secs(120), || self.objects()).await;
        let mut played = self.counted(&objects);
        if self.contestant.definition.is_none() {
            played.tally = self.by_the_promise(played.tally).await;
        }
        played.tally.kills = self.script.kills;
        played
    }

    /// What can be asked of everybody: each phone is reset once, for each has one declaration, however often that was declared again.
    fn counted(&self, objects: &[Value]) -> Played {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for executed in self.intune.simulator.executed() {
            *times.entry(executed.device).or_default() += 1;
        }
        let garden = self.garden.lock().unwrap();
        let mut played = Played { redeclared: garden.redeclared.len(), ..Played::default() };
        played.tally.declared = garden.declared.len();
        played.tally.carried_out = times.values().sum();
        for object in objects {
            let device = object["spec"]["device"]["managedDeviceId"].as_str().unwrap();
            let times = times.get(device).copied().unwrap_or_default();
            let extra = times.saturating_sub(1);
            played.tally.duplicates += extra;
            if garden.redeclared.contains(object["metadata"]["name"].as_str().unwrap()) {
                played.replayed += extra;
            }
            played.unfinished += usize::from(end_of(object).is_none());
            played.tally.lost += usize::from(times == 0);
        }
        played
    }

    /// What this operator promises is more than what can be asked of others: every version is held against it.
    async fn by_the_promise(&self, counted: Tally) -> Tally {
        let arrives_within = SignedDuration::from_secs(i64::try_from(BOUNDS.send_grace).unwrap());
        let records = self.cluster.records(&self.intune, &[]).await;
        let mut tally = judge(&records, Terms { all_end: true, arrives_within });
        if counted.duplicates > 0 {
            tally.violations.push(format!("{} phones were reset once too often", counted.duplicates));
        }
        if counted.lost > tally.left_to_people {
            tally.violations.push(format!("{} phones were not reset", counted.lost));
        }
        let refusals = self.intune.simulator.refusals();
        if !refusals.is_empty() {
            tally.violations.push(format!("Graph was asked what is not documented: {refusals:?}"));
        }
        Tally { declared: counted.declared, duplicates: tally.duplicates.max(counted.duplicates), ..tally }
    }
}

fn last_lines(log: &str, count: usize) -> Vec<String> {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
}

/// What runs, and is kept running.
struct Processes {
    operators: Vec<Program>,
    complaints: Vec<String>,
}

impl Processes {
    /// Everything that goes wrong, in order; answers how many were frozen.
    async fn suffer(&mut self, stage: &Stage<'_>) -> usize {
        let mut freezes = 0;
        for disturbance in stage.script.disturbances() {
            let next = Instant::now() + disturbance.after;
            while Instant::now() < next {
                self.keep_up(stage).await;
                sleep(Duration::from_millis(100)).await;
            }
            freezes += usize::from(disturbance.blow != Blow::Kill);
            self.strike(&disturbance, &stage.cluster).await;
        }
        freezes
    }

    async fn strike(&mut self, disturbance: &Disturbance, cluster: &Cluster) {
        let component = match disturbance.victim {
            Victim::Operator(number) => {
                let number = number % self.operators.len();
                let operator = &mut self.operators[number];
                match disturbance.blow {
                    Blow::Kill => {
                        operator.kill();
                        operator.start();
                    }
                    Blow::Freeze(time) => {
                        operator.pause();
                        sleep(time).await;
                        operator.resume();
                    }
                }
                return;
            }
            Victim::ApiServer => Component::ApiServer,
            Victim::Etcd => Component::Etcd,
        };
        match disturbance.blow {
            Blow::Kill => {
                cluster.plane.kill(component).await;
                cluster.plane.launch(component).await.unwrap();
            }
            Blow::Freeze(time) => {
                if cluster.plane.pause(component).await.is_ok() {
                    sleep(time).await;
                    let _ = cluster.plane.resume(component).await;
                }
            }
        }
    }

    /// What has ended by itself is started again, as a kubelet does: kube-apiserver gives up where it does not find etcd. An operator never does.
    async fn keep_up(&mut self, stage: &Stage<'_>) {
        for component in [Component::Etcd, Component::ApiServer] {
            if stage.cluster.plane.process_id(component).await.unwrap().is_none() {
                stage.cluster.plane.launch(component).await.unwrap();
            }
        }
        for operator in self.operators.iter_mut().filter_map(|one| one.has_ended().then_some(one)) {
            if stage.contestant.definition.is_none() {
                let end = last_lines(&operator.log(), 5);
                self.complaints.push(format!("an operator ended by itself: {end:?}"));
            }
            operator.start();
        }
    }
}
