//! The classification as data: an ordered table, of which the first row that holds decides.
//!
//! Letter case is ignored everywhere. Who owns a device never decides alone, because administrators change it. "Graph"
//! as a source is microsoftgraph/msgraph-metadata `0564689b` (2026-08-03); S-numbers are those of `sources`.

use super::{
    class::Platform::{self, *},
    facts::Facts,
    row::{Classification, Row},
};
use crate::api::matrix::Certainty::{self, Documented, Likely, Undocumented};

const fn row(
    number: u8,
    holds: fn(&Facts<'_>) -> bool,
    is: Platform,
    certainty: Option<Certainty>,
    because: &'static str,
) -> Row {
    Row { number, holds, is: Classification::Class(is), certainty, because }
}

/// Row 29, the rest: what no row knows is refused, never guessed.
pub(super) static REST: Row = row(29, |_| true, Unknown, None, "no row knows such a device");

/// Rows 1 to 28, in order.
#[rustfmt::skip] // one row of the documentation's table is one paragraph here
pub(super) static ROWS: &[Row] = &[
    // ── Devices that no action reaches, whatever they are ──
    row(1, |d| d.state.any(&["retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending"]),
        LeavingManagement, Some(Documented),
        "a pending retire, wipe or delete takes precedence over every other action (S9; Graph, managementState)"),
    row(2, |d| d.state.is("discovered")
            || d.ag.any(&["eas", "jamf", "configurationManagerClient", "intuneClient", "easIntuneClient", "msSense",
                          "microsoft365ManagedMdm"]),
        NotUnderIntuneMdm, Some(Documented),
        "discovered is not fully enrolled, and these agents are not Intune's MDM (Graph, managementState and managementAgentType)"),
    row(3, |d| d.state_not_recognised(),
        Unknown, None,
        "a management state that Graph does not document may be another way of leaving management"),

    // ── Everything that is neither Android nor an Apple mobile device ──
    row(4, |d| d.ag.is("google") || d.dt.is("chromeOS") || d.os.is("chromeos"),
        ChromeOS, Some(Documented),
        "the agent google and the type chromeOS are ChromeOS's alone (Graph, managementAgentType and deviceType)"),
    row(5, |d| d.dt.any(&["macMDM", "mac"]) || d.os.any(&["macos", "macmdm"]),
        MacOS, Some(Documented),
        "the type or the operating system names a Mac (Graph, deviceType; macOS and MacMDM occur in tenants)"),
    row(6, |d| d.dt.is("tvOS") || d.os.is("tvos"),
        TvOS, Some(Likely),
        "the type names it (Graph, deviceType); how tenants write the operating system is a guess from the name"),
    row(7, |d| d.dt.is("holoLens"),
        HoloLens, Some(Likely), "the type names it (Graph, deviceType)"),
    row(7, |d| d.dt.is("surfaceHub"),
        SurfaceHub, Some(Likely), "the type names it (Graph, deviceType)"),
    row(7, |d| d.dt.is("cloudPC") || d.model.starts("Cloud PC"),
        CloudPC, Some(Likely), "the type names it (Graph, deviceType); the model of a Cloud PC begins so"),
    row(8, |d| d.dt.any(&["windowsPhone", "winMO6", "nokia"])
            || d.os.any(&["windows phone", "windows 10 mobile", "windows mobile"]),
        Windows10Mobile, Some(Likely),
        "the type names it (Graph, deviceType); how tenants write the operating system is a guess from the name"),
    row(9, |d| d.dt.any(&["desktop", "windowsRT", "winEmbedded", "windows10x", "winCE"]) || d.os.is("windows"),
        Windows, Some(Documented),
        "the type or the operating system names it (Graph, deviceType); windowsRT was seen on ordinary computers"),
    row(10, |d| d.dt.any(&["linux", "unix"]) || d.os.is("linux"),
        Linux, Some(Likely),
        "the type names it (Graph, deviceType); how tenants write the operating system is a guess from the name"),

    // ── From here on a device can be reset, so an agent is needed that is known to carry it out ──
    row(11, |d| d.agent_not_recognised(),
        Unknown, None,
        "without a documented agent nothing says that a reset can reach the device (Graph, managementAgentType)"),

    // ── Android ──
    row(12, |d| d.et.is("androidAOSPUserOwnedDeviceEnrollment"),
        AospUserAssociated, Some(Documented), "the enrolment type names it (Graph, deviceEnrollmentType)"),
    row(13, |d| d.et.is("androidAOSPUserlessDeviceEnrollment"),
        AospUserless, Some(Documented), "the enrolment type names it (Graph, deviceEnrollmentType)"),
    row(14, |d| (d.ag.is("intuneAosp") || d.dt.is("androidnGMS")) && !d.device.has_user,
        AospUserless, Some(Likely),
        "the agent or the type names AOSP (Graph); that a userless device has no user is a conclusion"),
    row(14, |d| d.ag.is("intuneAosp") || d.dt.is("androidnGMS"),
        AospUserAssociated, Some(Likely),
        "the agent or the type names AOSP (Graph); that a device with a user is user-associated is a conclusion"),
    row(15, |d| d.et.is("androidEnterpriseDedicatedDevice") && d.android_enterprise_or_silent(),
        AndroidDedicated, Some(Documented), "the enrolment type names it (Graph, deviceEnrollmentType)"),
    row(16, |d| d.et.is("androidEnterpriseFullyManaged") && d.android_enterprise_or_silent(),
        AndroidFullyManaged, Some(Documented), "the enrolment type names it (Graph, deviceEnrollmentType)"),
    row(17, |d| d.et.is("androidEnterpriseCorporateWorkProfile") && d.android_enterprise_or_silent(),
        AndroidCorporateWorkProfile, Some(Documented), "the enrolment type names it (Graph, deviceEnrollmentType)"),
    row(18, |d| d.dt.is("androidForWork"),
        AndroidPersonalWorkProfile, Some(Documented), "Android for Work is the personally-owned work profile's old name (Graph, deviceType)"),
    row(19, |d| (d.dt.is("androidEnterprise") || d.ag.is("googleCloudDevicePolicyController"))
            && d.own.is("personal")
            && d.et.any(&["userEnrollment", "unknown", "unknownFutureValue"]),
        AndroidPersonalWorkProfile, Some(Undocumented),
        "no enrolment type names the personally-owned work profile, and it is the only personal mode of Android Enterprise; what \
         Android Management API sends for it is not documented"),
    row(20, |d| d.dt.is("android")
            && d.ag.any(&["mdm", "easMdm"])
            && d.et.any(&["userEnrollment", "deviceEnrollmentManager", "unknown"]),
        AndroidDeviceAdministrator, Some(Likely),
        "plain Android under the plain MDM agent is what device administrator leaves (a conclusion from Graph's enumerations)"),
    row(21, |d| d.android(),
        Unknown, None, "some Android, but none of the modes that Graph documents"),

    // ── iPhone, iPad, iPod touch and Apple Vision Pro ──
    row(22, |d| d.apple_mobile() && d.user_enrollment(),
        AppleUserEnrollment, Some(Documented), "the enrolment type names it (Graph, deviceEnrollmentType)"),
    row(23, |d| d.apple_mobile() && d.et.is("appleACMEBasicBYOD") && !d.device.has_serial_number,
        AppleUserEnrollment, Some(Likely),
        "Apple hides the serial number from User Enrollment alone, and appleACMEBasicBYOD (Graph beta) covers both ways of enrolling \
         one's own device"),
    row(24, |d| d.ipad() && d.device.is_shared_device == Some(true),
        SharedIPad, Some(Documented), "isSharedDevice is \"Shared iPad\" (Graph beta, hardwareInformation)"),
    Row { number: 25,
        holds: |d| d.ipad() && d.device.is_shared_device.is_none() && d.bulk_enrolled(),
        is: Classification::CannotTellYet, certainty: None,
        because: "it may be a shared iPad; hardwareInformation comes only when the device is read alone (Graph beta)" },
    row(26, |d| d.vision() && !d.user_enrollment(),
        VisionOS, Some(Likely),
        "the type names it (Graph, deviceType); how tenants write the operating system is a guess from the name"),
    row(27, |d| d.ios() && d.device.is_supervised == Some(true),
        IosDeviceEnrollment, Some(Documented), "only a device enrolled as a whole can be supervised (S6)"),
    row(28, |d| d.ios() && d.et.any(&["userEnrollment", "deviceEnrollmentManager", "appleBulkWithUser", "appleBulkWithoutUser"]),
        IosDeviceEnrollment, Some(Documented), "these enrolment types enrol the device as a whole (Graph, deviceEnrollmentType)"),
    row(28, |d| d.ios() && (d.et.is("appleACMEBasicBYOD") || d.et.starts("appleACMEDEP")),
        IosDeviceEnrollment, Some(Likely),
        "the newer names of the same ways of enrolling (Graph beta documentation); not every name that begins with appleACME, because \
         a later one may be User Enrollment, which Apple forbids to reset"),
];
