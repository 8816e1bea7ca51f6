//! Devices to try the tables on.

use crate::platform::{Classification, ManagedDevice, Platform, deciding_row};

/// A managed company device with a user and a serial number, read alone, of which only the rest is to be said.
pub(super) fn device(os: &str, dt: &str, ag: &str, et: &str) -> ManagedDevice {
    ManagedDevice {
        id: "0c6a4ab5-6a6c-4f2c-8a6e-3d2b7d3f1a11".into(),
        operating_system: os.into(),
        device_type: dt.into(),
        management_agent: ag.into(),
        enrollment_type: et.into(),
        owner_type: "company".into(),
        management_state: "managed".into(),
        has_serial_number: true,
        has_user: true,
        is_supervised: Some(false),
        is_shared_device: Some(false),
        ..ManagedDevice::default()
    }
}

/// Changes of a device that read like the documentation.
pub(super) trait But: Sized {
    fn but(self, change: impl FnOnce(&mut ManagedDevice)) -> Self;

    fn state(self, state: &str) -> Self {
        self.but(|d| d.management_state = state.into())
    }

    fn personal(self) -> Self {
        self.but(|d| d.owner_type = "personal".into())
    }

    fn model(self, model: &str) -> Self {
        self.but(|d| d.model = model.into())
    }

    fn no_user(self) -> Self {
        self.but(|d| d.has_user = false)
    }

    fn no_serial(self) -> Self {
        self.but(|d| d.has_serial_number = false)
    }

    fn supervised(self) -> Self {
        self.but(|d| d.is_supervised = Some(true))
    }

    fn shared(self, shared: Option<bool>) -> Self {
        self.but(|d| d.is_shared_device = shared)
    }
}

impl But for ManagedDevice {
    fn but(mut self, change: impl FnOnce(&mut ManagedDevice)) -> Self {
        change(&mut self);
        self
    }
}

/// Every device is decided by this row, as this class, in any letter case.
pub(super) fn row(number: u8, is: Platform, devices: impl IntoIterator<Item = ManagedDevice>) {
    for device in devices {
        for device in [shouted(&device), device] {
            let row = deciding_row(&device);
            assert_eq!((row.number, row.is), (number, Classification::Class(is)), "{device:#?}");
        }
    }
}

fn shouted(device: &ManagedDevice) -> ManagedDevice {
    ManagedDevice {
        operating_system: device.operating_system.to_uppercase(),
        enrollment_type: device.enrollment_type.to_uppercase(),
        device_type: device.device_type.to_uppercase(),
        management_agent: device.management_agent.to_uppercase(),
        owner_type: device.owner_type.to_uppercase(),
        management_state: device.management_state.to_uppercase(),
        model: device.model.to_uppercase(),
        ..device.clone()
    }
}

/// An iPhone under Intune's MDM.
pub(super) fn iphone(et: &str) -> ManagedDevice {
    device("iOS", "iPhone", "mdm", et)
}
