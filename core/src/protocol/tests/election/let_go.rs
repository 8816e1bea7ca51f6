//! How the lease is let go.

use super::*;

#[test]
fn how_the_lease_is_let_go() {
    let stop = |replica: &mut Replica, world: &mut World, second: u64| {
        replica.stop(at(second));
        assert!(!replica.leadership().leading);
        if replica.next().is_some() {
            world.turn(replica, second);
        }
        assert_eq!(replica.next(), None);
    };
    let (led, led_in) = leader(START);
    let case = || (led.clone(), led_in.clone());
    // At once.
    let (mut leader, mut world) = case();
    stop(&mut leader, &mut world, START + 2);
    assert_eq!((world.lease().holder, world.lease().renewed), (None, Some(t(START + 2))));
    assert_eq!((world.lease().transitions, world.lease().acquired), (1, Some(t(START))));
    // In the middle of a renewal that happened all the same.
    let (mut leader, mut world) = case();
    leader.apply(Event::Done, at(START + 4));
    leader.apply(Event::Lease(world.stored.clone()), at(START + 4));
    world.carried_out(&leader);
    stop(&mut leader, &mut world, START + 5);
    assert_eq!((world.lease().holder, world.lease().renewed), (None, Some(t(START + 5))));
    // In the middle of taking it.
    let (mut replica, mut world) = (replica('a'), World::default());
    replica.apply(Event::Lease(None), at(START));
    replica.apply(Event::Surveyed(survey(false)), at(START));
    world.carried_out(&replica);
    stop(&mut replica, &mut world, START + 1);
    assert_eq!(world.lease().holder, None);
    // After a standstill, after a restore, and where it is another's: it stays.
    for (second, holder) in [(15, None), (16, Some('a'))] {
        let (mut leader, mut world) = case();
        stop(&mut leader, &mut world, START + second);
        assert_eq!(world.lease().holder, holder, "{second} s");
    }
    // The standstill is after the signal.
    let (mut leader, mut world) = case();
    leader.stop(at(START + 9));
    world.turn(&mut leader, START + 16);
    assert_eq!((leader.next(), world.lease().holder), (None, Some('a')));
    let (mut leader, mut world) = case();
    world.turn(&mut leader, START + 4);
    world.stored.clone_from(&led_in.stored);
    world.version = 100;
    stop(&mut leader, &mut world, START + 5);
    assert_eq!(world.lease().holder, Some('a'));
    let (mut leader, mut world) = case();
    world.stored = Some(Stored { lease: lease(Some('b'), START + 1), version: 100 });
    stop(&mut leader, &mut world, START + 2);
    assert_eq!(world.lease().holder, Some('b'));
    // Where somebody writes all the time, three tries are enough; any other failure ends it.
    for (why, tries) in [(Why::Conflict, 3), (Why::Unclear, 1), (Why::Gone, 1)] {
        let (mut leader, mut world) = case();
        leader.stop(at(START + 1));
        let mut writes = 0;
        while let Some(effect) = leader.next() {
            let event = match effect {
                Effect::Write { .. } => {
                    writes += 1;
                    Event::Failed(why)
                }
                _ => world.carried_out(&leader),
            };
            leader.apply(event, at(START + 1));
        }
        assert_eq!(writes, tries, "{why:?}");
    }
}
