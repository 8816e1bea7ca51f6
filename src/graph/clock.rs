//! The clock by which exchanges are timed: monotonic, and it goes on while the machine sleeps.

use std::time::Duration;

/// A monotonic clock. Its origin has no meaning; only differences do.
pub trait Clock: Send + Sync {
    /// Time since the origin, including time during which the machine was suspended.
    fn boot(&self) -> Duration;
}

/// `CLOCK_BOOTTIME`: unlike `CLOCK_MONOTONIC` it does not stand still while a virtual machine is suspended, which
/// would make an old `Date` look fresh.
#[derive(Clone, Copy, Debug, Default)]
pub struct BootClock;

impl Clock for BootClock {
    fn boot(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
        Duration::new(seconds, nanoseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_never_runs_backwards() {
        let first = BootClock.boot();
        assert!(first > Duration::ZERO);
        assert!(BootClock.boot() >= first);
    }
}
