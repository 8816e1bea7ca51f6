//! The scheduler of reads: the most urgent first, within the budget, and together where many wait.
//!
//! While few calls are under way each read is a call of its own, made by the task that asks for it. Where the calls under way are many,
//! reads collect, and several that fit go together in one call. A reset never passes here.

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

/// How many reads one call may hold.
pub(in crate::graph) const MAX_TOGETHER: usize = 20;
/// How many calls are under way before reads collect.
const SEPARATE_CALLS: usize = 8;
/// How soon to check again for capacity that an answer may have freed.
const CAPACITY_CHECK: Duration = Duration::from_millis(50);
/// A longer pause than this is not waited for: the caller comes back after it.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Makes the calls that the scheduler decides on.
pub(in crate::graph) trait Reader: Send + Sync + 'static {
    /// What is asked.
    type Read: Clone + Send + Sync + 'static;
    /// What is answered.
    type Answer: Send + 'static;

    /// Whether two reads may go in one call.
    fn fit(one: &Self::Read, other: &Self::Read) -> bool;

    /// Makes one read in a call of its own.
    fn read(&self, read: &Self::Read) -> impl Future<Output = Outcome<Self::Answer>> + Send;

    /// Makes reads that fit in one call; answers in their order.
    fn read_together(&self, reads: &[Self::Read]) -> impl Future<Output = Vec<Outcome<Self::Answer>>> + Send;
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
    waiting: BTreeMap<Slot, Waiting<R>>,
    arrivals: u64,
    calls: usize,
    /// Whether the queue is served again without further cause.
    alarm: bool,
}

struct Waiting<R: Reader> {
    read: R::Read,
    tell: oneshot::Sender<Turn<R>>,
}

/// What becomes of a read that was queued.
enum Turn<R: Reader> {
    /// It is a call of its own.
    Alone(Permit<R>),
    /// It was made together with others.
    Together(R::Answer),
}

/// Capacity for the reads of one call. Dropped, it is used up.
struct Permit<R: Reader> {
    scheduler: Arc<ReadScheduler<R>>,
    reads: usize,
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
            state.waiting.insert(slot, Waiting { read: read.clone(), tell });
        }
        self.serve();
        match told.await {
            Ok(Turn::Alone(permit)) => {
                let outcome = self.reader.read(read).await;
                permit.finish([outcome.throttle]);
                Ok(outcome.answer)
            }
            Ok(Turn::Together(answer)) => Ok(answer),
            Err(_) => Err(Paused { retry_after: MAX_PAUSE }),
        }
    }

    /// Gives waiting reads their turn while there is capacity.
    fn serve(self: &Arc<Self>) {
        let mut alone = Vec::new();
        {
            let mut state = self.state();
            while let Some(slot) = self.next(&mut state) {
                let reads = self.collect(&mut state, slot);
                let counted = slot.0 != Priority::Reset;
                state.calls += usize::from(counted);
                let permit = Permit { scheduler: self.clone(), reads: reads.len(), counted };
                match <[Waiting<R>; 1]>::try_from(reads) {
                    Ok([one]) => alone.push((one.tell, permit)),
                    Err(several) => self.read_together(several, permit),
                }
            }
        }
        for (tell, permit) in alone {
            // Where the waiter is gone, the permit is dropped, which serves the next.
            let _ = tell.send(Turn::Alone(permit));
        }
    }

    /// The most urgent slot for which there is capacity, which is taken.
    fn next(self: &Arc<Self>, state: &mut State<R>) -> Option<Slot> {
        loop {
            let (slot, waiting) = state.waiting.first_key_value()?;
            let slot = *slot;
            if waiting.tell.is_closed() {
                state.waiting.remove(&slot);
                continue;
            }
            if slot.0 != Priority::Reset && state.calls >= SEPARATE_CALLS {
                return None;
            }
            return match self.budget.read(&self.limits, slot.0) {
                Ok(()) => Some(slot),
                Err(wait) => {
                    self.set_alarm(state, wait);
                    None
                }
            };
        }
    }

    /// The read in `slot`, and others that fit with it and for which there is capacity.
    fn collect(&self, state: &mut State<R>, slot: Slot) -> Vec<Waiting<R>> {
        let mut reads: Vec<Waiting<R>> = state.waiting.remove(&slot).into_iter().collect();
        let Some(first) = reads.first() else { return reads };
        // While another call may be made at once, no read has to share one.
        if slot.0 == Priority::Reset || state.calls + 1 < SEPARATE_CALLS {
            return reads;
        }
        let others: Vec<Slot> = state
            .waiting
            .iter()
            .filter(|(_, other)| R::fit(&first.read, &other.read) && !other.tell.is_closed())
            .map(|(slot, _)| *slot)
            .take(MAX_TOGETHER - 1)
            .collect();
        for other in others {
            if self.budget.read(&self.limits, other.0).is_err() {
                break;
            }
            reads.extend(state.waiting.remove(&other));
        }
        reads
    }

    fn read_together(self: &Arc<Self>, reads: Vec<Waiting<R>>, permit: Permit<R>) {
        let reader = self.reader.clone();
        // A task of its own: one of the callers may be cancelled, and the others still need their answers.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let (reads, tell): (Vec<R::Read>, Vec<_>) = reads.into_iter().map(|one| (one.read, one.tell)).unzip();
            let outcomes = reader.read_together(&reads).await;
            permit.finish(outcomes.iter().map(|outcome| outcome.throttle));
            for (tell, outcome) in tell.into_iter().zip(outcomes) {
                // A caller that is gone needs no answer.
                let _ = tell.send(Turn::Together(outcome.answer));
            }
        });
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

impl<R: Reader> Permit<R> {
    /// The call came to its end.
    fn finish(mut self, throttles: impl IntoIterator<Item = Option<Throttle>>) {
        for throttle in throttles {
            self.reads = self.reads.saturating_sub(1);
            self.scheduler.budget.was_read(&self.scheduler.limits, throttle);
        }
    }
}

impl<R: Reader> Drop for Permit<R> {
    fn drop(&mut self) {
        for _ in 0..self.reads {
            self.scheduler.budget.was_read(&self.scheduler.limits, None);
        }
        if self.counted {
            let mut state = self.scheduler.state();
            state.calls = state.calls.saturating_sub(1);
        }
        self.scheduler.serve();
    }
}
