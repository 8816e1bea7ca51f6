//! The model as a layer: its large worlds, every variant, and the settle window at every edge (`tests/suites/model`).

use model::{
    explore::{Found, explore},
    setup::Setup,
    variant::Variant,
    worlds,
};

use super::Size;
use crate::report::{Report, Tally};

/// The layer's name.
pub const NAME: &str = "model";
/// More states than any world has that is gone through to the last, each counted as often as a way leads to it.
const ALL_OF_THEM: usize = 100_000_000;
/// How many states of a large world are gone through, counted like that.
const LARGE: usize = 20_000_000;

/// Explores, and says of each world how far.
#[must_use]
pub fn run(size: Size) -> Report {
    let mut layer = Layer::default();
    for (name, setup) in worlds::small() {
        layer.holds(name, setup, ALL_OF_THEM, true);
    }
    for (variant, setup) in worlds::wrong() {
        layer.shows(&format!("{variant:?}"), setup);
    }
    if size == Size::Full {
        for (s, d, l) in (0..27).map(|n| (n / 9, n / 3 % 3, n % 3)) {
            layer.exact(s, d, l);
        }
        for (name, setup) in worlds::large() {
            layer.holds(name, setup, LARGE, false);
        }
    }
    Report { layer: NAME.to_owned(), plans: layer.plans, seeds: None, tally: layer.tally }
}

#[derive(Default)]
struct Layer {
    plans: usize,
    tally: Tally,
}

impl Layer {
    fn explore(&mut self, name: &str, setup: Setup, most: usize) -> Found {
        self.plans += 1;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let found = explore(setup, threads, most);
        let far = if found.complete { "all" } else { "the first" };
        let what = found.broken.as_ref().map_or_else(|| "holds".to_owned(), |(what, _)| what.clone());
        println!("    {name}: {far} {} states, {what}", found.states);
        found
    }

    fn holds(&mut self, name: &str, setup: Setup, most: usize, to_the_last: bool) {
        let found = self.explore(name, setup, most);
        if let Some((what, way)) = found.broken {
            self.tally.violations.push(format!("{name}: {what}: {}", way.join(" ")));
        } else if to_the_last && !found.complete {
            self.tally.violations.push(format!("{name}: not all states were gone through"));
        }
    }

    fn shows(&mut self, name: &str, setup: Setup) {
        if self.explore(name, setup, ALL_OF_THEM).broken.is_none() {
            self.tally.violations.push(format!("{name} goes unnoticed"));
        }
    }

    /// Safe at the bound, not safe a tick below, where there is one.
    fn exact(&mut self, s: i16, d: i16, l: i16) {
        let edge = worlds::edge(s, d, l);
        self.holds(&format!("S {s} D {d} L {l}"), edge.clone(), ALL_OF_THEM, true);
        if s + d + l > 0 {
            let short = Setup { variant: Some(Variant::SettleWindowOneTickShort), ..edge };
            self.shows(&format!("S {s} D {d} L {l}, a tick short"), short);
        }
    }
}
