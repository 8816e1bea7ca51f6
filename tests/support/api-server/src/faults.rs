//! What can go wrong with a request, and which request it goes wrong with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kube::core::Status;
use tokio::sync::watch;

use crate::call::{Call, Verb};

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Not applied, answered with this.
    Fail(Status),
    /// Not applied, never answered: the connection breaks.
    LoseBefore,
    /// Applied and answered, but only after this long.
    Delay(Duration),
    /// Not applied, never answered, and the connection stays.
    Hang,
    /// Applied, but answered with this.
    ApplyThenFail(Status),
    /// Applied, never answered: the connection breaks.
    ApplyThenLose,
    /// Applied at once, answered after this long.
    ApplyThenDelay(Duration),
    /// Applied, never answered, and the connection stays.
    ApplyThenHang,
}

/// A fault without its moment.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Answer(Box<Status>),
    Lose,
    Delay(Duration),
    Hang,
}

impl Fault {
    /// The effect, and whether it comes after the request was applied.
    pub(crate) fn into_effect(self) -> (Effect, bool) {
        match self {
            Self::Fail(status) => (Effect::Answer(status.boxed()), false),
            Self::LoseBefore => (Effect::Lose, false),
            Self::Delay(time) => (Effect::Delay(time), false),
            Self::Hang => (Effect::Hang, false),
            Self::ApplyThenFail(status) => (Effect::Answer(status.boxed()), true),
            Self::ApplyThenLose => (Effect::Lose, true),
            Self::ApplyThenDelay(time) => (Effect::Delay(time), true),
            Self::ApplyThenHang => (Effect::Hang, true),
        }
    }
}

type Predicate = Arc<dyn Fn(&Call) -> bool + Send + Sync>;

/// Which requests a fault is for: once, the first that fits, unless told otherwise.
#[must_use]
#[derive(Clone)]
pub struct On {
    conditions: Vec<Predicate>,
    skip: usize,
    times: usize,
}

impl On {
    /// Every request.
    pub fn any() -> Self {
        Self { conditions: Vec::new(), skip: 0, times: 1 }
    }

    /// Every create, update, patch and delete.
    pub fn writes() -> Self {
        Self::any().when(|call| call.verb.writes())
    }

    /// Every request with this verb.
    pub fn verb(verb: Verb) -> Self {
        Self::any().when(move |call| call.verb == verb)
    }

    /// Only this resource, by plural or `plural.group`.
    pub fn resource(self, name: &str) -> Self {
        let name = name.to_owned();
        self.when(move |call| call.resource == name || format!("{}.{}", call.resource, call.group) == name)
    }

    /// Only this subresource; empty for the main resource.
    pub fn subresource(self, name: &str) -> Self {
        let name = name.to_owned();
        self.when(move |call| call.subresource == name)
    }

    /// Only in this namespace.
    pub fn namespace(self, name: &str) -> Self {
        let name = name.to_owned();
        self.when(move |call| call.namespace.as_deref() == Some(&name))
    }

    /// Only the object of this name, whether the name is in the path or, in a create, in the body.
    pub fn named(self, name: &str) -> Self {
        let name = name.to_owned();
        self.when(move |call| {
            call.name == name || (call.name.is_empty() && call.body["metadata"]["name"] == name.as_str())
        })
    }

    /// Only if this holds too.
    pub fn when(mut self, holds: impl Fn(&Call) -> bool + Send + Sync + 'static) -> Self {
        self.conditions.push(Arc::new(holds));
        self
    }

    /// From the nth request that fits, the first being 1.
    pub fn nth(mut self, n: usize) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// This many times.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Until the faults are cleared.
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}

impl fmt::Debug for On {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("On").field("skip", &self.skip).field("times", &self.times).finish_non_exhaustive()
    }
}

/// Tells how often a fault has fired.
#[derive(Clone, Debug)]
pub struct Fired(watch::Receiver<usize>);

impl Fired {
    /// So far.
    pub fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until it has fired; forever if it was cleared before.
    pub async fn wait(&self) {
        if self.0.clone().wait_for(|count| *count > 0).await.is_err() {
            futures::future::pending::<()>().await;
        }
    }
}

/// A fault with the requests it is for.
pub(crate) struct Rule {
    on: On,
    fault: Fault,
    seen: usize,
    fired: watch::Sender<usize>,
}

impl Rule {
    pub(crate) fn new(on: On, fault: Fault) -> (Self, Fired) {
        let (fired, receiver) = watch::channel(0);
        (Self { on, fault, seen: 0, fired }, Fired(receiver))
    }

    /// Counts the request if it fits, and says what goes wrong with it.
    pub(crate) fn fire(&mut self, call: &Call) -> Option<Fault> {
        if !self.on.conditions.iter().all(|holds| holds(call)) {
            return None;
        }
        self.seen += 1;
        if self.seen <= self.on.skip || *self.fired.borrow() >= self.on.times {
            return None;
        }
        self.fired.send_modify(|count| *count += 1);
        Some(self.fault.clone())
    }
}

/// Runs before a request; may do anything, and may add a fault.
pub(crate) type Before = Arc<dyn Fn(Call) -> BoxFuture<'static, Option<Fault>> + Send + Sync>;

/// Runs when a request was applied and is answered with this code.
pub(crate) type After = Arc<dyn Fn(Call, u16) -> BoxFuture<'static, Option<Fault>> + Send + Sync>;
