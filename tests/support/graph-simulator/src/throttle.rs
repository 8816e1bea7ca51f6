//! Throttling: sliding windows of 20 seconds per app and tenant, and per tenant.

use crate::settings::Limits;
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Window {
    times: VecDeque<Timestamp>,
    peak: usize,
}

impl Window {
    /// Counts a request. The answer says how long to wait if that was one too many: rejected requests count as well ("all requests
    /// accrue against your usage limits").
    fn count(&mut self, now: Timestamp, limit: Option<usize>) -> Option<Duration> {
        while self.times.front().is_some_and(|&oldest| age(now, oldest) >= WINDOW) {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.peak = self.peak.max(self.times.len());
        let limit = limit?;
        let over = self.times.len().checked_sub(limit).filter(|over| *over > 0)?;
        // So many must leave the window for one more to have room.
        let freed = self.times.get(over).copied().unwrap_or(now);
        Some(WINDOW.saturating_sub(age(now, freed)))
    }
}

fn age(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO)
}

/// The most that any 20 seconds held, throttled requests included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Peaks {
    /// Writes of one app in one tenant.
    pub app_writes: usize,
    /// Requests of one app in one tenant.
    pub app_requests: usize,
}

/// All windows, keyed by tenant, app (empty: all apps) and whether they count writes only.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    windows: HashMap<(String, String, bool), Window>,
}

impl Throttle {
    /// Counts a request, or an item of a batch. `Some`: it is throttled, come back after that time.
    pub fn count(&mut self, limits: &Limits, tenant: &str, app: &str, write: bool, now: Timestamp) -> Option<Duration> {
        let mut waits = vec![
            self.window(tenant, app, false).count(now, limits.app_requests),
            self.window(tenant, "", false).count(now, limits.tenant_requests),
        ];
        if write {
            waits.push(self.window(tenant, app, true).count(now, limits.app_writes));
            waits.push(self.window(tenant, "", true).count(now, limits.tenant_writes));
        }
        waits.into_iter().flatten().max()
    }

    pub fn peaks(&self) -> Peaks {
        let peak = |writes| {
            let windows = self.windows.iter().filter(|((_, app, write), _)| !app.is_empty() && *write == writes);
            windows.map(|(_, window)| window.peak).max().unwrap_or(0)
        };
        Peaks { app_writes: peak(true), app_requests: peak(false) }
    }

    fn window(&mut self, tenant: &str, app: &str, write: bool) -> &mut Window {
        self.windows.entry((tenant.to_owned(), app.to_owned(), write)).or_default()
    }
}
