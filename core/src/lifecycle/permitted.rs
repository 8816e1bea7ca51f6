//! The question whether policies permit the request: early for what is scheduled, before the lock is taken, and again under it.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    draft::Draft,
    holds::MOMENT,
    messages,
    polling::positive,
    step::{Fact, Step},
};
use crate::{
    api::{
        approval::RequestKind,
        conditions::{Truth, kind, reason},
        matrix::MatrixAction,
        policy::Enforcement,
        reset_status::{ApprovalNotCounted, PermissionStatus, PolicyReport},
        time::saturating_add,
    },
    policy::{Answer, Device, Permission, PolicyVerdict, Question, Report, Request, Requester, evaluate},
};

/// When what policies hold back is looked at again although nothing that it waits for has changed: a safety net.
const LOOK_AGAIN: Duration = Duration::from_secs(600);
/// How many policies, and how many approvals that do not count, are told in the status.
const REPORTED: (usize, usize) = (32, 8);

/// For whom the policies are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// For a request that is to be sent now.
    Now,
    /// For one whose requestTime has yet to come.
    Early,
}

/// Whether every policy permits it now. A dry run waits for nobody: what it would wait for is in its verdict.
pub(super) fn permitted(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    let permission = ask(d, at, Asking::Now)?;
    let (why, what, next, until) = match &permission.answer {
        Answer::Permitted { .. } => return Continue(()),
        Answer::Held { reason, what, next, until } => (*reason, what, next, *until),
        Answer::Refused { reason, what, next } => return Break(refuse(d, reason, what, next)),
    };
    if d.o.object.spec.dry_run {
        return Continue(());
    }
    let message = messages::held_by_policy(what, d.so_far(), next);
    let again = until.map_or(LOOK_AGAIN, |until| LOOK_AGAIN.min(positive(at, until) + MOMENT));
    let wait = again.min(positive(at, d.expiration().0) + MOMENT);
    Break(d.hold(why, &message, wait))
}

/// Whether a policy refuses what is scheduled: it is told today, as by the matrix. What it will wait for is told with the time.
pub(super) fn permitted_early(d: &mut Draft<'_>) -> ControlFlow<Step> {
    let permission = ask(d, d.request_time(), Asking::Early)?;
    match &permission.answer {
        Answer::Refused { reason, what, next } => Break(refuse(d, reason, what, next)),
        Answer::Permitted { .. } | Answer::Held { .. } => Continue(()),
    }
}

fn refuse(d: &mut Draft<'_>, why: &str, what: &str, next: &str) -> Step {
    let message = messages::refused_by_policy(what, d.so_far(), next);
    d.reject(why, &message)
}

/// What the policies say, noted in the status. What they only know by a cache refuses nothing, and what approvals may change is asked with them.
fn ask(d: &mut Draft<'_>, at: Timestamp, asking: Asking) -> ControlFlow<Step, Permission> {
    let agreement = d.o.agreement;
    let Some(permission) = evaluated(d, at, asking) else {
        return Break(d.hold(reason::POLICY_NOT_READY, messages::NO_ACTION, LOOK_AGAIN));
    };
    match &permission.answer {
        Answer::Held { reason, .. } if agreement.approvals.is_none() && depends_on_approvals(reason) => {
            return Break(Step::Observe(Fact::Approvals));
        }
        Answer::Refused { .. } if !agreement.policies_are_live => return Break(Step::Observe(Fact::Policies)),
        _ => {}
    }
    d.note_permission(&permission);
    Continue(permission)
}

/// Whether people can change this answer: by agreeing, or by setting it aside.
fn depends_on_approvals(why: &str) -> bool {
    [reason::AWAITING_APPROVAL, reason::OUTSIDE_HOURS, reason::LIMIT_REACHED].contains(&why)
}

/// `None`: it cannot be told what would be done, so nobody can permit it.
fn evaluated(d: &Draft<'_>, at: Timestamp, asking: Asking) -> Option<Permission> {
    let (o, agreement) = (d.o, d.o.agreement);
    let required = o.tenant.map_or(&[][..], |tenant| &tenant.spec.required_policies);
    if required.is_empty() && agreement.policies.is_some_and(<[_]>::is_empty) {
        return Some(Permission::without_policies());
    }
    let device = d.status.device.as_ref()?;
    let action = d.offered.or_else(|| MatrixAction::named(d.status.support.as_ref()?.action.as_deref()?))?;
    let created = o.object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |created| created.0);
    let requester = o.object.requested_by().zip(agreement.requester_key);
    let offset = agreement.approvals.map(|approvals| approvals.offset).unwrap_or_default();
    let at_api_server = match asking {
        Asking::Now => saturating_add(d.now.wall, offset),
        Asking::Early => at,
    };
    Some(evaluate(&Question {
        request: Request {
            kind: RequestKind::PasscodeReset,
            namespace: o.object.metadata.namespace.as_deref().unwrap_or_default(),
            namespace_labels: agreement.namespace_labels,
            name: o.object.metadata.name.as_deref().unwrap_or_default(),
            uid: o.object.metadata.uid.as_deref().unwrap_or_default(),
            created,
            requester: requester.map(|(name, key)| Requester { name, key }),
            tenant: &o.object.spec.tenant_ref.name,
            tenant_labels: agreement.tenant_labels,
            action: action.into(),
            device: Device {
                managed_device_id: &device.managed_device_id,
                platform: d.platform(),
                os_version: &device.os_version,
                ownership: &device.ownership,
            },
            expiration: d.expiration().0,
        },
        policies: agreement.policies,
        required,
        approvals: agreement.approvals.map_or(&[][..], |approvals| &approvals.items),
        identity_since: agreement.identity_since,
        past: agreement.past,
        at,
        at_api_server,
        early: asking == Asking::Early,
    }))
}

impl Draft<'_> {
    /// Writes into the status what the policies say.
    fn note_permission(&mut self, permission: &Permission) {
        let so_far = self.so_far();
        let (truth, why, message) = match &permission.answer {
            Answer::Permitted { reason, what } => (Truth::True, *reason, what.clone()),
            Answer::Held { reason, what, next, .. } => {
                (Truth::Unknown, *reason, messages::held_by_policy(what, so_far, next))
            }
            Answer::Refused { reason, what, next } => {
                (Truth::False, *reason, messages::refused_by_policy(what, so_far, next))
            }
        };
        self.set(kind::PERMITTED, truth, why, &message);
        self.status.permission = reported(permission);
        self.to_wait_for = match &permission.answer {
            Answer::Held { what, next, .. } => Some(messages::to_wait_for(what, next)),
            Answer::Permitted { .. } | Answer::Refused { .. } => None,
        };
    }

    /// Where there is no policy at all, that is told before anything is asked of Graph.
    pub(super) fn note_no_policy(&mut self) {
        let required = self.o.tenant.is_some_and(|tenant| !tenant.spec.required_policies.is_empty());
        if !required && self.o.agreement.policies.is_some_and(<[_]>::is_empty) {
            self.note_permission(&Permission::without_policies());
        }
    }
}

fn reported(permission: &Permission) -> Option<PermissionStatus> {
    if permission.reports.is_empty() {
        return None;
    }
    let (policies, not_counted) = REPORTED;
    Some(PermissionStatus {
        policies: permission.reports.iter().take(policies).map(report).collect(),
        overrides: permission.overrides.clone(),
        not_counted: permission
            .not_counted
            .iter()
            .take(not_counted)
            .map(|(name, message)| ApprovalNotCounted { name: name.clone(), message: message.clone() })
            .collect(),
    })
}

fn report(report: &Report) -> PolicyReport {
    let decides = report.enforcement == Enforcement::Enforce;
    let verdict = match report.verdict {
        PolicyVerdict::Permitted => "Permitted",
        PolicyVerdict::Denied | PolicyVerdict::ApprovalDenied if !decides => "WouldDeny",
        _ if !decides => "WouldHold",
        verdict => verdict.as_str(),
    };
    PolicyReport {
        name: report.policy.clone(),
        enforcement: report.enforcement.as_str().to_owned(),
        rule: report.rule.clone(),
        verdict: verdict.to_owned(),
    }
}
