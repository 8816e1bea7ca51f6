//! One watch: from versions in the store to lines on the wire.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::call::Call;
use crate::errors::body_of;
use crate::events::{EventRule, EventType, Held, WatchEvent};
use crate::objects::Address;
use crate::reads::{Beginning, shape};
use crate::resources::ResourceType;
use crate::selectors::Selector;
use crate::state::{Conditions, Cut, Shared, State};
use crate::store::{Change, Version};

/// How long a watch lasts that does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// How often a bookmark is sent.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);

/// A watch that was accepted.
pub(crate) struct WatchStart {
    call: Call,
    resource: Arc<ResourceType>,
    selector: Selector,
    /// The newest revision that has been looked at.
    cursor: u64,
    /// The revision of the last bookmark.
    marked: u64,
    waiting: VecDeque<WatchEvent>,
    held: Held,
    failed: bool,
    severed: bool,
    epoch: u64,
    closings: u64,
}

impl WatchStart {
    pub(crate) fn new(
        state: &mut State,
        call: &Call,
        address: Address<'_>,
        selector: Selector,
        from: Beginning,
    ) -> Self {
        let mut start = Self {
            call: call.clone(),
            resource: address.resource.clone(),
            selector,
            cursor: state.store.revision(),
            marked: 0,
            waiting: VecDeque::new(),
            held: Held::default(),
            failed: false,
            severed: false,
            epoch: state.store.epoch,
            closings: closings(state, &call.client),
        };
        match from {
            Beginning::Everything(revision) => start.begin_with_everything(state, revision),
            Beginning::After(revision) => start.cursor = revision,
            Beginning::Failure(status) => {
                start.failed = true;
                start.waiting.push_back(WatchEvent::new(EventType::Error, body_of(&status)));
            }
        }
        start
    }

    fn address(&self) -> Address<'_> {
        Address { resource: &self.resource, version: &self.call.version, namespace: "", name: "" }
    }

    fn begin_with_everything(&mut self, state: &mut State, revision: u64) {
        self.cursor = revision;
        let mut events = Vec::new();
        for object in state.store.list(&self.resource, revision) {
            if self.selector.matches(&self.address().present(&object)) {
                events.push(WatchEvent { event_type: EventType::Added, object: self.deliverable(&object) });
            }
        }
        let conditions = state.caller(&self.call.client);
        events.into_iter().for_each(|event| self.pass(conditions, event));
        if self.call.is_set("sendInitialEvents") {
            let end = self.bookmark(revision, json!({"k8s.io/initial-events-end": "true"}));
            self.pass(conditions, end);
        }
    }

    /// The object as it goes over the wire; shared with the store if it can be.
    fn deliverable(&self, object: &Arc<Value>) -> Arc<Value> {
        match shape(&self.call, self.address().present(object)) {
            std::borrow::Cow::Borrowed(_) => object.clone(),
            std::borrow::Cow::Owned(value) => Arc::new(value),
        }
    }

    fn bookmark(&self, revision: u64, annotations: Value) -> WatchEvent {
        let mut object = json!({
            "apiVersion": self.resource.api_version(&self.call.version),
            "kind": self.resource.kind,
            "metadata": {"resourceVersion": revision.to_string()},
        });
        if annotations != json!({}) {
            object["metadata"]["annotations"] = annotations;
        }
        WatchEvent::new(EventType::Bookmark, object)
    }

    /// What a version means to this selection.
    fn event_of(&self, version: &Version) -> Option<WatchEvent> {
        let selected = |object: &Value| self.selector.matches(&self.address().present(object));
        let before = version.previous.as_deref().is_some_and(selected);
        let after = version.change != Change::Deleted && selected(&version.object);
        let event_type = match (before, after) {
            (false, false) => return None,
            (false, true) => EventType::Added,
            (true, true) => EventType::Modified,
            (true, false) => EventType::Deleted,
        };
        let left =
            version.previous.as_ref().filter(|_| event_type == EventType::Deleted && version.change != Change::Deleted);
        let object = match left {
            // An object that leaves is shown as it was while it was selected, with the version it left at.
            Some(previous) => {
                let mut object = Value::clone(&self.deliverable(previous));
                object["metadata"]["resourceVersion"] = version.resource_version.to_string().into();
                Arc::new(object)
            }
            None => self.deliverable(&version.object),
        };
        Some(WatchEvent { event_type, object })
    }

    /// Lets an event through, or does to it what its caller's rules say.
    fn pass(&mut self, conditions: &mut Conditions, event: WatchEvent) {
        let fault = EventRule::judge(&mut conditions.event_rules, &event);
        self.waiting.extend(self.held.pass(event, fault));
    }

    fn collect(&mut self, state: &mut State, until: u64) {
        let versions = state.store.changes(&self.resource, self.cursor, until);
        let events: Vec<WatchEvent> = versions.iter().filter_map(|version| self.event_of(version)).collect();
        self.cursor = self.cursor.max(until);
        let conditions = state.caller(&self.call.client);
        events.into_iter().for_each(|event| self.pass(conditions, event));
    }
}

fn closings(state: &mut State, caller: &str) -> u64 {
    state.closings + state.caller(caller).closings
}

/// What a watch does next.
enum Step {
    Send(WatchEvent),
    End,
    Break,
    /// Nothing until something changes, or until the next moment that matters, if time matters.
    Wait {
        timed: bool,
    },
}

/// A watch that is running.
struct Watching {
    start: WatchStart,
    shared: Arc<Shared>,
    changed: watch::Receiver<()>,
    deadline: Instant,
    next_bookmark: Instant,
    broken: bool,
}

/// The body of the answer to a watch.
pub(crate) fn stream(start: WatchStart, shared: Arc<Shared>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let timeout = start.call.parameter("timeoutSeconds").parse().map_or(DEFAULT_TIMEOUT, Duration::from_secs);
    let now = Instant::now();
    let watching = Watching {
        changed: shared.subscribe(),
        start,
        shared,
        deadline: now + timeout,
        next_bookmark: now + BOOKMARK_INTERVAL,
        broken: false,
    };
    futures::stream::unfold(watching, async |mut watching| {
        let item = watching.next().await?;
        Some((item, watching))
    })
}

impl Watching {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.broken {
            return None;
        }
        loop {
            self.changed.mark_unchanged();
            match self.step() {
                Step::Send(event) => return Some(Ok(event.to_line().into())),
                Step::End => return None,
                Step::Break => {
                    self.broken = true;
                    return Some(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
                }
                Step::Wait { timed } => self.wait(timed).await,
            }
        }
    }

    fn step(&mut self) -> Step {
        let shared = self.shared.clone();
        shared.read(|state| {
            if let Some(step) = self.interruption(state) {
                return step;
            }
            if self.start.waiting.is_empty() {
                self.refill(state);
            }
            match self.start.waiting.pop_front() {
                Some(event) => Step::Send(event),
                None if self.start.failed || Instant::now() >= self.deadline => Step::End,
                None => Step::Wait { timed: true },
            }
        })
    }

    /// What keeps the watch from going on.
    fn interruption(&mut self, state: &mut State) -> Option<Step> {
        let start = &mut self.start;
        let caller = start.call.client.clone();
        let closings = closings(state, &caller);
        let conditions = state.caller(&caller);
        match conditions.cut {
            Some(Cut::Refused) => return Some(Step::Break),
            Some(Cut::Silent) => {
                start.severed = true;
                return Some(Step::Wait { timed: false });
            }
            None if start.severed => return Some(Step::Break),
            None => {}
        }
        if conditions.frozen {
            return Some(Step::Wait { timed: false });
        }
        let known = state.registry.get(&start.resource.group, &start.resource.plural);
        let same_schema = known.is_some_and(|known| known.since == start.resource.since);
        let over = state.store.epoch != start.epoch || closings != start.closings || !same_schema;
        over.then_some(Step::End)
    }

    fn refill(&mut self, state: &mut State) {
        let due = self.start.held.due();
        self.start.waiting.extend(due);
        if self.start.failed {
            return;
        }
        let visible = state.visible(&self.start.call.client);
        self.start.collect(state, visible);
        if Instant::now() < self.next_bookmark {
            return;
        }
        self.next_bookmark = Instant::now() + BOOKMARK_INTERVAL;
        let news = self.start.cursor > self.start.marked;
        let conditions = state.caller(&self.start.call.client);
        if self.start.call.is_set("allowWatchBookmarks") && news && !conditions.drop_bookmarks {
            self.start.marked = self.start.cursor;
            let bookmark = self.start.bookmark(self.start.cursor, json!({}));
            self.start.pass(conditions, bookmark);
        }
    }

    async fn wait(&mut self, timed: bool) {
        if !timed {
            // The sender lives in `shared`, so this cannot fail.
            let _ = self.changed.changed().await;
            return;
        }
        let times = [Some(self.deadline), Some(self.next_bookmark), self.start.held.next_due()];
        let next = times.into_iter().flatten().min().unwrap_or(self.deadline);
        tokio::select! {
            _ = self.changed.changed() => {}
            () = sleep_until(next) => {}
        }
    }
}
