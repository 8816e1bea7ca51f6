//! What one app may ask of Graph in one tenant, and what it has asked: shared by all clients of that app.
//!
//! Reads and resets have windows of their own, so that a reset never waits because of reads: Graph admits so many requests of any kind
//! in 20 s, of which so many may be writes, and reads get what is left. Of that, in turn, what each reset needs is reserved.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    configured::{Limits, READS_OF_A_RESET, SPAN},
    fair_queue::FairQueue,
    priority::Priority,
    window::{Throttle, Wait, Window},
};
use crate::graph::http::Clock;

const HOUR: Duration = Duration::from_secs(3600);
/// How long a reservation waits for capacity before the reset is queued: a shorter wait is not worth a status write.
const RESERVE_WAIT: Duration = Duration::from_millis(250);
/// How soon to check again while one request alone tries whether a 429 still holds.
const TRIAL_CHECK: Duration = Duration::from_millis(250);
/// How long before there is capacity a reset begins to get ready: it waits again before it is sent. Otherwise each 20 s would be longer
/// by what a look, a lock and a claim take.
const PREPARATION: Duration = Duration::from_millis(500);
/// How long after its lock a reset is sent, at most, in the usual course of things.
const LOCK_TO_SEND: Duration = Duration::from_millis(1500);
/// How many times faster than in the long run resets may be sent for a while. If all were sent at once, a 429 would come too late for
/// most of them.
const BURST: usize = 4;
/// The same where others use part of the limit.
const SHARED_BURST: usize = 1;

/// Which limit holds a reset back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// `resetsPerHour`.
    Hour,
    /// The limit of any 20 s, or what others left of it.
    Window,
    /// Graph asked to wait.
    Paused,
    /// Others are ahead in the queue.
    Queue,
}

/// What one app spends in one tenant.
pub struct Budget {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reads: Window,
    resets: Window,
    /// When the resets of the last hour were sent, ascending.
    hour: VecDeque<Duration>,
    /// Resets that are promised and not sent.
    promised: usize,
    queue: FairQueue<Waiter>,
    /// When the queue is served again, if nothing happens before.
    alarm: Option<Duration>,
    /// When the next following read is due at an even pace.
    even: Duration,
    /// When the next reset may go.
    next_reset: Duration,
}

struct Waiter {
    limits: Limits,
    tell: oneshot::Sender<Reservation>,
}

/// Capacity for one reset. Dropped unsent, it is given back.
#[must_use]
pub struct Reservation {
    budget: Arc<Budget>,
    limits: Limits,
    /// From when on there is capacity.
    ready: Duration,
    sent: Option<Duration>,
    ended: bool,
}

impl Budget {
    /// Nothing is spent yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    /// Counts a reset whose device lock an earlier process took so long ago.
    pub fn sent_by_another(&self, ago: Duration) {
        let ago = ago.saturating_sub(LOCK_TO_SEND);
        let at = self.clock.boot().saturating_sub(ago);
        let mut state = self.state();
        if ago < SPAN {
            state.resets.sent_by_another(at);
            for _ in 0..READS_OF_A_RESET {
                state.reads.sent_by_another(at);
            }
        }
        if ago < HOUR {
            state.reset_of_the_hour(at);
        }
    }

    /// Counts the reads of a process that asked until a moment ago, and may have asked as much as it was allowed to; those of its resets
    /// are counted with them.
    pub fn read_by_another(&self, limits: &Limits) {
        let now = self.clock.boot();
        let reads = limits.reads() - limits.kept_for_resets();
        let mut state = self.state();
        for number in 0..count(reads) {
            let left = SPAN * number / count(reads);
            state.reads.sent_by_another((now + left).saturating_sub(SPAN));
        }
    }

    /// Capacity for a reset, if there is some within [`RESERVE_WAIT`] and the queue is empty.
    ///
    /// # Errors
    /// What it is held back by.
    pub async fn reserve_soon(self: &Arc<Self>, limits: Limits) -> Result<Reservation, Full> {
        let end = self.clock.boot() + RESERVE_WAIT;
        loop {
            let now = self.clock.boot();
            let wait = {
                let mut state = self.state();
                let others = !state.queue.is_empty();
                match state.capacity(&limits, now) {
                    Ok(_) if others => return Err(Full::Queue),
                    Ok(ready) => return Ok(self.reservation(&mut state, limits, ready, now)),
                    Err((_, Wait::Until(at))) if at <= end && !others => at.saturating_sub(now),
                    Err((full, _)) => return Err(full),
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Capacity for a reset, once it is this one's turn: parties take turns, and within one the oldest comes first.
    pub async fn reserve(self: &Arc<Self>, limits: Limits, party: &str, age: Timestamp) -> Reservation {
        loop {
            let (tell, told) = oneshot::channel();
            self.state().queue.push(party, age, Waiter { limits, tell });
            self.serve();
            // The queue never drops a waiter unserved; queueing again would be right if it did.
            if let Ok(reservation) = told.await {
                return reservation;
            }
        }
    }

    /// Capacity for the same reset once more, ahead of all others: its claim ends soon.
    pub(in crate::graph) async fn reserve_again(self: &Arc<Self>, limits: Limits) -> Reservation {
        loop {
            let now = self.clock.boot();
            let wait = {
                let mut state = self.state();
                match state.capacity(&limits, now) {
                    Ok(ready) => return self.reservation(&mut state, limits, ready, now),
                    Err((_, wait)) => pause(wait, now),
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes capacity for a read. Reads that follow a reset get it at an even pace only, never in bursts.
    pub(super) fn read(&self, limits: &Limits, priority: Priority) -> Result<(), Wait> {
        let now = self.clock.boot();
        let limit = limits.reads();
        let mut state = self.state();
        let burst = SPAN / 20;
        let even = priority == Priority::Follow;
        if even && state.even > now + burst {
            return Err(Wait::Until(state.even.saturating_sub(burst)));
        }
        let spare = if priority == Priority::Reset { 0 } else { limits.kept_for_resets() };
        state.reads.take(limit, spare, now)?;
        if even {
            state.even = state.even.max(now) + SPAN / count(limit - spare);
        }
        Ok(())
    }

    /// A read that had taken capacity came to its end; `throttle`: by a 429.
    pub(super) fn was_read(&self, limits: &Limits, throttle: Option<Throttle>) {
        let now = self.clock.boot();
        let mut state = self.state();
        match throttle {
            Some(Throttle { sent, retry_after }) => {
                state.reads.throttled(limits.reads(), sent, now, retry_after);
            }
            None => state.reads.answered(now),
        }
    }

    /// How long no read may be sent because Graph asked for a pause.
    pub(super) fn reads_paused(&self) -> Option<Duration> {
        self.state().reads.paused(self.clock.boot())
    }

    /// Takes the capacity that was found.
    fn reservation(self: &Arc<Self>, state: &mut State, limits: Limits, ready: Duration, now: Duration) -> Reservation {
        state.promise(&limits, now);
        Reservation { budget: self.clone(), limits, ready, sent: None, ended: false }
    }

    /// Serves the queue while there is capacity, and sets the alarm for the next one in it.
    fn serve(self: &Arc<Self>) {
        let now = self.clock.boot();
        let mut served = Vec::new();
        {
            let mut state = self.state();
            loop {
                state.queue.skip(|waiter| waiter.tell.is_closed());
                let Some(limits) = state.queue.head().map(|waiter| waiter.limits) else { break };
                match state.capacity(&limits, now) {
                    Ok(ready) => {
                        let Some(waiter) = state.queue.pop() else { break };
                        served.push((waiter.tell, self.reservation(&mut state, limits, ready, now)));
                    }
                    Err((_, Wait::Until(at))) => {
                        self.set_alarm(&mut state, at, now);
                        break;
                    }
                    Err((_, Wait::Answer)) => break,
                }
            }
        }
        for (tell, reservation) in served {
            // Where the waiter is gone, the reservation is dropped, which gives its capacity back.
            let _ = tell.send(reservation);
        }
    }

    fn set_alarm(self: &Arc<Self>, state: &mut State, at: Duration, now: Duration) {
        if state.alarm.is_some_and(|alarm| alarm > now && alarm <= at) {
            return;
        }
        // Without a runtime there is no task that waits.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        state.alarm = Some(at);
        let budget = Arc::downgrade(self);
        runtime.spawn(async move {
            tokio::time::sleep(at.saturating_sub(now)).await;
            if let Some(budget) = budget.upgrade() {
                budget.state().alarm.take_if(|alarm| *alarm == at);
                budget.serve();
            }
        });
    }

    /// The boot time by which capacity is counted.
    pub(super) fn boot(&self) -> Duration {
        self.clock.boot()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX).max(1)
}

/// How long a wait is; one that ends with an answer is checked every second.
fn pause(wait: Wait, now: Duration) -> Duration {
    match wait {
        Wait::Until(at) => at.saturating_sub(now),
        Wait::Answer => Duration::from_secs(1),
    }
}

impl State {
    /// From when on there is capacity for a reset, if that is soon enough to get ready for it.
    fn capacity(&mut self, limits: &Limits, now: Duration) -> Result<Duration, (Full, Wait)> {
        while self.hour.front().is_some_and(|at| *at + HOUR <= now) {
            self.hour.pop_front();
        }
        // Each reset needs a read under its lock.
        let paused = self.resets.paused(now).max(self.reads.paused(now));
        if let Some(paused) = paused {
            return Err((Full::Paused, Wait::Until(now + paused)));
        }
        let over = (self.hour.len() + self.promised + 1).saturating_sub(limits.resets_per_hour.max(1));
        if over > 0 {
            let wait = self.hour.get(over - 1).map_or(Wait::Answer, |at| Wait::Until(*at + HOUR));
            return Err((Full::Hour, wait));
        }
        let ready = match self.resets.capacity(limits.resets(), 0, now) {
            Ok(()) => now,
            Err(Wait::Until(at)) if at <= now + PREPARATION => at,
            Err(Wait::Until(at)) => return Err((Full::Window, Wait::Until(at - PREPARATION))),
            Err(Wait::Answer) => return Err((Full::Window, Wait::Answer)),
        };
        if now < self.next_reset {
            return Err((Full::Queue, Wait::Until(self.next_reset)));
        }
        Ok(ready)
    }

    fn promise(&mut self, limits: &Limits, now: Duration) {
        self.promised += 1;
        self.resets.promise();
        let burst = if self.resets.is_shared() { SHARED_BURST } else { BURST };
        let gap = SPAN / count(burst * self.resets.allowed(limits.resets(), now));
        self.next_reset = self.next_reset.max(now) + gap;
    }
}

impl Reservation {
    /// How long it must not be sent yet, because there is no capacity yet or Graph asked for a pause; zero: it may be sent.
    pub(in crate::graph) fn held_back(&self) -> Duration {
        let now = self.budget.clock.boot();
        let state = self.budget.state();
        let paused = state.resets.paused(now).unwrap_or_default();
        let under_way = state.resets.open() > state.promised;
        let trial = if state.resets.is_on_trial() && under_way { TRIAL_CHECK } else { Duration::ZERO };
        paused.max(trial).max(self.ready.saturating_sub(now))
    }

    /// It is sent now, and counts from here on.
    pub(in crate::graph) fn begin(&mut self) {
        let now = self.budget.clock.boot();
        let mut state = self.budget.state();
        state.promised = state.promised.saturating_sub(1);
        state.reset_of_the_hour(now);
        self.sent = Some(now);
    }

    /// Graph throttled it; returns how long nothing is sent.
    pub(in crate::graph) fn throttled(mut self, retry_after: Option<Duration>) -> Duration {
        let Some(sent) = self.sent else { return Duration::ZERO };
        let now = self.budget.clock.boot();
        self.ended = true;
        let pause = {
            let mut state = self.budget.state();
            state.no_reset(sent);
            state.resets.throttled(self.limits.resets(), sent, now, retry_after)
        };
        self.budget.serve();
        pause
    }

    /// It was sent, and certainly nothing was executed: it does not count as a reset of this hour.
    pub(in crate::graph) fn without_a_reset(&self) {
        if let Some(sent) = self.sent {
            self.budget.state().no_reset(sent);
        }
    }
}

impl State {
    fn reset_of_the_hour(&mut self, at: Duration) {
        let position = self.hour.partition_point(|earlier| *earlier <= at);
        self.hour.insert(position, at);
    }

    fn no_reset(&mut self, sent: Duration) {
        if let Some(position) = self.hour.iter().position(|at| *at == sent) {
            self.hour.remove(position);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        {
            let now = self.budget.clock.boot();
            let mut state = self.budget.state();
            match self.sent {
                Some(_) => state.resets.answered(now),
                None => {
                    state.resets.give_back();
                    state.promised = state.promised.saturating_sub(1);
                }
            }
        }
        self.budget.serve();
    }
}
