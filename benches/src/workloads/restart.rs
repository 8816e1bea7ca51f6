//! W5: a start over very many objects, 99 % of them finished. What counts is how soon it is at work, what it holds in memory, and that what is
//! finished costs neither a write nor a request.

use std::{collections::HashSet, net::TcpListener, time::Duration};

use anyhow::{Result, bail};
use graph_simulator::DevicePlan;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Plan, progress};
use crate::{
    contestant::{Contestant, Programs},
    counters::Writes,
    stage::{Intune, Stage},
    stock::{self, Patterns},
    table::{Run, Table},
};

const AT_MOST: Duration = Duration::from_secs(180);
/// For so long after everything was looked at it is watched what it does.
const WATCHED: Duration = Duration::from_secs(20);

/// Who has a turn over so many objects.
fn turns(plan: &Plan) -> Vec<(Contestant, usize, &'static str)> {
    use Contestant::{ControllerRuntime, Kopf, KubeRs, Ours};
    let (few, many) = plan.size.of((200, 400), (1000, 5000), (10_000, 100_000));
    let all = vec![
        (Ours, few, "passcode-operator, fewer objects"),
        (KubeRs, few, "plain kube-rs, fewer objects"),
        (ControllerRuntime, few, "plain controller-runtime, fewer objects"),
        (Kopf, few, "plain kopf, fewer objects"),
        (Ours, many, "passcode-operator"),
        (KubeRs, many, "plain kube-rs"),
        (ControllerRuntime, many, "plain controller-runtime"),
    ];
    all.into_iter().filter(|(who, ..)| *who == Ours || !plan.alone).collect()
}

/// Runs it.
///
/// # Errors
/// If somebody does not come to the end.
pub async fn run(plan: &Plan) -> Result<Table> {
    let turns = turns(plan);
    for (contestant, ..) in &turns {
        plan.programs.prepare(*contestant)?;
    }
    let counts: Vec<usize> = turns.iter().map(|turn| turn.1).collect();
    let (few, many) = (counts.iter().min(), counts.iter().max());
    let title = format!("W5: a start over {} and {} objects, 99 % finished", few.unwrap_or(&0), many.unwrap_or(&0));
    let mut table = Table { title, ..Table::default() };
    for round in 1..=plan.rounds {
        for (contestant, count, who) in &turns {
            let run = match contestant {
                Contestant::Ours => ours(&plan.programs, *count).await?,
                peer => peers(&plan.programs, *peer, *count).await?,
            };
            let run = Run { who, round, ..run };
            progress(format_args!("{run:?}"));
            table.runs.push(run);
        }
    }
    Ok(table)
}

async fn ours(programs: &Programs, count: usize) -> Result<Run> {
    let stage = Stage::start(Intune::limited(200)).await?;
    stage.tenant(json!({})).await?;
    let patterns = Patterns::made(programs, &stage).await?;
    let finished = patterns.store_finished(&stage, count - count / 100).await?;
    let followed = patterns.store_followed(&stage, &vec![DevicePlan::never(); count / 100]).await?;
    seen(&stage, Contestant::Ours, count).await?;
    let before = Writes::counted(&stage.client).await?;
    let (requests, resets) = (stage.simulator.requests().len(), stage.simulator.executed().len());
    let port = free_port()?;
    let begin = Instant::now();
    let mut operator = programs.start(Contestant::Ours, &stage, "operator", port)?;
    let ready = ready(port, begin).await?;
    let at_work = all_looked_at(&stage, &followed, requests, begin).await?;
    let usage = operator.usage()?;
    sleep(WATCHED).await;
    let later = operator.usage()?;
    let writes = Writes::counted(&stage.client).await? - before;
    let finished: HashSet<&str> = finished.iter().map(String::as_str).collect();
    let records = stage.simulator.requests();
    let about_finished =
        records.iter().skip(requests).filter(|r| phone_of(&r.path).is_some_and(|p| finished.contains(p)));
    let extra = stage.simulator.executed().len() - resets;
    let idle = (later.cpu.saturating_sub(usage.cpu)).as_secs_f64() / WATCHED.as_secs_f64() * 100.0;
    Ok(Run { duplicates: extra, ..Run::default() }
        .with("objects", count as f64)
        .with("ready s", ready.as_secs_f64())
        .with("all that is open looked at s", at_work.as_secs_f64())
        .with("peak RSS MiB", later.peak_mib)
        .with("writes of resets", writes.resets as f64)
        .with("requests about finished", about_finished.count() as f64)
        .with("CPU s until then", usage.cpu.as_secs_f64())
        .with("CPU % of a core after", idle))
}

/// A peer has no readiness, and its resets are all finished: it would reset what is not.
async fn peers(programs: &Programs, contestant: Contestant, count: usize) -> Result<Run> {
    let stage = Stage::start(Intune::instant()).await?;
    stock::store_peers_finished(&stage, count).await?;
    seen(&stage, contestant, count).await?;
    let before = Writes::counted(&stage.client).await?;
    let mut operator = programs.start(contestant, &stage, "operator", 0)?;
    sleep(WATCHED * 2).await;
    let usage = operator.usage()?;
    let writes = Writes::counted(&stage.client).await? - before;
    Ok(Run { duplicates: stage.simulator.executed().len(), ..Run::default() }
        .with("objects", count as f64)
        .with("peak RSS MiB", usage.peak_mib)
        .with("writes of resets", writes.resets as f64)
        .with("CPU s until then", usage.cpu.as_secs_f64()))
}

/// Waits until the API server has what was stored in etcd behind its back.
async fn seen(stage: &Stage, contestant: Contestant, count: usize) -> Result<()> {
    let deadline = Instant::now() + AT_MOST;
    let api = stage.resets(contestant.group());
    let everything = kube::api::ListParams::default().match_any();
    while api.list_metadata(&everything).await?.items.len() < count {
        if Instant::now() > deadline {
            bail!("the API server does not have all of {count} objects");
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

async fn ready(port: u16, begin: Instant) -> Result<Duration> {
    let address = format!("http://127.0.0.1:{port}/readyz");
    let client = reqwest::Client::builder().no_proxy().build()?;
    loop {
        if client.get(&address).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(begin.elapsed());
        }
        if begin.elapsed() > AT_MOST {
            bail!("the operator is not ready after {AT_MOST:?}");
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// How long it took until each of `phones` was looked at once.
async fn all_looked_at(stage: &Stage, phones: &[String], skip: usize, begin: Instant) -> Result<Duration> {
    let wanted: HashSet<&str> = phones.iter().map(String::as_str).collect();
    loop {
        let records = stage.simulator.requests();
        let mut seen: HashSet<&str> = HashSet::new();
        for phone in records.iter().skip(skip).filter_map(|record| phone_of(&record.path)) {
            if wanted.contains(phone) {
                seen.insert(phone);
            }
        }
        if seen.len() == wanted.len() {
            return Ok(begin.elapsed());
        }
        if begin.elapsed() > AT_MOST {
            bail!("{} of {} open resets were looked at within {AT_MOST:?}", seen.len(), wanted.len());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// The phone that a request is about.
#[must_use]
pub fn phone_of(path: &str) -> Option<&str> {
    let rest = path.split_once("/managedDevices/")?.1;
    rest.split(['/', '?']).next().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_about_a_phone() {
        assert_eq!(phone_of("/v1.0/deviceManagement/managedDevices/a-1?$select=id"), Some("a-1"));
        assert_eq!(phone_of("/v1.0/deviceManagement/managedDevices/a-1/resetPasscode"), Some("a-1"));
        assert_eq!(phone_of("/beta/deviceManagement/managedDevices?$filter=x"), None);
    }
}
