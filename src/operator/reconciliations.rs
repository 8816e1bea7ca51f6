//! Reconciliations that give way. kube's controller reconciles an object once at a time, and holds back what changes meanwhile until that has
//! ended. So one that may take long, as a sign-in does, is dropped once its object changes or the term ends; the controller begins again.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures::FutureExt;
use kube::{
    Resource,
    runtime::{controller::Action, reflector::Store},
};
use tokio::sync::{Notify, watch};

use super::calls::CallError;
use crate::telemetry::metrics::Metrics;
use passcode_core::lifecycle::admission::write_again;

/// How soon what failed is tried again.
pub const RETRY: Duration = Duration::from_secs(5);

/// How soon work is tried again that failed so. What admission control denies is not to be asked every few seconds.
pub fn pause_after(error: &CallError) -> Duration {
    if matches!(error, CallError::Denied(_)) { write_again(u32::MAX) } else { RETRY }
}

/// The reconciliations of one controller that are under way.
pub struct Reconciliations {
    metrics: Arc<Metrics>,
    stop: watch::Receiver<bool>,
    by_name: Mutex<HashMap<String, Weak<Notify>>>,
}

impl Reconciliations {
    /// None is under way; all end at `stop`.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, stop: watch::Receiver<bool>) -> Self {
        Self { metrics, stop, by_name: Mutex::default() }
    }

    /// Something changed that the reconciliation of this object should begin with. To be called before the controller is told of it.
    pub fn changed(&self, name: &str) {
        let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = by_name.get(name).and_then(Weak::upgrade) {
            under_way.notify_waiters();
        }
    }

    /// Reconciles the object of this name, unless it changes meanwhile: `work` reads what it rests on, and is dropped then. A panic, with
    /// which the controller would end, is tried again.
    ///
    /// # Errors
    /// What `work` ends with.
    pub async fn run(
        &self,
        name: &str,
        work: impl Future<Output = Result<Action, CallError>>,
    ) -> Result<Action, CallError> {
        let under_way = self.begin(name);
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            // The controller was told, and holds that back until this has ended.
            () = under_way.notified() => Ok(Action::requeue(Duration::ZERO)),
            _ = stop.wait_for(|stop| *stop) => Ok(Action::await_change()),
            done = AssertUnwindSafe(work).catch_unwind() => done.unwrap_or_else(|_| {
                // Its text may hold anything, so it is not written.
                tracing::error!(object = name, "a reconciliation panicked; it is tried again");
                self.metrics.panicked();
                Ok(Action::requeue(RETRY))
            }),
        }
    }

    fn begin(&self, name: &str) -> Arc<Notify> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        by_name.retain(|_, under_way| under_way.strong_count() > 0);
        let under_way = Arc::new(Notify::new());
        by_name.insert(name.to_owned(), Arc::downgrade(&under_way));
        under_way
    }
}

/// Resolves at `stop`, if the controller's cache is not filled yet: kube's controller would wait for that first, and then nothing has begun.
pub async fn stopped_before_it_began<K>(cache: &Store<K>, mut stop: watch::Receiver<bool>)
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let _ = stop.wait_for(|stop| *stop).await;
    if cache.wait_until_ready().now_or_never().is_some() {
        std::future::pending::<()>().await;
    }
}

/// Resolves at `stop`.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
