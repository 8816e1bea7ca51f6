//! The machine's clocks, at one place so that tests can put their own there.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::graph;

/// The wall clock dates what people read; the boot clock measures what passes.
pub trait Clock: graph::Clock {
    /// The wall clock. It may be wrong.
    fn wall(&self) -> Timestamp;
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl graph::Clock for SystemClock {
    fn boot(&self) -> Duration {
        graph::BootClock.boot()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }
}
