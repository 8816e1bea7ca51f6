//! A managed device: its properties as beta names them, its ledger, and what it will answer.

mod examples;

pub use examples::DeviceClass;

use crate::clock::graph_time;
use crate::ledger::{DevicePlan, Ledger};
use crate::settings::Lag;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A record of Intune. Make one with [`Device::example`] and change what the test is about.
#[derive(Clone, Debug)]
pub struct Device {
    /// The managed device's id.
    pub id: String,
    /// Entra tenant; empty: the simulator's first.
    pub tenant: String,
    /// What kind of device it plays.
    pub class: DeviceClass,
    /// All properties of beta's schema (beta-Prod.managedDevice.csdl) but `id` and `deviceActionResults`.
    pub properties: Map<String, Value>,
    /// What it answers to a reset.
    pub plan: DevicePlan,
    /// `deviceActionResults`.
    pub ledger: Ledger,
}

impl Device {
    /// The same id in place of the made-up one.
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = id.to_owned();
        self
    }

    /// In this Entra tenant.
    pub fn in_tenant(mut self, tenant: &str) -> Self {
        self.tenant = tenant.to_owned();
        self
    }

    /// With this serial number, in `hardwareInformation` too.
    pub fn with_serial(mut self, serial: &str) -> Self {
        self.properties["hardwareInformation"]["serialNumber"] = json!(serial);
        self.with("serialNumber", json!(serial))
    }

    /// Of this user: `userPrincipalName`, `emailAddress`, `enrolledByUserPrincipalName`.
    pub fn of_user(self, upn: &str) -> Self {
        let upn = json!(upn);
        self.with("userPrincipalName", upn.clone())
            .with("emailAddress", upn.clone())
            .with("enrolledByUserPrincipalName", upn)
    }

    /// Enrolled at this time.
    pub fn enrolled_at(self, time: Timestamp) -> Self {
        self.with("enrolledDateTime", json!(graph_time(time)))
    }

    /// Any property, by its name in beta's schema.
    pub fn with(mut self, property: &str, value: Value) -> Self {
        self.properties.insert(property.to_owned(), value);
        self
    }

    /// What the device answers to a reset.
    pub fn with_plan(mut self, plan: DevicePlan) -> Self {
        self.plan = plan;
        self
    }

    /// How long its ledger hides new entries.
    pub fn with_lag(mut self, lag: impl Into<Lag>) -> Self {
        self.ledger.lag = Some(lag.into());
        self
    }

    /// A text property; empty if absent or null.
    pub fn text(&self, property: &str) -> &str {
        self.properties.get(property).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its serial number; empty if it has none.
    pub fn serial(&self) -> &str {
        self.text("serialNumber")
    }

    /// `lastSyncDateTime`: as stored, or moved by the device's answers.
    pub(crate) fn last_sync(&self, now: Timestamp, intune_offset: jiff::SignedDuration) -> Value {
        let stored = self.properties.get("lastSyncDateTime").cloned().unwrap_or(Value::Null);
        let Some(answered) = self.ledger.last_answer(now).map(|time| crate::clock::shifted(time, intune_offset)) else {
            return stored;
        };
        let newer = stored.as_str().and_then(|time| time.parse::<Timestamp>().ok()).is_none_or(|time| time < answered);
        if newer { json!(graph_time(answered)) } else { stored }
    }

    /// Gives times to what has none yet.
    pub(crate) fn settle_times(&mut self, intune_now: Timestamp) {
        let two_hours_ago =
            intune_now.checked_sub(std::time::Duration::from_secs(7200)).unwrap_or(Timestamp::UNIX_EPOCH);
        if !self.properties.contains_key("lastSyncDateTime") {
            self.properties.insert("lastSyncDateTime".into(), json!(graph_time(two_hours_ago)));
        }
    }
}
