//! The scheduler of reads: the most urgent first, within the budget, and so many at once.
//!
//! Each read is a call of its own, made by the task that asks for it. A reset never passes here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    budget::Budget,
    configured::Limits,
    priority::Priority,
    window::{Throttle, Wait},
};

/// How many calls may be under way at once, besides those of resets: what a Graph that is slow, or does not answer, may hold open.
const AT_ONCE: usize = 64;
/// How soon to check again for capacity that an answer may have freed.
const CAPACITY_CHECK: Duration = Duration::from_millis(50);
/// A longer pause than this is not waited for: the caller comes back after it.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Makes the calls that the scheduler decides on.
pub(in crate::graph) trait Reader: Send + Sync + 'static {
    /// What is asked.
    type Read: Sync;
    /// What is answered.
    type Answer;

    /// Makes one read.
    fn read(&self, read: &Self::Read) -> impl Future<Output = Outcome<Self::Answer>> + Send;
}

/// What became of a read.
pub(in crate::graph) struct Outcome<A> {
    pub(in crate::graph) answer: A,
    /// Set where the answer is a 429.
    pub(in crate::graph) throttle: Option<Throttle>,
}

/// Graph asked for a pause, and it is not over: the read was not made.
#[derive(Debug)]
pub(in crate::graph) struct Paused {
    /// How long it still lasts.
    pub(in crate::graph) retry_after: Duration,
}

/// The scheduler of one client.
pub(in crate::graph) struct ReadScheduler<R: Reader> {
    reader: Arc<R>,
    budget: Arc<Budget>,
    limits: Limits,
    state: Mutex<State<R>>,
}

/// Where a read is in the queue: by priority, and then in the order of arrival.
type Slot = (Priority, u64);

struct State<R: Reader> {
    waiting: BTreeMap<Slot, oneshot::Sender<Permit<R>>>,
    arrivals: u64,
    calls: usize,
    /// Whether the queue is served again without further cause.
    alarm: bool,
}

/// Capacity for one read. Dropped, it is used up.
struct Permit<R: Reader> {
    scheduler: Arc<ReadScheduler<R>>,
    throttle: Option<Throttle>,
    /// Reads of a reset do not count among the calls, so that slow ones never delay them.
    counted: bool,
}

impl<R: Reader> ReadScheduler<R> {
    pub(in crate::graph) fn new(reader: Arc<R>, budget: Arc<Budget>, limits: Limits) -> Arc<Self> {
        let state = State { waiting: BTreeMap::new(), arrivals: 0, calls: 0, alarm: false };
        Arc::new(Self { reader, budget, limits, state: Mutex::new(state) })
    }

    pub(in crate::graph) fn limits(&self) -> Limits {
        self.limits
    }

    /// Makes one read, once it is its turn.
    pub(in crate::graph) async fn read(
        self: &Arc<Self>,
        read: &R::Read,
        priority: Priority,
    ) -> Result<R::Answer, Paused> {
        if let Some(retry_after) = self.budget.reads_paused().filter(|pause| *pause > MAX_PAUSE) {
            return Err(Paused { retry_after });
        }
        let (tell, told) = oneshot::channel();
        {
            let mut state = self.state();
            state.arrivals += 1;
            let slot = (priority, state.arrivals);
            state.waiting.insert(slot, tell);
        }
        self.serve();
        let Ok(mut permit) = told.await else { return Err(Paused { retry_after: MAX_PAUSE }) };
        let outcome = self.reader.read(read).await;
        permit.throttle = outcome.throttle;
        Ok(outcome.answer)
    }

    /// Gives waiting reads their turn while there is capacity.
    fn serve(self: &Arc<Self>) {
        let mut admitted = Vec::new();
        {
            let mut state = self.state();
            while let Some((tell, counted)) = self.next(&mut state) {
                state.calls += usize::from(counted);
                admitted.push((tell, Permit { scheduler: self.clone(), throttle: None, counted }));
            }
        }
        for (tell, permit) in admitted {
            // Where the waiter is gone, the permit is dropped, which serves the next.
            let _ = tell.send(permit);
        }
    }

    /// The most urgent one for which there is capacity, which is taken; and whether it counts among the calls.
    fn next(self: &Arc<Self>, state: &mut State<R>) -> Option<(oneshot::Sender<Permit<R>>, bool)> {
        loop {
            let first = state.waiting.first_entry()?;
            if first.get().is_closed() {
                first.remove();
                continue;
            }
            let (priority, _) = *first.key();
            let counted = priority != Priority::Reset;
            if counted && state.calls >= AT_ONCE {
                return None;
            }
            return match self.budget.read(&self.limits, priority) {
                Ok(()) => Some((first.remove(), counted)),
                Err(wait) => {
                    self.set_alarm(state, wait);
                    None
                }
            };
        }
    }

    fn set_alarm(self: &Arc<Self>, state: &mut State<R>, wait: Wait) {
        if state.alarm {
            return;
        }
        let pause = match wait {
            Wait::Until(at) => at.saturating_sub(self.budget.boot()).min(MAX_PAUSE),
            Wait::Answer => CAPACITY_CHECK,
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        state.alarm = true;
        let scheduler = Arc::downgrade(self);
        runtime.spawn(async move {
            tokio::time::sleep(pause).await;
            if let Some(scheduler) = scheduler.upgrade() {
                scheduler.state().alarm = false;
                scheduler.serve();
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Reader> Drop for Permit<R> {
    fn drop(&mut self) {
        self.scheduler.budget.was_read(&self.scheduler.limits, self.throttle);
        if self.counted {
            let mut state = self.scheduler.state();
            state.calls = state.calls.saturating_sub(1);
        }
        self.scheduler.serve();
    }
}
