//! One user of the server: its clients, what goes wrong for it, and what it gets to see.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use http::{Request, Response};
use kube::client::Body;
use tower::BoxError;
use tower::util::BoxCloneService;

use crate::call::Call;
use crate::events::{EventFault, EventRule, WatchEvent};
use crate::exchange::{ResponseBody, exchange};
use crate::faults::{Fault, Fired, On, Rule};
use crate::state::{Conditions, Cut, Shared, Stale};

/// One user of the server, known by its name. All handles and clients of one name share faults and view.
#[derive(Clone)]
pub struct Caller {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: String,
}

impl fmt::Debug for Caller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Caller").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Caller {
    /// A client that speaks as this caller. It never retries. Its default namespace is `default`.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), "default")
    }

    /// What the client is made of, to put layers on.
    pub fn service(&self) -> BoxCloneService<Request<Body>, Response<ResponseBody>, BoxError> {
        let caller = self.clone();
        let service = move |request| exchange(caller.shared.clone(), caller.name.clone(), request);
        BoxCloneService::new(tower::service_fn(service))
    }

    /// The name that versions and requests are marked with.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn change<R>(&self, alter: impl FnOnce(&mut Conditions) -> R) -> R {
        self.shared.change(|state| alter(state.caller(&self.name)))
    }

    /// Lets something go wrong with some requests.
    pub fn fault(&self, on: On, fault: Fault) -> Fired {
        let (rule, fired) = Rule::new(on, fault);
        self.change(|conditions| conditions.rules.push(rule));
        fired
    }

    /// Runs before every request, in place of an earlier hook. It may take its time, use other clients, and add a fault.
    pub fn before<R>(&self, hook: impl Fn(Call) -> R + Send + Sync + 'static)
    where
        R: Future<Output = Option<Fault>> + Send + 'static,
    {
        self.change(|conditions| conditions.before = Some(Arc::new(move |call| hook(call).boxed())));
    }

    /// Runs when a request was applied and is about to be answered with this code, in place of an earlier hook.
    ///
    /// Of a fault it returns only what happens to the answer counts: [`Fault::LoseBefore`] means the same as
    /// [`Fault::ApplyThenLose`].
    pub fn after<R>(&self, hook: impl Fn(Call, u16) -> R + Send + Sync + 'static)
    where
        R: Future<Output = Option<Fault>> + Send + 'static,
    {
        self.change(|conditions| conditions.after = Some(Arc::new(move |call, code| hook(call, code).boxed())));
    }

    /// Ends all faults, hooks and faults of events.
    pub fn clear_faults(&self) {
        self.change(|conditions| {
            conditions.rules.clear();
            conditions.before = None;
            conditions.after = None;
            conditions.event_rules.clear();
        });
    }

    /// Cuts the caller off.
    pub fn cut_off(&self, cut: Cut) {
        self.change(|conditions| conditions.cut = Some(cut));
    }

    /// Ends [`cut_off`](Self::cut_off).
    pub fn reconnect(&self) {
        self.change(|conditions| conditions.cut = None);
    }

    /// Delivers no watch events, as if the connections were stuck; new watches open and stay silent too.
    pub fn freeze_watches(&self) {
        self.change(|conditions| conditions.frozen = true);
    }

    /// Ends [`freeze_watches`](Self::freeze_watches): what was held back is delivered.
    pub fn thaw_watches(&self) {
        self.change(|conditions| conditions.frozen = false);
    }

    /// Shows the caller the store as it was at a resourceVersion, as a server does whose cache is behind. Writes are
    /// always judged by what is stored now.
    pub fn travel_to(&self, resource_version: u64, stale: Stale) {
        self.change(|conditions| conditions.past = Some((resource_version, stale)));
    }

    /// Ends [`travel_to`](Self::travel_to).
    pub fn return_to_present(&self) {
        self.change(|conditions| conditions.past = None);
    }

    /// Lets something go wrong with as many watch events as said, of those that the predicate holds for. Initial events
    /// and bookmarks count as events.
    pub fn on_event(&self, applies: impl Fn(&WatchEvent) -> bool + Send + 'static, times: usize, fault: EventFault) {
        let rule = EventRule { applies: Box::new(applies), times, fault };
        self.change(|conditions| conditions.event_rules.push(rule));
    }

    /// Sends no bookmarks but the one that ends the initial events.
    pub fn drop_bookmarks(&self, drop: bool) {
        self.change(|conditions| conditions.drop_bookmarks = drop);
    }

    /// Answers the next watch with 410 Expired.
    pub fn expire_next_watch(&self) {
        self.change(|conditions| conditions.expire_next_watch = true);
    }

    /// Ends the caller's watches, and answers the next watch of each resource with 410 Expired: everything is listed again.
    pub fn expire_watches(&self) {
        self.change(|conditions| {
            conditions.expired_once = Some(BTreeSet::new());
            conditions.closings += 1;
        });
    }

    /// Ends the caller's watches in good order.
    pub fn close_watches(&self) {
        self.change(|conditions| conditions.closings += 1);
    }
}
