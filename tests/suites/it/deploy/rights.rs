//! Without any one of its rights the operator does something less, and people can see it. In paused time: the API server asks the chart's rules
//! about every request.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use api_server::{ApiServer, Call, Fault, Verb, status};
use graph_simulator::DeviceClass;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use passcode_core::{
    api::{conditions, policy::PasscodeResetPolicy},
    platform::builtin_spec,
};
use serde_json::{Value, json};
use world::{
    World,
    objects::{HELPDESK, OPERATOR, reset, tenant, with},
};

use super::rules::{self, Right};

/// A namespace that loses the right to use the tenant.
const LEAVING: &str = "leaving";
/// A namespace for whose requests a policy has hours, which are not now.
const CLOSED: &str = "closed";

/// Until the events have been told.
const SHORT: Duration = Duration::from_secs(60);
/// Until the device leases have been swept, a week after their resets.
const LONG: Duration = Duration::from_secs(170 * 3600);

/// What people see at the end, by what it is about.
type Facts = BTreeMap<&'static str, String>;

fn grants(right: &Right, call: &Call) -> bool {
    let resource = [call.resource.as_str(), &call.subresource].into_iter().filter(|part| !part.is_empty());
    right.group == call.group
        && right.resource == resource.collect::<Vec<_>>().join("/")
        && right.verb == verb(call.verb)
        && right.name.as_ref().is_none_or(|name| *name == call.name)
        && right.namespace.as_ref().is_none_or(|namespace| Some(namespace) == call.namespace.as_ref())
}

fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::List => "list",
        Verb::Watch => "watch",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
        Verb::DeleteCollection => "deletecollection",
    }
}

/// Lets a caller do what these rights say, and nothing else.
fn authorize(api: &ApiServer, caller: &str, rights: Vec<Right>) {
    api.caller(caller).before(move |call| {
        let granted = rights.iter().any(|right| grants(right, &call));
        let words = format!("{} {}/{} is forbidden", verb(call.verb), call.resource, call.subresource);
        async move { (!granted).then(|| Fault::Fail(status(403, "Forbidden", &words))) }
    });
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// An operator that has these rights, over some events and for so long afterwards. Nothing is waited for, as anything may not come.
async fn story(rights: Vec<Right>, afterwards: Duration) -> Facts {
    let world = World::empty().await;
    world.api.create_namespace(LEAVING, &[("team", "it")]);
    world.api.create_namespace(CLOSED, &[("team", "it"), ("desk", "closed")]);
    let policies: Api<PasscodeResetPolicy> = Api::all(world.client.clone());
    policies.create(&PostParams::default(), &serde_json::from_value(hours()).unwrap()).await.unwrap();
    let matrix = builtin_spec("intune").unwrap();
    let matrix = json!({"apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PlatformSupportMatrix", "metadata": {"name": "own"}, "spec": matrix});
    world.create_matrix(matrix).await;
    let own =
        json!({"allowedNamespaces": {"matchLabels": {"team": "it"}}, "platformSupportMatrixRef": {"name": "own"}});
    world.create_tenant(with(tenant("default"), own)).await;
    authorize(&world.api, "a", rights);
    let replica = world.replica("a");
    pass(20).await;

    // What is changed and declared under a running operator.
    declare(&world, "plain", HELPDESK, 1).await;
    pass(60).await;
    world.label(LEAVING, "team", None).await;
    world.change_matrix("own", json!({"revision": "next"})).await;
    let patch = Patch::Merge(json!({"spec": {"enforcement": "Enforce", "budgets": []}}));
    policies.patch("hours", &PatchParams::default(), &patch).await.unwrap();
    pass(5).await;
    declare(&world, "stranger", LEAVING, 2).await;
    declare(&world, "early", CLOSED, 4).await;
    pass(60).await;
    world.change_tenant("default", json!({"suspend": true})).await;
    pass(5).await;
    declare(&world, "held", HELPDESK, 3).await;
    tokio::time::sleep(afterwards).await;
    let facts = seen(&world);
    replica.kill().await;
    facts
}

/// A policy of hours that are not now: the world begins on a Sunday.
fn hours() -> Value {
    let monday = json!([{"days": ["Mon"], "from": "07:00", "to": "08:00", "timeZone": "UTC"}]);
    let budget = json!([{"name": "all", "max": 9, "per": "1h", "scope": "Namespace"}]);
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetPolicy", "metadata": {"name": "hours"},
        "spec": {"namespaceSelector": {"matchLabels": {"desk": "closed"}}, "hours": monday, "budgets": budget},
    })
}

/// Declares a reset of a device of its own.
async fn declare(world: &World, name: &str, namespace: &str, number: u32) {
    let (serial, _) = world.device(DeviceClass::IPhone, number);
    let mut object = reset(name, &serial, world.now());
    object["metadata"]["namespace"] = namespace.into();
    world.create(object).await;
}

/// The reason of an object's Ready condition.
fn ready(world: &World, kind: &str, namespace: &str, name: &str) -> String {
    let object = world.api.object(kind, namespace, name).unwrap();
    let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = all.iter().find(|condition| condition["type"] == conditions::kind::READY);
    ready.map_or_else(|| "untouched".to_owned(), |ready| ready["reason"].as_str().unwrap().to_owned())
}

fn seen(world: &World) -> Facts {
    let observed =
        |kind: &str, name: &str| world.api.object(kind, "", name).unwrap()["status"]["observedGeneration"].to_string();
    let count = |kind: &str| world.api.objects(kind).len().to_string();
    let refused = world.api.requests().into_iter().filter(|request| request.answered == Some(403)).count();
    BTreeMap::from([
        (PLAIN, ready(world, "PasscodeReset", HELPDESK, "plain")),
        (LEFT, ready(world, "PasscodeReset", LEAVING, "stranger")),
        (HELD, ready(world, "PasscodeReset", HELPDESK, "held")),
        (TENANT, ready(world, "IntuneTenant", "", "default")),
        (MATRIX, ready(world, "PlatformSupportMatrix", "", "own")),
        (MATRIX_SEEN, observed("PlatformSupportMatrix", "own")),
        (EARLY, ready(world, "PasscodeReset", CLOSED, "early")),
        (POLICY, ready(world, "PasscodeResetPolicy", "", "hours")),
        (POLICY_SEEN, observed("PasscodeResetPolicy", "hours")),
        (LEASES, count("Lease")),
        (EVENTS, count("events.events.k8s.io")),
        (REFUSED, if refused == 0 { "none" } else { "some" }.to_owned()),
    ])
}

/// A story in a runtime and in time of its own.
fn told(rights: Vec<Right>, afterwards: Duration) -> Facts {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(story(rights, afterwards))
}

const PLAIN: &str = "a plain reset";
const LEFT: &str = "a reset of a namespace that left";
const HELD: &str = "a reset while the tenant is suspended";
const TENANT: &str = "the tenant";
const MATRIX: &str = "the matrix";
const MATRIX_SEEN: &str = "the matrix' generation seen";
const EARLY: &str = "a reset outside of its hours";
const POLICY: &str = "the policy";
const POLICY_SEEN: &str = "the policy's generation seen";
const LEASES: &str = "leases in the end";
const EVENTS: &str = "events";
const REFUSED: &str = "requests refused";

/// What one right less comes to: the right, what differs then, and how.
const NEEDED: [(&str, &str, &str); 31] = [
    ("get passcoderesets", PLAIN, "untouched"),
    ("list passcoderesets", PLAIN, "untouched"),
    ("watch passcoderesets", PLAIN, "untouched"),
    ("patch passcoderesets/status", PLAIN, "untouched"),
    ("get intunetenants", LEFT, "untouched"),
    ("list intunetenants", TENANT, "untouched"),
    // Authority is read live under the lock, so what a watch does not tell is only found later.
    ("watch intunetenants", REFUSED, "some"),
    ("patch intunetenants/status", TENANT, "untouched"),
    ("list platformsupportmatrices", TENANT, "MatrixNotReady"),
    ("watch platformsupportmatrices", MATRIX_SEEN, "1"),
    ("patch platformsupportmatrices/status", MATRIX, "untouched"),
    ("list passcoderesetpolicies", PLAIN, "PolicyNotReady"),
    ("watch passcoderesetpolicies", POLICY_SEEN, "1"),
    ("patch passcoderesetpolicies/status", POLICY, "untouched"),
    ("list passcoderesetapprovals", EARLY, "untouched"),
    // What it would have brought is found at the next look.
    ("watch passcoderesetapprovals", REFUSED, "some"),
    ("get namespaces", LEFT, "untouched"),
    ("list namespaces", PLAIN, "untouched"),
    ("watch namespaces", LEFT, "Suspended"),
    ("get customresourcedefinitions passcoderesets", PLAIN, "untouched"),
    ("get customresourcedefinitions intunetenants", PLAIN, "untouched"),
    ("get customresourcedefinitions platformsupportmatrices", PLAIN, "untouched"),
    ("get customresourcedefinitions passcoderesetpolicies", PLAIN, "untouched"),
    ("get customresourcedefinitions passcoderesetapprovals", PLAIN, "untouched"),
    ("create events", EVENTS, "0"),
    ("get leases", PLAIN, "untouched"),
    ("list leases", PLAIN, "untouched"),
    ("create leases", PLAIN, "untouched"),
    ("update leases", PLAIN, "untouched"),
    ("delete leases", LEASES, "2"),
    ("get secrets graph-credentials", TENANT, "SecretNotFound"),
];

#[test]
fn every_right_is_needed() {
    let rights = tokio::runtime::Runtime::new().unwrap().block_on(rules::operators("graph-credentials"));
    assert!(rights.iter().any(|right| right.namespace.as_deref() == Some(OPERATOR)));
    let granted: BTreeSet<String> = rights.iter().map(ToString::to_string).collect();
    assert_eq!(granted, NEEDED.map(|(right, ..)| right.to_owned()).into());
    let whole = told(rights.clone(), LONG);
    assert_eq!((whole[PLAIN].as_str(), whole[LEFT].as_str()), ("PasscodeRemoved", "NamespaceNotAllowed"));
    // Suspended until it expired, long before the end.
    assert_eq!((whole[HELD].as_str(), whole[TENANT].as_str()), ("Expired", "Ready"));
    assert_eq!((whole[MATRIX_SEEN].as_str(), whole[LEASES].as_str(), whole[REFUSED].as_str()), ("2", "1", "none"));

    let queue = Mutex::new(NEEDED.iter());
    let next = || queue.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((taken, about, becomes)) = next() {
                    let less = rights.iter().filter(|right| right.to_string() != *taken).cloned().collect();
                    let facts = told(less, if *about == LEASES { LONG } else { SHORT });
                    assert_ne!(facts[about], whole[about], "without {taken}");
                    assert_eq!(facts[about], *becomes, "without {taken}: {facts:#?}");
                }
            });
        }
    });
}
