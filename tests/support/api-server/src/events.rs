//! Watch events, and what can go wrong with them on the way to one caller.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::objects::text;

/// What a watch event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// The object is new to this watch.
    Added,
    /// The object changed.
    Modified,
    /// The object is gone, or left the selection.
    Deleted,
    /// Nothing happened up to a resourceVersion.
    Bookmark,
    /// The watch failed.
    Error,
}

/// One event of one watch.
#[derive(Clone, Debug)]
pub struct WatchEvent {
    /// What it says.
    pub event_type: EventType,
    /// About which object.
    pub object: Arc<Value>,
}

impl WatchEvent {
    pub(crate) fn new(event_type: EventType, object: Value) -> Self {
        Self { event_type, object: Arc::new(object) }
    }

    /// One line, as it goes over the wire.
    pub(crate) fn to_line(&self) -> String {
        let name = match self.event_type {
            EventType::Added => "ADDED",
            EventType::Modified => "MODIFIED",
            EventType::Deleted => "DELETED",
            EventType::Bookmark => "BOOKMARK",
            EventType::Error => "ERROR",
        };
        format!("{{\"type\":\"{name}\",\"object\":{}}}\n", self.object)
    }

    fn same_object(&self, other: &Self) -> bool {
        let name = |event: &Self| (text(&event.object, "namespace").to_owned(), text(&event.object, "name").to_owned());
        name(self) == name(other)
    }

    /// The one event that stands for `self` followed by `later`.
    fn merged_with(&self, later: Self) -> Self {
        let event_type = match (self.event_type, later.event_type) {
            (EventType::Added, EventType::Modified) => EventType::Added,
            (EventType::Deleted, EventType::Added) => EventType::Modified,
            (_, last) => last,
        };
        Self { event_type, ..later }
    }
}

/// What goes wrong with a watch event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFault {
    /// Never delivered.
    Drop,
    /// Held until the next event of the same object; only that is delivered.
    Merge,
    /// Delivered after the next event.
    Swap,
    /// Delivered this much later; others overtake it.
    Delay(Duration),
}

type Predicate = Box<dyn Fn(&WatchEvent) -> bool + Send>;

/// Events of one caller's watches that something goes wrong with.
pub(crate) struct EventRule {
    pub(crate) applies: Predicate,
    pub(crate) times: usize,
    pub(crate) fault: EventFault,
}

impl EventRule {
    /// What the first rule that fits does to the event.
    pub(crate) fn judge(rules: &mut [Self], event: &WatchEvent) -> Option<EventFault> {
        let rule = rules.iter_mut().find(|rule| rule.times > 0 && (rule.applies)(event))?;
        rule.times = rule.times.saturating_sub(1);
        Some(rule.fault)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    SameObject,
    NextEvent,
    Time(Instant),
}

/// The events of one watch that are held back.
#[derive(Default)]
pub(crate) struct Held {
    events: Vec<(WatchEvent, Until)>,
}

impl Held {
    /// Takes an event in and returns what goes out instead of it.
    pub(crate) fn pass(&mut self, event: WatchEvent, fault: Option<EventFault>) -> Vec<WatchEvent> {
        let event = self.merge(event);
        let until = match fault {
            Some(EventFault::Drop) => return Vec::new(),
            Some(EventFault::Merge) => Until::SameObject,
            Some(EventFault::Swap) => Until::NextEvent,
            Some(EventFault::Delay(time)) => Until::Time(Instant::now() + time),
            None => {
                let mut out = vec![event];
                out.extend(self.release(|until| until == Until::NextEvent));
                return out;
            }
        };
        self.events.push((event, until));
        Vec::new()
    }

    /// Events whose time has come.
    pub(crate) fn due(&mut self) -> Vec<WatchEvent> {
        let now = Instant::now();
        self.release(|until| matches!(until, Until::Time(time) if time <= now))
    }

    /// When the next event is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let times = self.events.iter().filter_map(|(_, until)| match until {
            Until::Time(time) => Some(*time),
            _ => None,
        });
        times.min()
    }

    fn merge(&mut self, event: WatchEvent) -> WatchEvent {
        let held = self.events.iter().position(|(held, until)| *until == Until::SameObject && held.same_object(&event));
        match held {
            Some(index) => self.events.remove(index).0.merged_with(event),
            None => event,
        }
    }

    fn release(&mut self, free: impl Fn(Until) -> bool) -> Vec<WatchEvent> {
        let released = self.events.extract_if(.., |(_, until)| free(*until));
        released.map(|(event, _)| event).collect()
    }
}
