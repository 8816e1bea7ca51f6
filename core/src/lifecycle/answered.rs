//! What Graph's answer to the one request changes.

use std::time::Duration;

use super::{
    draft::Draft,
    messages,
    observed::{NotReady, Now, Observed},
    step::{AfterAnswer, Decision},
};
use crate::api::{
    conditions::{self, Truth, kind, reason},
    reset_status::AttemptResult,
    time::saturating_add,
};

/// Graph's answer, as far as it decides anything.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What it means.
    pub meaning: Meaning,
    /// Graph's request-id.
    pub request_id: Option<String>,
    /// A sentence, of our own or from Graph's error.
    pub message: String,
}

/// What an answer to the request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Graph took it.
    Accepted,
    /// It was certainly not carried out.
    NotExecuted {
        /// After this pause asking again, under the same claim, can help.
        again_after: Option<Duration>,
        /// The tenant is to blame.
        not_ready: Option<NotReady>,
    },
    /// It was refused. That proves nothing: it is looked for as after an answer that tells nothing.
    Refused,
    /// Nobody can tell.
    Unknown,
}

/// Decides after an answer. `observed.object` carries the claim; where it has an outcome by now, because another replica
/// followed the entry to its end meanwhile, the answer changes nothing.
#[must_use]
pub fn answered(observed: &Observed<'_>, answer: &Answered, now: Now) -> Decision<AfterAnswer> {
    let mut d = Draft::new(*observed, now);
    if d.status.outcome.is_some() || d.status.attempt.is_none() {
        return d.into_judgement(AfterAnswer::Nothing);
    }
    let step = match &answer.meaning {
        Meaning::Accepted => accepted(&mut d, answer),
        Meaning::NotExecuted { again_after: Some(pause), .. } if in_time(&d, *pause) => AfterAnswer::SendAgain(*pause),
        Meaning::NotExecuted { not_ready, .. } => not_executed(&mut d, answer, not_ready.as_ref()),
        Meaning::Refused => undecided(&mut d, AttemptResult::Refused, reason::REFUSED_BY_INTUNE, answer),
        Meaning::Unknown => undecided(&mut d, AttemptResult::Unknown, reason::VERIFYING_OUTCOME, answer),
    };
    d.into_judgement(step)
}

/// Whether after the pause the claim may still be sent.
fn in_time(d: &Draft<'_>, pause: Duration) -> bool {
    let pause = jiff::SignedDuration::try_from(pause).unwrap_or(jiff::SignedDuration::MAX);
    match (&d.status.attempt, d.now.graph) {
        (Some(attempt), Some(now)) => saturating_add(now, pause) <= attempt.send_deadline.0,
        _ => false,
    }
}

fn record(d: &mut Draft<'_>, result: AttemptResult, answer: &Answered) {
    if let Some(attempt) = d.status.attempt.as_mut() {
        attempt.result = Some(result);
        attempt.request_id = answer.request_id.clone();
    }
}

fn accepted(d: &mut Draft<'_>, answer: &Answered) -> AfterAnswer {
    record(d, AttemptResult::Accepted, answer);
    d.remember_accepted();
    let message = messages::accepted_not_listed(answer.request_id.as_deref());
    d.issued(false, &message);
    let since = d.status.attempt.as_ref().map_or(d.o.object.spec.request_time, |attempt| attempt.claim_time);
    let at = d.now.graph.unwrap_or(since.0);
    let _ = d.wait_for_device(since, at, &message);
    AfterAnswer::Record
}

fn not_executed(d: &mut Draft<'_>, answer: &Answered, not_ready: Option<&NotReady>) -> AfterAnswer {
    record(d, AttemptResult::NotExecuted, answer);
    let why = if not_ready.is_some() { reason::TENANT_NOT_READY } else { reason::LIMIT_REACHED };
    let message = messages::not_executed(&answer.message);
    let _ = d.hold(why, &message, Duration::ZERO);
    AfterAnswer::RecordAndRelease
}

/// Refused or unknown: the lock is kept, and Intune's record decides. What was answered is kept in Issued, also for after a restart.
fn undecided(d: &mut Draft<'_>, result: AttemptResult, why: &str, answer: &Answered) -> AfterAnswer {
    record(d, result, answer);
    if !conditions::is_true(&d.status.conditions, kind::ISSUED) {
        d.set(kind::ISSUED, Truth::Unknown, why, &messages::answer(&answer.message, answer.request_id.as_deref()));
    }
    let _ = d.verify(Duration::ZERO);
    AfterAnswer::Record
}
