//! A question that is in order, to be changed by each test.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1;
use serde_json::{Value, json};

use crate::{
    api::{
        approval::{PasscodeResetApproval, RequestKind},
        policy::PolicyAction,
    },
    platform::Platform,
    policy::{Answer, Device, PastReset, Permission, Policy, Question, Request, Requester, evaluate},
};

pub const UID: &str = "5c1e0000-0000-4000-8000-000000000001";
pub const DEVICE: &str = "705c034c-034c-705c-4c03-5c704c035c70";
/// A Monday.
pub const NOW: &str = "2026-11-23T09:00:00Z";

/// What is asked, owned.
#[derive(Clone, Debug)]
pub struct Case {
    pub policies: Vec<Policy>,
    pub listed: bool,
    pub required: Vec<String>,
    pub approvals: Vec<PasscodeResetApproval>,
    pub identity_since: Option<Timestamp>,
    pub past: Vec<PastReset>,
    pub at: Timestamp,
    pub early: bool,
    pub kind: RequestKind,
    pub created: Timestamp,
    pub requester: Option<String>,
    pub namespace_labels: BTreeMap<String, String>,
    pub tenant_labels: BTreeMap<String, String>,
    pub action: PolicyAction,
    pub platform: Platform,
    pub os_version: String,
    pub ownership: String,
    pub expiration: Timestamp,
}

impl Case {
    /// Somebody of the help desk asks for a reset of a company's phone, on a Monday morning.
    pub fn new() -> Self {
        Self {
            policies: Vec::new(),
            listed: true,
            required: Vec::new(),
            approvals: Vec::new(),
            identity_since: Some(time("2026-01-01T00:00:00Z")),
            past: Vec::new(),
            at: time(NOW),
            early: false,
            kind: RequestKind::PasscodeReset,
            created: time("2026-11-23T08:55:00Z"),
            requester: Some("desk@example.com".to_owned()),
            namespace_labels: [("desk".to_owned(), "first-line".to_owned())].into(),
            tenant_labels: [("stage".to_owned(), "production".to_owned())].into(),
            action: PolicyAction::ResetDevicePasscode,
            platform: Platform::AndroidFullyManaged,
            os_version: "14.0".to_owned(),
            ownership: "company".to_owned(),
            expiration: time("2026-11-24T09:00:00Z"),
        }
    }

    /// The same with one policy more.
    pub fn with(mut self, name: &str, spec: Value) -> Self {
        self.policies.push(policy(name, spec));
        self
    }

    /// The same with one rule, in a policy of its own.
    pub fn with_rule(self, rule: Value) -> Self {
        self.with("help-desk", json!({"rules": [rule]}))
    }

    /// The same with one approval more.
    pub fn approved_by(mut self, approver: &str, change: Value) -> Self {
        let name = format!("a{}", self.approvals.len());
        self.approvals.push(approval(&name, approver, change));
        self
    }

    pub fn ask(&self) -> Permission {
        let policies: Vec<&Policy> = self.policies.iter().collect();
        evaluate(&self.question(&policies))
    }

    pub fn question<'a>(&'a self, policies: &'a [&'a Policy]) -> Question<'a> {
        let requester = self.requester.as_deref().map(|name| Requester { name, key: name });
        Question {
            request: Request {
                kind: self.kind,
                namespace: "helpdesk",
                namespace_labels: Some(&self.namespace_labels),
                name: "inc1",
                uid: UID,
                created: self.created,
                requester,
                tenant: "default",
                tenant_labels: Some(&self.tenant_labels),
                action: self.action,
                device: Device {
                    managed_device_id: DEVICE,
                    platform: self.platform,
                    os_version: &self.os_version,
                    ownership: &self.ownership,
                },
                expiration: self.expiration,
            },
            policies: self.listed.then_some(policies),
            required: &self.required,
            approvals: &self.approvals,
            identity_since: self.identity_since,
            past: &self.past,
            at: self.at,
            at_api_server: self.at,
            early: self.early,
        }
    }

    /// The reason and the sentences of the answer.
    pub fn says(&self) -> (&'static str, String) {
        let answer = self.ask().answer;
        (answer.reason(), answer.message())
    }

    pub fn reason(&self) -> &'static str {
        self.says().0
    }

    pub fn is_permitted(&self) -> bool {
        self.ask().answer.is_permitted()
    }

    pub fn until(&self) -> Option<Timestamp> {
        match self.ask().answer {
            Answer::Held { until, .. } => until,
            Answer::Permitted { .. } | Answer::Refused { .. } => None,
        }
    }
}

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn policy(name: &str, spec: Value) -> Policy {
    Policy::compile(name, &serde_json::from_value(spec).unwrap())
}

/// An approval of the request, given a minute after it was created; `change` replaces fields of its spec, and `at`, `deleted` and `uid` say the rest.
pub fn approval(name: &str, approver: &str, change: Value) -> PasscodeResetApproval {
    let mut spec = json!({
        "request": {"kind": "PasscodeReset", "name": "inc1", "uid": UID}, "decision": "Approved", "approver": approver,
    });
    let mut created = time("2026-11-23T08:56:00Z");
    let mut deleted = None;
    for (field, value) in change.as_object().into_iter().flatten() {
        match field.as_str() {
            "at" => created = time(value.as_str().unwrap()),
            "deleted" => deleted = Some(v1::Time(time(NOW))),
            "uid" | "kind" | "name" => spec["request"][field] = value.clone(),
            _ => spec[field] = value.clone(),
        }
    }
    let mut approval = PasscodeResetApproval::new(name, serde_json::from_value(spec).unwrap());
    approval.metadata.namespace = Some("helpdesk".to_owned());
    approval.metadata.creation_timestamp = Some(v1::Time(created));
    approval.metadata.deletion_timestamp = deleted;
    approval
}

pub fn past(time: Timestamp, uid: &str, namespace: &str, requester: Option<&str>) -> PastReset {
    PastReset {
        time,
        uid: uid.to_owned(),
        namespace: namespace.to_owned(),
        tenant: "default".to_owned(),
        managed_device_id: DEVICE.to_owned(),
        requester: requester.map(str::to_owned),
    }
}
