//! The layer has as many plans as it says, and it can fail.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    effect::{Effect, Side},
    plans,
    process::{Brake, Conductor, First},
    stopped::Stop,
};
use crate::layers::Size;

#[test]
fn the_plans_are_distinct_and_many() {
    for (size, least) in [(Size::Full, 1000), (Size::Small, 30)] {
        let plans = plans(size);
        let names: BTreeSet<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
        assert_eq!(names.len(), plans.len(), "{size:?}: no two plans are called the same");
        assert!(plans.len() >= least, "{size:?}: {}", plans.len());
    }
}

/// What the promise does not cover: a process frozen between its last check and the wire for longer than `sendGrace`.
#[test]
fn a_process_that_is_frozen_on_the_wire_for_too_long_is_found() {
    for first in [First::Work, First::Timers] {
        let stop = Stop { effect: Effect::Send, side: Side::Before, seconds: 400, clocks: (0, 0), first };
        let tally = stop.into_plan().run();
        assert_eq!(tally.duplicates, 1, "{tally:?}");
    }
}

/// What the stop of a process is said to be: nothing runs, no timer fires, and then everything is due at once.
#[test]
fn a_stopped_process_stands_still_and_finds_that_time_has_passed() {
    for first in [First::Work, First::Timers] {
        let brake = Arc::new(Brake::default());
        let mut conductor = Conductor::new(brake.clone(), Duration::from_secs(100), first);
        let begun = conductor.before(async { Instant::now() });
        let log: Arc<Mutex<Vec<(&str, u64)>>> = Arc::default();
        let at = move || begun.elapsed().as_secs();
        let (ticks, work) = (log.clone(), log.clone());
        conductor.within(async {
            tokio::spawn(async move {
                loop {
                    sleep(Duration::from_secs(4)).await;
                    ticks.lock().unwrap().push(("tick", at()));
                }
            });
            tokio::spawn(async move {
                sleep(Duration::from_secs(10)).await;
                brake.stop().await;
                work.lock().unwrap().push(("work", at()));
            });
        });
        conductor.run(async { sleep(Duration::from_secs(112)).await });
        let mut expected = [("tick", 4), ("tick", 8), ("work", 110), ("tick", 110)];
        if first == First::Timers {
            expected.swap(2, 3);
        }
        assert_eq!(*log.lock().unwrap(), expected, "{first:?}");
    }
}
