//! A pass that admission control stands in the way of: claims that are tried, denied, or changed on their way, and answers whose record was
//! denied.

use std::time::Duration;

use super::{End, Pass};
use crate::operator::{
    calls::CallError,
    locks::CHANGED_BY,
    status_writer::{self, Check},
};
use passcode_core::{
    api::reset_status::{Attempt, PasscodeResetStatus},
    lifecycle::{
        admission::{Denial, DenialKind, DeniedWrite, Refusal},
        answered::{Answered, Meaning, answered},
        observed::Admission,
    },
};

/// How long a pass waits for the moment at which it may try a claim.
const TRY_WAIT: Duration = Duration::from_secs(1);

impl Pass<'_> {
    pub(super) fn admission(&self) -> Admission<'_> {
        let now = self.context.clock.boot();
        match &self.memory.refusal {
            _ if self.admitted => Admission::Admitted,
            None => Admission::NotTried,
            Some(refusal) => {
                let again_after = self.memory.try_at.map_or(Duration::ZERO, |at| at.saturating_sub(now));
                Admission::Refused { refusal, again_after }
            }
        }
    }

    /// Has the claim judged without storing it, once it is this one's turn; else the pass ends, and comes back then.
    pub(super) async fn try_claim(&mut self, status: &PasscodeResetStatus) -> Result<Option<End>, CallError> {
        let now = self.context.clock.boot();
        let at = *self.memory.try_at.get_or_insert_with(|| self.context.asks.slot(now, now));
        let wait = at.saturating_sub(now);
        if wait > TRY_WAIT {
            return Ok(Some(End::Later(wait)));
        }
        tokio::time::sleep(wait).await;
        tokio::time::sleep(self.context.asks.pause(self.context.clock.boot())).await;
        match status_writer::write(&self.context.client, &self.object, status, Check::Trial).await {
            Ok(_) => (self.admitted, self.memory.try_at) = (true, None),
            Err(CallError::Denied(denial)) => self.refused(*denial, DeniedWrite::Claim),
            Err(CallError::Invalid(fields)) => return self.refused_by_schema(fields).map(|()| None),
            Err(CallError::Conflict) => self.read_again().await?,
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    /// A write of the attempt was denied. Nothing was sent, and the machine decides what that means.
    pub(super) fn refused(&mut self, denial: Denial, of: DeniedWrite) {
        let write = match of {
            DeniedWrite::Claim => "claim",
            DeniedWrite::Lock => "lock",
        };
        self.context.metrics.write_denied(write);
        let times = self.memory.refusal.as_ref().map_or(0, |before| before.times) + 1;
        if times == 1 {
            tracing::warn!(object = self.object.full_name(), write, %denial, "admission control stands in the way of a reset");
        }
        let refusal = Refusal { denial, of, times };
        let now = self.context.clock.boot();
        self.memory.try_at = Some(self.context.asks.slot(now + refusal.try_again(), now));
        self.memory.refusal = Some(refusal);
        self.admitted = false;
    }

    /// Gives back the lock under which nothing was claimed.
    pub(super) async fn release_held(&mut self) {
        if let Some((_, stored)) = self.held.take() {
            self.context.locks.release(&stored).await;
        }
        (self.lock, self.look) = (None, None);
    }

    /// Only what is refused of the status says that the served definition is another than this operator's.
    ///
    /// # Errors
    /// If it is of the object's own.
    pub(super) fn refused_by_schema(&self, fields: Vec<String>) -> Result<(), CallError> {
        if !fields.iter().any(|field| field.starts_with("status")) {
            return Err(CallError::Invalid(fields));
        }
        self.context.health.schema_is_stale(&fields.join(", "));
        Ok(())
    }

    /// The claim was stored as another: nothing is sent under it.
    pub(super) async fn not_sent(&mut self, attempt: &Attempt, denial: Denial) -> Result<(), CallError> {
        let meaning = Meaning::NotExecuted { again_after: None, trouble: None };
        let answer = Answered { meaning, request_id: None, message: format!("The claim was {denial}.") };
        self.refused(denial, DeniedWrite::Claim);
        self.record(&answer, attempt).await
    }

    /// Records what an earlier pass could not: a request whose answer is known must not be taken for one whose answer was lost, which could
    /// be sent once more.
    pub(super) async fn record_late(&mut self) -> Result<(), CallError> {
        let Some(unrecorded) = self.memory.unrecorded.clone() else { return Ok(()) };
        let (id, answer) = unrecorded.as_ref();
        let stored = self.object.status.as_ref().and_then(|status| status.attempt.as_ref());
        if stored.is_some_and(|stored| stored.id == *id && stored.result.is_none()) {
            let decision = answered(&self.observed(), answer, self.now());
            self.write(&decision).await?;
        }
        self.memory.unrecorded = None;
        Ok(())
    }
}

/// What became of a claim on its way to the store, if it is not as it was written.
pub(super) fn altered(stored: &Attempt, written: &Attempt) -> Option<Denial> {
    let json = |attempt: &Attempt| serde_json::to_value(attempt).unwrap_or_default();
    (json(stored) != json(written)).then(|| Denial {
        by: CHANGED_BY.to_owned(),
        sentence: "status.attempt is stored as something else than the operator wrote".to_owned(),
        kind: DenialKind::Altered,
    })
}
