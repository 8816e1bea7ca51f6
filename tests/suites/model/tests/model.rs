//! The model, small: the right protocol holds, everything that could be done wrong shows, and the settle window is exact.

use model::{
    explore::{Found, explore},
    setup::Setup,
    variant::Variant,
    worlds,
};

/// More states than any of these worlds has.
const MOST: usize = 3_000_000;

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn holds(name: &str, setup: Setup) {
    let Found { states, broken, complete } = explore(setup, threads(), MOST);
    println!("{name}: {states} states");
    assert!(broken.is_none(), "{name}: {broken:#?}");
    assert!(complete, "{name}: not all of its states were gone through");
}

#[test]
fn the_right_protocol_holds() {
    for (name, setup) in worlds::small() {
        holds(name, setup);
    }
}

#[test]
fn everything_done_wrong_shows() {
    for (variant, setup) in worlds::wrong() {
        let found = explore(setup, threads(), MOST);
        println!("{variant:?}: {:?} after {} states", found.broken.as_ref().map(|(what, _)| what), found.states);
        assert!(found.broken.is_some(), "{variant:?} goes unnoticed in {} states", found.states);
    }
}

/// Safe at `2·S + D + L`, not safe one tick below.
#[test]
fn the_settle_window_is_exact() {
    for (s, d, l) in [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 1, 1)] {
        let edge = worlds::edge(s, d, l);
        holds(&format!("S {s} D {d} L {l}"), edge.clone());
        let short = Setup { variant: Some(Variant::SettleWindowOneTickShort), ..edge };
        assert!(explore(short, threads(), MOST).broken.is_some(), "S {s} D {d} L {l}: a tick less is not too short");
    }
}
