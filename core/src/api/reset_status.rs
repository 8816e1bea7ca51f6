//! The status of a `PasscodeReset`: what was found, what was decided, what was sent and what came of it.
//!
//! Strings here have neither bounds nor enumerations: an older CRD must never refuse an outcome. Never a passcode, a user or
//! a device name.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube_derive::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Duration, Time,
    conditions::{self, kind},
    duration::seconds,
};

/// What became of a PasscodeReset so far. Lengths of time are in seconds here, such as 280s.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[schemars(extend("default" = serde_json::json!({"observedGeneration": -1})))]
#[serde(rename_all = "camelCase")]
pub struct PasscodeResetStatus {
    /// The generation that this status speaks of; -1 until the operator has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Complete, Rejected or Failed; absent until the end, and then nothing changes any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub outcome: Option<Outcome>,

    /// Ready's reason once more, since a field selector takes no list: `kubectl get pcr -A --field-selector status.reason=AwaitingApproval`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// When the outcome was reached. Set with every outcome, so that one wait serves all three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub completion_time: Option<Time>,

    /// Ready first: its reason is the word for the state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// What the tenant's defaults came to. Pinned by the first write: a later change of the tenant does not move it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,

    /// The device that the selector found; fixed from then on. Never a user or a device name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceStatus>,

    /// What the platform support matrix says of this device; evaluated until the claim, never after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<SupportStatus>,

    /// What the PasscodeResetPolicies say of it; evaluated until the claim, never after it. Absent while none is about this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<PermissionStatus>,

    /// The claim of the latest attempt, written before it was sent. The answer itself is in the condition Issued, where it
    /// did not decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,

    /// How many attempts were sent, or may have been, and left no trace in Intune's record.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub silent_attempts: i32,

    /// Intune's own record of the reset that is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_action: Option<DeviceAction>,

    /// An earlier reset of this device that answers this request, although Intune's record does not show it. It is waited
    /// for, and nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_reset: Option<EarlierReset>,

    /// The devices that the selector matched, where it matched several: at most ten, the latest synchronised first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
}

impl PasscodeResetStatus {
    /// The word for the state: Ready's reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        conditions::get(&self.conditions, kind::READY).map_or("", |ready| ready.reason.as_str())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &i32) -> bool {
    *count == 0
}

/// How a PasscodeReset ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The device has had the reset.
    Complete,
    /// No reset happened for this object.
    Rejected,
    /// One was asked for and did not happen, or nobody can tell.
    Failed,
    /// A word that this version does not know: an end all the same.
    #[serde(other)]
    Unrecognised,
}

/// The deadlines in force for one PasscodeReset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Effective {
    /// The Entra tenant's id.
    pub tenant_id: String,
    /// After this time the reset is not sent any more.
    #[schemars(with = "String")]
    pub expiration_time: Time,
    /// How long the device's answer is waited for.
    #[serde(serialize_with = "seconds::serialize")]
    #[schemars(with = "String")]
    pub completion_timeout: Duration,
}

/// The device, as far as it is nobody's personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceStatus {
    /// Intune's id of the device.
    pub managed_device_id: String,
    /// The class that this operator puts the device in.
    pub platform: String,
    /// operatingSystem, as Intune writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operating_system: String,
    /// osVersion, as Intune writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// managedDeviceOwnerType: company, personal or unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ownership: String,
    /// model, as Intune writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// manufacturer, as Intune writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manufacturer: String,
    /// deviceCategoryDisplayName: the category that an administrator gave the device in Intune.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// enrollmentProfileName: the profile by which the device was enrolled.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub enrollment_profile: String,
    /// complianceState, as Intune writes it: compliant, noncompliant, inGracePeriod, unknown and others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub compliance_state: String,
    /// isSupervised; absent where Intune does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervised: Option<bool>,
    /// When these facts were read, by Graph's clock. Those of a scheduled request are read once more when its time has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub read_time: Option<Time>,
    /// When the device last synchronised with Intune, at the look-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_sync_time: Option<Time>,
    /// When the device was enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub enrolled_time: Option<Time>,
}

/// The platform support matrix's word on a device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupportStatus {
    /// The matrix's name.
    pub matrix: String,
    /// The matrix's revision.
    pub revision: String,
    /// Whether Intune can do it on this device.
    pub supported: bool,
    /// What is done, where it is supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The rule's reason.
    pub reason: String,
    /// How certain the rule is: Documented, Likely, Disputed, Withdrawn or Undocumented; absent where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certainty: Option<String>,
    /// What the person at the desk needs to know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub guidance: String,
    /// What has to be true of the device; told, not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<String>,
}

/// What the PasscodeResetPolicies say of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct PermissionStatus {
    /// Each policy that is about this request, by name, those included that only warn or audit; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub policies: Vec<PolicyReport>,
    /// The PasscodeResetApprovals that set aside what a policy has against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub overrides: Vec<String>,
    /// PasscodeResetApprovals for this request that do not count, and why; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub not_counted: Vec<ApprovalNotCounted>,
}

/// What one PasscodeResetPolicy says on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReport {
    /// The policy's name.
    pub name: String,
    /// Enforce, Warn or Audit.
    pub enforcement: String,
    /// The rule that decided; absent where none matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Permitted, or what is against it: NotReady, Denied, IdentityNotEnforced, ApprovalDenied, AwaitingApproval, OutsideHours, LimitReached.
    /// Of a policy that only warns or audits, WouldDeny or WouldHold.
    pub verdict: String,
}

/// A PasscodeResetApproval that does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalNotCounted {
    /// Its name.
    pub name: String,
    /// Why it does not count.
    pub message: String,
}

/// A claim: the promise, written before the request is sent, that this and no other request is sent now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Counts the attempts that may have been carried out, from 1.
    pub number: i32,
    /// The attempt's id, a GUID; it is also the request's client-request-id.
    pub id: String,
    /// When it was claimed, by Graph's clock.
    #[schemars(with = "String")]
    pub claim_time: Time,
    /// It is not sent after this time, by Graph's clock.
    #[schemars(with = "String")]
    pub send_deadline: Time,
    /// How long after sendDeadline Intune's record is sure to show it.
    #[serde(serialize_with = "seconds::serialize")]
    #[schemars(with = "String")]
    pub settle_window: Duration,
    /// The starts of the entries that Intune's record had before it was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub seen_start_times: Vec<Time>,
    /// Accepted, NotExecuted, Refused or Unknown; absent until the answer was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub result: Option<AttemptResult>,
    /// Graph's request-id of the answer; Microsoft's support asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What the answer to an attempt was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptResult {
    /// Graph took it.
    Accepted,
    /// Graph did not carry it out; it can be asked again.
    NotExecuted,
    /// Graph refused it, which proves nothing before Intune's record is sure to show what was carried out.
    Refused,
    /// Nobody can tell from the answer; a word that this version does not know counts as this.
    #[serde(other)]
    Unknown,
}

/// Intune's record of the reset that is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceAction {
    /// actionName: resetPasscode or recoverPasscode.
    pub name: String,
    /// actionState, as Intune writes it.
    pub state: String,
    /// startDateTime, by Intune's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub start_time: Option<Time>,
    /// lastUpdatedDateTime, by Intune's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_update_time: Option<Time>,
    /// errorCode, where it is not 0. Its values are not documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i64>,
    /// Whether somebody else asked for it and this object only follows it.
    pub adopted: bool,
    /// Whether the device has synchronised since the start.
    pub device_checked_in_since: bool,
}

/// A reset that Graph accepted, or that Intune's record showed, and that the record does not show any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EarlierReset {
    /// When it was carried out, at the latest.
    #[schemars(with = "String")]
    pub latest_time: Time,
}

/// One of several devices that a selector matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Intune's id of the device, to be named as managedDeviceId in a new object.
    pub managed_device_id: String,
    /// operatingSystem and osVersion, as Intune writes them; not a class as in device.platform, for which a list tells too little.
    pub platform: String,
    /// model, as Intune writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// managementState, as Intune writes it: managed, or such as retirePending for a record that is on its way out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub management_state: String,
    /// When the device last synchronised with Intune.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_sync_time: Option<Time>,
    /// When the device was enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub enrolled_time: Option<Time>,
}
