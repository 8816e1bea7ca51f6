//! Every version of every object, as the API server tells it, held against what must never happen.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{StreamExt, stream};
use graph_simulator::Executed;
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
    runtime::{WatchStreamExt, watcher},
};
use passcode_core::api::{matrix::PlatformSupportMatrix, reset::PasscodeReset, tenant::IntuneTenant};
use serde_json::Value;

use super::states::has_ended;

/// What is known of all objects. Clones share it.
#[derive(Clone, Default)]
pub struct Record(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    /// As they are now, by kind, namespace and name.
    now: BTreeMap<Key, Value>,
    /// The first version of each reset, by uid.
    first: BTreeMap<String, Value>,
    /// The outcome of each reset that has one, by uid.
    ended: BTreeMap<String, Value>,
    /// The uid of the reset that each attempt was made for.
    claims: BTreeMap<String, String>,
    faults: Vec<String>,
}

type Key = (String, String, String);

fn key(object: &Value) -> Key {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&object["kind"]), text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]))
}

impl Record {
    /// Begins to watch.
    pub fn begin(client: &Client) -> Self {
        let record = Self::default();
        let kinds = [
            ApiResource::erase::<PasscodeReset>(&()),
            ApiResource::erase::<IntuneTenant>(&()),
            ApiResource::erase::<PlatformSupportMatrix>(&()),
        ];
        for kind in kinds {
            let (record, api) = (record.clone(), Api::<DynamicObject>::all_with(client.clone(), &kind));
            tokio::spawn(async move {
                let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
                while let Some(event) = events.next().await {
                    match event {
                        Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                            record.known().came(&value(&object, &kind))
                        }
                        Ok(watcher::Event::Delete(object)) => record.known().went(&value(&object, &kind)),
                        _ => {}
                    }
                }
            });
        }
        record
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object of this one's kind and name, as it was last told.
    pub fn of(&self, object: &Value) -> Option<Value> {
        self.known().now.get(&key(object)).cloned()
    }

    /// All of a kind, as they were last told.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        self.known().now.iter().filter(|(key, _)| key.0 == kind).map(|(_, object)| object.clone()).collect()
    }

    /// How many resets there ever were.
    pub fn declared(&self) -> usize {
        self.known().first.len()
    }

    /// How many of them ended with this reason.
    pub fn ended_with(&self, reason: &str) -> usize {
        let ready = |status: &Value| status["conditions"][0]["reason"] == reason;
        self.known().ended.values().filter(|status| ready(status)).count()
    }

    /// What must never happen and did, since the last time.
    pub fn faults(&self) -> Vec<String> {
        std::mem::take(&mut self.known().faults)
    }

    /// Resets that the promise forbids, and such that nobody claimed.
    pub fn forbidden(&self, executed: &[Executed]) -> Vec<String> {
        let known = self.known();
        let mut forbidden = Vec::new();
        for later in executed {
            let id = later.client_request_id.as_deref().unwrap_or_default();
            let Some(reset) = known.claims.get(id).and_then(|uid| known.first.get(uid)) else {
                forbidden
                    .push(format!("{} was reset at {} without a claim that was ever seen", later.serial, later.at));
                continue;
            };
            let requested: Timestamp = reset["spec"]["requestTime"].as_str().unwrap().parse().unwrap();
            let earlier = executed
                .iter()
                .find(|earlier| earlier.device == later.device && earlier.at < later.at && earlier.at >= requested);
            if let Some(earlier) = earlier {
                let name = &reset["metadata"]["name"];
                forbidden.push(format!(
                    "{name}, asked for at {requested}, was carried out at {} although one had been at {}",
                    later.at, earlier.at
                ));
            }
        }
        forbidden
    }
}

fn value(object: &DynamicObject, kind: &ApiResource) -> Value {
    let mut value = serde_json::to_value(object).unwrap();
    // Items of a list come without it.
    value["kind"] = kind.kind.clone().into();
    value
}

impl Known {
    fn came(&mut self, object: &Value) {
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        if object["kind"] == "PasscodeReset" {
            self.reset(uid, object);
        }
        self.now.insert(key(object), object.clone());
    }

    fn went(&mut self, object: &Value) {
        self.now.remove(&key(object));
    }

    fn reset(&mut self, uid: &str, object: &Value) {
        let (_, namespace, name) = key(object);
        let first = self.first.entry(uid.to_owned()).or_insert_with(|| object.clone());
        if first["spec"] != object["spec"] {
            self.faults.push(format!("{namespace}/{name}: its spec was {} and is {}", first["spec"], object["spec"]));
        }
        if let Some(id) = object["status"]["attempt"]["id"].as_str() {
            self.claims.entry(id.to_owned()).or_insert_with(|| uid.to_owned());
        }
        match self.ended.get(uid) {
            Some(ended) if *ended != object["status"] => {
                self.faults.push(format!("{namespace}/{name}: its end was {ended} and is {}", object["status"]));
            }
            None if has_ended(object) => {
                self.ended.insert(uid.to_owned(), object["status"].clone());
            }
            _ => {}
        }
    }
}

/// Does something with many, some at once, and collects what was wrong.
pub async fn each<T, F>(all: impl IntoIterator<Item = T>, at_once: usize, body: impl Fn(T) -> F) -> Vec<String>
where
    F: Future<Output = Vec<String>>,
{
    stream::iter(all.into_iter().map(body)).buffer_unordered(at_once).concat().await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reset(spec: &str, outcome: Option<&str>) -> Value {
        json!({
            "kind": "PasscodeReset", "metadata": {"name": "a", "namespace": "n", "uid": "u"},
            "spec": {"requestTime": "2026-11-22T09:00:00Z", "justification": spec},
            "status": {"outcome": outcome, "attempt": {"id": "one"}},
        })
    }

    fn executed(id: &str, at: &str) -> Executed {
        Executed {
            at: at.parse().unwrap(),
            device: "d".to_owned(),
            serial: "s".to_owned(),
            action: "resetPasscode".to_owned(),
            client_request_id: Some(id.to_owned()),
            app: Some("app".to_owned()),
        }
    }

    #[test]
    fn what_must_never_happen_is_found() {
        let record = Record::default();
        record.known().came(&reset("x", None));
        record.known().came(&reset("x", Some("Complete")));
        assert_eq!(record.faults(), Vec::<String>::new());
        record.known().came(&reset("y", Some("Complete")));
        record.known().came(&reset("x", Some("Rejected")));
        assert_eq!(record.faults().len(), 2);
        let once = [executed("one", "2026-11-22T09:00:05Z")];
        assert_eq!(record.forbidden(&once), Vec::<String>::new());
        assert_eq!(
            record.forbidden(&[executed("one", "2026-11-22T09:00:05Z"), executed("one", "2026-11-22T09:01:00Z")]).len(),
            1
        );
        assert_eq!(record.forbidden(&[executed("two", "2026-11-22T09:00:05Z")]).len(), 1);
    }
}
