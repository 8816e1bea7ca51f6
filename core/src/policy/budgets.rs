//! Budgets: how many resets there were, and when there is room for another.

use jiff::Timestamp;

use super::{checked::Budget, question::Question, request::PastReset};
use crate::api::{policy::BudgetScope, time::saturating_add};

/// When there is room for one more; `None`: now.
pub(super) fn room(budget: &Budget, q: &Question<'_>) -> Option<Timestamp> {
    let mut times: Vec<Timestamp> = q
        .past
        .iter()
        .filter(|past| past.uid != q.request.uid && counts(budget.scope, past, q))
        .map(|past| past.time)
        // One from the future counts, too: clocks differ, and it was sent.
        .filter(|time| saturating_add(*time, budget.per) > q.at)
        .collect();
    times.sort_unstable();
    // The last of those that have to grow old before fewer than `max` are left.
    let oldest = times.len().checked_sub(budget.max)?;
    times.get(oldest).map(|time| saturating_add(*time, budget.per))
}

fn counts(scope: BudgetScope, past: &PastReset, q: &Question<'_>) -> bool {
    let request = &q.request;
    match scope {
        BudgetScope::Namespace => past.namespace == request.namespace,
        BudgetScope::Requester => past.requester.as_deref() == q.requester().map(|requester| requester.key),
        BudgetScope::Tenant => past.tenant == request.tenant,
        BudgetScope::Device => past.managed_device_id.eq_ignore_ascii_case(request.device.managed_device_id),
    }
}
