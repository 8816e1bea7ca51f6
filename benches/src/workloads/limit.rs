//! W3: a burst of resets at Graph's limit, which the simulator enforces as published. What counts is how near the last reset is to the
//! soonest that the limit permits, and that none is throttled.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::time::Instant;

use super::{Plan, Size, progress};
use crate::{
    contestant::{Contestant, Programs},
    process::Usage,
    sdk,
    stage::{Intune, Stage, still_runs},
    statistics::{floor, longest_idle},
    table::{Run, Table},
};

const AT_MOST: Duration = Duration::from_secs(1200);
/// How long a phone takes to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Who has a turn.
#[derive(Clone, Copy, Debug)]
enum Who {
    Ours,
    /// The script with so many requests at once.
    Script(usize),
}

/// Runs it: in each round everybody has a turn.
///
/// # Errors
/// If somebody does not come to the end.
pub async fn run(plan: &Plan) -> Result<Table> {
    let (resets, limit) = plan.size.of((12, 40), (120, 40), (2000, 200));
    let whos: &[Who] = if plan.alone { &[Who::Ours] } else { &[Who::Ours, Who::Script(1), Who::Script(20)] };
    plan.programs.prepare(Contestant::Ours)?;
    if !plan.alone {
        plan.programs.python("sdk")?;
    }
    let mut table = Table { title: format!("W3: {resets} resets at {limit} in 20 s"), ..Table::default() };
    for round in 1..=plan.rounds {
        for who in whos {
            let run = once(&plan.programs, *who, resets, limit, round, plan.size).await?;
            progress(format_args!("{run:?}"));
            table.runs.push(run);
        }
    }
    Ok(table)
}

async fn once(programs: &Programs, who: Who, resets: u32, limit: usize, round: usize, size: Size) -> Result<Run> {
    let stage = Stage::start(Intune::limited(limit)).await?;
    let answer = size.of(Duration::from_millis(500), ANSWER, ANSWER);
    let phones = stage.phones(0..resets, Some(answer));
    let begin = Instant::now();
    let (name, usage, open) = match who {
        Who::Ours => {
            stage.tenant(json!({})).await?;
            stage.declare(Contestant::Ours.group(), &phones).await?;
            let mut operator = programs.start(Contestant::Ours, &stage, "operator", 0)?;
            let group = Contestant::Ours.group();
            let open = stage.completed(group, phones.len(), AT_MOST, || still_runs(&mut operator)).await?;
            (Contestant::Ours.name(), operator.usage()?, open)
        }
        Who::Script(at_once) => {
            let usage = sdk::run(programs, &stage, &phones, at_once, AT_MOST).await?;
            (if at_once == 1 { "SDK script, one by one" } else { "SDK script, 20 at once" }, usage, 0)
        }
    };
    progress(format_args!("all of it took {:.1} s", begin.elapsed().as_secs_f64()));
    let (duplicates, missing) = stage.duplicates_and_missing(&phones);
    let run = Run { who: name, round, duplicates, missing: missing.max(open), ..Run::default() };
    Ok(figures(run, &stage, limit, resets, usage))
}

fn figures(run: Run, stage: &Stage, limit: usize, resets: u32, usage: Usage) -> Run {
    let times = stage.reset_times();
    let last = times.last().copied().unwrap_or_default();
    let floor = floor(times.len(), limit);
    let (_, idle) = longest_idle(&times, limit);
    run.with("floor ÷ wall", if last.is_zero() { 0.0 } else { floor.as_secs_f64() / last.as_secs_f64() })
        .with("wall s", last.as_secs_f64())
        .with("429s", stage.throttled() as f64)
        .with("most writes in 20 s", stage.simulator.peaks().app_writes as f64)
        .with("most requests in 20 s", stage.simulator.peaks().app_requests as f64)
        .with("longest idle s", idle.as_secs_f64())
        .with("CPU ms per object", usage.cpu.as_secs_f64() * 1000.0 / f64::from(resets))
        .with("peak RSS MiB", usage.peak_mib)
}
