//! W6 and W7: a few new resets a second, beside very many that are finished (W6) or under way (W7). What counts is how long each new one takes,
//! and in W7 how soon after a phone's answer its reset is Complete.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use futures::{StreamExt, future::join_all};
use graph_simulator::{DevicePlan, Timestamp};
use kube::{
    api::{DynamicObject, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{Plan, progress};
use crate::{
    contestant::{Contestant, Programs},
    stage::{Intune, Stage, declaration, still_runs},
    statistics::{SPAN, between, fullest, percentile, since_first},
    stock::Patterns,
    table::{Run, Table},
};

const OURS: Contestant = Contestant::Ours;
/// New resets a second.
const RATE: u32 = 5;
/// How long the last new ones are waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs W6, which is shortened: fewer objects and minutes than the method asks for.
///
/// # Errors
/// If it does not come to the end.
pub async fn steady(plan: &Plan) -> Result<Table> {
    let (finished, seconds) = plan.size.of((100, 5), (1000, 20), (10_000, 120));
    let title = format!("W6 (shortened): {RATE} resets a second for {seconds} s beside {finished} finished ones");
    rounds(plan, title, Beside::Finished(finished), seconds).await
}

/// Runs W7.
///
/// # Errors
/// If it does not come to the end.
pub async fn storm(plan: &Plan) -> Result<Table> {
    let (followed, seconds) = plan.size.of((50, 5), (1000, 60), (10_000, 240));
    let title = format!(
        "W7: {RATE} resets a second for {seconds} s beside {followed} under way, whose phones answer after 1 s to 2 h"
    );
    rounds(plan, title, Beside::UnderWay(followed), seconds).await
}

/// What is there besides.
#[derive(Clone, Copy, Debug)]
enum Beside {
    Finished(usize),
    UnderWay(usize),
}

async fn rounds(plan: &Plan, title: String, beside: Beside, seconds: u32) -> Result<Table> {
    let mut table = Table { title, ..Table::default() };
    for round in 1..=plan.rounds {
        let run = once(&plan.programs, beside, seconds).await?;
        progress(format_args!("{run:?}"));
        table.runs.push(Run { round, ..run });
    }
    Ok(table)
}

async fn once(programs: &Programs, beside: Beside, seconds: u32) -> Result<Run> {
    programs.prepare(OURS)?;
    let stage = Stage::start(Intune { ledger_lag: Duration::ZERO, ..Intune::limited(200) }).await?;
    stage.tenant(json!({})).await?;
    let patterns = Patterns::made(programs, &stage).await?;
    let plans = match beside {
        Beside::Finished(count) => {
            patterns.store_finished(&stage, count).await?;
            Vec::new()
        }
        Beside::UnderWay(count) => answers(count),
    };
    let followed = patterns.store_followed(&stage, &plans).await?;
    let skipped = stage.simulator.requests().len();
    let mut operator = programs.start(OURS, &stage, "operator", 0)?;
    // Until it leads, and has listed everything.
    sleep(Duration::from_secs(5)).await;
    let ends = Ends::watched(&stage);
    let phones = stage.phones(0..RATE * seconds, Some(Duration::from_secs(1)));
    let (cpu, begin) = (operator.usage()?.cpu, Instant::now());
    let declared = declare_evenly(&stage, &phones).await?;
    let until = stage.simulator.now();
    let cpu = (operator.usage()?.cpu - cpu).as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    let deadline = Instant::now() + PATIENCE;
    while phones.iter().any(|phone| ends.of(phone).is_none()) && Instant::now() < deadline {
        still_runs(&mut operator)?;
        sleep(Duration::from_millis(200)).await;
    }
    let peak = operator.usage()?.peak_mib;
    let (duplicates, open) = stage.duplicates_and_missing(&phones);
    let missing = open.max(phones.iter().filter(|phone| ends.of(phone).is_none()).count());
    let (twice, _) = stage.duplicates_and_missing(&followed);
    let run = Run { who: OURS.name(), duplicates: duplicates + twice, missing, ..Run::default() };
    let run = new_ones(run, &stage, &declared, &ends, until).with("CPU % of a core", cpu).with("peak RSS MiB", peak);
    let requests: Vec<Timestamp> =
        stage.simulator.requests().iter().skip(skipped).filter(|r| !r.path.contains("$batch")).map(|r| r.at).collect();
    let run = run
        .with("most requests in 20 s", fullest(&since_first(&requests), SPAN) as f64)
        .with("429s", stage.throttled() as f64);
    Ok(match beside {
        Beside::Finished(_) => run,
        Beside::UnderWay(_) => old_ones(run, &followed, &plans, &patterns, &ends, until),
    })
}

/// Declares the phones' resets at an even pace; answers when each was.
async fn declare_evenly(stage: &Stage, phones: &[String]) -> Result<HashMap<String, Timestamp>> {
    let mut pace = interval(Duration::from_secs(1) / RATE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut creations = Vec::new();
    for phone in phones {
        pace.tick().await;
        let (api, simulator, phone) = (stage.resets(OURS.group()), stage.simulator.clone(), phone.clone());
        creations.push(tokio::spawn(async move {
            let object: DynamicObject = serde_json::from_value(declaration(OURS.group(), &phone))?;
            let at = simulator.now();
            api.create(&PostParams::default(), &object).await?;
            anyhow::Ok((phone, at))
        }));
    }
    join_all(creations).await.into_iter().map(|created| created?).collect()
}

fn new_ones(run: Run, stage: &Stage, declared: &HashMap<String, Timestamp>, ends: &Ends, until: Timestamp) -> Run {
    let executed = stage.simulator.executed();
    let sent: HashMap<&str, Timestamp> = executed.iter().map(|one| (one.device.as_str(), one.at)).collect();
    let since = |times: &dyn Fn(&str) -> Option<Timestamp>| -> Vec<f64> {
        declared.iter().filter_map(|(phone, at)| Some(between(*at, times(phone)?).as_secs_f64() * 1000.0)).collect()
    };
    let to_post = since(&|phone| sent.get(phone).copied());
    let to_end = since(&|phone| ends.of(phone));
    let in_time = declared.keys().filter(|phone| sent.get(phone.as_str()).is_some_and(|at| *at <= until)).count();
    let at = |figures: &[f64], percent| percentile(figures, percent).unwrap_or_default();
    let first = declared.values().min().copied().unwrap_or(until);
    run.with("create → POST ms, p50", at(&to_post, 50))
        .with("create → POST ms, p99", at(&to_post, 99))
        .with("create → Complete ms, p50", at(&to_end, 50))
        .with("create → Complete ms, p99", at(&to_end, 99))
        .with("new resets sent per s", in_time as f64 / between(first, until).as_secs_f64())
}

/// How long after a phone's answer its reset was Complete, of those that answered a sweep or more before the end.
fn old_ones(
    run: Run,
    followed: &[String],
    plans: &[DevicePlan],
    patterns: &Patterns,
    ends: &Ends,
    until: Timestamp,
) -> Run {
    let answered = |plan: &DevicePlan| patterns.began().checked_add(plan.delay?).ok();
    // Those that answered before the operator was started say how long it was down.
    let lag = |(phone, plan): (&String, &DevicePlan)| {
        let answered = answered(plan).filter(|at| *at > ends.began && *at <= until)?;
        Some(ends.of(phone).map_or(f64::INFINITY, |end| between(answered, end).as_secs_f64()))
    };
    let lags: Vec<f64> = followed.iter().zip(plans).filter_map(lag).collect();
    let open = lags.iter().filter(|lag| lag.is_infinite()).count();
    let done: Vec<f64> = lags.into_iter().filter(|lag| lag.is_finite()).collect();
    run.with("answered meanwhile", (done.len() + open) as f64)
        .with("answer → Complete s, p50", percentile(&done, 50).unwrap_or_default())
        .with("answer → Complete s, p95", percentile(&done, 95).unwrap_or_default())
        .with("answered and not Complete yet", open as f64)
}

/// Plans whose delays are spread log-normally with 1 s and 2 h at its 1st and 99th percentile, evenly and not at random: each run has the same.
fn answers(count: usize) -> Vec<DevicePlan> {
    let (low, high) = (0.0, 7200.0_f64.ln());
    let (middle, deviation) = (f64::midpoint(low, high), (high - low) / 2.0 / normal_quantile(0.99));
    let delay = |number: usize| {
        let rank = (number as f64 + 0.5) / count as f64;
        Duration::from_secs_f64((middle + deviation * normal_quantile(rank)).exp())
    };
    (0..count).map(|number| DevicePlan { delay: Some(delay(number)), ..DevicePlan::default() }).collect()
}

/// The standard normal distribution's quantile, to three digits (Abramowitz and Stegun, 26.2.23).
fn normal_quantile(rank: f64) -> f64 {
    let t = (-2.0 * rank.min(1.0 - rank).ln()).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let upper = t - numerator / denominator;
    if rank < 0.5 { -upper } else { upper }
}

/// When objects got their outcomes, as a watch told.
struct Ends {
    times: Arc<Mutex<HashMap<String, Timestamp>>>,
    began: Timestamp,
    watch: tokio::task::JoinHandle<()>,
}

impl Ends {
    /// Those that the operator finishes from now on: its own watch, that of unfinished objects, shows each end as a deletion.
    fn watched(stage: &Stage) -> Self {
        let times: Arc<Mutex<HashMap<String, Timestamp>>> = Arc::default();
        let (told, simulator) = (times.clone(), stage.simulator.clone());
        let unfinished = watcher::Config::default().fields("status.outcome=");
        let events = watcher(stage.resets(OURS.group()), unfinished).default_backoff();
        let watch = tokio::spawn(async move {
            let mut events = pin!(events);
            // After an error the watch is made again by itself.
            while let Some(event) = events.next().await {
                if let Ok(watcher::Event::Delete(object)) = event {
                    let mut times = told.lock().unwrap_or_else(PoisonError::into_inner);
                    times.insert(object.metadata.name.unwrap_or_default(), simulator.now());
                }
            }
        });
        Self { times, began: stage.simulator.now(), watch }
    }

    fn of(&self, name: &str) -> Option<Timestamp> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (rank, quantile) in [(0.5, 0.0), (0.975, 1.96), (0.025, -1.96), (0.99, 2.326), (0.841_345, 1.0)] {
            assert!((normal_quantile(rank) - quantile).abs() < 0.001, "{rank}: {}", normal_quantile(rank));
        }
    }

    #[test]
    fn answers_come_after_a_second_to_two_hours() {
        let delays: Vec<Duration> = answers(1000).into_iter().map(|plan| plan.delay.unwrap()).collect();
        let within = delays.iter().filter(|delay| (1..=7200).contains(&delay.as_secs())).count();
        assert!((970..=990).contains(&within), "{within}");
        let median = delays[500].as_secs_f64();
        assert!((84.0..86.0).contains(&median), "{median}");
    }
}
