//! The managed devices of all tenants, in the order of their enrolment.

use crate::devices::Device;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Properties that filters name most: they are indexed, or a large tenant would slow every look-up down.
const INDEXED: &[&str] = &["serialNumber", "imei", "azureADDeviceId", "userPrincipalName"];

/// Devices by position (for paging) and by id. Ids are compared without regard to case.
#[derive(Debug, Default)]
pub(crate) struct DeviceStore {
    devices: BTreeMap<u64, Device>,
    positions: HashMap<String, u64>,
    /// Positions by indexed property and lower-case value.
    index: HashMap<(&'static str, String), BTreeSet<u64>>,
    next: u64,
}

impl DeviceStore {
    pub fn add(&mut self, device: Device) {
        self.remove(&device.id);
        let position = self.next;
        self.next += 1;
        self.insert(position, device);
    }

    pub fn get(&self, id: &str) -> Option<&Device> {
        self.devices.get(self.positions.get(&id.to_ascii_lowercase())?)
    }

    /// For changes of the ledger; others go through [`Self::change`].
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Device> {
        self.devices.get_mut(self.positions.get(&id.to_ascii_lowercase())?)
    }

    /// Changes a device, which keeps its place; false if there is none.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Device)) -> bool {
        let Some(&position) = self.positions.get(&id.to_ascii_lowercase()) else {
            return false;
        };
        let Some(mut device) = self.remove(id) else {
            return false;
        };
        change(&mut device);
        self.insert(position, device);
        true
    }

    pub fn remove(&mut self, id: &str) -> Option<Device> {
        let position = self.positions.remove(&id.to_ascii_lowercase())?;
        let device = self.devices.remove(&position)?;
        for key in keys(&device) {
            if let Some(positions) = self.index.get_mut(&key) {
                positions.remove(&position);
            }
        }
        Some(device)
    }

    /// All devices from a position on, with their positions.
    pub fn from(&self, position: u64) -> impl Iterator<Item = (u64, &Device)> {
        self.devices.range(position..).map(|(position, device)| (*position, device))
    }

    /// Likewise, only those with this value, if the property is indexed.
    pub fn with(&self, property: &str, value: &str, position: u64) -> Option<impl Iterator<Item = (u64, &Device)>> {
        let property = INDEXED.iter().copied().find(|indexed| *indexed == property)?;
        let positions = self.index.get(&(property, value.to_ascii_lowercase()));
        let positions = positions.into_iter().flat_map(move |all| all.range(position..));
        Some(positions.filter_map(|position| Some((*position, self.devices.get(position)?))))
    }

    fn insert(&mut self, position: u64, device: Device) {
        self.positions.insert(device.id.to_ascii_lowercase(), position);
        for key in keys(&device) {
            self.index.entry(key).or_default().insert(position);
        }
        self.devices.insert(position, device);
    }
}

fn keys(device: &Device) -> impl Iterator<Item = (&'static str, String)> {
    INDEXED.iter().map(|&property| (property, device.text(property).to_ascii_lowercase()))
}
