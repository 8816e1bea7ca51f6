//! What one policy has against a request.

use jiff::{SignedDuration, Timestamp};

use super::{
    checked::Policy,
    hours::Hours,
    permission::{PolicyVerdict, Report},
};

/// Something that a policy has against a request.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub verdict: PolicyVerdict,
    /// A clause that names the policy and what of it.
    pub clause: String,
    /// When it may be over without anybody doing anything.
    pub until: Option<Timestamp>,
    /// A role that is missing.
    pub role: Option<String>,
}

/// What one policy says.
pub(super) struct Judged<'a> {
    pub policy: &'a Policy,
    pub rule: Option<&'a str>,
    pub findings: Vec<Finding>,
    /// The override that set something aside.
    pub overridden_by: Option<String>,
    /// Its hours, where they count.
    pub hours: Option<&'a Hours>,
    pub valid_for: Option<SignedDuration>,
    /// When the first approval expires of those that suffice.
    pub agreed_until: Option<Timestamp>,
}

impl Finding {
    pub fn plain(verdict: PolicyVerdict, clause: String) -> Self {
        Self { verdict, clause, until: None, role: None }
    }
}

impl Judged<'_> {
    pub fn report(&self) -> Report {
        Report {
            policy: self.policy.name.clone(),
            enforcement: self.policy.enforcement,
            rule: self.rule.map(str::to_owned),
            verdict: self.findings.iter().map(|finding| finding.verdict).min().unwrap_or(PolicyVerdict::Permitted),
        }
    }
}
