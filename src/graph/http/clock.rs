//! The machine's clocks: a monotonic one that times exchanges, and the wall clock.

use std::time::Duration;

use jiff::Timestamp;

/// The machine's clocks, as a trait so that tests can put their own in their place.
pub trait Clock: Send + Sync {
    /// Time since an arbitrary origin: monotonic, and it goes on while the machine is suspended.
    fn boot(&self) -> Duration;

    /// The wall clock. It may be wrong.
    fn wall(&self) -> Timestamp;
}

/// `CLOCK_BOOTTIME`, which unlike `CLOCK_MONOTONIC` does not stop while a virtual machine is suspended and make an
/// old `Date` look fresh; and the system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn boot(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
        Duration::new(seconds, nanoseconds)
    }

    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_never_runs_backwards() {
        let first = SystemClock.boot();
        assert!(first > Duration::ZERO);
        assert!(SystemClock.boot() >= first);
    }
}
