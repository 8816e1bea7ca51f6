//! Many resets at once, for the tests of what holds them back.

use std::ops::Range;

use graph_simulator::DeviceClass;
use kube::{Api, api::ListParams};
use passcode_core::api::reset::PasscodeReset;
use serde_json::{Value, json};
use world::{
    World,
    objects::{reset, tenant},
};

/// A world whose tenant has these limits.
pub async fn with_limits(limits: Value) -> World {
    let world = World::empty().await;
    let mut value = tenant("default");
    value["spec"]["limits"] = limits;
    world.create_tenant(value).await;
    world
}

/// So many resets of phones that answer at once, declared together in one namespace.
pub async fn declare(world: &World, namespace: &str, numbers: Range<u32>) {
    for number in numbers {
        let (serial, _) = world.device(DeviceClass::IPhone, number);
        let mut value = reset(&format!("inc{number}"), &serial, world.now());
        value["metadata"]["namespace"] = json!(namespace);
        world.create(value).await;
    }
}

/// The resets of all namespaces, as they are stored.
pub async fn all(world: &World) -> Vec<PasscodeReset> {
    let all: Api<PasscodeReset> = Api::all(world.client.clone());
    all.list(&ListParams::default()).await.unwrap().items
}
