//! An object whose IntuneTenant does not exist: it is told so once, and it ends an hour after its expiration, by the API server's clock.
//!
//! Without its tenant there is no Graph, and so neither Graph's clock nor a look. Where nothing was sent for the object, nothing has to be
//! looked at, and a margin of an hour makes up for the other clock.

use jiff::{SignedDuration, Timestamp};

use super::{draft::Draft, messages, polling::is_in_flight, step::Step};
use crate::api::{
    conditions::{self, kind, reason},
    reset::PasscodeReset,
    tenant::Defaults,
    time::saturating_add,
};

/// How long after its expiration an object without a tenant ends. It has as long from its creation on: a declaration that is applied
/// again may come before its tenant.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);
/// How exactly two clocks are compared by one request, with room for a slow one.
const COMPARED_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// Whether there is nothing more to tell the object while its tenant does not exist.
#[must_use]
pub fn is_told(object: &PasscodeReset) -> bool {
    let Some(status) = object.status.as_ref().filter(|_| !is_in_flight(object)) else { return false };
    let message = messages::no_such_tenant(&object.spec.tenant_ref.name);
    let told = conditions::get(&status.conditions, kind::READY)
        .is_some_and(|ready| ready.reason == reason::TENANT_NOT_READY && ready.message == message);
    told && status.observed_generation == object.metadata.generation
}

/// After which time, by the API server's clock, the object ends if its tenant still does not exist. `None`: something was sent for it or is
/// followed, and only Graph tells what became of that.
#[must_use]
pub fn ends_after(object: &PasscodeReset) -> Option<Timestamp> {
    let status = object.status.as_ref();
    if is_in_flight(object) || status.is_some_and(|status| status.attempt.is_some()) {
        return None;
    }
    let pinned = status.and_then(|status| status.effective.as_ref()).map(|effective| effective.expiration_time);
    let expiration = pinned.unwrap_or_else(|| Defaults::default().expiration(&object.spec));
    let created = object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |created| created.0);
    Some(saturating_add(expiration.0.max(created), MARGIN))
}

/// How an object without a tenant ends, if a sweep found that its time has come: never during a quarantine, and not as Rejected where a
/// restore may have taken back the claim of something that was sent.
pub(super) fn ended(d: &mut Draft<'_>) -> Option<Step> {
    let sweep = d.o.swept?;
    if sweep.at <= ends_after(d.o.object)? {
        return None;
    }
    let tenant = d.o.object.spec.tenant_ref.name.clone();
    // It is written by a replica's clock.
    let quarantine = d.o.quarantine.map(|quarantine| quarantine.shifted(sweep.offset));
    if quarantine.is_some_and(|quarantine| quarantine.in_force(sweep.at)) {
        return None;
    }
    let created = d.o.object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |created| created.0);
    if quarantine.is_some_and(|quarantine| created <= saturating_add(quarantine.begin, COMPARED_WITHIN)) {
        return Some(d.fail(reason::OUTCOME_UNKNOWN, &messages::forgotten_without_tenant(&tenant)));
    }
    let expiry = messages::Expiry::new(&d.o.object.spec, d.expiration());
    let message = messages::expired_without_tenant(&tenant, expiry);
    Some(d.reject(reason::EXPIRED, &message))
}
