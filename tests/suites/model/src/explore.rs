//! The exploration: stateright goes through every order of what may happen.

use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::{driver::World, environment::Action, setup::Setup, state::State};

/// How long an object may take once nothing goes wrong any more, in ticks.
const ENDS_WITHIN: crate::state::Tick = 120;

/// What has to hold, by the names that discoveries have.
pub const PROMISE: &str = "the promise";
/// See [`PROMISE`].
pub const ENDS: &str = "every object ends";

/// A world to explore.
struct Exploration(Setup);

impl Model for Exploration {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![World::begun(&self.0).state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // What does not hold is the end: no path through it is of any interest.
        if state.broken.is_none() {
            World { setup: &self.0, state: state.clone() }.actions(actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut world = World { setup: &self.0, state: state.clone() };
        world.happen(&action);
        Some(world.state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(PROMISE, |_, state: &State| state.broken.is_none()), Property::always(ENDS, Self::ends)]
    }
}

impl Exploration {
    /// Drives one of so many states to its end.
    fn ends(&self, state: &State) -> bool {
        if state.broken.is_some() || !self.is_driven(state) {
            return true;
        }
        let mut world = World { setup: &self.0, state: state.clone() };
        world.drive_to_end(ENDS_WITHIN) && world.state.broken.is_none()
    }

    fn is_driven(&self, state: &State) -> bool {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        self.0.driven_to_end != 0 && hasher.finish().is_multiple_of(self.0.driven_to_end)
    }
}

/// What an exploration came to.
#[derive(Clone, Debug)]
pub struct Found {
    /// How many states there are, as far as they were gone through.
    pub states: usize,
    /// What does not hold, and the way there, if anything.
    pub broken: Option<(String, Vec<String>)>,
    /// Whether all states were gone through.
    pub complete: bool,
}

/// Goes through a world, up to so many states.
#[must_use]
pub fn explore(setup: Setup, threads: usize, most: usize) -> Found {
    let builder = Exploration(setup).checker().threads(threads).finish_when(HasDiscoveries::AnyFailures);
    let checker = builder.target_state_count(most).spawn_bfs().join();
    let states = checker.unique_state_count();
    let discovery = [PROMISE, ENDS].into_iter().find_map(|name| Some((name, checker.discovery(name)?)));
    let broken = discovery.map(|(name, path)| {
        let last = path.last_state().broken;
        let way = path.into_actions().iter().map(|action| format!("{action:?}")).collect();
        (last.unwrap_or(name).to_owned(), way)
    });
    Found { states, broken, complete: checker.state_count() < most }
}
