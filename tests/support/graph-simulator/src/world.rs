//! The state of the simulated world.

use crate::clock::{Clock, graph_time, later, shifted};
use crate::devices::Device;
use crate::dice::Dice;
use crate::faults::FaultScript;
use crate::ledger::{Entry, ResetEntry};
use crate::records::{Executed, Records, Refusal};
use crate::settings::Settings;
use crate::store::DeviceStore;
use crate::tenants::{Tenants, Tokens};
use crate::throttle::Throttle;
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

/// An action that a request asked for and that may be carried out.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub device: String,
    pub action: &'static str,
    pub client_request_id: Option<String>,
    pub app: Option<String>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub clock: Clock,
    pub settings: Settings,
    pub tenants: Tenants,
    pub tokens: Tokens,
    pub devices: DeviceStore,
    pub faults: FaultScript,
    pub throttle: Throttle,
    pub records: Records,
    pub dice: Dice,
    scheduled: Vec<(Timestamp, Effect)>,
}

impl World {
    pub fn new(base: Timestamp) -> Self {
        Self {
            clock: Clock::starting_at(base),
            settings: Settings::default(),
            tenants: Tenants::default(),
            tokens: Tokens::default(),
            devices: DeviceStore::default(),
            faults: FaultScript::default(),
            throttle: Throttle::default(),
            records: Records::default(),
            dice: Dice::seeded(0x6772_6170_6873_696d),
            scheduled: Vec::new(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn intune_now(&self) -> Timestamp {
        shifted(self.now(), self.settings.intune_offset)
    }

    pub fn front_end_now(&self) -> Timestamp {
        shifted(self.now(), self.settings.front_end_offset)
    }

    pub fn add_device(&mut self, mut device: Device) {
        if device.tenant.is_empty() {
            device.tenant = self.tenants.first().to_owned();
        }
        device.tenant.make_ascii_lowercase();
        device.settle_times(self.intune_now());
        self.devices.add(device);
    }

    /// The same phone set up again: a new record, a new enrolment, an empty ledger.
    pub fn reenroll(&mut self, id: &str, keep_old: bool) -> Option<String> {
        let mut device = if keep_old { self.devices.get(id)?.clone() } else { self.devices.remove(id)? };
        device.id = self.dice.guid();
        device.ledger.entries.clear();
        let now = json!(graph_time(self.intune_now()));
        device.properties.insert("enrolledDateTime".into(), now.clone());
        device.properties.insert("lastSyncDateTime".into(), now);
        let id = device.id.clone();
        self.devices.add(device);
        Some(id)
    }

    /// Carries out what was put off until now. Everything that looks at the world or changes it comes after this.
    pub fn catch_up(&mut self) {
        let now = self.now();
        let mut due: Vec<_> = Vec::new();
        self.scheduled.retain(|(at, effect)| {
            let is_due = *at <= now;
            if is_due {
                due.push((*at, effect.clone()));
            }
            !is_due
        });
        due.sort_by_key(|(at, _)| *at);
        for (at, effect) in due {
            self.execute(at, &effect);
        }
    }

    pub fn execute_later(&mut self, delay: Duration, effect: Effect) {
        self.scheduled.push((later(self.now(), delay), effect));
    }

    /// Carries an action out: it enters the ground truth at once and the ledger after the lag. A device that is gone gets none.
    pub fn execute(&mut self, at: Timestamp, effect: &Effect) {
        let (lag, secret, intune_offset) =
            (self.settings.ledger_lag, self.settings.passcode.clone(), self.settings.intune_offset);
        let Some(device) = self.devices.get_mut(&effect.device) else {
            return;
        };
        // On Apple devices the passcode is removed: there is no new one.
        let apple = device.text("manufacturer") == "Apple";
        let passcode = (!apple).then(|| device.ledger.passcode.clone().unwrap_or(secret));
        let lag = device.ledger.take_lag(lag);
        let entry = ResetEntry {
            action: effect.action,
            executed_at: at,
            intune_offset,
            lag,
            plan: device.plan.clone(),
            passcode,
        };
        device.ledger.entries.push(Entry::Reset(entry));
        self.records.executed.push(Executed {
            at,
            device: device.id.clone(),
            serial: device.serial().to_owned(),
            action: effect.action.to_owned(),
            client_request_id: effect.client_request_id.clone(),
            app: effect.app.clone(),
        });
    }

    pub fn refuse(&mut self, method: &str, path: &str, reason: impl Into<String>) {
        let refusal =
            Refusal { at: self.now(), method: method.to_owned(), path: path.to_owned(), reason: reason.into() };
        self.records.refusals.push(refusal);
    }
}
