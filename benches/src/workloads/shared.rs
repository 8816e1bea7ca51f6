//! W4: from some moment on another app takes half of the tenant's writes, and later it ends. What counts is how many requests are
//! throttled until that is learned, and how much of what is left is used.

use std::time::Duration;

use anyhow::{Context, Result};
use graph_simulator::{RetryAfter, Timestamp};
use serde_json::json;
use tokio::time::sleep;

use super::{Plan, Size, progress};
use crate::{
    contestant::{Contestant, Programs},
    neighbour::Neighbour,
    stage::{Intune, Stage, still_runs},
    statistics::{SPAN, between},
    table::{Run, Table},
};

const AT_MOST: Duration = Duration::from_secs(1200);
const OURS: Contestant = Contestant::Ours;

/// The forms of `Retry-After`, one a round.
const FORMS: [(&str, RetryAfter); 4] = [
    ("Retry-After with a fraction", RetryAfter::Fractional),
    ("no Retry-After", RetryAfter::Missing),
    ("Retry-After as a date", RetryAfter::HttpDate),
    ("Retry-After in seconds", RetryAfter::Seconds),
];

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Scale {
    resets: u32,
    /// Of the tenant, in 20 s. The other app takes half.
    limit: u32,
    /// When the other app begins, from the first reset on, and for how long it goes on.
    begins: Duration,
    lasts: Duration,
}

/// Runs it, with another form of `Retry-After` in each round.
///
/// # Errors
/// If it does not come to the end.
pub async fn run(plan: &Plan) -> Result<Table> {
    let seconds = Duration::from_secs;
    let scale = match plan.size {
        Size::Tiny | Size::Small => Scale { resets: 260, limit: 40, begins: seconds(40), lasts: seconds(60) },
        Size::Full => Scale { resets: 2000, limit: 200, begins: seconds(60), lasts: seconds(120) },
    };
    plan.programs.prepare(OURS)?;
    let Scale { resets, limit, begins, lasts } = scale;
    let title = format!(
        "W4: {resets} resets at {limit} in 20 s, half of it taken by another app from {} s to {} s",
        begins.as_secs(),
        (begins + lasts).as_secs()
    );
    let mut table = Table { title, ..Table::default() };
    for (round, form) in (1..=plan.rounds).zip(FORMS.iter().cycle()) {
        let run = once(&plan.programs, scale, *form, round).await?;
        progress(format_args!("{run:?}"));
        table.runs.push(run);
    }
    Ok(table)
}

async fn once(programs: &Programs, scale: Scale, form: (&'static str, RetryAfter), round: usize) -> Result<Run> {
    let mut intune = Intune::limited(scale.limit as usize);
    intune.limits.tenant_writes = Some(scale.limit as usize);
    intune.limits.retry_after = form.1;
    let stage = Stage::start(intune).await?;
    let phones = stage.phones(0..scale.resets, Some(Duration::from_secs(5)));
    stage.tenant(json!({})).await?;
    stage.declare(OURS.group(), &phones).await?;
    let neighbour = Neighbour::move_in(&stage.simulator).await?;
    let mut operator = programs.start(OURS, &stage, "operator", 0)?;
    let other = async {
        let first = first_reset(&stage).await;
        sleep(scale.begins.saturating_sub(between(first, stage.simulator.now()))).await;
        neighbour.spend(scale.limit / 2, scale.lasts).await
    };
    let ended = stage.completed(OURS.group(), phones.len(), AT_MOST, || still_runs(&mut operator));
    let (open, other) = tokio::join!(ended, other);
    other?;
    let (duplicates, missing) = stage.duplicates_and_missing(&phones);
    let run = Run { who: form.0, round, duplicates, missing: missing.max(open?), ..Run::default() };
    figures(run, &stage, &neighbour, scale)
}

async fn first_reset(stage: &Stage) -> Timestamp {
    loop {
        if let Some(first) = stage.simulator.executed().first() {
            return first.at;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// One request for a reset that arrived.
#[derive(Clone, Copy, Debug)]
struct Post {
    at: Duration,
    /// What a 429 asked to wait.
    throttled: Option<Option<Duration>>,
}

fn figures(run: Run, stage: &Stage, neighbour: &Neighbour, scale: Scale) -> Result<Run> {
    let requests = stage.simulator.requests();
    let executed = stage.simulator.executed();
    let first = executed.first().context("no reset at all")?.at;
    let resets = requests.iter().filter(|request| request.path.ends_with("/resetPasscode"));
    let (theirs, ours): (Vec<_>, Vec<_>) = resets.partition(|request| neighbour.sent(&request.path));
    let posts = |all: &[&graph_simulator::RequestRecord]| -> Vec<Post> {
        let post = |request: &&graph_simulator::RequestRecord| Post {
            at: between(first, request.at),
            throttled: (request.status == Some(429))
                .then(|| request.retry_after.as_deref().and_then(|text| pause(text, request.at))),
        };
        all.iter().map(post).collect()
    };
    let (theirs, ours) = (posts(&theirs), posts(&ours));
    let end = scale.begins + scale.lasts;
    // The first 20 s after the change are for learning.
    let settled = scale.begins + SPAN..end;
    let through = |posts: &[Post]| posts.iter().filter(|p| settled.contains(&p.at) && p.throttled.is_none()).count();
    let all = f64::from(scale.limit) * (settled.end - settled.start).as_secs_f64() / SPAN.as_secs_f64();
    let left = all - through(&theirs) as f64;
    let throttled_in = |range: std::ops::Range<Duration>| {
        ours.iter().filter(|post| post.throttled.is_some() && range.contains(&post.at)).count() as f64
    };
    let last = ours.last().map(|post| post.at).unwrap_or_default();
    Ok(run
        .with("429s before", throttled_in(Duration::ZERO..scale.begins))
        .with("429s after it began", throttled_in(scale.begins..end))
        .with("429s after it ended", throttled_in(end..Duration::MAX))
        .with("use of what is left", through(&ours) as f64 / left)
        .with("early requests", early(&ours, stage.intune.latency) as f64)
        .with("429s of the other app", theirs.iter().filter(|post| post.throttled.is_some()).count() as f64)
        .with("wall s", last.as_secs_f64()))
}

/// Requests that were sent before the end of a pause that a 429 had asked for. What was under way when it was answered is no such.
fn early(posts: &[Post], latency: Duration) -> usize {
    let is_early = |post: &&Post| {
        let asked = posts.iter().filter_map(|earlier| Some((earlier.at, earlier.throttled??)));
        let mut pauses = asked.map(|(at, pause)| (at + latency, at + pause));
        pauses.any(|(heard, until)| heard < post.at && post.at < until)
    };
    posts.iter().filter(is_early).count()
}

/// What `Retry-After` says at this time: seconds with or without a fraction, or a date.
fn pause(text: &str, at: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    // The date form of HTTP (RFC 9110, 5.6.7).
    let date = text.strip_suffix(" GMT")?;
    let date = Timestamp::strptime("%a, %d %b %Y %H:%M:%S %z", format!("{date} +0000")).ok()?;
    Some(between(at, date))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_of_a_pause_is_read() {
        let at: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        assert_eq!(pause("3", at), Some(Duration::from_secs(3)));
        assert_eq!(pause("2.128", at), Some(Duration::from_millis(2128)));
        assert_eq!(pause("Sun, 22 Nov 2026 09:00:07 GMT", at), Some(Duration::from_secs(7)));
        assert_eq!(pause("soon", at), None);
    }

    #[test]
    fn early_is_what_was_sent_after_the_answer_and_before_its_end() {
        let millis = Duration::from_millis;
        let post = |at, pause: Option<u64>| Post { at: millis(at), throttled: pause.map(|p| Some(millis(p))) };
        // Under way when the answer came, then two that should have waited, then one in time.
        let posts = [post(0, Some(3000)), post(40, None), post(60, None), post(2999, None), post(3000, None)];
        assert_eq!(early(&posts, millis(50)), 2);
        assert_eq!(early(&posts[4..], millis(50)), 0);
    }
}
