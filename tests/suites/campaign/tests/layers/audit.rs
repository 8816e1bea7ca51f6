//! The audit finds nothing where nothing is wrong, and it finds what is.

use std::time::Duration;

use campaign::{
    audit::{Terms, audit},
    layers::all_end,
    plan::Plan,
    report::Tally,
};
use graph_simulator::{DeviceClass, Fault, PathClass, Rule};
use world::{World, objects::reset};

const LONG: Duration = Duration::from_secs(3600);

/// Two phones are reset, one after the other has been asked for twice; what `disturb` does is done before.
async fn undisturbed(disturb: impl FnOnce(&World)) -> Tally {
    let world = World::new().await;
    disturb(&world);
    let replica = world.replica("a");
    for (number, name) in [(1, "first"), (1, "second"), (2, "third")] {
        let (serial, _) = match world.graph.devices().iter().find(|d| d.serial().ends_with(&format!("{number}"))) {
            Some(device) => (device.serial().to_owned(), device.id.clone()),
            None => world.device(DeviceClass::IPhone, number),
        };
        world.create(reset(name, &serial, world.now())).await;
    }
    all_end(&world, LONG).await;
    replica.stop().await;
    audit(&world, Terms::default())
}

#[test]
fn an_undisturbed_run_is_clean() {
    let tally = Plan::new("undisturbed", || undisturbed(|_| ())).run();
    assert_eq!(tally.violations, Vec::<String>::new());
    assert_eq!((tally.declared, tally.carried_out, tally.duplicates, tally.lost), (3, 2, 0, 0));
}

#[test]
fn an_object_that_never_ends_is_found() {
    let tally = Plan::new("accepted and never carried out", || {
        undisturbed(|world| {
            // Accepted, and never carried out: the device's record will not show it, and nobody was reset.
            world.graph.script(Rule::on(PathClass::Action, Fault::none().not_executed()));
        })
    })
    .run();
    assert!(tally.lost > 0, "{tally:?}");
}
