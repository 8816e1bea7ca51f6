//! The desk where reads are handed in: the most urgent first, within the budget, and together where many wait.
//!
//! While few calls are under way each read is a call of its own, made by whoever handed it in. Where the calls under way are many,
//! reads collect, and up to twenty of one API version go together in one `$batch`. A reset never passes here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    batch::{self, Asked, MOST},
    budget::{Budget, Limits},
    channel::Channel,
    exchange::Answered,
    read_error::ReadError,
    request::{Call, Version},
    window::Wait,
};

/// How many calls are under way before reads collect.
const CALLS: usize = 8;
/// How soon to look again for room that an answer may have made.
const SOON: Duration = Duration::from_millis(50);
/// A longer pause than this is not waited for: whoever asks comes back after it.
const SHORT_PAUSE: Duration = Duration::from_secs(2);

/// How urgent a read is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// A reset waits for it, with a deadline: it travels alone and at once.
    Reset,
    /// It goes on with a look-up: otherwise many would be begun, and none be finished.
    Begun,
    /// It begins to find out whether and what a reset will be.
    LookUp,
    /// A reset that was sent is followed.
    Follow,
}

impl Urgency {
    /// That of the reads that come after one of this.
    pub(super) fn going_on(self) -> Self {
        if self == Self::LookUp { Self::Begun } else { self }
    }
}

/// The desk of one client.
pub(super) struct Desk {
    channel: Arc<Channel>,
    budget: Arc<Budget>,
    pub(super) limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<(Urgency, u64), Waiting>,
    arrivals: u64,
    calls: usize,
    /// Whether the desk looks again by itself.
    alarm: bool,
}

struct Waiting {
    call: Call,
    tell: oneshot::Sender<Turn>,
}

/// What becomes of a read that was handed in.
enum Turn {
    /// It is a call of its own.
    Alone(Permit),
    /// It travelled with others.
    Together(Result<Answered, ReadError>),
}

/// Room for reads of one call. Dropped, it is used up.
pub(super) struct Permit {
    desk: Arc<Desk>,
    reads: usize,
    /// Reset reads do not count among the calls, so that slow ones never hold them up.
    counted: bool,
}

impl Desk {
    pub(super) fn new(channel: Arc<Channel>, budget: Arc<Budget>, limits: Limits) -> Arc<Self> {
        Arc::new(Self { channel, budget, limits, state: Mutex::default() })
    }

    /// Reads once.
    pub(super) async fn read(self: &Arc<Self>, call: &Call, urgency: Urgency) -> Result<Answered, ReadError> {
        if let Some(retry_after) = self.budget.reads_paused().filter(|pause| *pause > SHORT_PAUSE) {
            return Err(ReadError::Waiting { retry_after });
        }
        let (tell, told) = oneshot::channel();
        {
            let mut state = self.state();
            state.arrivals += 1;
            let place = (urgency, state.arrivals);
            state.waiting.insert(place, Waiting { call: call.clone(), tell });
        }
        self.serve();
        match told.await {
            Ok(Turn::Alone(permit)) => {
                let answered = self.channel.read(call).await.map(|(answered, _)| answered);
                permit.answered(&answered);
                answered
            }
            Ok(Turn::Together(answered)) => answered,
            Err(_) => Err(ReadError::Waiting { retry_after: SHORT_PAUSE }),
        }
    }

    /// Gives turns to those that wait while there is room.
    fn serve(self: &Arc<Self>) {
        let mut alone = Vec::new();
        {
            let mut state = self.state();
            while let Some(place) = self.next(&mut state) {
                let reads = self.collect(&mut state, place);
                let counted = place.0 != Urgency::Reset;
                state.calls += usize::from(counted);
                let permit = Permit { desk: self.clone(), reads: reads.len(), counted };
                match <[Waiting; 1]>::try_from(reads) {
                    Ok([one]) => alone.push((one.tell, permit)),
                    Err(several) => self.together(several, permit),
                }
            }
        }
        for (tell, permit) in alone {
            // A permit that nobody takes any more was used for nothing; its drop serves the next.
            let _ = tell.send(Turn::Alone(permit));
        }
    }

    /// The most urgent place that has room, with the room taken.
    fn next(self: &Arc<Self>, state: &mut State) -> Option<(Urgency, u64)> {
        loop {
            let (place, waiting) = state.waiting.first_key_value()?;
            let place = *place;
            if waiting.tell.is_closed() {
                state.waiting.remove(&place);
                continue;
            }
            if place.0 != Urgency::Reset && state.calls >= CALLS {
                return None;
            }
            return match self.budget.read(&self.limits, place.0) {
                Ok(()) => Some(place),
                Err(wait) => {
                    self.set_alarm(state, wait);
                    None
                }
            };
        }
    }

    /// The read at `place`, and others that can travel with it and have room.
    fn collect(&self, state: &mut State, place: (Urgency, u64)) -> Vec<Waiting> {
        let mut reads: Vec<Waiting> = state.waiting.remove(&place).into_iter().collect();
        let Some(version) = reads.first().map(|read| read.call.version()) else { return reads };
        // One call more may still be made at once: then nobody has to travel together.
        if place.0 == Urgency::Reset || state.calls + 1 < CALLS {
            return reads;
        }
        let others: Vec<(Urgency, u64)> = state
            .waiting
            .iter()
            .filter(|(_, read)| read.call.version() == version && !read.tell.is_closed())
            .map(|(place, _)| *place)
            .take(MOST - 1)
            .collect();
        for other in others {
            if self.budget.read(&self.limits, other.0).is_err() {
                break;
            }
            reads.extend(state.waiting.remove(&other));
        }
        reads
    }

    fn together(self: &Arc<Self>, reads: Vec<Waiting>, permit: Permit) {
        let channel = self.channel.clone();
        // Its own task: whoever handed a read in may go away, and the others still want their answers.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let version = reads.first().map_or(Version::V1, |read| read.call.version());
            let (calls, tell): (Vec<Call>, Vec<_>) = reads.into_iter().map(|read| (read.call, read.tell)).unzip();
            let Asked { answers, sent } = batch::ask(&channel, version, &calls).await;
            permit.all_answered(sent, &answers);
            for (tell, answer) in tell.into_iter().zip(answers) {
                // Whoever is gone needs no answer.
                let _ = tell.send(Turn::Together(answer));
            }
        });
    }

    fn set_alarm(self: &Arc<Self>, state: &mut State, wait: Wait) {
        if state.alarm {
            return;
        }
        let pause = match wait {
            Wait::Until(at) => at.saturating_sub(self.channel.boot()).min(SHORT_PAUSE),
            Wait::Answer => SOON,
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        state.alarm = true;
        let desk = Arc::downgrade(self);
        runtime.spawn(async move {
            tokio::time::sleep(pause).await;
            if let Some(desk) = desk.upgrade() {
                desk.state().alarm = false;
                desk.serve();
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The call came to its end.
    fn answered(self, answered: &Result<Answered, ReadError>) {
        let sent = answered.as_ref().map_or_else(|_| self.desk.channel.boot(), |answered| answered.sent);
        self.all_answered(sent, std::slice::from_ref(answered));
    }

    fn all_answered(mut self, sent: Duration, answers: &[Result<Answered, ReadError>]) {
        for answer in answers {
            self.reads = self.reads.saturating_sub(1);
            self.desk.budget.was_read(&self.desk.limits, throttled(answer).map(|retry_after| (sent, retry_after)));
        }
    }
}

/// What `Retry-After` says, where this is a 429.
fn throttled(answer: &Result<Answered, ReadError>) -> Option<Option<Duration>> {
    match answer {
        Ok(answered) if answered.status == http::StatusCode::TOO_MANY_REQUESTS => Some(answered.retry_after()),
        Err(ReadError::Throttled { retry_after, .. }) => Some(*retry_after),
        _ => None,
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        for _ in 0..self.reads {
            self.desk.budget.was_read(&self.desk.limits, None);
        }
        if self.counted {
            let mut state = self.desk.state();
            state.calls = state.calls.saturating_sub(1);
        }
        self.desk.serve();
    }
}

#[cfg(test)]
#[path = "../calls/client/tests/scheduling.rs"]
mod tests;
