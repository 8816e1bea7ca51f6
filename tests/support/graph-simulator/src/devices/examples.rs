//! One example per class of device, with property values as real tenants send them.
//!
//! No official text shows a whole response of a platform: the values are composed from the schemas and from
//! the single fragments seen in public reports. `operatingSystem` is `Android` for every Android mode.

use super::Device;
use crate::dice::Dice;
use crate::ledger::{ActionState, DevicePlan, Ledger, YEAR_ONE};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

macro_rules! classes {
    ($($name:ident, $doc:literal, [$os:literal, $version:literal, $et:literal, $dt:literal, $agent:literal, $owner:literal],
        [$maker:literal, $model:literal, $serial:literal], $traits:expr;)*) => {
        /// What kind of device an example plays.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum DeviceClass {
            $(#[doc = $doc] $name,)*
        }

        impl DeviceClass {
            /// Every class.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn spec(self) -> Spec {
                match self {
                    $(Self::$name => Spec {
                        os: $os, version: $version, enrollment: $et, device_type: $dt, agent: $agent, owner: $owner,
                        maker: $maker, model: $model, serial: $serial, traits: $traits,
                    },)*
                }
            }
        }
    };
}

struct Spec {
    os: &'static str,
    version: &'static str,
    enrollment: &'static str,
    device_type: &'static str,
    agent: &'static str,
    owner: &'static str,
    maker: &'static str,
    model: &'static str,
    /// First letters of the serial number; empty: the device has none.
    serial: &'static str,
    traits: &'static [Trait],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trait {
    /// Nobody's device.
    Userless,
    Supervised,
    SharedIpad,
    /// With a SIM card: imei, iccid, phone number.
    Phone,
    RetirePending,
    /// Resets of it end as `notSupported`.
    NoReset,
}

use Trait::{NoReset, Phone, RetirePending, SharedIpad, Supervised, Userless};

classes! {
    IPhone, "iPhone by automated device enrolment, supervised.",
        ["iOS", "26.1", "appleBulkWithUser", "iPhone", "mdm", "company"], ["Apple", "iPhone 16", "F9F"], &[Supervised, Phone];
    IPad, "iPad by automated device enrolment, userless.",
        ["iOS", "26.0.1", "appleBulkWithoutUser", "iPad", "mdm", "company"], ["Apple", "iPad (10th generation)", "DMP"], &[Supervised, Userless];
    IPadAcme, "iPad by automated device enrolment, newer enrolment type.",
        ["iPadOS", "26.1", "appleACMEDEPUserless", "iPad", "mdm", "company"], ["Apple", "iPad Air (5th generation)", "GG7"], &[Supervised, Userless];
    IPhonePersonal, "Personal iPhone by device enrolment, not supervised.",
        ["iOS", "18.6.2", "userEnrollment", "iPhone", "mdm", "personal"], ["Apple", "iPhone 13", "C39"], &[Phone];
    SharedIPad, "Shared iPad: passcodes belong to its users.",
        ["iOS", "26.0", "appleBulkWithoutUser", "iPad", "mdm", "company"], ["Apple", "iPad (9th generation)", "DLX"], &[Supervised, Userless, SharedIpad, NoReset];
    AppleUserEnrollment, "iPhone by User Enrollment: no serial number.",
        ["iOS", "17.7", "appleUserEnrollment", "iPhone", "mdm", "personal"], ["Apple", "iPhone 14", ""], &[NoReset];
    AppleAccountDriven, "iPad by account-driven User Enrollment: no serial number.",
        ["iOS", "18.1", "appleAccountDrivenUserEnrollment", "iPad", "mdm", "personal"], ["Apple", "iPad mini (6th generation)", ""], &[NoReset];
    AppleAcmeByod, "iPhone by User Enrollment, newer enrolment type: no serial number.",
        ["iOS", "26.1", "appleACMEBasicBYOD", "iPhone", "mdm", "personal"], ["Apple", "iPhone 15", ""], &[NoReset];
    VisionPro, "Apple Vision Pro.",
        ["visionOS", "2.3", "appleBulkWithUser", "visionOS", "mdm", "company"], ["Apple", "Vision Pro", "K7V"], &[Supervised];
    AppleTv, "Apple TV.",
        ["tvOS", "18.2", "appleBulkWithoutUser", "tvOS", "mdm", "company"], ["Apple", "Apple TV 4K", "C0T"], &[Supervised, Userless, NoReset];
    MacBook, "MacBook.",
        ["macOS", "26.1 (25B78)", "userEnrollment", "macMDM", "mdm", "company"], ["Apple", "MacBook Pro", "FVF"], &[Supervised, NoReset];
    AndroidFullyManaged, "Android Enterprise, fully managed.",
        ["Android", "15.0", "androidEnterpriseFullyManaged", "androidEnterprise", "googleCloudDevicePolicyController", "company"], ["samsung", "SM-S921B", "R5C"], &[Phone];
    AndroidDedicated, "Android Enterprise, dedicated (kiosk).",
        ["AndroidEnterprise", "13.0", "androidEnterpriseDedicatedDevice", "androidEnterprise", "googleCloudDevicePolicyController", "company"], ["Zebra Technologies", "TC58", "232"], &[Userless, Phone];
    AndroidCorporateWorkProfile, "Android Enterprise, corporate-owned with a work profile.",
        ["Android", "14.0", "androidEnterpriseCorporateWorkProfile", "androidEnterprise", "googleCloudDevicePolicyController", "company"], ["Google", "Pixel 8", "3B1"], &[Phone];
    AndroidPersonalWorkProfile, "Android, personally-owned work profile: no serial number since Android 12.",
        ["AndroidForWork", "14.0", "userEnrollment", "androidForWork", "mdm", "personal"], ["samsung", "SM-A546B", ""], &[];
    AndroidPersonalWorkProfileOld, "Android 7, personally-owned work profile.",
        ["AndroidForWork", "7.1.2", "userEnrollment", "androidForWork", "mdm", "personal"], ["LGE", "Nexus 5X", "00F"], &[Phone, NoReset];
    AndroidPersonalWorkProfileAmapi, "Android, personally-owned work profile under Android Management API: its values are a guess.",
        ["Android", "15.0", "userEnrollment", "androidEnterprise", "googleCloudDevicePolicyController", "personal"], ["Google", "Pixel 9", ""], &[];
    AndroidDeviceAdministrator6, "Android 6 under a device administrator.",
        ["Android", "6.0.1", "userEnrollment", "android", "mdm", "company"], ["samsung", "SM-G920F", "RF8"], &[Phone];
    AndroidDeviceAdministrator9, "Android 9 under a device administrator.",
        ["Android", "9.0", "userEnrollment", "android", "mdm", "company"], ["samsung", "SM-G960F", "R38"], &[Phone, NoReset];
    AospUserAssociated, "Android Open Source Project, with a user.",
        ["Android", "12.0", "androidAOSPUserOwnedDeviceEnrollment", "androidnGMS", "intuneAosp", "company"], ["RealWear", "HMT-1", "720"], &[];
    AospUserless, "Android Open Source Project, nobody's.",
        ["AndroidAOSP", "12.0", "androidAOSPUserlessDeviceEnrollment", "androidnGMS", "intuneAosp", "company"], ["Meta", "Quest 3", "2G0"], &[Userless];
    Windows10Mobile, "Windows 10 Mobile, Entra joined, version 1709.",
        ["Windows Phone", "10.0.15254.603", "windowsAzureADJoin", "windowsPhone", "mdm", "company"], ["Microsoft", "Lumia 950", "355"], &[Phone];
    Windows11, "Windows 11 laptop.",
        ["Windows", "10.0.26100.6899", "windowsAzureADJoin", "windowsRT", "mdm", "company"], ["LENOVO", "21HM003TGE", "PF4"], &[NoReset];
    HoloLens, "HoloLens 2.",
        ["Windows", "10.0.22621.1412", "windowsAutoEnrollment", "holoLens", "mdm", "company"], ["Microsoft Corporation", "HoloLens 2", "004"], &[NoReset];
    SurfaceHub, "Surface Hub.",
        ["Windows", "10.0.22631.4169", "windowsBulkUserless", "surfaceHub", "mdm", "company"], ["Microsoft Corporation", "Surface Hub 2S", "012"], &[Userless, NoReset];
    CloudPc, "Cloud PC.",
        ["Windows", "10.0.26100.4061", "azureAdJoinUsingAzureVmExtension", "cloudPC", "mdm", "company"], ["Microsoft Corporation", "Cloud PC Enterprise 2vCPU/8GB/128GB", "000"], &[NoReset];
    Chromebook, "Chromebook, synchronised from Google.",
        ["ChromeOS", "140.0.7339.242", "unknown", "chromeOS", "google", "company"], ["Acer", "Chromebook Spin 714", "NXK"], &[NoReset];
    Linux, "Ubuntu workstation.",
        ["Linux", "24.04", "userEnrollment", "linux", "mdm", "company"], ["Dell Inc.", "Precision 3581", "7XK"], &[NoReset];
    EasOnly, "A phone that only Exchange knows.",
        ["iOS", "17.1", "unknown", "iPhone", "eas", "unknown"], ["Apple", "iPhone 12", ""], &[NoReset];
    RetirePending, "An iPhone that is being retired.",
        ["iOS", "18.0", "appleBulkWithUser", "iPhone", "mdm", "company"], ["Apple", "iPhone 15", "H7G"], &[Supervised, Phone, RetirePending];
    Unknown, "A device of which nothing useful is known.",
        ["", "", "unknown", "unknown", "unknown", "unknown"], ["", "", ""], &[Userless, NoReset];
}

impl Device {
    /// The example number `number` of a class. The same number gives the same device, other numbers other ids, serial numbers and users.
    pub fn example(class: DeviceClass, number: u32) -> Self {
        let spec = class.spec();
        let mut dice = Dice::seeded((u64::from(number) << 8) | class as u64);
        let id = dice.guid();
        let no_reset = DevicePlan::answering(ActionState::NotSupported, Duration::from_secs(5));
        let plan = if spec.traits.contains(&NoReset) { no_reset } else { DevicePlan::default() };
        let mut properties = untouched();
        fill_kind(&mut properties, &spec);
        fill_identity(&mut properties, &spec, number, &mut dice);
        Self { id, tenant: String::new(), class, properties, plan, ledger: Ledger::default() }
    }
}

/// Properties that say what kind of device it is.
fn fill_kind(properties: &mut Map<String, Value>, spec: &Spec) {
    let supervised = spec.traits.contains(&Supervised);
    let retiring = spec.traits.contains(&RetirePending);
    let values = json!({
        "operatingSystem": spec.os,
        "osVersion": spec.version,
        "deviceEnrollmentType": spec.enrollment,
        "deviceType": spec.device_type,
        "managementAgent": spec.agent,
        "managedDeviceOwnerType": spec.owner,
        "ownerType": spec.owner,
        "manufacturer": spec.maker,
        "model": spec.model,
        "isSupervised": supervised,
        "managementState": if retiring { "retirePending" } else { "managed" },
        "deviceRegistrationState": if spec.agent == "eas" { "notRegistered" } else { "registered" },
        "easActivated": spec.agent == "eas",
        "hardwareInformation": {
            "serialNumber": "",
            "manufacturer": spec.maker,
            "model": spec.model,
            "isSupervised": supervised,
            "isSharedDevice": spec.traits.contains(&SharedIpad),
            "residentUsersCount": if spec.traits.contains(&SharedIpad) { 3 } else { 0 },
        },
    });
    extend(properties, values);
}

/// Properties that name this one device and its user.
fn fill_identity(properties: &mut Map<String, Value>, spec: &Spec, number: u32, dice: &mut Dice) {
    const NAMES: &[&str] = &["alice", "bruno", "chloe", "daan", "elif", "femke", "goran", "hanna"];
    let first = NAMES[number as usize % NAMES.len()];
    let userless = spec.traits.contains(&Userless);
    let alias = if number < 8 { first.to_owned() } else { format!("{first}{number}") };
    let upn = if userless { String::new() } else { format!("{alias}@contoso.example") };
    let serial = if spec.serial.is_empty() { String::new() } else { format!("{}{}", spec.serial, letters(dice, 9)) };
    // Default device names carry the user's alias.
    let owner = if userless { &serial } else { &alias };
    let name = format!("{owner}_{}_11/22/2026_8:{:02} AM", spec.os.replace(' ', ""), number % 60);
    let name = if spec.os == "Android" && !userless { name.replace("_Android_", "_AndroidForWork_") } else { name };
    let values = json!({
        "serialNumber": serial,
        "deviceName": name,
        "managedDeviceName": name,
        "userId": if userless { String::new() } else { dice.guid() },
        "userDisplayName": if userless { String::new() } else { alias.clone() },
        "userPrincipalName": upn,
        "emailAddress": upn,
        "enrolledByUserPrincipalName": upn,
        "azureADDeviceId": if userless { "00000000-0000-0000-0000-000000000000".into() } else { dice.guid() },
        "azureADRegistered": !userless,
        "udid": dice.guid(),
        "wiFiMacAddress": format!("{:012X}", dice.next() & 0xffff_ffff_ffff),
        "enrolledDateTime": format!("2026-03-{:02}T08:15:42.{:07}Z", 1 + number % 28, dice.below(10_000_000)),
    });
    extend(properties, values);
    properties["azureActiveDirectoryDeviceId"] = properties["azureADDeviceId"].clone();
    properties["aadRegistered"] = json!(!userless);
    properties["hardwareInformation"]["serialNumber"] = json!(serial);
    if spec.traits.contains(&Phone) {
        let values = json!({"imei": imei(dice), "phoneNumber": format!("+4930{:08}", dice.below(100_000_000)), "subscriberCarrier": "Contoso Mobile"});
        extend(properties, values);
    }
}

fn letters(dice: &mut Dice, count: usize) -> String {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    (0..count).map(|_| char::from(ALPHABET[usize::try_from(dice.below(ALPHABET.len() as u64)).unwrap_or(0)])).collect()
}

/// 15 digits, the last a Luhn check digit.
fn imei(dice: &mut Dice) -> String {
    let body = format!("35{:012}", dice.below(1_000_000_000_000));
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = body
        .chars()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(i, d)| if i % 2 == 1 { doubled(d) } else { d })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// Every property of beta at its default. Sentinel dates are as reported.
fn untouched() -> Map<String, Value> {
    let mut properties = Map::new();
    extend(
        &mut properties,
        json!({
            "aadRegistered": null, "activationLockBypassCode": null, "androidSecurityPatchLevel": "", "autopilotEnrolled": false,
            "azureActiveDirectoryDeviceId": "", "azureADDeviceId": "", "azureADRegistered": null, "bootstrapTokenEscrowed": false,
            "chassisType": "unknown", "chromeOSDeviceInfo": [], "cloudPcRemoteActionResults": [],
            "complianceGracePeriodExpirationDateTime": "9999-12-31T23:59:59Z", "complianceState": "compliant",
            "configurationManagerClientEnabledFeatures": null, "configurationManagerClientHealthState": null,
            "configurationManagerClientInformation": null, "deviceCategoryDisplayName": "Unknown",
            "deviceFirmwareConfigurationInterfaceManaged": false, "deviceHealthAttestationState": null, "deviceName": "",
            "easActivated": false, "easActivationDateTime": YEAR_ONE, "easDeviceId": "", "emailAddress": "",
            "enrolledByUserPrincipalName": "", "enrollmentProfileName": "", "ethernetMacAddress": null, "exchangeAccessState": "none",
            "exchangeAccessStateReason": "none", "exchangeLastSuccessfulSyncDateTime": YEAR_ONE, "freeStorageSpaceInBytes": 0,
            "iccid": "", "imei": "", "isEncrypted": true, "jailBroken": "False", "joinType": "unknown", "lostModeState": "disabled",
        }),
    );
    extend(
        &mut properties,
        json!({
            "managedDeviceName": "", "managementCertificateExpirationDate": "2027-03-01T07:15:42Z", "managementFeatures": "none",
            "meid": "", "notes": null, "partnerReportedThreatState": "unknown", "phoneNumber": "", "physicalMemoryInBytes": 0,
            "preferMdmOverGroupPolicyAppliedDateTime": YEAR_ONE, "processorArchitecture": "unknown",
            "remoteAssistanceSessionErrorDetails": null, "remoteAssistanceSessionUrl": null, "requireUserEnrollmentApproval": null,
            "retireAfterDateTime": YEAR_ONE, "roleScopeTagIds": ["0"], "securityPatchLevel": null, "serialNumber": "", "skuFamily": "",
            "skuNumber": 0, "specificationVersion": null, "subscriberCarrier": "", "totalStorageSpaceInBytes": 0, "udid": "",
            "userDisplayName": "", "userId": "", "userPrincipalName": "", "usersLoggedOn": [], "wiFiMacAddress": "",
            "windowsActiveMalwareCount": 0, "windowsRemediatedMalwareCount": 0,
        }),
    );
    properties
}

fn extend(properties: &mut Map<String, Value>, values: Value) {
    if let Value::Object(values) = values {
        properties.extend(values);
    }
}
