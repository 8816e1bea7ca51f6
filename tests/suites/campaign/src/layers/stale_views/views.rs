//! What goes wrong with what a replica sees of the API server, from a moment on and for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use api_server::{ApiServer, Caller, EventFault, EventType, Stale, WatchEvent};
use kube::{Api, api::ObjectMeta};
use passcode_core::api::reset::PasscodeReset;
use serde_json::json;
use tokio::{sync::watch, time::Instant};
use world::{World, objects::HELPDESK};

use crate::trace::Boundary;

/// How long a server stays behind.
const BEHIND: Duration = Duration::from_secs(40);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The watches stand still for so long.
    Frozen(Duration),
    /// The watches stand still; meanwhile what they have not shown yet is compacted away.
    Compacted,
    /// The watches are created again, and are refused as too old.
    Expired,
    /// The watches are created again each minute, and there are no bookmarks to begin from.
    NoBookmarks,
    /// Another server answers, which is behind by this version.
    Behind(Stale),
    /// Another server answers, which knows of nothing that people asked for.
    FarBehind(Stale),
    /// The replica is told to stop, and its successor finds a server that is behind by this version.
    Restarted(Stale),
    /// And one that knows of nothing that people asked for.
    RestartedFarBehind(Stale),
    /// The event of this version.
    Event(EventFault),
    /// All events for so long.
    Unobserved(Duration),
    /// Every event comes after the next one, for so long.
    Reordered(Duration),
    /// The object is deleted and created again at once.
    Recreated,
    /// And that between two looks of the watch.
    RecreatedUnseen,
    /// And both are one event.
    RecreatedMerged,
    /// Planted: the device is gone.
    DeviceGone,
    /// Planted: somebody asks again, for a later time.
    AskedAgain,
    /// Planted: somebody undoes what the operator writes.
    Undone,
}

use View::{
    AskedAgain, Behind, Compacted, DeviceGone, Event, Expired, FarBehind, Frozen, NoBookmarks, Recreated,
    RecreatedMerged, RecreatedUnseen, Reordered, Restarted, RestartedFarBehind, Undone, Unobserved,
};

const SHORT: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_secs(90);

impl View {
    /// All but the planted ones.
    pub const ALL: &[Self] = &[
        Frozen(SHORT),
        Frozen(LONG),
        Compacted,
        Expired,
        NoBookmarks,
        Behind(Stale::Cached),
        Behind(Stale::Lists),
        Behind(Stale::Every),
        FarBehind(Stale::Cached),
        FarBehind(Stale::Lists),
        FarBehind(Stale::Every),
        Restarted(Stale::Cached),
        Restarted(Stale::Lists),
        Restarted(Stale::Every),
        RestartedFarBehind(Stale::Lists),
        RestartedFarBehind(Stale::Every),
        Event(EventFault::Drop),
        Event(EventFault::Merge),
        Event(EventFault::Swap),
        Event(EventFault::Delay(SHORT)),
        Event(EventFault::Delay(LONG)),
        Unobserved(SHORT),
        Unobserved(LONG),
        Reordered(LONG),
        Recreated,
        RecreatedUnseen,
        RecreatedMerged,
    ];

    /// What the comparison has to find.
    pub const PLANTED: &[Self] = &[DeviceGone, AskedAgain, Undone];

    /// Whether it can be told apart from nothing at this version.
    pub fn concerns(self, write: &Boundary) -> bool {
        match self {
            // Nobody watches locks.
            Event(_) => !write.about.contains(" lock "),
            Recreated | RecreatedUnseen | RecreatedMerged => named(&write.about).is_some(),
            _ => true,
        }
    }

    /// Whether an object was deleted and created again.
    pub fn makes_anew(self) -> bool {
        matches!(self, Recreated | RecreatedUnseen | RecreatedMerged)
    }

    /// Whether another process goes on.
    pub fn restarts(self) -> bool {
        matches!(self, Restarted(_) | RestartedFarBehind(_))
    }

    /// Begins, at the very moment at which the version is stored and before anybody has seen it.
    pub fn begin(self, ground: &Ground, about: &str) {
        let (api, caller) = (ground.api.clone(), ground.api.caller("a"));
        let (now, before) = (api.resource_version(), api.resource_version().saturating_sub(1));
        match self {
            Frozen(time) => {
                caller.freeze_watches();
                ground.later(time, move || caller.thaw_watches());
            }
            Compacted => {
                caller.freeze_watches();
                ground.later(SHORT, move || {
                    api.compact(api.resource_version());
                    caller.close_watches();
                    caller.thaw_watches();
                });
            }
            Expired => caller.expire_watches(),
            NoBookmarks => {
                caller.drop_bookmarks(true);
                for minute in 0..5 {
                    let caller = caller.clone();
                    ground.later(Duration::from_secs(60 * minute), move || caller.close_watches());
                }
            }
            Behind(stale) => ground.falls_behind(&caller, before, stale),
            FarBehind(stale) => ground.falls_behind(&caller, ground.nothing_asked, stale),
            Restarted(stale) => ground.restarts(before, stale),
            RestartedFarBehind(stale) => ground.restarts(ground.nothing_asked, stale),
            Event(fault) => {
                caller.on_event(move |event| is_of(event, now), 1, fault);
                // What an object has begun goes on by itself; that there is one has to be heard of some time.
                if about.starts_with("create") {
                    ground.lists_again_after(LONG, &caller);
                }
            }
            Unobserved(time) => {
                let until = Instant::now() + time;
                caller.on_event(move |_| Instant::now() < until, usize::MAX, EventFault::Drop);
                ground.lists_again_after(time, &caller);
            }
            Reordered(time) => {
                let until = Instant::now() + time;
                let odd = AtomicBool::new(false);
                let every_second = move |_: &WatchEvent| !odd.fetch_xor(true, Relaxed) && Instant::now() < until;
                caller.on_event(every_second, usize::MAX, EventFault::Swap);
                ground.lists_again_after(time, &caller);
            }
            Recreated => ground.recreates(about),
            RecreatedUnseen => {
                caller.freeze_watches();
                ground.recreates(about);
                ground.later(SHORT, move || caller.thaw_watches());
            }
            RecreatedMerged => {
                caller.on_event(|event| event.event_type == EventType::Deleted, 1, EventFault::Merge);
                ground.recreates(about);
            }
            DeviceGone | AskedAgain | Undone => self.plant(ground),
        }
    }

    fn plant(self, ground: &Ground) {
        let inc = ground.api.object("PasscodeReset", HELPDESK, "inc").unwrap();
        let device = inc["status"]["device"]["managedDeviceId"].as_str().unwrap().to_owned();
        let object: PasscodeReset = serde_json::from_value(inc).unwrap();
        let resets: Api<PasscodeReset> = Api::namespaced(ground.api.client_named("somebody"), HELPDESK);
        let graph = ground.graph.clone();
        match self {
            DeviceGone => {
                graph.retire(&device);
            }
            AskedAgain => {
                let mut again = recreated(&object);
                again.metadata.name = Some("again".to_owned());
                again.spec.request_time.0 += Duration::from_secs(1_200);
                ground.act(async move {
                    resets.create(&Default::default(), &again).await.unwrap();
                });
            }
            _ => ground.act(async move {
                for _ in 0..8 {
                    tokio::time::sleep(Duration::from_secs(4)).await;
                    let nothing = kube::api::Patch::Merge(json!({"status": {"conditions": null}}));
                    resets.patch_status("inc", &Default::default(), &nothing).await.unwrap();
                }
            }),
        }
    }
}

/// Whether the event shows this version.
fn is_of(event: &WatchEvent, resource_version: u64) -> bool {
    event.object["metadata"]["resourceVersion"].as_str() == Some(&resource_version.to_string())
}

/// Whether the operator goes by versions of what is written: resets, locks, tenants.
pub fn is_gone_by(boundary: &Boundary) -> bool {
    let lock = boundary.about.contains(" lock ") && !boundary.about.starts_with("get");
    lock || named(&boundary.about).is_some() || boundary.about.starts_with("patch intunetenants")
}

/// The reset that a write is about.
fn named(about: &str) -> Option<&str> {
    let said = ["create passcoderesets ", "status of ", "claim of ", "record of ", "outcome of "];
    said.iter().find_map(|said| about.strip_prefix(said))
}

/// An object as it was declared.
fn recreated(object: &PasscodeReset) -> PasscodeReset {
    let metadata = ObjectMeta {
        name: object.metadata.name.clone(),
        namespace: object.metadata.namespace.clone(),
        ..ObjectMeta::default()
    };
    PasscodeReset { metadata, spec: object.spec.clone(), status: None }
}

/// Where views go wrong.
#[derive(Clone)]
pub struct Ground {
    api: ApiServer,
    graph: graph_simulator::Simulator,
    /// The version before people asked for anything.
    nothing_asked: u64,
    restart: watch::Sender<bool>,
    /// How many disturbances are going on.
    going_on: Arc<watch::Sender<usize>>,
}

impl Ground {
    /// That of a world that has just begun.
    pub fn of(world: &World) -> Self {
        Self {
            api: world.api.clone(),
            graph: world.graph.clone(),
            nothing_asked: world.api.resource_version(),
            restart: watch::channel(false).0,
            going_on: Arc::new(watch::channel(0).0),
        }
    }

    /// Waits until everything that has begun is over.
    pub async fn is_calm(&self) {
        // The sender is this ground's own.
        let _ = self.going_on.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Waits until the replica is to be restarted.
    pub async fn restarted(&self) {
        let _ = self.restart.subscribe().wait_for(|restart| *restart).await;
    }

    fn act(&self, what: impl Future<Output = ()> + Send + 'static) {
        let going_on = self.going_on.clone();
        going_on.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            what.await;
            going_on.send_modify(|count| *count -= 1);
        });
    }

    fn later(&self, time: Duration, what: impl FnOnce() + Send + 'static) {
        self.act(async move {
            tokio::time::sleep(time).await;
            what();
        });
    }

    /// No API server loses an event of a watch that goes on. What one has missed is heard of when it is created again, and only then.
    fn lists_again_after(&self, time: Duration, caller: &Caller) {
        let caller = caller.clone();
        self.later(time, move || caller.expire_watches());
    }

    fn falls_behind(&self, caller: &Caller, resource_version: u64, stale: Stale) {
        caller.travel_to(resource_version, stale);
        if stale == Stale::Cached {
            caller.close_watches();
        } else {
            // It lists again, and what it lists is old.
            caller.expire_watches();
        }
        let caller = caller.clone();
        self.later(BEHIND, move || caller.return_to_present());
    }

    fn restarts(&self, resource_version: u64, stale: Stale) {
        let successor = self.api.caller("b");
        successor.travel_to(resource_version, stale);
        self.restart.send_replace(true);
        self.later(BEHIND, move || successor.return_to_present());
    }

    fn recreates(&self, about: &str) {
        let Some(name) = named(about) else { return };
        let object = self.api.object("PasscodeReset", HELPDESK, name).unwrap();
        let object = recreated(&serde_json::from_value(object).unwrap());
        let resets: Api<PasscodeReset> = Api::namespaced(self.api.client_named("gitops"), HELPDESK);
        let name = name.to_owned();
        self.act(async move {
            resets.delete(&name, &Default::default()).await.unwrap();
            resets.create(&Default::default(), &object).await.unwrap();
        });
    }
}
