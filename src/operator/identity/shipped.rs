//! The admission policies for identity as they are shipped, and what the cluster has of them. They are compared to be told of, not to be relied
//! on: what they do is tried.

use std::{collections::BTreeMap, fmt, sync::OnceLock};

use futures::{Stream, StreamExt, stream::SelectAll};
use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use kube::{
    Api, Client, Resource,
    runtime::{WatchStreamExt, watcher::watch_object},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// kustomize's component, which is made from the chart.
const TEXT: &str = include_str!("../../../deploy/kustomize/components/identity/identitypolicies.yaml");

/// An admission policy or binding by kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    kind: String,
    name: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// What the cluster has of one: its uid and spec, or nothing.
pub struct Change {
    of: Named,
    is: Option<(String, Value)>,
}

/// What the cluster has of them, as far as the operator may see.
#[derive(Default)]
pub struct Shipped(BTreeMap<Named, Option<(String, Value)>>);

impl Shipped {
    /// What the cluster has of each, now and after each change. What may not be watched brings nothing, and is tried again.
    pub fn changes(client: &Client) -> impl Stream<Item = Change> + Send + use<> {
        let mut all = SelectAll::new();
        for named in wanted().keys() {
            all.push(match named.kind.as_str() {
                "ValidatingAdmissionPolicy" => watched::<ValidatingAdmissionPolicy>(client, named).boxed(),
                _ => watched::<ValidatingAdmissionPolicyBinding>(client, named).boxed(),
            });
        }
        all
    }

    /// Notes what there is; answers whether that is another than before.
    pub fn apply(&mut self, Change { of, is }: Change) -> bool {
        self.0.insert(of, is.clone()).is_none_or(|before| before != is)
    }

    /// Which of them are not as they are shipped.
    #[must_use]
    pub fn differing(&self) -> Vec<String> {
        let differs = |named: &Named, wanted: &Value| match self.0.get(named)? {
            None => Some(format!("{named} is missing")),
            Some((_, is)) => (is != wanted).then(|| format!("{named} is another")),
        };
        wanted().iter().filter_map(|(named, wanted)| differs(named, wanted)).collect()
    }
}

fn watched<K>(client: &Client, named: &Named) -> impl Stream<Item = Change> + Send + use<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + fmt::Debug + Send + 'static,
{
    let named = named.clone();
    watch_object(Api::<K>::all(client.clone()), &named.name).default_backoff().filter_map(move |seen| {
        let of = named.clone();
        std::future::ready(seen.ok().map(|object| Change { of, is: object.as_ref().map(read) }))
    })
}

fn read<K: Resource + Serialize>(object: &K) -> (String, Value) {
    let value = serde_json::to_value(object).unwrap_or_default();
    (object.meta().uid.clone().unwrap_or_default(), without_defaults(&value["spec"]))
}

/// The specs as they are shipped.
fn wanted() -> &'static BTreeMap<Named, Value> {
    static WANTED: OnceLock<BTreeMap<Named, Value>> = OnceLock::new();
    WANTED.get_or_init(|| {
        let documents: Vec<Value> = serde_saphyr::from_multiple(TEXT).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let named =
            |document: &Value| Named { kind: text(&document["kind"]), name: text(&document["metadata"]["name"]) };
        documents.iter().map(|document| (named(document), without_defaults(&document["spec"]))).collect()
    })
}

/// A spec without what the API server fills in where nothing is said.
fn without_defaults(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().map(|(name, field)| (name.clone(), without_defaults(field)));
            Value::Object(kept.filter(|(name, field)| !is_default(name, field)).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_defaults).collect()),
        other => other.clone(),
    }
}

fn is_default(name: &str, field: &Value) -> bool {
    let filled = [("matchPolicy", "Equivalent"), ("scope", "*"), ("failurePolicy", "Fail")];
    filled.iter().any(|(of, default)| name == *of && field == default)
        || field.is_null()
        || field.as_object().is_some_and(Map::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn is(named: &Named, spec: Option<&Value>) -> Change {
        Change { of: named.clone(), is: spec.map(|spec| ("1".to_owned(), without_defaults(spec))) }
    }

    #[test]
    fn two_policies_and_their_bindings_are_shipped_and_another_spec_is_told() {
        let names: Vec<String> = wanted().keys().map(ToString::to_string).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        let mut shipped = Shipped::default();
        assert_eq!(shipped.differing(), Vec::<String>::new(), "nothing may be seen");
        for (named, wanted) in wanted() {
            let mut filled = wanted.clone();
            if named.kind == "ValidatingAdmissionPolicy" {
                filled["failurePolicy"] = "Fail".into();
                filled["matchConstraints"]["namespaceSelector"] = json!({});
                filled["matchConstraints"]["matchPolicy"] = "Equivalent".into();
                filled["matchConstraints"]["resourceRules"][0]["scope"] = "*".into();
            }
            assert!(shipped.apply(is(named, Some(&filled))));
            assert!(!shipped.apply(is(named, Some(&filled))), "nothing changed");
        }
        assert_eq!(shipped.differing(), Vec::<String>::new());
        let binding = wanted().keys().find(|named| named.kind.ends_with("Binding")).unwrap();
        for field in ["validationActions", "matchResources"] {
            let mut other = wanted()[binding].clone();
            other[field] = json!(["Audit"]);
            shipped.apply(is(binding, Some(&other)));
            assert_eq!(shipped.differing(), [format!("{binding} is another")]);
        }
        shipped.apply(is(binding, None));
        assert_eq!(shipped.differing(), [format!("{binding} is missing")]);
    }
}
