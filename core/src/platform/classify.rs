//! From Intune's record of a device to its class: the reading of the table in `rows`.

use super::{certainty::Certainty, class::Platform, device::ManagedDevice, facts::Facts, rows};

/// What the table makes of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Classification {
    /// The device is of this class.
    Class(Platform),
    /// The record lacks what decides: an iPad whose `hardwareInformation` was not read. Read the device again, alone.
    CannotTellYet,
}

/// One row of the table: if it holds, and no row before it does, the device is what it says.
#[derive(Debug)]
pub struct Row {
    /// The row's number in the documentation. Rows that lead to several classes are written as several.
    pub number: u8,
    /// Whether the row speaks of this device.
    pub(super) holds: fn(&Facts<'_>) -> bool,
    /// What the device then is.
    pub is: Classification,
    /// How sure that is; none where the row only refuses.
    pub certainty: Option<Certainty>,
    /// Why, with the source.
    pub because: &'static str,
}

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
