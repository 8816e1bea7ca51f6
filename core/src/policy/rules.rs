//! Which of a policy's rules a request meets.

use super::{
    approvals::is_no_person,
    checked::{Body, Rule},
    question::Question,
};
use crate::platform::{Fit, Ownership};

/// A rule that a request meets, or may meet.
#[derive(Clone, Copy)]
pub(super) struct Met<'p> {
    pub rule: &'p Rule,
    /// What would have to be known to tell whether it does; `None`: it does.
    pub unless_known: Option<Missing>,
}

/// Something that a rule asks about and that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The version of the device's operating system.
    Version,
    /// Who asked for it.
    Requester,
}

/// The first rule that matches, after those of which that cannot be told. Whichever of them is the one that decides, all of them have to permit
/// the request, so what is not known never permits more.
pub(super) fn met<'p>(body: &'p Body, q: &Question<'_>) -> Vec<Met<'p>> {
    let mut met = Vec::new();
    for rule in &body.rules {
        let Some(unless_known) = matches(rule, q) else { continue };
        met.push(Met { rule, unless_known });
        if unless_known.is_none() {
            break;
        }
    }
    met
}

/// `None`: it does not.
fn matches(rule: &Rule, q: &Question<'_>) -> Option<Option<Missing>> {
    let device = &q.request.device;
    if !rule.actions.contains(&q.request.action) {
        return None;
    }
    let version = device.os_version.parse().ok();
    let of_device = match rule.device.fit(device.platform, version.as_ref(), Ownership::of_device(device.ownership)) {
        Fit::No => return None,
        Fit::NeedsVersion => Some(Missing::Version),
        Fit::Yes => None,
    };
    let of_requester = match (&rule.requesters, q.requester()) {
        (None, _) => None,
        (Some(_), None) => Some(Missing::Requester),
        (Some(names), Some(requester)) if names.iter().any(|name| name == requester.name) => None,
        (Some(_), Some(_)) => return None,
    };
    Some(of_requester.or(of_device))
}

/// Whether it takes one person more than the rule says: nobody knows who asked, or no person did, and the rule does not name that account.
pub(super) fn takes_one_more(met: &Met<'_>, q: &Question<'_>) -> bool {
    match q.requester() {
        None => true,
        Some(requester) => is_no_person(requester.name) && met.rule.requesters.is_none(),
    }
}
