//! Who approves and who asked: what the shipped admission policies refuse, and what the operator finds out by trying.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use control_plane::{ControlPlane, Options, User};
use k8s_openapi::{
    api::coordination::v1::Lease, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, api::DynamicObject, core::GroupVersionKind, discovery::ApiResource};
use passcode_core::api::{
    conditions::{self, kind},
    manifests,
    tenant::IntuneTenant,
};
use passcode_operator::{
    graph::{AllowedOrigins, SystemClock},
    operator::{self, Environment, transports::Network},
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

use super::rules::manifests::{GUID, reset, tenant};

const OPERATOR: &str = "passcode-operator";
const OWN: &str = "system:serviceaccount:passcode-operator:passcode-operator";
const APPROVERS: &str = "identity-of-approvers.passcode-operator.dev";
const REQUESTERS: &str = "identity-of-requesters.passcode-operator.dev";
const REQUESTED_BY: &str = "passcode-operator.dev/requested-by";

/// A cluster with the operator's definitions, the ClusterRoles for people, and people who have them.
pub struct Cluster {
    pub plane: ControlPlane,
}

/// The documents of a file below `deploy/kustomize/`.
fn deployed(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kustomize").join(file);
    serde_saphyr::from_multiple(&fs::read_to_string(path).unwrap()).unwrap()
}

/// All of them, also those that nothing installs yet.
fn definitions() -> Vec<CustomResourceDefinition> {
    manifests::definitions().unwrap()
}

impl Cluster {
    /// Jane is a lead in `default`, bob approves without a role, olga may override, rita asks for resets, and nora looks on.
    pub async fn start() -> Self {
        let people = ["jane", "bob", "olga", "rita", "nora"].map(|name| User::new(name, [] as [&str; 0]));
        let users = people.into_iter().chain([User::service_account(OPERATOR, OPERATOR)]).collect();
        let cluster = Self { plane: ControlPlane::start(Options { users, ..Options::default() }).await.unwrap() };
        for definition in definitions() {
            cluster.apply(&serde_json::to_value(definition).unwrap()).await;
        }
        cluster.plane.create_namespace(OPERATOR).await.unwrap();
        cluster.plane.create_namespace("elsewhere").await.unwrap();
        for file in ["base/userroles.yaml", "components/identity/approverroles.yaml"] {
            cluster.apply_all(deployed(file)).await;
        }
        for (person, kind, role) in [
            ("jane", "RoleBinding", "passcode-operator-approver"),
            ("bob", "RoleBinding", "passcode-operator-approver"),
            ("olga", "RoleBinding", "passcode-operator-approver"),
            ("olga", "ClusterRoleBinding", "passcode-operator-override"),
            ("rita", "RoleBinding", "passcode-operator-requester"),
            ("nora", "RoleBinding", "passcode-operator-viewer"),
        ] {
            cluster.bind(person, kind, ("ClusterRole", role)).await;
        }
        // More than the shipped roles have, so that no way of writing is refused by RBAC.
        let verbs = ["create", "patch", "update"];
        let writer = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "writer"},
            "rules": [{"apiGroups": ["passcode-operator.dev"], "resources": ["passcoderesets", "passcoderesetapprovals"], "verbs": verbs}],
        });
        cluster.apply(&writer).await;
        for person in ["bob", "jane", "olga"] {
            cluster.bind(person, "RoleBinding", ("ClusterRole", "writer")).await;
        }
        let lead = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "lead", "namespace": "default"},
            "rules": [{"apiGroups": ["passcode-operator.dev"], "resources": ["approvalroles"], "resourceNames": ["lead"], "verbs": ["approve"]}],
        });
        cluster.apply(&lead).await;
        cluster.bind("jane", "RoleBinding", ("Role", "lead")).await;
        cluster
    }

    async fn bind(&self, person: &str, kind: &str, (of, role): (&str, &str)) {
        let group = "rbac.authorization.k8s.io";
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
            "metadata": {"name": format!("{person}-{role}"), "namespace": if kind == "RoleBinding" { "default" } else { "" }},
            "roleRef": {"apiGroup": group, "kind": of, "name": role},
            "subjects": [{"apiGroup": group, "kind": "User", "name": person}],
        });
        self.apply(&binding).await;
    }

    /// Applies an object. What was just defined is served a moment later.
    pub async fn apply(&self, object: &Value) {
        let begin = Instant::now();
        while let Err(error) = self.plane.apply(&object.to_string()).await {
            assert!(begin.elapsed() < Duration::from_secs(30), "{error:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub async fn apply_all(&self, objects: Vec<Value>) {
        for object in &objects {
            self.apply(object).await;
        }
    }

    /// The shipped policies, changed, and nothing else of them.
    pub async fn policies(&self, change: impl Fn(&mut Vec<Value>)) {
        let mut wanted = deployed("components/identity/identitypolicies.yaml");
        change(&mut wanted);
        for shipped in deployed("components/identity/identitypolicies.yaml") {
            if !wanted.iter().any(|object| is(object, text(&shipped["kind"]), text(&shipped["metadata"]["name"]))) {
                self.delete(&shipped).await;
            }
        }
        self.apply_all(wanted).await;
    }

    async fn delete(&self, object: &Value) {
        let what = [text(&object["kind"]), text(&object["metadata"]["name"])];
        let output = self.plane.kubectl(["delete", "--ignore-not-found"].into_iter().chain(what)).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What kubectl says to a person who does this with an object.
    pub async fn kubectl(&self, person: &str, arguments: &str, object: &Value) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new_in(self.plane.directory()).unwrap();
        fs::write(file.path(), object.to_string()).unwrap();
        let kubeconfig = self.plane.kubeconfig_for(person).unwrap();
        let sign_in = ["--kubeconfig", kubeconfig.to_str().unwrap(), "-f", file.path().to_str().unwrap()];
        let output = self.plane.kubectl(arguments.split(' ').chain(sign_in)).await.unwrap();
        let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
    }

    /// Tries until it is refused so. Policies take effect some time after they are stored.
    pub async fn until_refused(&self, person: &str, object: &Value, sentence: &str) {
        let begin = Instant::now();
        loop {
            let said = self.kubectl(person, "create --dry-run=server", object).await;
            if said.as_ref().is_err_and(|words| words.contains(sentence)) {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "not refused: {said:?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn is(object: &Value, kind: &str, name: &str) -> bool {
    object["kind"] == kind && object["metadata"]["name"] == name
}

fn one<'a>(objects: &'a mut [Value], kind: &str, name: &str) -> &'a mut Value {
    objects.iter_mut().find(|object| is(object, kind, name)).unwrap()
}

fn policy<'a>(objects: &'a mut [Value], name: &str) -> &'a mut Value {
    one(objects, "ValidatingAdmissionPolicy", name)
}

fn binding<'a>(objects: &'a mut [Value], name: &str) -> &'a mut Value {
    one(objects, "ValidatingAdmissionPolicyBinding", name)
}

/// Takes the validation away that has this in its expression.
fn without(objects: &mut [Value], word: &str) {
    let rules = policy(objects, APPROVERS)["spec"]["validations"].as_array_mut().unwrap();
    let before = rules.len();
    rules.retain(|rule| !text(&rule["expression"]).contains(word));
    assert_eq!(rules.len() + 1, before, "{word}");
}

fn exempting(objects: &mut [Value], namespace: &str) {
    let other = json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [namespace]});
    binding(objects, APPROVERS)["spec"]["matchResources"] = json!({"namespaceSelector": {"matchExpressions": [other]}});
}

fn approval(name: &str, spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetApproval",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"request": {"kind": "PasscodeReset", "name": "inc1", "uid": GUID}, "decision": "Approved"},
    });
    for (field, value) in spec.as_object().unwrap() {
        object["spec"][field] = value.clone();
    }
    object
}

/// A reset that says who asked for it.
pub fn asked_by(name: &str, person: &str) -> Value {
    let mut object = reset(name);
    object["metadata"]["annotations"] = json!({REQUESTED_BY: person});
    object
}

#[tokio::test]
async fn control_plane_lets_nobody_approve_in_another_name_role_or_right() {
    let cluster = Cluster::start().await;
    cluster.policies(|_| {}).await;
    let of = |approver: &str| json!({"approver": approver});
    cluster.until_refused("bob", &approval("a", of("jane")), "jane is not who creates this approval").await;

    let refused = [
        ("bob", "create", approval("a", of("jane")), "write your own name in spec.approver, bob"),
        ("bob", "apply", approval("a", of("jane")), "jane is not who creates this approval"),
        ("bob", "apply --server-side", approval("a", of("jane")), "jane is not who creates this approval"),
        ("bob", "create --validate=false --as=jane", approval("a", of("jane")), "User \"bob\" cannot impersonate"),
        (
            "bob",
            "create",
            approval("a", json!({"approver": "bob", "role": "lead"})),
            "bob may not approve in the role lead in namespace default",
        ),
        (
            "jane",
            "create",
            approval("a", json!({"approver": "jane", "role": "boss"})),
            "jane may not approve in the role boss",
        ),
        (
            "jane",
            "create",
            approval("a", json!({"approver": "jane", "decision": "Overridden", "reason": "x"})),
            "jane may not override policies",
        ),
        ("rita", "create", approval("a", of("rita")), "cannot create resource \"passcoderesetapprovals\""),
    ];
    for (person, verb, object, sentence) in refused {
        let said = cluster.kubectl(person, verb, &object).await.expect_err(sentence);
        assert!(said.contains(sentence), "{person} {verb}: {said}");
    }
    for (person, name, spec) in [
        ("bob", "bobs", of("bob")),
        ("jane", "janes", json!({"approver": "jane", "role": "lead"})),
        ("olga", "olgas", json!({"approver": "olga", "decision": "Overridden", "reason": "the plant is down"})),
    ] {
        cluster.kubectl(person, "create", &approval(name, spec)).await.unwrap();
    }
    // What is stored says for ever what it says, whoever tries.
    let admin = cluster.plane.client().await.unwrap();
    let resource =
        ApiResource::from_gvk(&GroupVersionKind::gvk("passcode-operator.dev", "v1alpha1", "PasscodeResetApproval"));
    let approvals: Api<DynamicObject> = Api::namespaced_with(admin, "default", &resource);
    let patch = kube::api::Patch::Merge(json!({"spec": {"approver": "jane"}}));
    let said = approvals.patch("bobs", &Default::default(), &patch).await.expect_err("it is immutable").to_string();
    assert!(said.contains("spec is immutable"), "{said}");
    assert_eq!(approvals.list(&Default::default()).await.unwrap().items.len(), 3);
}

#[tokio::test]
async fn control_plane_lets_nobody_ask_in_another_name() {
    let cluster = Cluster::start().await;
    cluster.policies(|_| {}).await;
    let sentence =
        "the annotation passcode-operator.dev/requested-by has to say who you are: write rita, or leave it out";
    cluster.until_refused("rita", &asked_by("a", "jane"), sentence).await;
    for verb in ["create", "apply", "apply --server-side"] {
        let said = cluster.kubectl("bob", verb, &asked_by("a", "jane")).await.expect_err(verb);
        assert!(said.contains("has to say who you are: write bob, or leave it out"), "{said}");
    }
    cluster.kubectl("rita", "create", &asked_by("own", "rita")).await.unwrap();
    cluster.kubectl("rita", "create", &reset("nobodys")).await.unwrap();
    for (name, advice) in
        [("own", "leave it at rita"), ("nobodys", "leave it out, because this object was created without it")]
    {
        let annotate = ["annotate", "pcr", name, "--overwrite", &format!("{REQUESTED_BY}=jane")].map(str::to_owned);
        let output = cluster.plane.kubectl(annotate).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(advice), "{said}");
    }
}

/// An operator that tries, as the service account of its deployment.
struct Operator {
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Operator {
    async fn start(cluster: &Cluster, name: &str) -> Self {
        let environment = Environment {
            client: cluster.plane.client_for(OWN).await.unwrap(),
            namespace: OPERATOR.to_owned(),
            identity: name.to_owned(),
            clock: std::sync::Arc::new(SystemClock),
            transports: std::sync::Arc::new(Network),
            token_file: "/nowhere".into(),
            allowed_origins: AllowedOrigins::default(),
            probe_identity: true,
            listen: None,
        };
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(operator::run(environment, stopped)) }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap().unwrap();
    }
}

/// What is seen of the operator's findings.
struct Seen {
    tenants: Api<IntuneTenant>,
    leases: Api<Lease>,
}

impl Seen {
    async fn of(cluster: &Cluster) -> Self {
        let client = cluster.plane.client().await.unwrap();
        Self { tenants: Api::all(client.clone()), leases: Api::namespaced(client, OPERATOR) }
    }

    /// Waits until the tenant says so; answers with the whole message.
    async fn until(&self, what: &str, status: &str, words: &str) -> String {
        let begin = Instant::now();
        loop {
            let tenant = self.tenants.get("default").await.unwrap();
            let conditions = tenant.status.unwrap_or_default().conditions;
            let said = conditions::get(&conditions, kind::IDENTITY_ENFORCED);
            if let Some(said) = said.filter(|said| said.status == status && said.message.contains(words)) {
                return said.message.clone();
            }
            assert!(begin.elapsed() < Duration::from_secs(90), "{what}: not {status} with {words:?} but {said:?}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Whom the leader lease names, and what it keeps: since when it is proved, and when that was shown last.
    async fn lease(&self) -> (String, Option<String>, Option<String>) {
        let lease = self.leases.get("passcode-operator-leader").await.unwrap();
        let annotations = lease.metadata.annotations.unwrap_or_default();
        let kept = |name: &str| annotations.get(&format!("passcode-operator.dev/{name}")).cloned();
        let holder = lease.spec.unwrap().holder_identity.unwrap_or_default();
        (holder, kept("identity-enforced-since"), kept("identity-confirmed"))
    }

    /// Since when it is proved as the leader lease keeps it, once it keeps that, or does not any more.
    async fn since(&self, some: bool) -> Option<String> {
        let begin = Instant::now();
        loop {
            let (_, since, _) = self.lease().await;
            if since.is_some() == some {
                return since;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "{since:?}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

fn approvals_definition() -> Value {
    let approvals = definitions().into_iter().find(|definition| definition.spec.names.kind == "PasscodeResetApproval");
    serde_json::to_value(approvals.unwrap()).unwrap()
}

type Change = fn(&mut Vec<Value>);

/// What is changed in the shipped policies, whether names are stamped, and what the operator finds.
const TABLE: [(&str, Change, bool, &str, &str); 14] = [
    ("all of them", |_| {}, false, "True", "proved since"),
    (
        "approvals only audited",
        |all| binding(all, APPROVERS)["spec"]["validationActions"] = json!(["Audit"]),
        false,
        "False",
        "an approval in somebody else's name was accepted",
    ),
    ("all of them again", |_| {}, false, "True", "proved since"),
    (
        "no rule about names",
        |all| without(all, "spec.approver =="),
        false,
        "False",
        "an approval in somebody else's name was refused, but not by the rule against it: identity-probe@passcode-operator.dev is no person",
    ),
    ("no rule about names, but stamped", |all| without(all, "spec.approver =="), true, "True", "Not as it is shipped"),
    ("all of them, and stamped", |_| {}, true, "True", "do not count, and who asked before is not known."),
    ("stamped only", |all| all.clear(), true, "False", "a role that its author does not have was accepted"),
    (
        "no rule about roles",
        |all| without(all, "approvalroles"),
        false,
        "False",
        "a role that its author does not have was refused, but not by",
    ),
    (
        "no rule about overrides",
        |all| without(all, "Overridden"),
        false,
        "False",
        "an override by somebody without the right to it was refused, but",
    ),
    ("no rule about people", |all| without(all, "startsWith"), false, "True", "Not as it is shipped"),
    (
        "resets not bound",
        |all| all.retain(|object| !is(object, "ValidatingAdmissionPolicyBinding", REQUESTERS)),
        false,
        "False",
        "a reset in somebody else's name was accepted",
    ),
    (
        "its own namespace exempted",
        |all| exempting(all, OPERATOR),
        false,
        "False",
        "in somebody else's name was accepted",
    ),
    // Not seen by trying: the comparison says it.
    (
        "another namespace exempted",
        |all| exempting(all, "elsewhere"),
        false,
        "True",
        "Not as it is shipped: ValidatingAdmissionPolicyBinding identity-of-approvers.passcode-operator.dev is another.",
    ),
    ("none of them", |all| all.clear(), false, "False", "an approval in somebody else's name was accepted"),
];

#[tokio::test]
async fn control_plane_shows_whether_identity_is_enforced() {
    let cluster = Cluster::start().await;
    for file in ["clusterrole.yaml", "role.yaml"] {
        cluster.apply_all(deployed(&format!("base/{file}"))).await;
    }
    cluster.apply(&tenant("default")).await;
    let seen = Seen::of(&cluster).await;
    let first = Operator::start(&cluster, "first").await;
    seen.until("without the rights", "False", "The operator may not try").await;
    cluster.apply_all(deployed("components/identity/identityrights.yaml")).await;
    let definition = approvals_definition();
    cluster.delete(&definition).await;
    cluster.policies(|_| {}).await;
    seen.until("without the definition", "Unknown", "the cluster has no PasscodeResetApprovals").await;
    cluster.apply(&definition).await;
    cluster.policies(Vec::clear).await;
    seen.until("with nothing but rights", "False", "in somebody else's name was accepted").await;

    let stamps = deployed("components/identity-stamp/identitystamp.yaml");
    let mut stamped = false;
    for (what, change, stamp, status, words) in TABLE {
        if stamp && !stamped {
            cluster.apply_all(stamps.clone()).await;
        } else if stamped && !stamp {
            for object in &stamps {
                cluster.delete(object).await;
            }
        }
        stamped = stamp;
        cluster.policies(change).await;
        seen.until(what, status, words).await;
        assert_eq!(seen.since(status == "True").await.is_some(), status == "True", "{what}");
    }

    // Restored, the proof is a new one, also beside the sample that demands to know who asked.
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/admission/requested-by-required.yaml");
    cluster.apply_all(serde_saphyr::from_multiple(&fs::read_to_string(sample).unwrap()).unwrap()).await;
    cluster.policies(|_| {}).await;
    let message = seen.until("restored", "True", "proved since").await;
    assert!(!message.contains("Not as it is shipped"), "{message}");
    let since = seen.since(true).await;
    assert!(message.contains(since.as_ref().unwrap()), "{message}: {since:?}");

    // It goes from leader to leader, and is shown once more by the next one.
    first.stop().await;
    let (holder, kept, confirmed) = seen.lease().await;
    assert_eq!((holder.as_str(), &kept), ("", &since));
    let second = Operator::start(&cluster, "second").await;
    let begin = Instant::now();
    while seen.lease().await.2 == confirmed {
        assert!(begin.elapsed() < Duration::from_secs(60), "not tried again");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    seen.until("handed over", "True", since.as_ref().unwrap()).await;
    let (holder, kept, _) = seen.lease().await;
    assert_eq!((holder.as_str(), kept), ("second", since));
    second.stop().await;
}
