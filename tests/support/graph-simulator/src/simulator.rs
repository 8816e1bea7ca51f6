//! The handle that tests hold.

use crate::clock::graph_time;
use crate::devices::Device;
use crate::exchange;
use crate::faults::{PathClass, Rule};
use crate::graph::action::offered;
use crate::ledger::{DevicePlan, Entry};
use crate::records::{Executed, Refusal, RequestRecord, TokenRequest};
use crate::settings::Settings;
use crate::tenants::{App, EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, Revocation};
use crate::throttle::Peaks;
use crate::world::{Effect, World};
use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Why a client gets no whole answer.
#[derive(Debug, Error)]
pub enum ConnectionLost {
    /// No connection could be made: nothing was sent.
    #[error("the connection could not be made")]
    RefusedBeforeSending,
    /// The request was sent; the connection ended before an answer.
    #[error("the connection was lost after the request was sent")]
    LostAfterSending,
    /// The same, by a reset.
    #[error("the connection was reset after the request was sent")]
    Reset,
    /// The head of the answer came, and half of its body.
    #[error("the connection was lost in the middle of the answer")]
    CutBody(Box<Response<Bytes>>),
}

/// Entra and Graph. Clones share one world.
#[derive(Clone, Debug)]
pub struct Simulator {
    world: Arc<Mutex<World>>,
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

impl Simulator {
    /// A world with [`EXAMPLE_TENANT`], in it [`EXAMPLE_CLIENT`] with [`EXAMPLE_SECRET`] and both permissions, and no devices. Its time
    /// begins on 2026-11-22 at nine.
    pub fn new() -> Self {
        Self::starting_at(Timestamp::new(1_795_338_000, 0).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The same world at another time.
    pub fn starting_at(base: Timestamp) -> Self {
        let simulator = Self { world: Arc::new(Mutex::new(World::new(base))) };
        simulator.add_app(EXAMPLE_TENANT, App::new(EXAMPLE_CLIENT).with_secret(EXAMPLE_SECRET));
        simulator
    }

    /// Answers one request, told apart by its host: `https` URI or `Host` header.
    ///
    /// # Errors
    /// When a fault leaves the client without a whole answer.
    pub async fn handle(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ConnectionLost> {
        exchange::exchange(self, request).await
    }

    /// The world as it is now: what was put off until now has happened.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.catch_up();
        world
    }

    /// True time.
    pub fn now(&self) -> Timestamp {
        self.world().now()
    }

    /// Changes the settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.world().settings);
    }

    /// The settings as they are.
    pub fn settings(&self) -> Settings {
        self.world().settings.clone()
    }

    /// Adds an app, and its tenant if that is new.
    pub fn add_app(&self, tenant: &str, app: App) {
        let mut world = self.world();
        world.tenants.add(tenant);
        if let Some(apps) = world.tenants.apps_mut(tenant) {
            apps.push(app);
        }
    }

    /// Changes an app: another secret, other permissions. Tokens that were issued stay as they are.
    pub fn change_app(&self, client_id: &str, change: impl FnOnce(&mut App)) {
        let mut world = self.world();
        let app = world.tenants.all_apps_mut().find(|app| app.client_id == client_id);
        if let Some(app) = app {
            change(app);
        }
    }

    /// Graph no longer accepts the app's tokens as they are.
    pub fn revoke_tokens(&self, client_id: &str, kind: Revocation) {
        let mut world = self.world();
        let now = world.now();
        world.tokens.revoke(client_id, kind, now);
    }

    /// All tokens issued so far run out now.
    pub fn expire_tokens(&self) {
        let mut world = self.world();
        let now = world.now();
        world.tokens.expire_all(now);
    }

    /// Adds a device and tells its id. A device with the same id is replaced.
    pub fn add_device(&self, device: Device) -> String {
        let id = device.id.clone();
        self.world().add_device(device);
        id
    }

    /// A device as it is now.
    pub fn device(&self, id: &str) -> Option<Device> {
        self.world().devices.get(id).cloned()
    }

    /// All devices, in the order of their enrolment.
    pub fn devices(&self) -> Vec<Device> {
        self.world().devices.from(0).map(|(_, device)| device.clone()).collect()
    }

    /// Changes a device; false if there is none with this id.
    pub fn change_device(&self, id: &str, change: impl FnOnce(&mut Device)) -> bool {
        self.world().devices.change(id, change)
    }

    /// The device's record vanishes: reads of it answer 404 from now on.
    pub fn retire(&self, id: &str) -> bool {
        self.world().devices.remove(id).is_some()
    }

    /// The phone is set up again: a new record with the same serial number, enrolled now, its ledger empty. The old record vanishes or
    /// stays behind as a stale duplicate. Tells the new id.
    pub fn reenroll(&self, id: &str, keep_old: bool) -> Option<String> {
        self.world().reenroll(id, keep_old)
    }

    /// From now on the device answers by this plan, also to what it was asked before and has not answered yet.
    pub fn answer_pending(&self, id: &str, plan: DevicePlan) {
        let mut world = self.world();
        let now = world.now();
        world.devices.change(id, |device| {
            let resets = device.ledger.entries.iter_mut().filter_map(|entry| match entry {
                Entry::Reset(reset) if reset.answered_at(now).is_none() => Some(reset),
                _ => None,
            });
            resets.for_each(|reset| reset.plan = plan.clone());
            device.plan = plan;
        });
    }

    /// The device talks to Intune without answering anything: `lastSyncDateTime` is now.
    pub fn check_in(&self, id: &str) {
        let mut world = self.world();
        let now = json!(graph_time(world.intune_now()));
        world.devices.change(id, |device| {
            device.properties.insert("lastSyncDateTime".into(), now);
        });
    }

    /// A person resets the device in the portal, at true time `at`, which may lie in the past.
    pub fn reset_by_hand(&self, id: &str, at: Timestamp) {
        let mut world = self.world();
        let Some(action) = world.devices.get(id).map(offered) else {
            return;
        };
        let effect = Effect { device: id.to_owned(), action, client_request_id: None, app: None };
        world.execute(at, &effect);
    }

    /// Intune loses every element of the device's `deviceActionResults`: nothing documents how long they are kept.
    pub fn lose_entries(&self, id: &str) {
        if let Some(device) = self.world().devices.get_mut(id) {
            device.ledger.entries.clear();
        }
    }

    /// Puts an element into `deviceActionResults`, visible at once; see [`crate::planted`].
    pub fn plant_entry(&self, id: &str, entry: Value) {
        if let Some(device) = self.world().devices.get_mut(id) {
            device.ledger.entries.push(Entry::Planted(entry));
        }
    }

    /// Adds a fault. Rules are tried in the order they were added.
    pub fn script(&self, rule: Rule) {
        self.world().faults.add(rule);
    }

    /// Ends all scripted faults.
    pub fn clear_faults(&self) {
        self.world().faults.clear();
    }

    /// Ground truth: every reset that apps had carried out, in the order of execution.
    pub fn executed(&self) -> Vec<Executed> {
        self.world().records.executed.iter().filter(|executed| executed.app.is_some()).cloned().collect()
    }

    /// Ground truth: every reset by an app or by hand.
    pub fn all_resets(&self) -> Vec<Executed> {
        self.world().records.executed.clone()
    }

    /// Every request that arrived, as long as [`Settings::keep_requests`] was set.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.world().records.requests.clone()
    }

    /// Every request that no documentation covers. A well-behaved client causes none.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.world().records.refusals.clone()
    }

    /// Every `$filter` that was ignored because Intune does not support it.
    pub fn ignored_filters(&self) -> Vec<String> {
        self.world().records.ignored_filters.clone()
    }

    /// Every request for a token that was in order as a form.
    pub fn token_requests(&self) -> Vec<TokenRequest> {
        self.world().records.token_requests.clone()
    }

    /// How many requests of each kind arrived.
    pub fn counts(&self) -> BTreeMap<PathClass, usize> {
        self.world().records.counts.clone()
    }

    /// The most that any 20 seconds held.
    pub fn peaks(&self) -> Peaks {
        self.world().throttle.peaks()
    }
}
