//! The play: declared, carried out, declared again, compared.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use graph_simulator::SignedDuration;

use crate::expected::{AGAIN, APPROVED, DENIED, EXPECTED};
use crate::objects::{self, State};
use crate::progress::Progress;
use crate::report::{self, Acts};
use crate::stage::{NAMESPACE, Stage};

/// How often the objects are read.
const PERIOD: Duration = Duration::from_millis(300);
/// How long everything may take. The slowest are the scheduled one (40 s and its device's answer) and the unknown one (two looks 30 s apart).
const LIMIT: Duration = Duration::from_secs(180);

/// Shows everything. An error says what differs from what was expected.
pub async fn show(stage: &Stage, progress: &Progress) -> Result<()> {
    let mut watched =
        Watched { stage, progress, began: Instant::now(), states: BTreeMap::new(), words: BTreeMap::new() };
    // People call before they are helped; and a reset of this very second would wait for it to pass.
    let resets = stage.render(stage.simulator.now().checked_sub(SignedDuration::from_secs(1))?)?;
    progress.step(format!(
        "Declaring {} resets: deploy/samples/resets/, in which 2026-11-22T09:00:00Z stands for now",
        EXPECTED.len()
    ));
    stage.declare(&resets.to_string_lossy()).await?;
    let first = watched.until(|states| ended(states, AGAIN.name)).await?;

    progress.step("What the policy deploy/samples/policies/scanners.yaml has waiting for a team lead");
    let waits = |states: &BTreeMap<String, State>, name: &str| {
        states.get(name).is_some_and(|state| state.reason == "AwaitingApproval")
    };
    watched.until(|states| waits(states, APPROVED) && waits(states, DENIED)).await?;
    stage.kubectl(&["get", "pcr", "-A", "--field-selector", "status.reason=AwaitingApproval"]).await?;
    stage.decide(&["approve", "-n", NAMESPACE, APPROVED, "--role", "team-lead"]).await?;
    let reason = "nobody called back";
    stage.decide(&["deny", "-n", NAMESPACE, DENIED, "--role", "team-lead", "--reason", reason]).await?;

    progress.step(format!(
        "Deleting {} and applying the same commit again: Intune's record shows that it is done",
        AGAIN.name
    ));
    let again = resets.join(format!("{}.yaml", AGAIN.name));
    stage.kubectl(&["delete", "-f", &again.to_string_lossy()]).await?;
    stage.declare(&again.to_string_lossy()).await?;
    let all_ended = |states: &BTreeMap<String, State>| EXPECTED.iter().all(|expected| ended(states, expected.name));
    let last = watched.until(all_ended).await?;

    progress.step("What the cluster says");
    stage.kubectl(&["get", "pcr", "-n", NAMESPACE]).await?;
    println!();
    stage.kubectl(&["describe", "pcr", "android-fully-managed", "-n", NAMESPACE]).await?;

    progress.step("What the simulated Intune says, beside the declarations");
    let acts = Acts { first: &first, last: &last, words: &watched.words, devices: &stage.devices };
    report::print(&acts, &stage.simulator)
}

fn ended(states: &BTreeMap<String, State>, name: &str) -> bool {
    states.get(name).is_some_and(|state| !state.outcome.is_empty())
}

/// The objects, read again and again.
struct Watched<'a> {
    stage: &'a Stage,
    progress: &'a Progress,
    began: Instant,
    states: BTreeMap<String, State>,
    /// Every reason that was seen, by object.
    words: BTreeMap<String, Vec<String>>,
}

impl Watched<'_> {
    /// Tells what changes until all is as wanted.
    async fn until(&mut self, wanted: impl Fn(&BTreeMap<String, State>) -> bool) -> Result<BTreeMap<String, State>> {
        loop {
            self.stage.check()?;
            let states = objects::resets(&self.stage.client, NAMESPACE).await?;
            for state in &states {
                self.tell(state);
            }
            self.states = states.into_iter().map(|state| (state.name.clone(), state)).collect();
            if wanted(&self.states) {
                return Ok(self.states.clone());
            }
            ensure!(self.began.elapsed() < LIMIT, "not finished after {LIMIT:?}: {}", self.unfinished());
            tokio::time::sleep(PERIOD).await;
        }
    }

    fn tell(&mut self, state: &State) {
        let before = self.states.get(&state.name).filter(|before| before.uid == state.uid);
        if state.reason.is_empty()
            || before.is_some_and(|before| before.reason == state.reason && before.outcome == state.outcome)
        {
            return;
        }
        let word = if state.outcome.is_empty() {
            state.reason.clone()
        } else {
            format!("{}: {}", state.outcome, state.reason)
        };
        self.progress.note(format!("{:28}  {word}", state.name));
        self.words.entry(state.uid.clone()).or_default().push(state.reason.clone());
    }

    fn unfinished(&self) -> String {
        let open = self.states.values().filter(|state| state.outcome.is_empty());
        open.map(|state| format!("{} ({}: {})", state.name, state.reason, state.message)).collect::<Vec<_>>().join("; ")
    }
}
