//! A history comes to pass, then everything is put in order, and what there is to see is audited.

use std::time::Duration;

use api_server::{On, Snapshot, Stale};
use graph_simulator::{ArrayShape, EXAMPLE_CLIENT, EXAMPLE_SECRET, History as Kept, RESET_PERMISSION, Revocation};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::{Api, api::DeleteParams};
use passcode_core::api::{Time, reset::PasscodeReset};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};
use world::{
    BEGIN, Replica, World,
    objects::{HELPDESK, OPERATOR, reset, tenant, with},
};

use super::{
    draw::AGE,
    event::{Declared, Event, History},
};
use crate::{
    audit::{Terms, audit},
    layers::all_end,
    report::Tally,
};

/// The place of one replica: who runs there now, and the how manieth that is.
struct Slot {
    letter: char,
    clock: SignedDuration,
    starts: usize,
    running: Option<Replica>,
}

impl Slot {
    fn name(&self) -> String {
        format!("{}{}", self.letter, self.starts)
    }
}

struct Stage {
    world: World,
    devices: Vec<(String, String)>,
    slots: Vec<Slot>,
    snapshot: Option<Snapshot>,
    kills: usize,
    /// How far the history's beginning lies behind the world's.
    delayed: SignedDuration,
    secret: String,
}

/// Plays a history to its end.
pub(super) async fn play(history: History) -> Tally {
    let (stage, all_ended) = played(history).await;
    let mut tally = audit(&stage.world, Terms::default());
    assert!(all_ended || !tally.violations.is_empty(), "not all ended, and the audit does not say so");
    tally.kills = stage.kills;
    tally
}

async fn played(history: History) -> (Stage, bool) {
    let bound = bound(&history);
    let events = history.events.clone();
    let mut stage = Stage::set(&history).await;
    let begin = Instant::now();
    for (at, event) in events {
        sleep_until(begin + at).await;
        stage.happens(event).await;
    }
    stage.in_order_again().await;
    let ended = all_end(&stage.world, bound).await;
    for slot in &mut stage.slots {
        if let Some(replica) = slot.running.take() {
            replica.stop().await;
        }
    }
    // What is still under way arrives, if it should be beyond every bound.
    sleep(Duration::from_secs(3600)).await;
    (stage, ended)
}

/// Within what every object has to end: two quarantines, three attempts, the longest pauses of the breaker and of a probe, the device's
/// answer, and a request that lies ahead.
fn bound(history: &History) -> Duration {
    let settled = history.settle_window + Duration::from_secs(60);
    settled * 5 + history.completion_timeout * 2 + Duration::from_secs(2400)
}

impl Stage {
    async fn set(history: &History) -> Self {
        let world = World::empty().await;
        world.create_tenant(with(tenant("default"), history.tenant.clone())).await;
        world.graph.configure(|settings| {
            settings.front_end_offset = history.graph_offset;
            settings.intune_offset = history.intune_offset;
            settings.latency = history.latency;
            settings.token_lifetime = history.token_lifetime;
            settings.history = if history.one_per_action { Kept::OnePerAction } else { Kept::KeepAll };
        });
        let devices = history.devices.iter().map(|device| world.add(device.clone())).collect();
        let slots = ('a'..).zip(&history.replicas).map(|(letter, clock)| Slot {
            letter,
            clock: *clock,
            starts: 0,
            running: None,
        });
        let mut stage = Self {
            slots: slots.collect(),
            world,
            devices,
            snapshot: None,
            kills: 0,
            delayed: SignedDuration::ZERO,
            secret: EXAMPLE_SECRET.to_owned(),
        };
        if history.aged {
            sleep(AGE).await;
        }
        for slot in 0..stage.slots.len() {
            stage.start(slot);
        }
        if history.aged {
            // The first leader of all finds no lease either.
            sleep(history.settle_window + Duration::from_secs(40)).await;
        }
        let begin: Timestamp = BEGIN.parse().unwrap();
        stage.delayed = stage.world.now().duration_since(begin);
        stage
    }

    fn start(&mut self, slot: usize) {
        let slot = &mut self.slots[slot];
        if slot.running.is_none() {
            slot.starts += 1;
            self.world.clock_offset = slot.clock;
            slot.running = Some(self.world.replica(&slot.name()));
        }
    }

    fn caller(&self, slot: usize) -> api_server::Caller {
        self.world.api.caller(&self.slots[slot].name())
    }

    async fn happens(&mut self, event: Event) {
        let graph = self.world.graph.clone();
        match event {
            Event::Declare(declared) => self.declare(&declared).await,
            Event::Delete(name) => {
                let resets: Api<PasscodeReset> = Api::namespaced(self.world.client.clone(), HELPDESK);
                // A restore may have taken it.
                let _ = resets.delete(&name, &DeleteParams::default()).await;
            }
            Event::ByHand(device) => graph.reset_by_hand(&self.devices[device].1, self.world.now()),
            Event::Retire(device) => drop(graph.retire(&self.devices[device].1)),
            Event::Reenrol { device, keep_old } => {
                if let Some(id) = graph.reenroll(&self.devices[device].1, keep_old) {
                    self.devices[device].1 = id;
                }
            }
            Event::CheckIn(device) => graph.check_in(&self.devices[device].1),
            Event::NextLag(device, lag) => {
                graph.change_device(&self.devices[device].1, |device| device.ledger.next_lags.push_back(lag));
            }
            Event::Shape(device, shape) => {
                graph.change_device(&self.devices[device].1, |device| device.ledger.shape = shape);
            }
            Event::GraphGoesWrong(rule) => graph.script(*rule),
            Event::GraphReachable(reachable) => graph.configure(|settings| settings.graph_reachable = reachable),
            Event::EntraReachable(reachable) => graph.configure(|settings| settings.authority_reachable = reachable),
            Event::RevokeTokens => graph.revoke_tokens(EXAMPLE_CLIENT, Revocation::Plain),
            Event::ExpireTokens => graph.expire_tokens(),
            Event::SecretInEntra(secret) => {
                self.secret.clone_from(&secret);
                graph.change_app(EXAMPLE_CLIENT, |app| app.secret = Some(secret));
            }
            Event::SecretInCluster(secret) => self.world.put_secret(OPERATOR, "clientSecret", &secret).await,
            Event::MayReset(may) => self.permit(may),
            Event::Suspend(suspend) => self.world.change_tenant("default", json!({"suspend": suspend})).await,
            Event::Snapshot => self.snapshot = Some(self.world.api.snapshot()),
            Event::Restore => {
                if let Some(snapshot) = self.snapshot.take() {
                    self.world.api.restore(&snapshot);
                }
            }
            event => self.happens_to_a_replica(event).await,
        }
    }

    async fn happens_to_a_replica(&mut self, event: Event) {
        match event {
            Event::Api(slot, which, fault) => {
                let verb = which.verb;
                let on = On::any().when(move |call| verb.is_none_or(|verb| call.verb == verb));
                let on = if which.resource.is_empty() { on } else { on.resource(which.resource) };
                self.caller(slot).fault(on.nth(which.nth).times(which.times), *fault);
            }
            Event::CutOff(slot, cut) if self.slots[slot].running.is_some() => self.caller(slot).cut_off(cut),
            Event::Reconnect(slot) if self.slots[slot].running.is_some() => self.caller(slot).reconnect(),
            Event::Freeze(slot) => self.caller(slot).freeze_watches(),
            Event::Thaw(slot) => self.caller(slot).thaw_watches(),
            Event::WatchesClose(slot) => self.caller(slot).close_watches(),
            Event::WatchExpires(slot) => self.caller(slot).expire_next_watch(),
            Event::WatchEvents(slot, fault, times) => self.caller(slot).on_event(|_| true, times, fault),
            Event::Past(slot, back) => {
                let version = self.world.api.resource_version().saturating_sub(back).max(1);
                self.caller(slot).travel_to(version, Stale::Cached);
            }
            Event::Present(slot) => self.caller(slot).return_to_present(),
            Event::Kill(slot) => {
                if let Some(replica) = self.slots[slot].running.take() {
                    self.kills += 1;
                    replica.kill().await;
                }
            }
            Event::Terminate(slot) => {
                if let Some(replica) = self.slots[slot].running.take() {
                    // What is cut off for good would never come; a process that does not end is killed.
                    let _ = tokio::time::timeout(Duration::from_secs(30), replica.stop()).await;
                }
            }
            Event::Start(slot) => self.start(slot),
            _ => {}
        }
    }

    async fn declare(&self, declared: &Declared) {
        let Declared { name, device, requested, expires, dry_run } = declared;
        let later = |time: Timestamp| Time(time + self.delayed).floor_to_second();
        let mut fields = json!({"dryRun": dry_run, "requestTime": later(*requested).to_string()});
        if let Some(expires) = expires {
            fields["expirationTime"] = later(*expires).to_string().into();
        }
        let object = with(reset(name, &self.devices[*device].0, self.world.now()), fields);
        let object: PasscodeReset = serde_json::from_value(object).unwrap();
        // It is there already, if it was declared again before it was deleted.
        let _ = self.world.resets().create(&kube::api::PostParams::default(), &object).await;
    }

    fn permit(&self, may: bool) {
        self.world.graph.change_app(EXAMPLE_CLIENT, |app| {
            if may {
                app.permissions.insert(RESET_PERMISSION.to_owned());
            } else {
                app.permissions.remove(RESET_PERMISSION);
            }
        });
    }

    /// All faults stop, and a replica runs in every place.
    async fn in_order_again(&mut self) {
        let graph = self.world.graph.clone();
        graph.clear_faults();
        graph.configure(|settings| {
            settings.graph_reachable = true;
            settings.authority_reachable = true;
        });
        // Of all records: one that was enrolled again may have left another behind.
        for device in graph.devices() {
            graph.change_device(&device.id, |device| device.ledger.shape = ArrayShape::Normal);
        }
        self.permit(true);
        let secret = self.secret.clone();
        self.world.put_secret(OPERATOR, "clientSecret", &secret).await;
        self.world.change_tenant("default", json!({"suspend": false})).await;
        for slot in 0..self.slots.len() {
            self.start(slot);
            let caller = self.caller(slot);
            caller.clear_faults();
            caller.reconnect();
            caller.thaw_watches();
            caller.return_to_present();
            // No watch of Kubernetes loses an event for good: one that was dropped, of whatever kind, comes with the list after the
            // connection's end.
            caller.expire_watches();
        }
    }
}
