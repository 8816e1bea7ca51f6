//! From Intune's record of a device to its class: the reading of the table in `rows`.

use super::{
    device::ManagedDevice,
    facts::Facts,
    row::{Classification, Row},
    rows,
};

/// The class of a device: the first row of the table that holds decides.
#[must_use]
pub fn classify(device: &ManagedDevice) -> Classification {
    deciding_row(device).is
}

/// The row that decides the class of a device, for explanations.
#[must_use]
pub fn deciding_row(device: &ManagedDevice) -> &'static Row {
    let facts = Facts::of(device);
    rows::ROWS.iter().find(|row| (row.holds)(&facts)).unwrap_or(&rows::REST)
}

/// The properties that decide the class, as Graph sent them: enough to extend the table by, and nothing about a person.
///
/// The user, the device name and the serial number are never in it; of user and serial number only whether there is one.
#[must_use]
pub fn raw_values(device: &ManagedDevice) -> String {
    let texts = [
        ("operatingSystem", &device.operating_system),
        ("deviceEnrollmentType", &device.enrollment_type),
        ("deviceType", &device.device_type),
        ("managementAgent", &device.management_agent),
        ("managementState", &device.management_state),
        ("managedDeviceOwnerType", &device.owner_type),
        ("model", &device.model),
    ];
    let flags = [
        ("isSupervised", device.is_supervised),
        ("hardwareInformation.isSharedDevice", device.is_shared_device),
        ("has a serial number", Some(device.has_serial_number)),
        ("has a user", Some(device.has_user)),
    ];
    let texts = texts.iter().map(|(name, value)| format!("{name} {}", quoted(value)));
    let flags = flags.iter().map(|(name, value)| match value {
        Some(value) => format!("{name} {value}"),
        None => format!("{name} absent"),
    });
    texts.chain(flags).collect::<Vec<_>>().join(", ")
}

/// A value in quotes with its odd characters escaped, and cut: `model` comes from the device and can hold anything.
fn quoted(value: &str) -> String {
    const LONGEST: usize = 80;
    match value.char_indices().nth(LONGEST) {
        _ if value.is_empty() => "absent".to_owned(),
        None => format!("{value:?}"),
        Some((end, _)) => format!("{:?}…", &value[..end]),
    }
}
