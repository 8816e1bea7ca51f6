//! Admission control in the way of a pass: claims that are tried, denied, or changed on their way.

use std::time::Duration;

use passcode_core::{
    api::{reset::PasscodeReset, reset_status::PasscodeResetStatus},
    lifecycle::{
        admission::{AttemptDenial, Denial, DeniedWrite},
        observed::Admission,
    },
    protocol::{
        Known,
        pass::{Event, Why},
    },
};

use super::{Terms, view::View};
use crate::operator::{
    calls::CallError,
    status_writer::{self, Check},
};

/// How long a pass waits for the moment at which it may try a claim.
const TRY_WAIT: Duration = Duration::from_secs(1);
const NEEDED: &str =
    "admission control refuses a write that a reset needs: nothing is sent under it; the status says what follows";

impl View<'_> {
    pub(super) fn admission(&self) -> Admission<'_> {
        let now = self.context.clock.boot();
        match &self.state.refusal {
            _ if self.admitted => Admission::Admitted,
            None => Admission::NotTried,
            Some(refusal) => {
                let again_after = self.state.try_at.map_or(Duration::ZERO, |at| at.saturating_sub(now));
                Admission::Refused { refusal, again_after }
            }
        }
    }

    /// Has the claim judged without storing it, once it is this one's turn; else the pass ends, and comes back then.
    pub(super) async fn try_claim(
        &mut self,
        known: &Known<Terms>,
        status: &PasscodeResetStatus,
    ) -> Result<Event<Terms>, CallError> {
        let now = self.context.clock.boot();
        let at = *self.state.try_at.get_or_insert_with(|| self.context.asks.slot(now, now));
        let wait = at.saturating_sub(now);
        if wait > TRY_WAIT {
            return Ok(Event::ComeBack(wait));
        }
        tokio::time::sleep(wait).await;
        tokio::time::sleep(self.context.asks.pause(self.context.clock.boot())).await;
        match status_writer::write(&self.context.cluster.client, &known.object, status, Check::Trial).await {
            Ok(_) => (self.admitted, self.state.try_at) = (true, None),
            Err(CallError::Denied(denial)) => self.refused(&known.object, *denial, DeniedWrite::Claim),
            Err(CallError::Invalid(fields)) => {
                self.refused_by_schema(fields)?;
            }
            Err(CallError::Conflict) => return self.read_again(known).await,
            Err(error) => return Err(error),
        }
        Ok(Event::Done)
    }

    /// A write of the attempt was denied. Nothing was sent, and the rules decide what that means.
    pub(super) fn refused(&mut self, object: &PasscodeReset, denial: Denial, of: DeniedWrite) {
        let write = match of {
            DeniedWrite::Claim => "claim",
            DeniedWrite::Lock => "lock",
        };
        self.context.metrics.write_denied(write);
        let times = self.state.refusal.as_ref().map_or(0, |before| before.times) + 1;
        if times == 1 {
            tracing::warn!(object = object.full_name(), write, %denial, "{NEEDED}");
        }
        let refusal = AttemptDenial { denial, of, times };
        let now = self.context.clock.boot();
        self.state.try_at = Some(self.context.asks.slot(now + refusal.try_again(), now));
        self.state.refusal = Some(refusal);
        self.admitted = false;
    }

    /// Only what is refused of the status says that the served definition is another than this operator's.
    ///
    /// # Errors
    /// If it is of the object's own.
    pub(super) fn refused_by_schema(&self, fields: Vec<String>) -> Result<Event<Terms>, CallError> {
        if !fields.iter().any(|field| field.starts_with("status")) {
            return Err(CallError::Invalid(fields));
        }
        self.context.health.schema_is_stale(&fields.join(", "));
        Ok(Event::NotStored(Why::Refused))
    }
}
