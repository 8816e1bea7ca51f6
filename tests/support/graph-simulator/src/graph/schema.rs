//! `managedDevice` in v1.0 and beta (v1.0-Prod.subset.csdl, beta-Prod.managedDevice.csdl), and how a device is written in each.

use super::call::Version;
use crate::devices::Device;
use serde_json::{Map, Value, json};

/// Structural properties of v1.0.
const V1: &[&str] = &[
    "id",
    "activationLockBypassCode",
    "androidSecurityPatchLevel",
    "azureADDeviceId",
    "azureADRegistered",
    "complianceGracePeriodExpirationDateTime",
    "complianceState",
    "configurationManagerClientEnabledFeatures",
    "deviceActionResults",
    "deviceCategoryDisplayName",
    "deviceEnrollmentType",
    "deviceHealthAttestationState",
    "deviceName",
    "deviceRegistrationState",
    "easActivated",
    "easActivationDateTime",
    "easDeviceId",
    "emailAddress",
    "enrolledDateTime",
    "enrollmentProfileName",
    "ethernetMacAddress",
    "exchangeAccessState",
    "exchangeAccessStateReason",
    "exchangeLastSuccessfulSyncDateTime",
    "freeStorageSpaceInBytes",
    "iccid",
    "imei",
    "isEncrypted",
    "isSupervised",
    "jailBroken",
    "lastSyncDateTime",
    "managedDeviceName",
    "managedDeviceOwnerType",
    "managementAgent",
    "managementCertificateExpirationDate",
    "managementState",
    "manufacturer",
    "meid",
    "model",
    "notes",
    "operatingSystem",
    "osVersion",
    "partnerReportedThreatState",
    "phoneNumber",
    "physicalMemoryInBytes",
    "remoteAssistanceSessionErrorDetails",
    "remoteAssistanceSessionUrl",
    "requireUserEnrollmentApproval",
    "serialNumber",
    "subscriberCarrier",
    "totalStorageSpaceInBytes",
    "udid",
    "userDisplayName",
    "userId",
    "userPrincipalName",
    "wiFiMacAddress",
];

/// Structural properties that beta has besides.
const BETA_ONLY: &[&str] = &[
    "aadRegistered",
    "autopilotEnrolled",
    "azureActiveDirectoryDeviceId",
    "bootstrapTokenEscrowed",
    "chassisType",
    "chromeOSDeviceInfo",
    "cloudPcRemoteActionResults",
    "configurationManagerClientHealthState",
    "configurationManagerClientInformation",
    "deviceFirmwareConfigurationInterfaceManaged",
    "deviceType",
    "enrolledByUserPrincipalName",
    "hardwareInformation",
    "joinType",
    "lostModeState",
    "managementFeatures",
    "ownerType",
    "preferMdmOverGroupPolicyAppliedDateTime",
    "processorArchitecture",
    "retireAfterDateTime",
    "roleScopeTagIds",
    "securityPatchLevel",
    "skuFamily",
    "skuNumber",
    "specificationVersion",
    "usersLoggedOn",
    "windowsActiveMalwareCount",
    "windowsRemediatedMalwareCount",
];

/// Members that both versions give to every client (v1.0-enums.json).
const ENROLLMENT_V1: &[&str] = &[
    "unknown",
    "userEnrollment",
    "deviceEnrollmentManager",
    "appleBulkWithUser",
    "appleBulkWithoutUser",
    "windowsAzureADJoin",
    "windowsBulkUserless",
    "windowsAutoEnrollment",
    "windowsBulkAzureDomainJoin",
    "windowsCoManagement",
    "windowsAzureADJoinUsingDeviceAuth",
    "appleUserEnrollment",
    "appleUserEnrollmentWithServiceAccount",
    "unknownFutureValue",
];

/// Members that beta has besides (beta-enums.json). Newer ones, such as appleACME…, are beyond the sentinel.
const ENROLLMENT_BETA: &[&str] = &[
    "azureAdJoinUsingAzureVmExtension",
    "androidEnterpriseDedicatedDevice",
    "androidEnterpriseFullyManaged",
    "androidEnterpriseCorporateWorkProfile",
    "androidAOSPUserOwnedDeviceEnrollment",
    "androidAOSPUserlessDeviceEnrollment",
    "appleAccountDrivenUserEnrollment",
];

const AGENT_V1: &[&str] = &[
    "eas",
    "mdm",
    "easMdm",
    "intuneClient",
    "easIntuneClient",
    "configurationManagerClient",
    "configurationManagerClientMdm",
    "configurationManagerClientMdmEas",
    "unknown",
    "jamf",
    "googleCloudDevicePolicyController",
    "microsoft365ManagedMdm",
    "msSense",
];

const AGENT_BETA: &[&str] = &["intuneAosp", "google", "unknownFutureValue"];

/// Whether the entity has such a property in this version.
pub(crate) fn has(version: Version, property: &str) -> bool {
    V1.contains(&property) || (version == Version::Beta && BETA_ONLY.contains(&property))
}

/// Whether the device is read alone: some properties hold defaults otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadKind {
    List,
    Single,
}

/// How a request wants devices written.
pub(crate) struct View<'a> {
    pub version: Version,
    pub select: Option<&'a [String]>,
    pub kind: ReadKind,
    /// `Prefer: include-unknown-enum-members`
    pub all_members: bool,
}

impl View<'_> {
    /// Whether `deviceActionResults` is filled: in a single read that selects it, never in a list.
    pub fn shows(&self, property: &str) -> bool {
        self.kind == ReadKind::Single && self.select.is_some_and(|names| names.iter().any(|name| name == property))
    }

    /// The device, without `@odata.context`. `results` is the array, or `None` to leave it out.
    pub fn write(&self, device: &Device, last_sync: Value, results: Option<Value>) -> Map<String, Value> {
        let all = V1.iter().chain(if self.version == Version::Beta { BETA_ONLY } else { &[] }).copied();
        let names: Vec<&str> = match self.select {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => all.collect(),
        };
        let mut written = Map::new();
        for name in names {
            let value = match name {
                "id" => Some(json!(device.id)),
                "lastSyncDateTime" => Some(last_sync.clone()),
                "deviceActionResults" => results.clone(),
                _ => Some(self.value(device, name)),
            };
            if let Some(value) = value {
                written.insert(name.to_owned(), value);
            }
        }
        written
    }

    fn value(&self, device: &Device, name: &str) -> Value {
        if !self.shows(name)
            && let Some(default) = withheld(name)
        {
            return default;
        }
        let value = device.properties.get(name).cloned().unwrap_or(Value::Null);
        match (name, value.as_str()) {
            ("deviceEnrollmentType", Some(member)) => {
                json!(self.member(member, ENROLLMENT_V1, ENROLLMENT_BETA, "unknownFutureValue"))
            }
            // managementAgentType has a sentinel in beta only; what v1.0 writes instead is not documented, `unknown` is its neutral member.
            ("managementAgent", Some(member)) => {
                let sentinel = if self.version == Version::Beta { "unknownFutureValue" } else { "unknown" };
                json!(self.member(member, AGENT_V1, AGENT_BETA, sentinel))
            }
            _ => value,
        }
    }

    /// Members that the version's schema does not list need the `Prefer` header.
    fn member<'m>(&self, member: &'m str, v1: &[&str], beta: &[&str], sentinel: &'m str) -> &'m str {
        let listed = v1.contains(&member) || (self.version == Version::Beta && beta.contains(&member));
        if listed || self.all_members { member } else { sentinel }
    }
}

/// Properties that only a single read with `$select` fills, and what stands there otherwise (the schema's descriptions;
/// beta-managedDevice-properties.json).
fn withheld(name: &str) -> Option<Value> {
    match name {
        "activationLockBypassCode" | "ethernetMacAddress" | "notes" => Some(Value::Null),
        "iccid" | "udid" | "remoteAssistanceSessionUrl" => Some(json!("")),
        "physicalMemoryInBytes" | "windowsActiveMalwareCount" | "windowsRemediatedMalwareCount" => Some(json!(0)),
        "bootstrapTokenEscrowed" => Some(json!(false)),
        "chromeOSDeviceInfo" => Some(json!([])),
        "hardwareInformation" => Some(json!({
            "serialNumber": null, "manufacturer": null, "model": null, "isSupervised": false, "isSharedDevice": false, "residentUsersCount": 0,
        })),
        _ => None,
    }
}
