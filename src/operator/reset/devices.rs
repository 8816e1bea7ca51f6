//! Work on one device is serial within this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// One mutex per device that is being worked on.
#[derive(Default)]
pub struct Devices(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Devices {
    /// Waits until nobody else in this process works on the device.
    pub async fn alone_with(&self, device_id: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let mutex = {
            let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            devices.retain(|_, mutex| mutex.strong_count() > 0);
            let slot = devices.entry(device_id.to_lowercase()).or_default();
            slot.upgrade().unwrap_or_else(|| {
                let mutex = Arc::new(tokio::sync::Mutex::new(()));
                *slot = Arc::downgrade(&mutex);
                mutex
            })
        };
        mutex.lock_owned().await
    }
}
