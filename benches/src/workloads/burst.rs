//! W1: a burst of resets that are all declared when the operator starts, and a Graph that answers at once. What is left is what the
//! operator and the API server cost.

use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Plan, progress};
use crate::{
    contestant::{Contestant, Programs},
    counters::Writes,
    stage::{Intune, PEERS, Stage, still_runs},
    table::{Run, Table},
};

/// Everybody, in the order in which they have their turns.
const ALL: [Contestant; 4] = [Contestant::Ours, Contestant::KubeRs, Contestant::ControllerRuntime, Contestant::Kopf];
/// The name of what nobody can be faster than.
const BARE: &str = "status writes alone";
/// How many writes at once the API server takes without growing slower.
const WRITERS: usize = 32;
const AT_MOST: Duration = Duration::from_secs(900);

/// Runs it: in each round everybody has a turn.
///
/// # Errors
/// If somebody does not come to the end.
pub async fn run(plan: &Plan) -> Result<Table> {
    let resets = plan.size.of(30, 1000, 5000);
    let contestants = if plan.alone { &ALL[..1] } else { &ALL };
    for contestant in contestants {
        plan.programs.prepare(*contestant)?;
    }
    let mut table = Table { title: format!("W1: {resets} resets at once, Graph answers at once"), ..Table::default() };
    for round in 1..=plan.rounds {
        for contestant in contestants {
            let run = once(&plan.programs, *contestant, resets, round).await?;
            progress(format_args!("{run:?}"));
            table.runs.push(run);
        }
        if !plan.alone {
            table.runs.push(bare(resets, round).await?);
        }
    }
    Ok(table)
}

async fn once(programs: &Programs, contestant: Contestant, resets: u32, round: usize) -> Result<Run> {
    let stage = Stage::start(Intune::instant()).await?;
    let phones = stage.phones(0..resets, Some(Duration::ZERO));
    if contestant == Contestant::Ours {
        stage.tenant(json!({})).await?;
    }
    stage.declare(contestant.group(), &phones).await?;
    let before = Writes::counted(&stage.client).await?;
    let begin = Instant::now();
    let mut operator = programs.start(contestant, &stage, "operator", 0)?;
    let open = stage.completed(contestant.group(), phones.len(), AT_MOST, || still_runs(&mut operator)).await?;
    let took = begin.elapsed();
    let usage = operator.usage()?;
    // A second reset would come with a later look at an object, so nobody is judged at once.
    sleep(Duration::from_secs(2)).await;
    let writes = Writes::counted(&stage.client).await? - before;
    let (duplicates, missing) = stage.duplicates_and_missing(&phones);
    let each = |value: f64| value / f64::from(resets);
    Ok(Run { who: contestant.name(), round, duplicates, missing: missing.max(open), ..Run::default() }
        .with("objects/s", f64::from(resets) / took.as_secs_f64())
        .with("status writes per object", each(writes.resets as f64))
        .with("all writes per object", each(writes.total() as f64))
        .with("CPU ms per object", each(usage.cpu.as_secs_f64() * 1000.0))
        .with("peak RSS MiB", usage.peak_mib))
}

/// What the API server takes of status writes alone, one for each object.
async fn bare(resets: u32, round: usize) -> Result<Run> {
    let stage = Stage::start(Intune::instant()).await?;
    let phones = stage.phones(0..resets, None);
    stage.declare(PEERS, &phones).await?;
    let api = stage.resets(PEERS);
    let api = &api;
    let begin = Instant::now();
    let write = |phone: String| async move {
        let status = json!({"status": {"phase": "Complete", "completionTime": "2026-11-22T09:00:00Z"}});
        api.patch_status(&phone, &PatchParams::default(), &Patch::Merge(status)).await.map(|_| ())
    };
    let writes: Vec<_> = phones.into_iter().map(write).collect();
    stream::iter(writes).buffer_unordered(WRITERS).try_collect::<()>().await?;
    let rate = f64::from(resets) / begin.elapsed().as_secs_f64();
    Ok(Run { who: BARE, round, ..Run::default() }.with("objects/s", rate).with("status writes per object", 1.0))
}
