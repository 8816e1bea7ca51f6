//! What is kept of an unfinished PasscodeReset: what decides whose turn it is, and nothing that a requester can make large. Whatever is
//! decided about it is decided on the object itself, read live.

use std::borrow::Cow;

use futures::{Stream, StreamExt, stream};
use http_body_util::{LengthLimitError, Limited};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time as MetaTime},
    jiff::Timestamp,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    client::Body,
    core::NamespaceResourceScope,
    runtime::{reflector::ObjectRef, watcher},
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use passcode_core::{
    api::{
        reset::{PasscodeReset, PasscodeResetSpec},
        reset_status::PasscodeResetStatus,
    },
    lifecycle::{polling::is_in_flight, without_tenant},
};

/// How many objects a page of the list has, at first.
const PAGE: u32 = 256;
/// The most bytes of a page with more than one object. An object may have a megabyte and a half, as etcd takes it, and kube holds a page
/// three times while it reads it.
const PAGE_BYTES: usize = 8 << 20;

/// Which PasscodeReset it is: two are the same if their names are, and each knows its uid.
pub type Reference = ObjectRef<Listed>;

/// An unfinished PasscodeReset as the watch keeps it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Name, namespace, uid, version and times; nothing else of it.
    metadata: ObjectMeta,
    /// What it says; `None`: this version cannot read it.
    pub seen: Option<Seen>,
}

/// What matters to an object's turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The tenant that it names.
    pub tenant: Box<str>,
    /// Since when it could be sent: the oldest comes first.
    pub age: Timestamp,
    /// Whether a reset is followed for it.
    pub following: bool,
    /// Whether it was told all that there is to tell while its tenant does not exist.
    pub told: bool,
    /// When it ends if its tenant still does not exist then, by the API server's clock.
    pub ends_after: Option<Timestamp>,
}

impl Listed {
    fn read(object: PasscodeReset) -> Self {
        Self { seen: Some(Seen::of(&object)), metadata: object.metadata }
    }

    /// Namespace and name, as log lines have them.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace().unwrap_or_default(), self.name_any())
    }
}

impl Seen {
    fn of(object: &PasscodeReset) -> Self {
        let created = object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |time| time.0);
        Self {
            tenant: object.spec.tenant_ref.name.as_str().into(),
            age: created.max(object.spec.request_time.0),
            following: is_in_flight(object),
            told: without_tenant::is_told(object),
            ends_after: without_tenant::ends_after(object),
        }
    }
}

/// The object on the wire. What is not named here is skipped as it comes in: no memory is taken for it.
#[derive(Deserialize)]
struct Wire {
    metadata: WireMetadata,
    spec: Option<Lenient<PasscodeResetSpec>>,
    status: Option<Lenient<PasscodeResetStatus>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMetadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<MetaTime>,
    deletion_timestamp: Option<MetaTime>,
}

/// What this version can read, or anything else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lenient<T> {
    Read(T),
    Unreadable(IgnoredAny),
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { metadata, spec, status } = Wire::deserialize(deserializer)?;
        let metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            generation: metadata.generation,
            creation_timestamp: metadata.creation_timestamp,
            deletion_timestamp: metadata.deletion_timestamp,
            ..ObjectMeta::default()
        };
        Ok(match (spec, status) {
            (Some(Lenient::Read(spec)), None) => Self::read(PasscodeReset { metadata, spec, status: None }),
            (Some(Lenient::Read(spec)), Some(Lenient::Read(status))) => {
                Self::read(PasscodeReset { metadata, spec, status: Some(status) })
            }
            _ => Self { metadata, seen: None },
        })
    }
}

impl Resource for Listed {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        PasscodeReset::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        PasscodeReset::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        PasscodeReset::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        PasscodeReset::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// The unfinished objects: all of them, then what becomes of them. A page that is too large is asked for again with fewer objects.
pub fn unfinished(client: Client) -> impl Stream<Item = watcher::Result<watcher::Event<Listed>>> + Send {
    let begin = (watch(&client, PAGE), PAGE);
    stream::unfold((client, begin), |(client, (mut events, mut page))| async move {
        loop {
            let event = events.next().await?;
            if page == 1 || !event.as_ref().is_err_and(is_too_large) {
                return Some((event, (client, (events, page))));
            }
            page = (page / 4).max(1);
            tracing::info!(page, "a page of PasscodeResets is larger than {PAGE_BYTES} bytes; fewer at once are read");
            events = watch(&client, page);
        }
    })
}

fn watch(client: &Client, page: u32) -> stream::BoxStream<'static, watcher::Result<watcher::Event<Listed>>> {
    let most = if page > 1 { PAGE_BYTES } else { usize::MAX };
    let api: Api<Listed> = Api::all(bounded(client.clone(), most));
    // Finished objects leave this watch, so they cost nothing.
    watcher(api, watcher::Config::default().fields("status.outcome=").page_size(page)).boxed()
}

/// The same client, with answers of so many bytes at most; a watch's answer has no end.
fn bounded(client: Client, most: usize) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let client = client.clone();
        let is_watch = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"));
        let most = if is_watch { usize::MAX } else { most };
        async move { client.send(request).await.map(|answer| answer.map(|body| Limited::new(body, most))) }
    });
    Client::new(service, namespace)
}

fn is_too_large(error: &watcher::Error) -> bool {
    let watcher::Error::InitialListFailed(kube::Error::Service(error)) = error else { return false };
    error.is::<LengthLimitError>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn listed(spec: Value, status: Value) -> Listed {
        let object = json!({
            "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeReset", "spec": spec, "status": status,
            "metadata": {
                "name": "inc", "namespace": "helpdesk", "uid": "u", "resourceVersion": "7", "generation": 1,
                "creationTimestamp": "2026-11-22T10:00:00Z", "annotations": {"a": "x".repeat(1000)}, "labels": {"l": "y"},
                "finalizers": ["example.com/audit"], "ownerReferences": [], "managedFields": [{"manager": "kubectl"}],
            },
        });
        serde_json::from_str(&object.to_string()).unwrap()
    }

    fn spec() -> Value {
        json!({"tenantRef": {"name": "nowhere"}, "device": {"serialNumber": "S"}, "requestTime": "2026-11-22T09:00:00Z"})
    }

    #[test]
    fn what_decides_about_a_turn_is_kept_and_nothing_else() {
        let object = listed(spec(), json!({"observedGeneration": -1}));
        let kept = ObjectMeta {
            name: Some("inc".into()),
            namespace: Some("helpdesk".into()),
            uid: Some("u".into()),
            resource_version: Some("7".into()),
            generation: Some(1),
            creation_timestamp: Some(MetaTime("2026-11-22T10:00:00Z".parse().unwrap())),
            ..ObjectMeta::default()
        };
        assert_eq!(object.metadata, kept);
        let seen = Seen {
            tenant: "nowhere".into(),
            age: "2026-11-22T10:00:00Z".parse().unwrap(),
            following: false,
            told: false,
            ends_after: Some("2026-11-23T10:00:00Z".parse().unwrap()),
        };
        assert_eq!(object.seen, Some(seen));
        assert!(listed(spec(), json!({"silentAttempts": 1})).seen.unwrap().following);
    }

    #[test]
    fn what_cannot_be_read_is_known_by_its_name() {
        for (spec, status) in [
            (json!({}), json!({})),
            (Value::Null, Value::Null),
            (json!("?"), json!({})),
            (spec(), json!({"conditions": 7})),
            (spec(), json!("?")),
        ] {
            let object = listed(spec.clone(), status.clone());
            assert_eq!(
                (object.seen.as_ref(), object.full_name()),
                (None, "helpdesk/inc".to_owned()),
                "{spec} {status}"
            );
        }
        assert!(listed(spec(), Value::Null).seen.is_some());
    }
}
