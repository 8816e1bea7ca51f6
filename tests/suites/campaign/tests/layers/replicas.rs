//! What the end of a replica means to the world: the crash points rest on it.
use std::time::Duration;

use graph_simulator::DeviceClass;
use world::{
    World,
    objects::{OPERATOR, reset},
};

const MINUTE: Duration = Duration::from_secs(60);

fn holder(world: &World) -> String {
    let lease = world.api.object("Lease", OPERATOR, "passcode-operator-leader").unwrap();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_killed_replica_reaches_anybody() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    replica.kill().await;
    let (kubernetes, graph) = (world.api.requests().len(), world.graph.requests().len());
    world.create(reset("inc", &serial, world.now())).await;
    tokio::time::sleep(MINUTE).await;
    assert_eq!(holder(&world), "a", "a killed leader lets nothing go");
    assert_eq!(world.api.requests().iter().skip(kubernetes).filter(|r| r.call.client == "a").count(), 0);
    assert_eq!((world.graph.requests().len(), world.executed(&id)), (graph, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_replica_lets_its_lease_go() {
    let world = World::new().await;
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    replica.stop().await;
    assert_eq!(holder(&world), "");
}
