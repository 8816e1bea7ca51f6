//! Questions that are asked in several places: whether a read was answered, and whether the request has expired.

use std::ops::ControlFlow::{self, Break, Continue};

use jiff::Timestamp;

use super::{draft::Draft, messages, observed::Unreadable, polling::next_look, step::Step};
use crate::api::conditions::reason;

/// A moment, where only the clock has to move on.
pub(super) const MOMENT: std::time::Duration = std::time::Duration::from_secs(1);

/// "Could not tell" is never a verdict. What is under way keeps the words that it has, unless the tenant is to blame.
pub(super) fn unreadable(d: &mut Draft<'_>, why: &Unreadable) -> Step {
    match &why.tenant {
        Some(not_ready) => {
            d.keep_doubt();
            let message = if d.may_happen() { messages::blind(not_ready) } else { d.tenant_not_ready(not_ready) };
            d.hold(reason::TENANT_NOT_READY, &message, why.retry_after)
        }
        None => {
            let message = messages::could_not_tell(&why.message, d.so_far());
            d.keep_waiting(reason::LOOKING_UP, &message, why.retry_after)
        }
    }
}

pub(super) fn not_expired(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    let expiration = d.expiration();
    if at <= expiration.0 {
        return Continue(());
    }
    if let Some(tenant) = d.o.tenant.filter(|tenant| tenant.spec.suspend) {
        // The installation that is active instead may have sent it until then, and Intune may not show it yet.
        let settled = expiration.plus(tenant.spec.timing.settle_window().as_signed());
        if at <= settled.0 {
            let wait = next_look(Timestamp::MIN, at, settled.0, d.stretch());
            let name = &d.o.object.spec.tenant_ref.name;
            let message = messages::expired_while_suspended(name, expiration, settled);
            return Break(d.hold(reason::SUSPENDED, &message, wait));
        }
    }
    let expiry = messages::Expiry::new(&d.o.object.spec, expiration);
    let message = messages::expired(expiry, d.so_far(), d.waited_for().as_deref());
    Break(d.reject(reason::EXPIRED, &message))
}
