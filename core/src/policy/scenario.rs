//! Policies tried without a cluster: a request, a device and a time, and the answer that is expected. A security team keeps them beside its policies.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1;
use serde::Deserialize;

use super::{
    checked::Policy,
    evaluate::evaluate,
    permission::{Answer, Permission},
    question::Question,
    request::{Device, PastReset, Request, Requester},
};
use crate::{
    api::{
        Time,
        approval::{ApprovalDecision, PasscodeResetApproval, PasscodeResetApprovalSpec, RequestKind, RequestRef},
        policy::PolicyAction,
        tenant::Defaults,
        time::saturating_add,
    },
    platform::platform_named,
};

/// The uid of the request, which has none before it is created.
const UID: &str = "00000000-0000-4000-8000-000000000000";
/// The device's id.
const DEVICE: &str = "00000000-0000-4000-8000-0000000000d1";
/// The label that every namespace has.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// A file of scenarios.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenarios {
    /// Each with a name of its own.
    pub tests: Vec<Scenario>,
}

/// One question, and the answer that is expected.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// What it is about.
    pub name: String,
    /// The time for which it is asked.
    time: Time,
    #[serde(default)]
    request: Asked,
    #[serde(default)]
    device: OfDevice,
    #[serde(default)]
    approvals: Vec<Given>,
    #[serde(default)]
    past: Vec<Sent>,
    /// Whether it is proved who asks and who agrees.
    #[serde(default = "yes")]
    identity_enforced: bool,
    expect: Expected,
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Asked {
    namespace: String,
    namespace_labels: BTreeMap<String, String>,
    tenant: String,
    tenant_labels: BTreeMap<String, String>,
    required_policies: Vec<String>,
    requester: Option<String>,
    action: PolicyAction,
    expiration_time: Option<Time>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            namespace_labels: BTreeMap::new(),
            tenant: "default".to_owned(),
            tenant_labels: BTreeMap::new(),
            required_policies: Vec::new(),
            requester: None,
            action: PolicyAction::ResetDevicePasscode,
            expiration_time: None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct OfDevice {
    /// A class; absent: Unknown.
    platform: Option<String>,
    os_version: String,
    ownership: String,
}

/// An approval of the request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    approver: String,
    role: Option<String>,
    #[serde(default = "approved")]
    decision: ApprovalDecision,
    /// When; absent: at the time for which it is asked.
    time: Option<Time>,
}

const fn approved() -> ApprovalDecision {
    ApprovalDecision::Approved
}

/// Resets that were sent before, of the same tenant and, where nothing else is said, namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sent {
    time: Time,
    #[serde(default = "one")]
    count: u16,
    namespace: Option<String>,
    requester: Option<String>,
    #[serde(default)]
    same_device: bool,
}

const fn one() -> u16 {
    1
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expected {
    answer: Kind,
    reason: Option<String>,
    /// A policy that has to be about the request, and the rule of it that has to decide.
    policy: Option<String>,
    rule: Option<String>,
    /// Words that the message has to have in it.
    message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Kind {
    Permitted,
    Held,
    Refused,
}

impl Kind {
    const fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Permitted { .. } => Self::Permitted,
            Answer::Held { .. } => Self::Held,
            Answer::Refused { .. } => Self::Refused,
        }
    }
}

impl Scenario {
    /// Whether these policies answer as expected.
    ///
    /// # Errors
    ///
    /// In which way they do not, or what is wrong with the scenario: one sentence.
    pub fn run(&self, policies: &[&Policy]) -> Result<(), String> {
        let permission = self.ask(policies)?;
        let (answer, expect) = (&permission.answer, &self.expect);
        let wrong =
            |what: String| format!("{what}; it is {:?}/{}: {}", Kind::of(answer), answer.reason(), answer.message());
        if Kind::of(answer) != expect.answer {
            return Err(wrong(format!("expected {:?}", expect.answer)));
        }
        if let Some(reason) = expect.reason.as_ref().filter(|reason| *reason != answer.reason()) {
            return Err(wrong(format!("expected the reason {reason}")));
        }
        if let Some(words) = expect.message.as_ref().filter(|words| !answer.message().contains(*words)) {
            return Err(wrong(format!("expected {words:?} in the message")));
        }
        self.rule_decides(&permission).map_err(wrong)
    }

    fn rule_decides(&self, permission: &Permission) -> Result<(), String> {
        let Some(name) = &self.expect.policy else { return Ok(()) };
        let Some(report) = permission.reports.iter().find(|report| report.policy == *name) else {
            return Err(format!("expected that the policy {name:?} is about it"));
        };
        match (&self.expect.rule, &report.rule) {
            (None, _) => Ok(()),
            (Some(rule), Some(decided)) if rule == decided => Ok(()),
            (Some(rule), Some(decided)) => {
                Err(format!("expected that rule {rule:?} of {name:?} decides, not {decided:?}"))
            }
            (Some(rule), None) => Err(format!("expected that rule {rule:?} of {name:?} decides, but no rule matches")),
        }
    }

    fn ask(&self, policies: &[&Policy]) -> Result<Permission, String> {
        let (at, asked, device) = (self.time.0, &self.request, &self.device);
        let platform = platform_named(device.platform.as_deref().unwrap_or("Unknown"))
            .map_err(|problem| format!("the test's device {problem}"))?;
        let mut namespace_labels = asked.namespace_labels.clone();
        namespace_labels.entry(NAME_LABEL.to_owned()).or_insert_with(|| asked.namespace.clone());
        let kind = if asked.action == PolicyAction::RevealPasscode {
            RequestKind::PasscodeReveal
        } else {
            RequestKind::PasscodeReset
        };
        let approvals: Vec<_> =
            self.approvals.iter().enumerate().map(|(index, given)| self.approval(index, given, kind)).collect();
        let past: Vec<PastReset> = self.past.iter().flat_map(|sent| self.sent(sent)).collect();
        Ok(evaluate(&Question {
            request: Request {
                kind,
                namespace: &asked.namespace,
                namespace_labels: Some(&namespace_labels),
                name: "request",
                uid: UID,
                created: at,
                requester: asked.requester.as_deref().map(|name| Requester { name, key: name }),
                tenant: &asked.tenant,
                tenant_labels: Some(&asked.tenant_labels),
                action: asked.action,
                device: Device {
                    managed_device_id: DEVICE,
                    platform,
                    os_version: &device.os_version,
                    ownership: &device.ownership,
                },
                expiration: asked
                    .expiration_time
                    .map_or_else(|| saturating_add(at, Defaults::default().issue_window.as_signed()), |time| time.0),
            },
            policies: Some(policies),
            required: &asked.required_policies,
            approvals: &approvals,
            identity_since: self.identity_enforced.then_some(Timestamp::MIN),
            past: &past,
            at,
            at_api_server: at,
            early: false,
        }))
    }

    fn approval(&self, index: usize, given: &Given, kind: RequestKind) -> PasscodeResetApproval {
        let spec = PasscodeResetApprovalSpec {
            request: RequestRef { kind, name: "request".to_owned(), uid: UID.to_owned() },
            decision: given.decision,
            role: given.role.clone(),
            managed_device_id: None,
            reason: None,
            approver: given.approver.clone(),
        };
        let mut approval = PasscodeResetApproval::new(&format!("approvals[{index}]"), spec);
        approval.metadata.namespace = Some(self.request.namespace.clone());
        approval.metadata.creation_timestamp = Some(v1::Time(given.time.unwrap_or(self.time).0));
        approval
    }

    fn sent(&self, sent: &Sent) -> impl Iterator<Item = PastReset> {
        let reset = PastReset {
            time: sent.time.0,
            uid: String::new(),
            namespace: sent.namespace.clone().unwrap_or_else(|| self.request.namespace.clone()),
            tenant: self.request.tenant.clone(),
            managed_device_id: if sent.same_device { DEVICE.to_owned() } else { String::new() },
            requester: sent.requester.clone(),
        };
        std::iter::repeat_n(reset, usize::from(sent.count))
    }
}
