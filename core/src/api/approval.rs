//! `PasscodeResetApproval`: a yes or no to one reset or reveal, bound to its uid.

use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// One person's answer to one request. Its name is free: a request that needs several approvals has several of these.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[kube(
    crates(kube = "::kube_derive", kube_core = "::kube_core"),
    group = "passcode-operator.dev",
    version = "v1alpha1",
    kind = "PasscodeResetApproval",
    plural = "passcoderesetapprovals",
    namespaced,
    derive = "PartialEq",
    shortname = "pcra",
    category = "intune",
    doc = "A yes or no to one PasscodeReset or PasscodeReveal of this namespace. Delete it to take it back, as long as the reset is not sent.",
    selectable = ".spec.request.uid",
    selectable = ".spec.request.name",
    printcolumn = r#"{"name":"Request","type":"string","jsonPath":".spec.request.name"}"#,
    printcolumn = r#"{"name":"Decision","type":"string","jsonPath":".spec.decision"}"#,
    printcolumn = r#"{"name":"Role","type":"string","jsonPath":".spec.role"}"#,
    printcolumn = r#"{"name":"Approver","type":"string","jsonPath":".spec.approver"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Because","type":"string","priority":1,"jsonPath":".spec.reason"}"#
)]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("spec is immutable: create a new PasscodeResetApproval, or delete this one to take it back"),
    validation = Rule::new("self.decision == 'Approved' || has(self.reason)").message("reason is required with Denied and Overridden: write why")
)]
#[serde(rename_all = "camelCase")]
pub struct PasscodeResetApprovalSpec {
    /// The request that it answers.
    pub request: RequestRef,

    /// Approved; Denied, which rejects the request where an approval is required of it; or Overridden, the break-glass: it sets approvals, hours,
    /// budgets and overridable rules aside, needs a right of its own, and is reported every time.
    pub decision: ApprovalDecision,

    /// The role in which the approver agrees; needed to fill a place of that role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    #[x_kube(validation = rules::label("role"))]
    pub role: Option<String>,

    /// The device that the approver saw, as status.device.managedDeviceId of the request. An approval of another device does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = rules::guid("write managedDeviceId as a GUID, as the request's status.device.managedDeviceId shows it, or leave it out"))]
    pub managed_device_id: Option<String>,

    /// Why. Required with Denied and Overridden. Of a denial, whoever asked for the reset reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rules::not_blank("write in reason why, or leave it out"))]
    pub reason: Option<String>,

    /// Who answers: the name by which the API server knows whoever creates this.
    #[schemars(length(min = 1, max = 512))]
    pub approver: String,
}

/// Names a request of the approval's own namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct RequestRef {
    /// PasscodeReset or PasscodeReveal.
    pub kind: RequestKind,

    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name("request.name"))]
    pub name: String,

    /// Its metadata.uid: a request that is deleted and created once more needs new approvals.
    #[schemars(length(max = 64))]
    #[x_kube(validation = rules::guid("write request.uid as the request's metadata.uid shows it, a GUID"))]
    pub uid: String,
}

/// What can be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RequestKind {
    /// One reset of one device.
    PasscodeReset,
    /// A new passcode, shown to one recipient.
    PasscodeReveal,
}

impl RequestKind {
    /// The kind as manifests write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasscodeReset => "PasscodeReset",
            Self::PasscodeReveal => "PasscodeReveal",
        }
    }
}

/// An approver's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApprovalDecision {
    /// Yes.
    Approved,
    /// No.
    Denied,
    /// Yes, whatever the policies ask for: the break-glass.
    Overridden,
}
