//! The sentences: what a help desk reads, and what to do next. No name of a person is in them.

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};

use super::{
    checked::{Budget, Demand, Problem},
    findings::{Finding, Judged},
    hours::{Hours, common_opening},
    permission::{Answer, NO_POLICY, PolicyVerdict},
    question::Question,
    quorum::Quorum,
    rules::{Met, Missing},
};
use crate::{
    api::{
        Duration, Time,
        approval::{PasscodeResetApproval, RequestKind},
        conditions::reason,
        policy::{BudgetScope, Enforcement},
    },
    platform::one_line,
};

/// How many policies and rules are named, and how many approvals that do not count.
const NAMED: usize = 5;

// One clause for each thing that a policy has against a request.

pub(super) fn not_ready(policy: &str, problem: &Problem) -> String {
    format!("PasscodeResetPolicy \"{policy}\" cannot be used: {}", unended(&problem.to_string()))
}

pub(super) fn required_is_missing(policy: &str, tenant: &str) -> String {
    format!("there is no PasscodeResetPolicy \"{policy}\", which the IntuneTenant \"{tenant}\" requires")
}

pub(super) fn none_required_selects(policies: &[&String], tenant: &str) -> String {
    let names: Vec<String> = policies.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        "the IntuneTenant \"{tenant}\" requires that one of its policies ({}) is about this request, and none is: their selectors name other \
         namespaces or tenants",
        names.join(", ")
    )
}

pub(super) fn denies(policy: &str, met: &Met<'_>, message: &str) -> String {
    let because = match met.unless_known {
        None => "denies it",
        Some(Missing::Version) => {
            "may deny it, since it asks for a version of the operating system and Intune has none that can be read"
        }
        Some(Missing::Requester) => "may deny it, since it asks who the requester is and nobody knows",
    };
    format!("{} {because}: {}", rule(policy, met), unended(message))
}

pub(super) fn denies_unless_overridden(policy: &str, met: &Met<'_>, message: &str) -> String {
    format!("{}, unless somebody with the right to do so overrides it", denies(policy, met, message))
}

pub(super) fn asks_people(policy: &str, met: &Met<'_>) -> String {
    rule(policy, met)
}

pub(super) fn approval_denied(denial: &PasscodeResetApproval) -> String {
    let why = denial.spec.reason.as_deref().and_then(one_line).unwrap_or_else(|| "no reason is given".to_owned());
    let name = denial.metadata.name.as_deref().unwrap_or_default();
    format!("{} (PasscodeResetApproval \"{name}\")", unended(&why))
}

/// `from`: asked early, the time from which on an approval would still hold.
pub(super) fn awaiting(
    policy: &str,
    met: &Met<'_>,
    demand: &Demand,
    quorum: &Quorum,
    one_more: bool,
    from: Option<Timestamp>,
) -> String {
    let mut clause = format!("{} of {}", quorum.filled, quorum.required);
    let anybody = quorum.required - quorum.filled - quorum.missing_roles.len();
    let mut needed = quorum.missing_roles.clone();
    match (needed.is_empty(), anybody) {
        (_, 0) => {}
        (true, 1) => needed.push("one more person".to_owned()),
        (true, more) => needed.push(format!("{more} more people")),
        (false, 1) => needed.push("one person of any role".to_owned()),
        (false, more) => needed.push(format!("{more} people of any role")),
    }
    clause.push_str(&format!("; still needed: {}", needed.join(", ")));
    clause.push_str(&format!(" ({}", rule(policy, met)));
    if one_more {
        clause.push_str("; one more than it says, since no person is known to have asked for it");
    }
    let holds = Duration::from(std::time::Duration::try_from(demand.valid_for).unwrap_or_default());
    clause.push_str(&format!("; an approval holds for {holds}"));
    if let Some(from) = from {
        clause.push_str(&format!(", so give it at {} or later", second(from)));
    }
    clause.push(')');
    if let Some(message) = &demand.message {
        clause.push_str(&format!(": {}", unended(message)));
    }
    clause
}

pub(super) fn outside(policy: &str, hours: &Hours, at: Timestamp) -> String {
    let opens = hours.opening(at, Timestamp::MAX).map_or_else(
        || "never open".to_owned(),
        |(opening, window)| format!("open {}", on_the_wall(opening, &window.zone)),
    );
    format!("the hours of PasscodeResetPolicy \"{policy}\" {opens}")
}

pub(super) fn used_up(policy: &str, budget: &Budget, room: Timestamp) -> String {
    let per = Duration::from(std::time::Duration::try_from(budget.per).unwrap_or_default());
    let whose = match budget.scope {
        BudgetScope::Namespace => "in this namespace",
        BudgetScope::Requester => "for whoever asked for this one",
        BudgetScope::Tenant => "in this IntuneTenant",
        BudgetScope::Device => "of this device",
    };
    format!(
        "{max} of {max} resets in {per} {whose} (budget \"{}\" of PasscodeResetPolicy \"{policy}\"); next room about {}",
        budget.name,
        minute(room),
        max = budget.max,
    )
}

fn rule(policy: &str, met: &Met<'_>) -> String {
    format!("rule \"{}\" of PasscodeResetPolicy \"{policy}\"", met.rule.name)
}

// The answer.

pub(super) fn policies_not_read(q: &Question<'_>) -> Answer {
    Answer::Held {
        reason: reason::POLICY_NOT_READY,
        what: "On hold: the policies of this cluster have not been read yet.".to_owned(),
        next: by_itself(q),
        until: None,
    }
}

/// The answer that follows from what the policies that enforce have against the request: of what comes first in the order, everything.
pub(super) fn answer(
    q: &Question<'_>,
    judged: &[Judged<'_>],
    required: Vec<Finding>,
    overrides: &[String],
    not_counted: &[(String, String)],
) -> Answer {
    let enforcing = judged.iter().filter(|judged| judged.policy.enforces());
    let mut against: Vec<&Finding> = required.iter().chain(enforcing.flat_map(|judged| &judged.findings)).collect();
    let Some(verdict) = against.iter().map(|finding| finding.verdict).min() else {
        return permitted(judged, overrides);
    };
    against.retain(|finding| finding.verdict == verdict);
    let why = listed(&against);
    let held = |reason, what: String, next: String, until| Answer::Held { reason, what, next, until };
    match verdict {
        PolicyVerdict::NotReady => held(
            reason::POLICY_NOT_READY,
            format!("On hold: {why}."),
            format!("Ask whoever maintains the policies. {}", by_itself(q)),
            None,
        ),
        PolicyVerdict::Denied => Answer::Refused {
            reason: reason::POLICY_DENIED,
            what: format!("Refused: {why}."),
            next: format!("Still needed? Settle that with whoever maintains the policy, then {}.", again(q)),
        },
        PolicyVerdict::IdentityNotEnforced => held(
            reason::IDENTITY_NOT_ENFORCED,
            format!(
                "On hold: it depends on who asked or who agrees ({why}), and nothing proves at the moment who that is: the admission policies for \
                 it are not in force."
            ),
            format!("Ask the platform team. {}", by_itself(q)),
            None,
        ),
        PolicyVerdict::ApprovalDenied => Answer::Refused {
            reason: reason::APPROVAL_DENIED,
            what: format!("Refused by somebody whose approval is asked for: {why}."),
            next: format!("Still needed? Settle that with them, then {}.", again(q)),
        },
        PolicyVerdict::AwaitingApproval => held(
            reason::AWAITING_APPROVAL,
            format!("Waiting for approval: {why}.{}", not_counted_sentence(not_counted)),
            format!("{} It is not sent after {}.", command(q, &against), second(q.request.expiration)),
            against.iter().filter_map(|finding| finding.until).min(),
        ),
        PolicyVerdict::OutsideHours => outside_hours(q, judged, &why),
        PolicyVerdict::LimitReached => held(
            reason::LIMIT_REACHED,
            format!("On hold: {why}."),
            by_itself(q),
            while_agreed(judged, against.iter().filter_map(|finding| finding.until).max()),
        ),
        PolicyVerdict::Permitted => permitted(judged, overrides),
    }
}

fn permitted(judged: &[Judged<'_>], overrides: &[String]) -> Answer {
    let by = |judged: &Judged<'_>| match judged.rule {
        Some(rule) => format!("\"{}\" (rule \"{rule}\")", judged.policy.name()),
        None => format!("\"{}\"", judged.policy.name()),
    };
    let enforcing: Vec<String> = judged.iter().filter(|judged| judged.policy.enforces()).map(by).collect();
    let (reason, mut what) = if !overrides.is_empty() {
        let names: Vec<String> = overrides.iter().map(|name| format!("\"{name}\"")).collect();
        let what = format!(
            "What {} has against it is set aside by PasscodeResetApproval {}.",
            policies(&overridden(judged)),
            names.join(", ")
        );
        (reason::OVERRIDDEN, what)
    } else if enforcing.is_empty() {
        (reason::NO_POLICY, NO_POLICY.to_owned())
    } else {
        (reason::PERMITTED_BY_POLICY, format!("Permitted by {}.", policies(&enforcing)))
    };
    for judged in judged.iter().filter(|judged| judged.policy.enforcement() == Enforcement::Warn) {
        if !judged.findings.is_empty() {
            let findings: Vec<&Finding> = judged.findings.iter().collect();
            what.push_str(&format!(
                " Warning only: PasscodeResetPolicy \"{}\" would not permit it: {}.",
                judged.policy.name(),
                listed(&findings)
            ));
        }
    }
    Answer::Permitted { reason, what }
}

fn overridden(judged: &[Judged<'_>]) -> Vec<String> {
    let set_aside = judged.iter().filter(|judged| judged.policy.enforces() && judged.overridden_by.is_some());
    set_aside.map(|judged| format!("\"{}\"", judged.policy.name())).collect()
}

fn policies(names: &[String]) -> String {
    let kind = if names.len() == 1 { "PasscodeResetPolicy" } else { "the PasscodeResetPolicies" };
    format!("{kind} {}", shortened(names, ", "))
}

fn outside_hours(q: &Question<'_>, judged: &[Judged<'_>], why: &str) -> Answer {
    let hours: Vec<&Hours> =
        judged.iter().filter(|judged| judged.policy.enforces()).filter_map(|judged| judged.hours).collect();
    let opening = common_opening(&hours, q.at, Timestamp::MAX);
    let together = match opening {
        None => " In the next weeks there is no time at which all of them are open.".to_owned(),
        Some(opening) if hours.len() > 1 => format!(" All of them are open at {}.", second(opening)),
        Some(_) => String::new(),
    };
    let next = match opening {
        Some(opening) if opening <= q.request.expiration => by_itself(q),
        _ => format!(
            "It expires before that, at {}: delete it, and {}, with an expirationTime in those hours.",
            second(q.request.expiration),
            again(q)
        ),
    };
    let until = while_agreed(judged, opening);
    Answer::Held { reason: reason::OUTSIDE_HOURS, what: format!("On hold: {why}.{together}"), next, until }
}

/// This time, or when the first approval expires of those that suffice until then.
fn while_agreed(judged: &[Judged<'_>], until: Option<Timestamp>) -> Option<Timestamp> {
    let expiries = judged.iter().filter(|judged| judged.policy.enforces()).filter_map(|judged| judged.agreed_until);
    expiries.chain(until).min()
}

fn command(q: &Question<'_>, against: &[&Finding]) -> String {
    let request = &q.request;
    let role = against.iter().find_map(|finding| finding.role.as_deref());
    match request.kind {
        RequestKind::PasscodeReset => format!(
            "To approve it: kubectl pcr approve -n {} {}{}.",
            request.namespace,
            request.name,
            role.map(|role| format!(" --role {role}")).unwrap_or_default()
        ),
        RequestKind::PasscodeReveal => "It is approved by a PasscodeResetApproval of this namespace.".to_owned(),
    }
}

fn not_counted_sentence(not_counted: &[(String, String)]) -> String {
    if not_counted.is_empty() {
        return String::new();
    }
    let each: Vec<String> = not_counted.iter().map(|(name, why)| format!("\"{name}\": {why}")).collect();
    format!(" Does not count: {}.", shortened(&each, "; "))
}

fn by_itself(q: &Question<'_>) -> String {
    format!("It goes on by itself; it is not sent after {}.", second(q.request.expiration))
}

fn again(q: &Question<'_>) -> String {
    match q.request.kind {
        RequestKind::PasscodeReset => "create a new PasscodeReset with requestTime now".to_owned(),
        RequestKind::PasscodeReveal => "create a new PasscodeReveal".to_owned(),
    }
}

/// The clauses, each once, at most as many as are named.
fn listed(findings: &[&Finding]) -> String {
    let mut clauses: Vec<String> = Vec::new();
    for finding in findings {
        if !clauses.contains(&finding.clause) {
            clauses.push(finding.clause.clone());
        }
    }
    shortened(&clauses, "; ")
}

fn shortened(all: &[String], between: &str) -> String {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(between);
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}{between}and {more} more"),
    }
}

fn unended(text: &str) -> &str {
    text.trim_end().trim_end_matches('.')
}

fn second(time: Timestamp) -> Time {
    Time(time).floor_to_second()
}

/// The next whole minute that is not before this time.
fn minute(time: Timestamp) -> Time {
    let minutes = (time.as_second() + i64::from(time.subsec_nanosecond() > 0) + 59).div_euclid(60);
    Time(Timestamp::from_second(minutes.saturating_mul(60)).unwrap_or(time))
}

/// A time as the clock in that zone shows it, and in UTC.
fn on_the_wall(time: Timestamp, zone: &TimeZone) -> String {
    let wall = zone.to_datetime(time);
    let day = match wall.weekday() {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    let zone = zone.iana_name().unwrap_or("UTC");
    format!("{day} {:02}:{:02} {zone} ({})", wall.hour(), wall.minute(), second(time))
}
