//! Devices and entries of Intune's record to try the machine on.

use super::facts::t;
use crate::platform::{ActionResult, ManagedDevice};

/// Makes a device.
pub(crate) type Make = fn() -> ManagedDevice;

pub(crate) const DEVICE: &str = "0c6a4ab5-6a6c-4f2c-8a6e-3d2b7d3f1a11";

pub(crate) fn device(os: &str, version: &str, dt: &str, ag: &str, et: &str) -> ManagedDevice {
    ManagedDevice {
        id: DEVICE.into(),
        operating_system: os.into(),
        os_version: version.into(),
        device_type: dt.into(),
        management_agent: ag.into(),
        enrollment_type: et.into(),
        owner_type: "company".into(),
        management_state: "managed".into(),
        model: "Model".into(),
        manufacturer: "Maker".into(),
        category: "Phones".into(),
        enrollment_profile: "Profile".into(),
        compliance_state: "compliant".into(),
        has_serial_number: true,
        has_user: true,
        is_supervised: Some(false),
        is_shared_device: Some(false),
        last_sync: Some(t(-60)),
        enrolled: Some(t(-100_000)),
    }
}

/// `RemoveDevicePasscode` by the built-in matrix.
pub(crate) fn iphone() -> ManagedDevice {
    device("iOS", "17.5.1", "iPhone", "mdm", "userEnrollment")
}

/// `ResetDevicePasscode`.
pub(crate) fn fully_managed() -> ManagedDevice {
    device("Android", "14.0", "androidEnterprise", "googleCloudDevicePolicyController", "androidEnterpriseFullyManaged")
}

/// `ResetWorkProfilePasscode`.
pub(crate) fn work_profile() -> ManagedDevice {
    let et = "androidEnterpriseCorporateWorkProfile";
    device("Android", "14.0", "androidEnterprise", "googleCloudDevicePolicyController", et)
}

/// `ResetDevicePin`, which is Graph's `recoverPasscode`.
pub(crate) fn windows_phone() -> ManagedDevice {
    device("Windows Phone", "10.0.15254", "windowsPhone", "mdm", "userEnrollment")
}

/// Unsupported.
pub(crate) fn mac() -> ManagedDevice {
    device("macOS", "14.4.1", "macMDM", "mdm", "userEnrollment")
}

/// Unsupported, with its raw values.
pub(crate) fn unknown() -> ManagedDevice {
    device("BeOS", "5", "toaster", "mdm", "userEnrollment")
}

/// An iPad that could be a shared one.
pub(crate) fn ipad_half_read() -> ManagedDevice {
    ManagedDevice { is_shared_device: None, ..device("iPadOS", "17.5.1", "iPad", "mdm", "appleBulkWithoutUser") }
}

/// An entry `resetPasscode` that started so many seconds after requestTime.
pub(crate) fn entry(state: &str, start: i64) -> ActionResult {
    ActionResult {
        name: "resetPasscode".into(),
        state: state.into(),
        start: Some(t(start)),
        last_updated: None,
        error_code: None,
    }
}

/// The same of another action.
pub(crate) fn entry_of(name: &str, state: &str, start: i64) -> ActionResult {
    ActionResult { name: name.into(), ..entry(state, start) }
}
