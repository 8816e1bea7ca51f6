//! W8: the leader of two replicas ends in the middle of a burst at Graph's limit. What counts is how long no reset is sent although the limit
//! has room, and that none is sent twice.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use graph_simulator::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use serde_json::json;
use tokio::time::sleep;

use super::{Plan, progress};
use crate::{
    contestant::{Contestant, Programs},
    process::Measured,
    stage::{Intune, OPERATOR, Stage, still_runs},
    statistics::{SPAN, between, floor},
    table::{Run, Table},
};

const AT_MOST: Duration = Duration::from_secs(900);
const OURS: Contestant = Contestant::Ours;
const NAMES: [&str; 2] = ["replica-a", "replica-b"];

/// How the leader ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Terminated,
    Killed,
}

/// Runs it, once for each way to end in each round.
///
/// # Errors
/// If it does not come to the end.
pub async fn run(plan: &Plan) -> Result<Table> {
    let (resets, limit) = plan.size.of((60, 40), (150, 60), (1000, 200));
    plan.programs.prepare(OURS)?;
    let title = format!("W8: the leader of two replicas ends in a burst of {resets} resets at {limit} in 20 s");
    let mut table = Table { title, ..Table::default() };
    for round in 1..=plan.rounds {
        for end in [End::Terminated, End::Killed] {
            let run = once(&plan.programs, end, resets, limit, round).await?;
            progress(format_args!("{run:?}"));
            table.runs.push(run);
        }
    }
    Ok(table)
}

async fn once(programs: &Programs, end: End, resets: u32, limit: usize, round: usize) -> Result<Run> {
    let stage = Stage::start(Intune::limited(limit)).await?;
    let phones = stage.phones(0..resets, Some(Duration::from_secs(5)));
    // What the leader had under way when it was killed is settled after half a minute, and not after five.
    let timing = json!({"clockError": "1s", "sendGrace": "20s", "ledgerLag": "5s", "ledgerClockError": "2s"});
    stage.tenant(json!({"timing": timing})).await?;
    stage.declare(OURS.group(), &phones).await?;
    let mut replicas = Vec::new();
    for name in NAMES {
        replicas.push(Some(programs.start(OURS, &stage, name, 0)?));
    }
    // In the middle of what the limit permits at once, so that there is room for the next.
    let moment = limit + limit / 4;
    while stage.simulator.executed().len() < moment {
        sleep(Duration::from_millis(5)).await;
    }
    let leader = leader(&stage).await?;
    let mut ended = replicas.get_mut(leader).and_then(Option::take).context("no such replica")?;
    let at = stage.simulator.now();
    match end {
        End::Terminated => ended.terminate().await?,
        End::Killed => drop(ended),
    }
    let mut other: Measured = replicas.into_iter().flatten().next().context("no other replica")?;
    let open = stage.completed(OURS.group(), phones.len(), AT_MOST, || still_runs(&mut other)).await?;
    sleep(Duration::from_secs(2)).await;
    let (duplicates, missing) = stage.duplicates_and_missing(&phones);
    let times: Vec<Timestamp> = stage.simulator.executed().iter().map(|executed| executed.at).collect();
    let gap = gap(&times, at, limit).context("no reset after the leader's end")?;
    let wall = times.first().zip(times.last()).map(|(first, last)| between(*first, *last)).unwrap_or_default();
    let who = if end == End::Terminated { "SIGTERM" } else { "SIGKILL" };
    Ok(Run { who, round, duplicates, missing: missing.max(open), ..Run::default() }
        .with("gap s", gap.as_secs_f64())
        .with("429s", stage.throttled() as f64)
        .with("most writes in 20 s", stage.simulator.peaks().app_writes as f64)
        .with("wall beyond the floor s", wall.saturating_sub(floor(times.len(), limit)).as_secs_f64()))
}

/// Which replica holds the lease.
async fn leader(stage: &Stage) -> Result<usize> {
    let leases: Api<Lease> = Api::namespaced(stage.client.clone(), OPERATOR);
    let lease = leases.get("passcode-operator-leader").await?;
    let holder = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
    match NAMES.iter().position(|name| holder.starts_with(&format!("{name}_"))) {
        Some(index) => Ok(index),
        None => bail!("nobody leads: {holder:?}"),
    }
}

/// From `at`, or from when the limit has room after it, to the next reset.
fn gap(times: &[Timestamp], at: Timestamp, limit: usize) -> Option<Duration> {
    let next = times.iter().position(|time| *time > at)?;
    let room = next.checked_sub(limit).and_then(|full| times.get(full)).map(|time| *time + SPAN);
    Some(between(room.map_or(at, |room| room.max(at)), *times.get(next)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_gap_begins_with_the_end_or_with_room() {
        let time = |second| Timestamp::from_second(second).unwrap();
        let times = [time(100), time(101), time(130)];
        assert_eq!(gap(&times, time(102), 10), Some(Duration::from_secs(28)));
        assert_eq!(gap(&times, time(102), 2), Some(Duration::from_secs(10)));
        assert_eq!(gap(&times, time(130), 2), None);
    }
}
