//! What people and phones do while something goes wrong with the operator: each scenario has an end that is known from its undisturbed
//! run.

use std::time::Duration;

use api_server::{Ruling, denied_by_policy};
use futures::future::LocalBoxFuture;
use graph_simulator::{DeviceClass, DevicePlan, Fault, PathClass, RetryAfter, Rule, planted};
use serde_json::json;
use world::{
    World,
    objects::{reset, with},
};

/// What is set up, and what people do.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// By which it is found again.
    pub name: &'static str,
    /// The phones, and what Graph answers.
    stage: fn(&World),
    /// What people do, from the start of the operator on.
    pub people: for<'w> fn(&'w World) -> LocalBoxFuture<'w, ()>,
    /// When the first replica is told to stop.
    pub handed_over: Option<Duration>,
    /// How long the world goes on after the last object has ended.
    pub afterwards: Duration,
}

const DEFAULT: Scenario = Scenario {
    name: "",
    stage: |_| (),
    people: |_| Box::pin(async {}),
    handed_over: None,
    afterwards: Duration::from_secs(30),
};

impl Scenario {
    /// The world that it begins in.
    pub async fn world(&self) -> World {
        let world = World::new().await;
        world.graph.configure(|settings| settings.latency = Duration::from_millis(200));
        (self.stage)(&world);
        world
    }
}

/// The scenarios.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "happy path",
        stage: |world| phone(world, 1),
        people: |world| Box::pin(asked(world, &[("inc", 1)])),
        ..DEFAULT
    },
    Scenario {
        name: "unsupported platform",
        stage: |world| {
            world.device(DeviceClass::MacBook, 1);
        },
        people: |world| Box::pin(asked(world, &[("inc", 1)])),
        ..DEFAULT
    },
    Scenario {
        name: "unknown device",
        people: |world| {
            Box::pin(async {
                world.create(reset("inc", "F9FNOBODYS", world.now())).await;
            })
        },
        ..DEFAULT
    },
    Scenario {
        name: "throttled and refused",
        stage: |world| {
            [1, 2].into_iter().for_each(|number| phone_with_history(world, number));
            let wait = Duration::from_secs(3);
            script(world, 1, |rule| rule.times(2), Fault::throttled(wait, RetryAfter::Seconds));
            script(world, 2, |rule| rule, Fault::refused_by_intune());
        },
        people: |world| Box::pin(asked(world, &[("throttled", 1), ("refused", 2)])),
        ..DEFAULT
    },
    Scenario {
        name: "ambiguous answers",
        stage: |world| {
            [1, 2].into_iter().for_each(|number| phone_with_history(world, number));
            script(world, 1, Rule::once, Fault::status(503).executed());
            script(world, 2, Rule::once, Fault::html(504));
        },
        people: |world| Box::pin(asked(world, &[("executed", 1), ("not", 2)])),
        ..DEFAULT
    },
    Scenario {
        name: "connection dropped",
        stage: |world| {
            [1, 2, 3].into_iter().for_each(|number| phone_with_history(world, number));
            script(world, 1, Rule::once, Fault::hang().executed());
            script(world, 2, Rule::once, Fault::reset());
            script(world, 3, Rule::once, Fault::connection_refused());
        },
        people: |world| Box::pin(asked(world, &[("executed", 1), ("not", 2), ("unsent", 3)])),
        ..DEFAULT
    },
    Scenario {
        name: "the device fails",
        stage: |world| {
            phone_with_history(world, 1);
            plan(world, 1, DevicePlan::failing(-2_016_281_111, Duration::from_secs(40)));
        },
        people: |world| Box::pin(asked(world, &[("inc", 1)])),
        ..DEFAULT
    },
    Scenario {
        name: DELETED,
        stage: |world| {
            phone_with_history(world, 1);
            plan(world, 1, DevicePlan::never());
        },
        people: |world| {
            Box::pin(async {
                asked(world, &[("inc", 1)]).await;
                let sent = |status: &passcode_core::api::reset_status::PasscodeResetStatus| status.attempt.is_some();
                // A lock whose holder died holds its successor up for a settle window.
                world.until("inc", Duration::from_secs(1_200), sent).await;
                tokio::time::sleep(Duration::from_secs(3)).await;
                world.resets().delete("inc", &Default::default()).await.unwrap();
            })
        },
        // Longer than anything that was begun may go on.
        afterwards: Duration::from_secs(400),
        ..DEFAULT
    },
    Scenario {
        name: "two objects, one device",
        stage: |world| phone_with_history(world, 1),
        people: |world| Box::pin(asked(world, &[("first", 1), ("second", 1)])),
        ..DEFAULT
    },
    Scenario {
        name: "scheduled and expired",
        stage: |world| [1, 2].into_iter().for_each(|number| phone_with_history(world, number)),
        people: |world| {
            Box::pin(async {
                let (later, old) = (serial(world, 1), serial(world, 2));
                let tomorrow = world.now() + Duration::from_secs(90_000);
                world.create(reset("later", &later, world.now() + Duration::from_secs(75))).await;
                world.create(reset("old", &old, world.now() - Duration::from_secs(90_000))).await;
                let dry = with(reset("dry", &old, tomorrow), json!({"dryRun": true}));
                world.create(dry).await;
            })
        },
        ..DEFAULT
    },
    Scenario {
        name: "denied and held",
        stage: |world| {
            [1, 2, 3].into_iter().for_each(|number| phone_with_history(world, number));
            deny(world, &[("denied", "no"), ("held", "hold: the window opens later")]);
        },
        people: |world| {
            Box::pin(async {
                asked(world, &[("denied", 1), ("held", 2), ("free", 3)]).await;
                tokio::time::sleep(Duration::from_secs(150)).await;
                deny(world, &[("denied", "no")]);
            })
        },
        ..DEFAULT
    },
    Scenario {
        name: "handed over",
        stage: |world| {
            [1, 2].into_iter().for_each(|number| phone_with_history(world, number));
            script(world, 2, Rule::once, Fault::none().slow(Duration::from_secs(3)));
        },
        people: |world| Box::pin(asked(world, &[("one", 1), ("two", 2)])),
        handed_over: Some(Duration::from_millis(1_700)),
        ..DEFAULT
    },
    Scenario {
        name: SWEEP,
        stage: |world| phone(world, 1),
        people: |world| Box::pin(asked(world, &[("inc", 1)])),
        // A lock is kept for an hour, and swept every five minutes.
        afterwards: Duration::from_secs(3_960),
        ..DEFAULT
    },
];

/// The scenario in which people delete what was sent.
pub const DELETED: &str = "deleted in flight";
/// The scenario of which only the hour after its end counts.
pub const SWEEP: &str = "swept an hour later";

/// Of no layer: a tenant whose settle window is far shorter than its ledger's lag. A request whose answer nobody heard is repeated.
pub const SHORT_SIGHTED: Scenario = Scenario {
    name: "a settle window that is too short",
    stage: |world| {
        world.graph.configure(|settings| settings.ledger_lag = Duration::from_secs(100).into());
        phone_with_history(world, 1);
    },
    people: |world| {
        Box::pin(async {
            let timing = json!({"clockError": "1s", "sendGrace": "10s", "ledgerLag": "5s", "ledgerClockError": "2m"});
            world.change_tenant("default", json!({ "timing": timing })).await;
            asked(world, &[("inc", 1)]).await;
        })
    },
    ..DEFAULT
};

fn phone(world: &World, number: u32) {
    world.device(DeviceClass::IPhone, number);
}

/// A phone that was locked from afar before: this tenant's ledger is seen to work.
fn phone_with_history(world: &World, number: u32) {
    let (_, id) = world.device(DeviceClass::IPhone, number);
    world.graph.plant_entry(&id, planted::remote_lock("2026-11-01T08:00:00.1234567Z", "1234"));
}

/// The phones by their number: they are enrolled in its order.
fn id(world: &World, number: usize) -> String {
    world.graph.devices()[number - 1].id.clone()
}

fn serial(world: &World, number: usize) -> String {
    world.graph.devices()[number - 1].serial().to_owned()
}

fn plan(world: &World, number: usize, plan: DevicePlan) {
    world.graph.change_device(&id(world, number), |device| device.plan = plan);
}

/// What Graph answers to the requests that reset this phone.
fn script(world: &World, number: usize, which: fn(Rule) -> Rule, fault: Fault) {
    world.graph.script(which(Rule::on(PathClass::Action, fault).device(&id(world, number))));
}

/// A policy of the cluster denies the claims of these objects, in these words.
fn deny(world: &World, whom: &'static [(&'static str, &'static str)]) {
    world.api.admission(|review| {
        let claimed = |object: &serde_json::Value| object["status"]["attempt"]["id"].clone();
        let word = whom.iter().find(|(name, _)| *name == review.name);
        match word.filter(|_| claimed(review.object) != claimed(review.old)) {
            Some((_, word)) => Ruling::Deny(denied_by_policy(422, "ours", word).boxed()),
            None => Ruling::Admit,
        }
    });
}

/// A moment after the operator's start these are asked for.
async fn asked(world: &World, objects: &[(&str, usize)]) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (name, number) in objects {
        world.create(reset(name, &serial(world, *number), world.now())).await;
    }
}
