//! The admission samples of `deploy/admission/`, as they are, on the API server that judges by them.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use control_plane::{ControlPlane, Options, User};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    rules::manifests::{endpoints, reset, tenant},
    server::install,
};

/// Whom a GitOps controller signs in as.
const GITOPS: &str = "system:serviceaccount:helpdesk:resets";
const REQUESTED_BY: &str = "passcode-operator.dev/requested-by";
/// What a role that people are given names one by one. With `*` they would have verbs that only policies ask for, too.
const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// A cluster of its own, because policies concern everybody in it, with two people and a GitOps controller that may write resets.
pub struct Cluster {
    pub plane: ControlPlane,
}

/// What kubectl said.
pub struct Told {
    pub well: bool,
    pub out: String,
    pub err: String,
}

impl Cluster {
    pub async fn start() -> Self {
        let users = ["jane", "bob", GITOPS].map(|name| User::new(name, ["helpdesk"])).into();
        let plane = ControlPlane::start(Options { users, ..Options::default() }).await.unwrap();
        install(plane.client().await.unwrap()).await;
        let rights = json!({
            "apiVersion": "v1", "kind": "List", "items": [
                {
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "helpdesk"},
                    "rules": [{
                        "apiGroups": ["passcode-operator.dev"],
                        "resources": ["passcoderesets", "passcoderesets/status", "intunetenants"], "verbs": VERBS,
                    }],
                },
                {
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                    "metadata": {"name": "helpdesk"},
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "helpdesk"},
                    "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "helpdesk"}],
                },
            ],
        });
        plane.apply(&rights.to_string()).await.unwrap();
        Self { plane }
    }

    pub async fn install(&self, sample: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/admission").join(sample);
        self.plane.apply(&fs::read_to_string(path).unwrap()).await.unwrap();
    }

    pub async fn kubectl(&self, user: &str, arguments: &[&str]) -> Told {
        let kubeconfig = self.plane.kubeconfig_for(user).unwrap();
        let sign_in = ["--kubeconfig", kubeconfig.to_str().unwrap()];
        let output = self.plane.kubectl(arguments.iter().copied().chain(sign_in)).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Told { well: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Creates an object, or does what else the verb says with its manifest.
    pub async fn write(&self, user: &str, verb: &str, object: &Value) -> Told {
        let file = tempfile::NamedTempFile::new_in(self.plane.directory()).unwrap();
        fs::write(file.path(), object.to_string()).unwrap();
        let arguments = [verb, "-f", file.path().to_str().unwrap()];
        self.kubectl(user, &arguments.into_iter().flat_map(|argument| argument.split(' ')).collect::<Vec<_>>()).await
    }

    /// Tries a creation, without storing it, until its answer is the expected one.
    pub async fn until(&self, object: &Value, expected: impl Fn(&Told) -> bool) {
        in_effect(async || self.write("jane", "create --dry-run=server -o yaml", object).await, expected).await;
    }

    /// Who asked, as the stored object says.
    async fn requested_by(&self, name: &str) -> Option<String> {
        let told = self.kubectl("bob", &["get", "pcr", name, "-o", "json"]).await;
        let object: Value = serde_json::from_str(&told.out).unwrap();
        object["metadata"]["annotations"][REQUESTED_BY].as_str().map(str::to_owned)
    }
}

/// Policies take effect some time after they are stored. Tries until the answer is the expected one, and answers with that.
pub async fn in_effect(tried: impl AsyncFn() -> Told, expected: impl Fn(&Told) -> bool) -> Told {
    let begin = Instant::now();
    loop {
        let told = tried().await;
        if expected(&told) {
            return told;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "the policy does nothing: {}{}", told.out, told.err);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

impl Told {
    #[track_caller]
    pub fn refused_with(&self, sentence: &str) {
        assert!(!self.well && self.err.contains(sentence), "{}{}", self.out, self.err);
    }

    #[track_caller]
    pub fn well(&self) {
        assert!(self.well, "{}{}", self.out, self.err);
    }
}

pub fn asked(name: &str, at: Timestamp) -> Value {
    let mut object = reset(name);
    object["spec"]["requestTime"] = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
    object
}

fn signed(name: &str, by: &str) -> Value {
    let mut object = asked(name, Timestamp::now());
    object["metadata"]["annotations"] = json!({REQUESTED_BY: by});
    object
}

#[tokio::test]
async fn control_plane_warns_of_an_old_request_time() {
    let cluster = Cluster::start().await;
    cluster.install("old-request-time.yaml").await;
    let ago = |minutes| Timestamp::now() - SignedDuration::from_mins(minutes);
    cluster.until(&asked("probe", ago(120)), |told| told.err.contains("Warning")).await;

    let told = cluster.write("jane", "create", &asked("old", ago(90))).await;
    told.well();
    assert!(
        told.err.contains("is 1 h 30 min ago. A reset that the device has had since then is adopted"),
        "{}",
        told.err
    );
    let mut elsewhere = asked("elsewhere", ago(0));
    elsewhere["spec"]["requestTime"] =
        (Timestamp::now() + SignedDuration::from_hours(2)).strftime("%Y-%m-%dT%H:%M:%S+02:00").to_string().into();
    for object in [asked("fresh", ago(59)), asked("scheduled", ago(-600)), elsewhere] {
        let told = cluster.write("jane", "create", &object).await;
        told.well();
        assert_eq!(told.err, "", "{object}");
    }
    // Only the creation is judged: a later label on what is old by then is nobody's mistake.
    let told = cluster.kubectl("jane", &["label", "pcr", "old", "a=b"]).await;
    told.well();
    assert_eq!(told.err, "");
}

#[tokio::test]
async fn control_plane_keeps_who_asked() {
    let cluster = Cluster::start().await;
    let now = Timestamp::now();
    cluster.write("jane", "create", &asked("before", now)).await.well();

    cluster.install("requested-by-required.yaml").await;
    cluster.until(&asked("probe", now), |told| !told.well).await;
    nobody_signs_for_another(&cluster).await;
    nothing_changes_it(&cluster).await;

    cluster.install("requested-by-stamped.yaml").await;
    cluster.until(&asked("probe", now), |told| told.out.contains("requested-by: jane")).await;
    for (name, object) in [("plain", asked("plain", now)), ("forged", signed("forged", "bob"))] {
        cluster.write("jane", "create", &object).await.well();
        assert_eq!(cluster.requested_by(name).await.as_deref(), Some("jane"));
    }
    // A forged name in Git is replaced when the object is created, and refused when it is applied again.
    let forged = signed("applied", "jane");
    cluster.write(GITOPS, "apply --server-side", &forged).await.well();
    assert_eq!(cluster.requested_by("applied").await.as_deref(), Some(GITOPS));
    cluster.write(GITOPS, "apply --server-side", &forged).await.refused_with(&format!("leave it at {GITOPS}"));
    // A controller applies what it has again and again. The annotation is not among it, and neither comes back as a difference.
    let declared = asked("declared", now);
    let mut versions = Vec::new();
    for _ in 0..3 {
        cluster.write(GITOPS, "apply --server-side", &declared).await.well();
        assert_eq!(cluster.requested_by("declared").await.as_deref(), Some(GITOPS));
        let version = ["get", "pcr", "declared", "-o", "jsonpath={.metadata.resourceVersion}"];
        versions.push(cluster.kubectl("bob", &version).await.out);
    }
    // The second one writes a time into managedFields, as without the policy.
    assert_eq!(versions[1], versions[2]);
    cluster
        .kubectl("bob", &["annotate", "pcr", "plain", &format!("{REQUESTED_BY}=bob"), "--overwrite"])
        .await
        .refused_with("leave it at jane");
    assert_eq!(cluster.requested_by("plain").await.as_deref(), Some("jane"));
}

async fn nobody_signs_for_another(cluster: &Cluster) {
    let sentence = "the annotation passcode-operator.dev/requested-by has to say who you are: write jane";
    let unsigned = asked("unsigned", Timestamp::now());
    cluster.write("jane", "create", &unsigned).await.refused_with(sentence);
    for verb in ["create", "apply", "apply --server-side"] {
        cluster.write("jane", verb, &signed("forged", "bob")).await.refused_with(sentence);
    }
    let left = cluster.kubectl("jane", &["get", "pcr", "unsigned", "forged", "--ignore-not-found", "-o", "name"]).await;
    assert_eq!(left.out, "", "nothing of it was stored");
    cluster.write("jane", "create", &signed("signed", "jane")).await.well();
}

async fn nothing_changes_it(cluster: &Cluster) {
    let annotate = async |name, value| cluster.kubectl("bob", &["annotate", "pcr", name, value, "--overwrite"]).await;
    let (to_bob, gone) = (format!("{REQUESTED_BY}=bob"), format!("{REQUESTED_BY}-"));
    annotate("signed", &to_bob).await.refused_with("cannot be changed: leave it at jane");
    annotate("signed", &gone).await.refused_with("cannot be changed: leave it at jane");
    annotate("before", &to_bob).await.refused_with("leave it out, because this object was created without it");
    annotate("signed", "ticket=1").await.well();
    annotate("before", "ticket=1").await.well();
    // What the operator writes is no way around it: the API server keeps the metadata of a status write out.
    let patch =
        json!({"metadata": {"annotations": {REQUESTED_BY: "bob"}}, "status": {"outcome": "Rejected"}}).to_string();
    let patch = ["patch", "pcr", "signed", "--subresource=status", "--type=merge", "-p", &patch];
    cluster.kubectl("bob", &patch).await.well();
    assert_eq!(cluster.requested_by("signed").await.as_deref(), Some("jane"));
    assert_eq!(cluster.requested_by("before").await, None);
}

fn elsewhere(name: &str) -> Value {
    let mut object = tenant(name);
    object["spec"]["endpoints"] = endpoints();
    object
}

#[tokio::test]
async fn control_plane_lets_nobody_have_the_secret_sent_elsewhere() {
    let cluster = Cluster::start().await;
    cluster.write("jane", "create", &elsewhere("before")).await.well();
    cluster.install("microsofts-endpoints-only.yaml").await;
    cluster.until(&elsewhere("probe"), |told| !told.well).await;

    let sentence = "leave spec.endpoints out; for a national cloud write spec.cloud";
    cluster.write("jane", "create", &tenant("plain")).await.well();
    for verb in ["create", "apply --server-side"] {
        cluster.write("jane", verb, &elsewhere("new")).await.refused_with(sentence);
    }
    // One that was there before goes on, but not with another secret; its endpoints cannot be changed anyway.
    let patch = async |spec: Value| {
        cluster
            .kubectl(
                "jane",
                &["patch", "intunetenant", "before", "--type=merge", "-p", &json!({"spec": spec}).to_string()],
            )
            .await
    };
    patch(json!({"suspend": true})).await.well();
    patch(json!({"auth": {"workloadIdentity": null, "clientSecretRef": {"name": "another"}}}))
        .await
        .refused_with(sentence);
}

/// However it is misspelt, and whatever the client asks for: what is left of it is no dry run.
#[tokio::test]
async fn control_plane_admits_nothing_but_dry_runs_where_they_are_rehearsed() {
    let cluster = Cluster::start().await;
    cluster.install("dry-runs-only.yaml").await;
    let rehearsed = |name: &str, field: &str| {
        let mut object = reset(name);
        object["spec"][field] = true.into();
        object
    };
    // Elsewhere nothing changes.
    cluster.write("jane", "create --validate=false", &rehearsed("elsewhere", "dryrun")).await.well();
    let label = ["label", "namespace", "default", "passcode-operator.dev/dry-runs-only=true"];
    assert!(cluster.plane.kubectl(label).await.unwrap().status.success());
    cluster.until(&reset("probe"), |told| !told.well).await;
    let sentence = "this namespace takes dry runs only: write dryRun: true";
    for (name, field) in [("one", "dryrun"), ("two", "dry_run"), ("three", "dryRunn")] {
        for verb in ["create --validate=false", "apply --validate=false"] {
            cluster.write("jane", verb, &rehearsed(name, field)).await.refused_with(sentence);
        }
    }
    cluster.write("jane", "create", &rehearsed("right", "dryRun")).await.well();
}
