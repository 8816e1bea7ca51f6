//! Plain data of a managed device, as Intune reports it, and of what a look-up and a look show: no wire format, no rule.

use jiff::Timestamp;

/// What Intune knows of one managed device, as far as this project uses it.
///
/// There is no user and no device name in it: a default device name carries its user's alias, so both stay in the
/// room that talks to Graph. Strings of Graph's enumerations are kept as sent, unknown members included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedDevice {
    /// `id`: Intune's id of the device record.
    pub id: String,
    /// `operatingSystem`, a free string (`iOS`, `Android`, `AndroidForWork`, …).
    pub operating_system: String,
    /// `osVersion`, such as `17.5.1` or `14.4.1 (23E224)`.
    pub os_version: String,
    /// `deviceEnrollmentType`.
    pub enrollment_type: String,
    /// `deviceType` (beta only); empty when absent.
    pub device_type: String,
    /// `managementAgent`; empty when absent.
    pub management_agent: String,
    /// `managedDeviceOwnerType`: `company`, `personal` or `unknown`.
    pub owner_type: String,
    /// `managementState`; empty when absent.
    pub management_state: String,
    /// `model`.
    pub model: String,
    /// `manufacturer`; empty when absent.
    pub manufacturer: String,
    /// `deviceCategoryDisplayName` (single reads only); empty when absent.
    pub category: String,
    /// `enrollmentProfileName` (beta, single reads only); empty when absent.
    pub enrollment_profile: String,
    /// `complianceState` (single reads only), such as `compliant` or `noncompliant`; empty when absent.
    pub compliance_state: String,
    /// Whether `serialNumber` has a value.
    pub has_serial_number: bool,
    /// Whether `userId` or `userPrincipalName` has a value.
    pub has_user: bool,
    /// `isSupervised`; `None` when absent.
    pub is_supervised: Option<bool>,
    /// `hardwareInformation.isSharedDevice` (beta, single reads only); `None` where `hardwareInformation` is missing.
    pub is_shared_device: Option<bool>,
    /// `lastSyncDateTime`; `None` for the sentinels of years 0001 and 9999.
    pub last_sync: Option<Timestamp>,
    /// `enrolledDateTime`; `None` for the sentinels of years 0001 and 9999.
    pub enrolled: Option<Timestamp>,
}

/// One entry of `deviceActionResults`: Intune's record of an action that somebody asked for.
///
/// The `passcode` that Graph puts beside these properties is never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    /// `actionName`, such as `resetPasscode`.
    pub name: String,
    /// `actionState`: none, pending, canceled, active, done, failed, notSupported, or a member added later.
    pub state: String,
    /// `startDateTime`, by Intune's clock; `None` for year 0001, which means "not set".
    pub start: Option<Timestamp>,
    /// `lastUpdatedDateTime`; `None` for year 0001.
    pub last_updated: Option<Timestamp>,
    /// `errorCode`, where the entry's type has one.
    pub error_code: Option<i64>,
}

/// What the look-up of a device found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One device, read on its own.
    One(Box<ManagedDevice>),
    /// None.
    None,
    /// Several.
    Several {
        /// How many, at least.
        total: usize,
        /// At most ten, the latest synchronised first. Taken from a list: `is_shared_device` is not known of them.
        candidates: Vec<ManagedDevice>,
    },
}

/// What a look at Intune's record of a device showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The device's entries.
    Seen {
        /// `deviceActionResults`, of every action, in Graph's order. Empty means that Graph said so.
        results: Vec<ActionResult>,
        /// `enrolledDateTime`; `None` for the sentinels of years 0001 and 9999.
        enrolled: Option<Timestamp>,
        /// `lastSyncDateTime`; `None` for the sentinels of years 0001 and 9999.
        last_sync: Option<Timestamp>,
    },
    /// There is no such device.
    Gone,
}
