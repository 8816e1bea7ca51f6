//! The metrics by name, as they are registered and as the reference has them.

use prometheus_client::registry::{Metric, Registry, Unit};

/// What begins the name of every metric.
pub(super) const PREFIX: &str = "passcode_operator";

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it counts, without a full stop at the end.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// 0 or 1.
    Flag,
}

impl Kind {
    /// The type's name in Prometheus.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Flag => "gauge",
        }
    }
}

impl Described {
    const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind: Kind::Counter, labels, help }
    }

    const fn flag(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: Kind::Flag, labels: &[], help }
    }

    /// The name of its samples.
    #[must_use]
    pub fn sample(&self) -> String {
        let end = match self.kind {
            Kind::Counter => "total",
            Kind::Flag => "bool",
        };
        format!("{PREFIX}_{}_{end}", self.name)
    }

    pub(super) fn register(&self, registry: &mut Registry, metric: impl Metric) {
        match self.kind {
            Kind::Counter => registry.register(self.name, self.help, metric),
            Kind::Flag => registry.register_with_unit(self.name, self.help, Unit::Other("bool".to_owned()), metric),
        }
    }
}

pub(super) const FINISHED: Described =
    Described::counter("resets_finished", &["outcome", "reason"], "PasscodeResets that reached an outcome");
pub(super) const ANSWERED: Described = Described::counter(
    "requests_answered",
    &["answer"],
    "Answers to requests for a reset that were sent: Accepted, NotExecuted, Refused or Unknown",
);
pub(super) const DELETED_IN_FLIGHT: Described =
    Described::counter("deleted_in_flight", &[], "PasscodeResets deleted after their request was sent");
pub(super) const NOT_UNDERSTOOD: Described = Described::counter(
    "not_understood",
    &[],
    "Passes over PasscodeResets that could not be read. Above 0: look at the log",
);
pub(super) const PANICS: Described =
    Described::counter("panics", &[], "Passes that panicked. Above 0: please report it");
pub(super) const PASSES: Described = Described::counter("passes", &[], "Passes over one PasscodeReset");
pub(super) const STATUS_WRITES: Described =
    Described::counter("status_writes", &[], "Writes of a PasscodeReset's status, claims not counted");
pub(super) const WRITES_DENIED: Described = Described::counter(
    "writes_denied",
    &["write"],
    "Writes (claim, lock, status, tenant, matrix, policy) that the cluster's admission control denied or changed. Growing: look at the log, which \
     names the policy",
);
pub(super) const POLICY_DECISIONS: Described = Described::counter(
    "policy_decisions",
    &["policy", "verdict"],
    "What each PasscodeResetPolicy said of the requests that were claimed or rejected: Permitted, Denied and others, WouldDeny or WouldHold of \
     one that only warns or audits",
);
pub(super) const OVERRIDES: Described = Described::counter(
    "overrides",
    &[],
    "Requests that were claimed because somebody set aside what a policy has against them. Growing: look at the events, which name the approval",
);
pub(super) const LEADING: Described = Described::flag("leading", "1 on the replica that acts");
pub(super) const CANNOT_LEAD: Described = Described::flag(
    "cannot_lead",
    "1 on a replica that could not take part in the election of a leader for a minute; its /readyz says why",
);
pub(super) const IDENTITY_NOT_ENFORCED: Described = Described::flag(
    "identity_not_enforced",
    "1 on the replica that acts where nothing proves who approves and who asks, and somebody depends on it; the IntuneTenants say why",
);

/// Every metric.
pub const ALL: [Described; 13] = [
    FINISHED,
    ANSWERED,
    DELETED_IN_FLIGHT,
    NOT_UNDERSTOOD,
    PANICS,
    PASSES,
    STATUS_WRITES,
    WRITES_DENIED,
    POLICY_DECISIONS,
    OVERRIDES,
    LEADING,
    CANNOT_LEAD,
    IDENTITY_NOT_ENFORCED,
];
