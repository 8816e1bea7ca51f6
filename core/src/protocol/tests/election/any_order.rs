//! Whatever happens to three replicas, in any order.

use proptest::prelude::*;

use super::*;

/// What may happen to a replica in a moment.
#[derive(Clone, Copy, Debug)]
enum Luck {
    Fine,
    /// The effect happens, and its answer is lost.
    Unanswered,
    /// It does not happen.
    Failed,
    /// The process dies and is started again.
    Crash,
    /// The process is stopped, and started again once it has let go.
    Stop,
}

fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![
        12 => Just(Luck::Fine),
        1 => Just(Luck::Unanswered),
        1 => Just(Luck::Failed),
        1 => Just(Luck::Crash),
        1 => Just(Luck::Stop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// While etcd is not restored, no two act at once, and once all is well somebody does. A replica does what is due, or is late.
    #[test]
    fn no_two_act_at_once(steps in prop::collection::vec((0_u64..6, 0_usize..3, luck()), 1..300)) {
        let names = ['a', 'b', 'c'];
        let mut replicas = names.map(replica);
        let mut world = World::default();
        let mut now = START;
        for (passed, r, luck) in steps {
            now += passed;
            if matches!(luck, Luck::Crash) || replicas[r].next().is_none() {
                replicas[r] = Election::new(names[r], SignedDuration::from_secs(5), secs(now));
            } else if matches!(luck, Luck::Stop) {
                replicas[r].stop(at(now));
            } else {
                let event = match luck {
                    Luck::Failed => Event::Failed(Why::Unclear),
                    _ => world.carried_out(&replicas[r]),
                };
                let event = if matches!(luck, Luck::Unanswered) { Event::Failed(Why::Unclear) } else { event };
                replicas[r].apply(event, at(now));
            }
            let acting = replicas.iter().filter(|replica| replica.leadership().acts(secs(now))).count();
            prop_assert!(acting <= 1, "{acting} act at {now}: {replicas:#?}");
        }
        for second in now + 1..now + 40 {
            for (replica, name) in replicas.iter_mut().zip(names) {
                if replica.next().is_none() {
                    *replica = Election::new(name, SignedDuration::from_secs(5), secs(second));
                }
                world.turn(replica, second);
            }
        }
        prop_assert!(replicas.iter().any(|replica| replica.leadership().acts(secs(now + 39))));
    }
}
