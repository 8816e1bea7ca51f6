//! The members that Graph documents for the two enumerations of which an unknown member makes a device unknown.
//!
//! Source: microsoftgraph/msgraph-metadata `0564689b` (2026-08-03), v1.0 and beta together; beta's are the superset. The
//! sentinel `unknownFutureValue` is left out on purpose: it stands for a member that Graph did not want to name, so it is
//! as unknown as a new name. A member that Graph adds later is refused until its meaning for a reset has been looked at.

/// Members of `managementState`.
pub(super) const MANAGEMENT_STATES: &[&str] = &[
    "managed",
    "retirePending",
    "retireFailed",
    "wipePending",
    "wipeFailed",
    "unhealthy",
    "deletePending",
    "retireIssued",
    "wipeIssued",
    "wipeCanceled",
    "retireCanceled",
    "discovered",
];

/// Members of `managementAgentType`, without `unknown`, which says that Intune itself does not know.
pub(super) const MANAGEMENT_AGENTS: &[&str] = &[
    "eas",
    "mdm",
    "easMdm",
    "intuneClient",
    "easIntuneClient",
    "configurationManagerClient",
    "configurationManagerClientMdm",
    "configurationManagerClientMdmEas",
    "jamf",
    "googleCloudDevicePolicyController",
    "microsoft365ManagedMdm",
    "msSense",
    "intuneAosp",
    "google",
];
