//! `PasscodeReset`: one reset of one device, declared.

use kube_core::ResourceExt;
use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Time, matrix::MatrixAction, reset_status::PasscodeResetStatus, rules};

/// The annotation that says who asked for a reset, by the name that the API server knows. Without the admission policies for it anybody may write
/// anything there.
pub const REQUESTED_BY: &str = "passcode-operator.dev/requested-by";
/// The longest name in it that is read, in bytes.
const LONGEST_NAME: usize = 512;

impl PasscodeReset {
    /// Who is said to have asked for it.
    #[must_use]
    pub fn requested_by(&self) -> Option<&str> {
        let name = self.metadata.annotations.as_ref()?.get(REQUESTED_BY)?;
        Some(name.as_str()).filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME)
    }
}

/// What is asked for: that the device has had a passcode reset at or after `requestTime`.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[kube(
    crates(kube = "::kube_derive", kube_core = "::kube_core"),
    attr = "x_kube(crates(kube_core = \"::kube_core\"))",
    group = "passcode-operator.dev",
    version = "v1alpha1",
    kind = "PasscodeReset",
    plural = "passcoderesets",
    namespaced,
    status = "PasscodeResetStatus",
    derive = "PartialEq",
    shortname = "pcr",
    category = "intune",
    doc = "One passcode reset of one device managed by Microsoft Intune. It is carried out once; a further reset is a further object.",
    selectable = ".status.outcome",
    selectable = ".status.reason",
    selectable = ".status.device.managedDeviceId",
    selectable = ".spec.device.serialNumber",
    selectable = ".spec.tenantRef.name",
    printcolumn = r#"{"name":"Platform","type":"string","jsonPath":".status.device.platform"}"#,
    printcolumn = r#"{"name":"Action","type":"string","jsonPath":".status.support.action"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Requested","type":"string","jsonPath":".spec.requestTime"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Device id","type":"string","priority":1,"jsonPath":".status.device.managedDeviceId"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    validation = rules::short_name("the ticket's number")
)]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("spec is immutable: create a new PasscodeReset with a new name for a new reset, or delete this one to cancel it"),
    validation = rules::of_expiration("timestamp(self.expirationTime) > timestamp(self.requestTime)").message("expirationTime must be after requestTime"),
    validation = rules::of_expiration("timestamp(self.expirationTime) <= timestamp(self.requestTime) + duration('168h')").message("expirationTime must be at most 168h after requestTime")
)]
#[serde(rename_all = "camelCase")]
pub struct PasscodeResetSpec {
    /// The IntuneTenant in which the device is managed.
    #[serde(default)]
    pub tenant_ref: TenantRef,

    /// Which device: exactly one selector, which must match exactly one device. Letter case is ignored.
    pub device: DeviceSelector,

    /// When the reset was asked for. Intune's record is searched from this time on: a reset that happened since, whoever
    /// asked for it, is adopted and none is sent, so applying an old declaration again is harmless. In the future, at most
    /// 30 days: a scheduled reset.
    pub request_time: Time,

    /// After this time the reset is not sent any more. Default: requestTime plus the tenant's issueWindow. At most 168h
    /// after requestTime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Time>,

    /// How long to wait for the device's answer, from the start of Intune's entry. Default: the tenant's completionTimeout.
    /// From 1m to 2160h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::within("completionTimeout", "1m", "2160h"))]
    pub completion_timeout: Option<Duration>,

    /// What to do. Default: UnlockDevice, whichever action the platform support matrix gives that unlocks the device
    /// itself. A work profile's passcode is reset only where ResetWorkProfilePasscode is named.
    #[serde(default)]
    pub action: RequestedAction,

    /// Decide and report, never send. Always ends Rejected: with reason DryRun, or with the reason for which it would be
    /// rejected. Intune's record is asked only once requestTime has passed; before that a dry run judges the device alone. It
    /// adopts nothing.
    #[serde(default)]
    pub dry_run: bool,

    /// Why, for those who read it later, such as a ticket's number. Not interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub justification: Option<String>,
}

impl PasscodeReset {
    /// Namespace and name, as log lines have them.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace().unwrap_or_default(), self.name_any())
    }
}

/// Names an IntuneTenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct TenantRef {
    /// The IntuneTenant's name. Default: default.
    #[serde(default = "default_tenant")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name("tenantRef.name"))]
    pub name: String,
}

impl Default for TenantRef {
    fn default() -> Self {
        Self { name: default_tenant() }
    }
}

fn default_tenant() -> String {
    "default".to_owned()
}

/// Selects one managed device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[x_kube(
    validation = Rule::new("[has(self.serialNumber), has(self.imei), has(self.managedDeviceId), has(self.azureADDeviceId), has(self.userPrincipalName)].filter(x, x).size() == 1").message("name the device by exactly one of serialNumber, imei, managedDeviceId, azureADDeviceId or userPrincipalName"),
    validation = Rule::new("has(self.userPrincipalName) || !(has(self.deviceName) || has(self.operatingSystem))").message("deviceName and operatingSystem only narrow userPrincipalName: name the user as well, or leave them out")
)]
#[serde(rename_all = "camelCase")]
pub struct DeviceSelector {
    /// The serial number, compared without regard to case. Personally-owned work profiles on Android 12 and later and Apple
    /// User Enrollment have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self.matches(r'^[!-~]([ -~]*[!-~])?$')").message("write the serial number in printable ASCII characters, without a space before or behind it"))]
    pub serial_number: Option<String>,

    /// The IMEI: 14 to 17 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9]{14,17}$')").message("write the IMEI as 14 to 17 digits, without spaces or dashes"))]
    pub imei: Option<String>,

    /// Intune's id of the device, a GUID, as in the address of its page in the admin center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = rules::guid("write managedDeviceId as a GUID, such as 705c034c-034c-705c-4c03-5c704c035c70"))]
    pub managed_device_id: Option<String>,

    /// The device's id in Microsoft Entra, a GUID. All zeros, which stands for a device that never joined, is refused.
    #[serde(default, rename = "azureADDeviceId", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$') && self.matches('[1-9a-fA-F]')").message("write azureADDeviceId as a GUID that is not all zeros (many devices share that one), or use another selector"))]
    pub azure_ad_device_id: Option<String>,

    /// The user's principal name, where this user has one device, or one with the deviceName and operatingSystem beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = Rule::new(r"self.matches(r'^[^@\s]+@[^@\s]+$')").message("write userPrincipalName as name@domain, without spaces"))]
    pub user_principal_name: Option<String>,

    /// Narrows userPrincipalName to the device of this name. White space around it does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = rules::not_blank("write deviceName as Intune shows it, or leave it out"))]
    pub device_name: Option<String>,

    /// Narrows userPrincipalName to devices of this operating system, as Intune writes it, such as iOS or Android. White space
    /// around it does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::not_blank("write operatingSystem as Intune does (iOS, Android, …), or leave it out"))]
    pub operating_system: Option<String>,
}

/// What a PasscodeReset may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RequestedAction {
    /// Whichever action the matrix gives that unlocks the device itself.
    #[default]
    UnlockDevice,
    /// Remove the device's passcode (Apple).
    RemoveDevicePasscode,
    /// Replace the device's passcode by a temporary one.
    ResetDevicePasscode,
    /// Replace the work profile's passcode; the phone's own lock stays.
    ResetWorkProfilePasscode,
    /// Replace the PIN (Windows 10 Mobile).
    ResetDevicePin,
}

impl RequestedAction {
    /// The name as manifests write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnlockDevice => "UnlockDevice",
            Self::RemoveDevicePasscode => "RemoveDevicePasscode",
            Self::ResetDevicePasscode => "ResetDevicePasscode",
            Self::ResetWorkProfilePasscode => "ResetWorkProfilePasscode",
            Self::ResetDevicePin => "ResetDevicePin",
        }
    }

    /// Whether the action that the matrix offers is what was asked for.
    #[must_use]
    pub const fn accepts(self, offered: MatrixAction) -> bool {
        matches!(
            (self, offered),
            (
                Self::UnlockDevice,
                MatrixAction::RemoveDevicePasscode | MatrixAction::ResetDevicePasscode | MatrixAction::ResetDevicePin
            ) | (Self::RemoveDevicePasscode, MatrixAction::RemoveDevicePasscode)
                | (Self::ResetDevicePasscode, MatrixAction::ResetDevicePasscode)
                | (Self::ResetWorkProfilePasscode, MatrixAction::ResetWorkProfilePasscode)
                | (Self::ResetDevicePin, MatrixAction::ResetDevicePin)
        )
    }
}
