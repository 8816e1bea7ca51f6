//! The evaluation: what each policy says on its own, and what follows from all of them.

use super::{
    approvals::Votes,
    budgets,
    checked::{Body, Decision, Demand, Policy},
    findings::{Finding, Judged},
    messages,
    permission::{Permission, PolicyVerdict},
    question::Question,
    quorum::Quorum,
    rules::{Met, Missing, met, takes_one_more},
};
use crate::api::{policy::ApprovalDemand, time::saturating_add};

/// Whether a request may be carried out: the one answer to policies, approvals and time. It depends on its argument only, and neither on the order
/// of the policies nor on that of the approvals.
///
/// The order of what is said first: a policy that cannot be used, a denial by a policy, approvals that nothing proves, a denial by a person, people who
/// are missing, hours, budgets.
#[must_use]
pub fn evaluate(q: &Question<'_>) -> Permission {
    let Some(policies) = q.policies else {
        return Permission {
            answer: messages::policies_not_read(q),
            reports: Vec::new(),
            overrides: Vec::new(),
            not_counted: Vec::new(),
        };
    };
    let votes = Votes::of(q);
    let mut selected: Vec<&Policy> = policies.iter().copied().filter(|policy| policy.selects(&q.request)).collect();
    selected.sort_by_key(|policy| policy.name());
    let judged: Vec<Judged<'_>> = selected.into_iter().map(|policy| judge(policy, q, &votes)).collect();
    let required = required(q, policies, &judged);

    let longest = judged.iter().filter(|judged| judged.policy.enforces()).filter_map(|judged| judged.valid_for).max();
    let not_counted = votes.not_counted(longest);
    let mut overrides: Vec<String> =
        judged.iter().filter(|judged| judged.policy.enforces()).filter_map(|j| j.overridden_by.clone()).collect();
    overrides.sort();
    overrides.dedup();
    Permission {
        answer: messages::answer(q, &judged, required, &overrides, &not_counted),
        reports: judged.iter().map(Judged::report).collect(),
        overrides,
        not_counted,
    }
}

/// What is against it of the policies that the IntuneTenant requires: all are there and can be used, and at least one is about this request.
fn required(q: &Question<'_>, policies: &[&Policy], judged: &[Judged<'_>]) -> Vec<Finding> {
    let mut names: Vec<&String> = q.required.iter().collect();
    names.sort();
    names.dedup();
    let problem = |name: &&String| match policies.iter().find(|policy| policy.name() == **name) {
        None => Some(messages::required_is_missing(name, q.request.tenant)),
        Some(policy) => policy.problems().first().map(|problem| messages::not_ready(policy.name(), problem)),
    };
    let mut clauses: Vec<String> = names.iter().filter_map(problem).collect();
    let selects = |name: &&String| judged.iter().any(|judged| judged.policy.name() == **name);
    if clauses.is_empty() && !names.is_empty() && !names.iter().any(selects) {
        clauses.push(messages::none_required_selects(&names, q.request.tenant));
    }
    clauses.into_iter().map(|clause| Finding::plain(PolicyVerdict::NotReady, clause)).collect()
}

fn judge<'a>(policy: &'a Policy, q: &Question<'_>, votes: &Votes<'_>) -> Judged<'a> {
    let mut judged = Judged {
        policy,
        rule: None,
        findings: Vec::new(),
        overridden_by: None,
        hours: None,
        valid_for: None,
        agreed_until: None,
    };
    let body = match &policy.body {
        Ok(body) => body,
        Err(problems) => {
            let clause = problems.first().map(|problem| messages::not_ready(policy.name(), problem));
            judged.findings.extend(clause.map(|clause| Finding::plain(PolicyVerdict::NotReady, clause)));
            return judged;
        }
    };
    let met = met(body, q);
    judged.rule = met.last().filter(|met| met.unless_known.is_none()).map(|met| met.rule.name.as_str());
    judged.valid_for = met.iter().filter_map(|met| demand(met).map(|demand| demand.valid_for)).max();
    // Where several rules may decide, the shortest: what is not known permits no more than any answer to it would.
    let default = ApprovalDemand::DEFAULT_VALID_FOR.as_signed();
    let overrides_hold_for = met.iter().map(|met| demand(met).map_or(default, |demand| demand.valid_for)).min();
    let r#override = votes.r#override(overrides_hold_for.unwrap_or(default));
    let mut policy = OnePolicy { q, votes, r#override, judged };
    met.iter().for_each(|met| policy.rule(met));
    policy.hours(body);
    policy.budgets(body);
    policy.judged
}

fn demand<'p>(met: &Met<'p>) -> Option<&'p Demand> {
    match &met.rule.decision {
        Decision::RequireApproval(demand) => Some(demand),
        Decision::Permit | Decision::Deny { .. } => None,
    }
}

/// One policy while it is judged.
struct OnePolicy<'a, 'q, 'v> {
    q: &'q Question<'v>,
    votes: &'q Votes<'v>,
    /// The override that is in force.
    r#override: Option<String>,
    judged: Judged<'a>,
}

impl<'a> OnePolicy<'a, '_, '_> {
    fn rule(&mut self, met: &Met<'_>) {
        match &met.rule.decision {
            Decision::Permit => {}
            Decision::Deny { message, overridable: false } => {
                // That nothing proves who asked is our own trouble, and no verdict.
                let ours = met.unless_known == Some(Missing::Requester) && self.q.identity_since.is_none();
                if ours {
                    self.identity_is_not_enforced(met);
                } else {
                    let clause = messages::denies(self.name(), met, message);
                    self.judged.findings.push(Finding::plain(PolicyVerdict::Denied, clause));
                }
            }
            Decision::Deny { overridable: true, .. } if self.is_overridden() => {}
            Decision::Deny { overridable: true, .. } if self.q.identity_since.is_none() => {
                self.identity_is_not_enforced(met);
            }
            Decision::Deny { message, overridable: true } => {
                let clause = messages::denies_unless_overridden(self.name(), met, message);
                self.judged.findings.push(Finding::plain(PolicyVerdict::AwaitingApproval, clause));
            }
            Decision::RequireApproval(demand) => self.approval(met, demand),
        }
    }

    fn approval(&mut self, met: &Met<'_>, demand: &Demand) {
        if let Some(denial) = self.votes.denial(demand.valid_for, &demand.roles) {
            let clause = messages::approval_denied(denial);
            return self.judged.findings.push(Finding::plain(PolicyVerdict::ApprovalDenied, clause));
        }
        if demand.overridable && self.is_overridden() {
            return;
        }
        if self.q.identity_since.is_none() {
            return self.identity_is_not_enforced(met);
        }
        let one_more = takes_one_more(met, self.q);
        let quorum = Quorum::of(
            &self.votes.people(demand.valid_for),
            &demand.roles,
            demand.required.saturating_add(usize::from(one_more)),
        );
        if quorum.is_complete() {
            self.judged.agreed_until =
                self.judged.agreed_until.into_iter().chain(self.votes.next_expiry(demand.valid_for)).min();
            return;
        }
        let from = self.q.early.then(|| saturating_add(self.q.at, -demand.valid_for));
        let clause = messages::awaiting(self.name(), met, demand, &quorum, one_more, from);
        self.judged.findings.push(Finding {
            verdict: PolicyVerdict::AwaitingApproval,
            clause,
            until: self.votes.next_expiry(demand.valid_for),
            role: quorum.missing_roles.first().cloned(),
        });
    }

    fn hours(&mut self, body: &'a Body) {
        let Some(hours) = &body.hours else { return };
        self.judged.hours = self.r#override.is_none().then_some(hours);
        if hours.are_open(self.q.at) || self.is_overridden() {
            return;
        }
        let clause = messages::outside(self.name(), hours, self.q.at);
        self.judged.findings.push(Finding::plain(PolicyVerdict::OutsideHours, clause));
    }

    fn budgets(&mut self, body: &Body) {
        for budget in &body.budgets {
            let Some(room) = budgets::room(budget, self.q) else { continue };
            if self.is_overridden() {
                continue;
            }
            self.judged.findings.push(Finding {
                until: Some(room),
                ..Finding::plain(PolicyVerdict::LimitReached, messages::used_up(self.name(), budget, room))
            });
        }
    }

    fn identity_is_not_enforced(&mut self, met: &Met<'_>) {
        let clause = messages::asks_people(self.name(), met);
        self.judged.findings.push(Finding::plain(PolicyVerdict::IdentityNotEnforced, clause));
    }

    /// Whether an override sets aside what is being judged; asked only where there is something against the request.
    fn is_overridden(&mut self) -> bool {
        if self.r#override.is_some() {
            self.judged.overridden_by.clone_from(&self.r#override);
        }
        self.r#override.is_some()
    }

    fn name(&self) -> &str {
        &self.judged.policy.name
    }
}
