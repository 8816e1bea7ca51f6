//! Counters. Labels hold closed lists, a matrix's own reasons, and names of policies, which administrators choose; no other name.

use std::collections::HashSet;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::described;
use passcode_core::{
    api::reset_status::{Outcome, PasscodeResetStatus, PermissionStatus, PolicyReport},
    lifecycle::answered::Meaning,
};

/// What is counted.
pub struct Metrics {
    registry: Registry,
    finished: Family<Ended, Counter>,
    answers: Family<Answer, Counter>,
    passes: Counter,
    status_writes: Counter,
    panics: Counter,
    not_understood: Counter,
    deleted_in_flight: Counter,
    writes_denied: Family<Write, Counter>,
    policy_decisions: Family<PolicyDecision, Counter>,
    overrides: Counter,
    leading: Gauge,
    cannot_lead: Gauge,
    identity_not_enforced: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Write {
    write: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyDecision {
    policy: String,
    verdict: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(described::PREFIX);
        let metrics = Self {
            finished: Family::default(),
            answers: Family::default(),
            passes: Counter::default(),
            status_writes: Counter::default(),
            panics: Counter::default(),
            not_understood: Counter::default(),
            deleted_in_flight: Counter::default(),
            writes_denied: Family::default(),
            policy_decisions: Family::default(),
            overrides: Counter::default(),
            leading: Gauge::default(),
            cannot_lead: Gauge::default(),
            identity_not_enforced: Gauge::default(),
            registry: Registry::default(),
        };
        described::FINISHED.register(&mut registry, metrics.finished.clone());
        described::ANSWERED.register(&mut registry, metrics.answers.clone());
        described::DELETED_IN_FLIGHT.register(&mut registry, metrics.deleted_in_flight.clone());
        described::NOT_UNDERSTOOD.register(&mut registry, metrics.not_understood.clone());
        described::PANICS.register(&mut registry, metrics.panics.clone());
        described::PASSES.register(&mut registry, metrics.passes.clone());
        described::STATUS_WRITES.register(&mut registry, metrics.status_writes.clone());
        described::WRITES_DENIED.register(&mut registry, metrics.writes_denied.clone());
        described::POLICY_DECISIONS.register(&mut registry, metrics.policy_decisions.clone());
        described::OVERRIDES.register(&mut registry, metrics.overrides.clone());
        described::LEADING.register(&mut registry, metrics.leading.clone());
        described::CANNOT_LEAD.register(&mut registry, metrics.cannot_lead.clone());
        described::IDENTITY_NOT_ENFORCED.register(&mut registry, metrics.identity_not_enforced.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// An outcome was written.
    pub fn finished(&self, outcome: Outcome, status: &PasscodeResetStatus) {
        let outcome = match outcome {
            Outcome::Complete => "Complete",
            Outcome::Rejected => "Rejected",
            Outcome::Failed | Outcome::Unrecognised => "Failed",
        };
        let reason = status.reason().to_owned();
        self.finished.get_or_create(&Ended { outcome, reason }).inc();
    }

    /// A request was answered.
    pub fn answered(&self, meaning: &Meaning) {
        let answer = match meaning {
            Meaning::Accepted => "Accepted",
            Meaning::NotExecuted { .. } => "NotExecuted",
            Meaning::Refused => "Refused",
            Meaning::Unknown => "Unknown",
        };
        self.answers.get_or_create(&Answer { answer }).inc();
    }

    /// A turn began.
    pub fn pass(&self) {
        self.passes.inc();
    }

    /// A status was written.
    pub fn status_written(&self) {
        self.status_writes.inc();
    }

    /// A turn panicked.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// An object could not be understood.
    pub fn not_understood(&self) {
        self.not_understood.inc();
    }

    /// An object was deleted after its request was sent.
    pub fn deleted_in_flight(&self) {
        self.deleted_in_flight.inc();
    }

    /// Admission control denied a write of this kind.
    pub fn write_denied(&self, write: &'static str) {
        self.writes_denied.get_or_create(&Write { write }).inc();
    }

    /// A request was claimed, or rejected: what the policies said of it.
    pub fn policies_decided(&self, permission: &PermissionStatus) {
        for PolicyReport { name, verdict, .. } in &permission.policies {
            let decision = PolicyDecision { policy: name.clone(), verdict: verdict.clone() };
            self.policy_decisions.get_or_create(&decision).inc();
        }
    }

    /// A request was claimed that somebody had to override a policy for.
    pub fn overridden(&self) {
        self.overrides.inc();
    }

    /// This replica leads, or not.
    pub fn leading(&self, leading: bool) {
        self.leading.set(i64::from(leading));
    }

    /// This replica could not take part in the election for a while, or could.
    pub fn cannot_lead(&self, cannot: bool) {
        self.cannot_lead.set(i64::from(cannot));
    }

    /// Nothing proves who approves and who asks, where that is needed; or something does.
    pub fn identity_not_enforced(&self, not_enforced: bool) {
        self.identity_not_enforced.set(i64::from(not_enforced));
    }

    /// All of it in Prometheus' text format, version 0.0.4: a counter is called by the name of its sample, and there is neither a unit nor an end.
    #[must_use]
    pub fn plain(&self) -> String {
        let text = self.openmetrics();
        let counters: HashSet<&str> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
        let lines = text.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT "));
        let line = |line: &str| {
            let named = ["# HELP ", "# TYPE "].into_iter().find_map(|kind| {
                let (name, rest) = line.strip_prefix(kind)?.split_once(' ')?;
                counters.contains(name).then(|| format!("{kind}{name}_total {rest}\n"))
            });
            named.unwrap_or_else(|| format!("{line}\n"))
        };
        lines.map(line).collect()
    }

    /// All of it in the OpenMetrics text format.
    #[must_use]
    pub fn openmetrics(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Each sample's name, with its labels.
    fn exposed(metrics: &Metrics) -> BTreeMap<String, Vec<String>> {
        let sample = |line: &str| {
            let (name, _) = line.rsplit_once(' ')?;
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            let labels = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
            Some((name.to_owned(), labels.map(|(name, _)| name.to_owned()).collect()))
        };
        metrics.plain().lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
    }

    #[test]
    fn what_is_described_is_exposed_and_nothing_else() {
        let metrics = Metrics::default();
        // A family shows once it has a sample.
        metrics.finished(Outcome::Complete, &PasscodeResetStatus::default());
        metrics.answered(&Meaning::Accepted);
        metrics.write_denied("claim");
        let policies = vec![PolicyReport { name: "help-desk".to_owned(), ..PolicyReport::default() }];
        metrics.policies_decided(&PermissionStatus { policies, ..PermissionStatus::default() });
        let described = described::ALL.map(|it| (it.sample(), it.labels.iter().map(ToString::to_string).collect()));
        assert_eq!(exposed(&metrics), BTreeMap::from(described));
        for it in described::ALL {
            assert!(metrics.plain().contains(&format!("# HELP {} {}.\n", it.sample(), it.help)), "{it:?}");
            assert!(metrics.plain().contains(&format!("# TYPE {} {}\n", it.sample(), it.kind.as_str())), "{it:?}");
        }
    }
}
