//! Questions that are asked in several places: whether the tenant is ready, a read was answered, the request has expired.

use std::ops::ControlFlow::{self, Break, Continue};

use jiff::Timestamp;

use super::{
    action_check, draft::Draft, messages, observed::Unreadable, polling::next_look, step::Step, without_tenant,
};
use crate::api::conditions::reason;

/// A moment, where only the clock has to move on.
pub(super) const MOMENT: std::time::Duration = std::time::Duration::from_secs(1);

/// Something that ends by an event that wakes the object; the time is a safety net.
pub(super) const ON_EVENT: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) fn tenant_is_ready(d: &mut Draft<'_>) -> ControlFlow<Step> {
    let Some(tenant) = d.o.tenant else {
        if d.o.unread_tenant.is_none()
            && let Some(end) = without_tenant::ended(d)
        {
            return Break(end);
        }
        d.keep_doubt();
        let name = &d.o.object.spec.tenant_ref.name;
        let message = match d.o.unread_tenant {
            Some(not_ready) => messages::unreadable_tenant(not_ready),
            None if d.may_have_been_sent() => messages::tenant_is_gone(name, d.so_far()),
            None => messages::no_such_tenant(name),
        };
        return Break(d.hold(reason::TENANT_NOT_READY, &message, ON_EVENT));
    };
    d.pin_effective(tenant.spec);
    match tenant.not_ready {
        Some(not_ready) => {
            d.keep_doubt();
            let message = d.tenant_not_ready(not_ready);
            Break(d.hold(reason::TENANT_NOT_READY, &message, ON_EVENT))
        }
        None => Continue(()),
    }
}

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

/// The matrix's word, as it was before the first claim.
pub(super) fn supported(d: &mut Draft<'_>) -> ControlFlow<Step> {
    if d.status.attempt.is_some() {
        return Continue(());
    }
    let Some(support) = &d.status.support else { return Continue(()) };
    match action_check::refusal(d.o.object.spec.action, d.offered, &support.reason, &support.guidance) {
        Some(refused) => Break(d.reject(&refused.reason, &messages::not_offered_here(&refused.message))),
        None => Continue(()),
    }
}
