//! W9: what somebody can do who may create PasscodeResets and nothing else: very many objects whose tenant does not exist, and objects that are
//! as large as annotations can be. What counts is what each costs in memory, while it waits and at the next start, and that the leader keeps
//! its lease.

use std::{fs, time::Duration};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{DynamicObject, PostParams};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Plan, progress};
use crate::{
    contestant::{Contestant, Programs},
    counters::Writes,
    process::Measured,
    stage::{Intune, OURS, Stage, declaration, still_runs},
    table::{Run, Table},
};

const AT_MOST: Duration = Duration::from_secs(900);
/// For so long it is watched what they cost while they wait.
const WATCHED: Duration = Duration::from_secs(60);
/// How many are created at once.
const CREATORS: usize = 16;

/// A kind of object that a requester could think of.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    who: &'static str,
    count: usize,
    /// Bytes of annotations.
    annotations: usize,
}

/// Runs it.
///
/// # Errors
/// If it does not come to the end.
pub async fn run(plan: &Plan) -> Result<Table> {
    let (tiny, large) = plan.size.of((200, 40), (2000, 200), (20_000, 1000));
    let crowds = [
        Crowd { who: "tiny objects", count: tiny, annotations: 0 },
        Crowd { who: "objects with 250 kB of annotations", count: large, annotations: 250_000 },
    ];
    plan.programs.prepare(Contestant::Ours)?;
    let title = format!("W9: {tiny} tiny and {large} large objects whose tenant does not exist");
    let mut table = Table { title, ..Table::default() };
    for round in 1..=plan.rounds {
        for crowd in crowds {
            let run = Run { round, ..once(&plan.programs, crowd).await? };
            progress(format_args!("{run:?}"));
            table.runs.push(run);
        }
    }
    Ok(table)
}

async fn once(programs: &Programs, crowd: Crowd) -> Result<Run> {
    let stage = Stage::start(Intune::limited(200)).await?;
    stage.tenant(json!({})).await?;
    let mut first = programs.start(Contestant::Ours, &stage, "first", 0)?;
    sleep(Duration::from_secs(10)).await;
    let idle = first.usage()?.mib;
    let before = Writes::counted(&stage.client).await?;
    create(&stage, crowd).await?;
    let written = told(&stage, &mut first, before, crowd.count).await?;
    let began = first.usage()?;
    sleep(WATCHED).await;
    let waiting = first.usage()?;
    let later = Writes::counted(&stage.client).await? - before;
    first.terminate().await?;
    let mut second = programs.start(Contestant::Ours, &stage, "second", 0)?;
    sleep(WATCHED).await;
    let again = second.usage()?;
    let restarted = Writes::counted(&stage.client).await? - before;
    second.terminate().await?;
    let each = |mib: f64| (mib - idle) * 1024.0 / crowd.count as f64;
    let busy = waiting.cpu.saturating_sub(began.cpu).as_secs_f64() / WATCHED.as_secs_f64() * 100.0;
    Ok(Run { who: crowd.who, duplicates: stage.simulator.executed().len(), ..Run::default() }
        .with("objects", crowd.count as f64)
        .with("RSS MiB idle", idle)
        .with("peak RSS MiB", waiting.peak_mib)
        .with("KiB each while waiting", each(waiting.mib))
        .with("peak RSS MiB of the next start", again.peak_mib)
        .with("KiB each after the next start", each(again.mib))
        .with("status writes per object", written.resets as f64 / crowd.count as f64)
        .with("further status writes", (restarted.resets.max(later.resets) - written.resets) as f64)
        .with("CPU % of a core while waiting", busy)
        .with("terms lost", (terms_lost(&stage, "first")? + terms_lost(&stage, "second")?) as f64))
}

async fn create(stage: &Stage, crowd: Crowd) -> Result<()> {
    let api = stage.resets(OURS);
    let api = &api;
    let text = "x".repeat(crowd.annotations);
    let create = |number: usize| {
        let mut object = declaration(OURS, &format!("crowd-{number}"));
        object["spec"]["tenantRef"] = json!({"name": format!("nowhere-{}", number % 100)});
        object["spec"]["device"] = json!({"serialNumber": format!("S{number}")});
        if crowd.annotations > 0 {
            object["metadata"]["annotations"] = json!({"example.com/text": text});
        }
        async move {
            let object: DynamicObject = serde_json::from_value(object)?;
            api.create(&PostParams::default(), &object).await?;
            anyhow::Ok(())
        }
    };
    stream::iter((0..crowd.count).map(create)).buffer_unordered(CREATORS).try_collect().await
}

/// Waits until every object was told that its tenant does not exist; answers what was written until then.
async fn told(stage: &Stage, operator: &mut Measured, before: Writes, count: usize) -> Result<Writes> {
    let deadline = Instant::now() + AT_MOST;
    loop {
        still_runs(operator)?;
        let writes = Writes::counted(&stage.client).await? - before;
        if writes.resets >= count as u64 {
            return Ok(writes);
        }
        if Instant::now() > deadline {
            bail!("{} of {count} objects were told within {AT_MOST:?}", writes.resets);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// How often a replica could not renew its lease in time, or began a term again.
fn terms_lost(stage: &Stage, replica: &str) -> Result<usize> {
    let log = stage.directory().join(format!("{replica}.log"));
    let text = fs::read_to_string(&log).with_context(|| format!("cannot read {}", log.display()))?;
    let lost = |line: &&str| line.contains("not leading any more") || line.contains("it starts again, with a new term");
    Ok(text.lines().filter(lost).count())
}
