//! The operator's writes on an API server whose policies and webhooks deny them, change them, or do not answer.

mod webhook;

use std::time::{Duration, Instant};

use base64::Engine;
use graph_simulator::{Device, DeviceClass};
use k8s_openapi::{api::coordination::v1::Lease, jiff::Timestamp};
use kube::{
    Api, Client, Config, Error,
    api::{ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::Status,
};
use passcode_core::api::{
    conditions,
    reset_status::{Outcome, PasscodeResetStatus},
};
use serde_json::{Value, json};
use world::objects::{OPERATOR, reset, reset_object};

use self::webhook::Webhook;
use crate::whole::process::{Operator, Whole};

const MINUTE: Duration = Duration::from_secs(60);

/// A claim: the attempt's id is another.
const CLAIM: &str = "has(object.status.attempt) && (!has(oldObject.status) || !has(oldObject.status.attempt) || \
     oldObject.status.attempt.id != object.status.attempt.id)";

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Rejected,
    Held,
    /// No status can be written: a binding without its parameters denies every write that the policy may be about, whatever its match
    /// conditions say.
    Silent,
}
use Expected::{Held, Rejected, Silent};

/// By the object's name: what a policy says of its claim, with which code, and what becomes of it.
fn policies() -> [(&'static str, Value, u16, Expected, &'static str); 5] {
    let no = |sentence: &str| json!({"expression": "false", "messageExpression": format!("'{sentence}'")});
    let forbidden = |sentence: &str| {
        let mut validation = no(sentence);
        validation["reason"] = "Forbidden".into();
        validation
    };
    [
        ("policy-403", forbidden("only company phones"), 403, Rejected, "only company phones"),
        ("policy-422", no("only company phones"), 422, Rejected, "only company phones"),
        (
            "policy-hold",
            no("hold: the change window opens at 18:00"),
            422,
            Held,
            "hold: the change window opens at 18:00",
        ),
        (
            "policy-no-key",
            json!({"expression": "object.metadata.annotations['none'] == 'x'"}),
            422,
            Held,
            "cannot be evaluated, so it denies this reset",
        ),
        ("policy-no-params", json!({"expression": "params.data.x == 'x'"}), 422, Silent, ""),
    ]
}

/// The same of a webhook, by its path.
fn webhooks() -> [(&'static str, &'static str, u16, Expected, &'static str); 11] {
    const SENTENCE: &str = "only company phones";
    const SILENT: &str = "could not be asked: it is down, slow, or answers nonsense";
    [
        ("webhook-400", "/deny/400", 400, Rejected, SENTENCE),
        ("webhook-404", "/deny/404", 404, Rejected, SENTENCE),
        ("webhook-409", "/deny/409", 409, Rejected, SENTENCE),
        ("webhook-429", "/deny/429", 429, Held, SENTENCE),
        ("webhook-500", "/deny/500", 500, Held, SENTENCE),
        ("kyverno", "/kyverno", 400, Held, "office-hours: closed: 'validation error: hold: opens at 07:00."),
        ("gatekeeper", "/gatekeeper", 403, Rejected, "(company-only) denied it: only company phones."),
        ("webhook-slow", "/slow", 500, Held, SILENT),
        ("webhook-nonsense", "/nonsense", 500, Held, SILENT),
        ("webhook-missing", "/none", 500, Held, SILENT),
        ("webhook-down", "", 500, Held, SILENT),
    ]
}

fn policy(name: &str, validation: Value, condition: &str, resource: (&str, &str), operations: &[&str]) -> Value {
    let (group, resource) = resource;
    let params = name.ends_with("no-params");
    let mut policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [
                {"apiGroups": [group], "apiVersions": ["*"], "operations": operations, "resources": [resource]},
            ]},
            "matchConditions": [{"name": "this-one", "expression": condition}],
            "validations": [validation],
        },
    });
    let mut binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    });
    if params {
        policy["spec"]["matchConstraints"]["resourceRules"][0]["resourceNames"] = json!([name]);
        policy["spec"]["paramKind"] = json!({"apiVersion": "v1", "kind": "ConfigMap"});
        binding["spec"]["paramRef"] =
            json!({"name": "none", "namespace": "default", "parameterNotFoundAction": "Deny"});
    }
    json!({"apiVersion": "v1", "kind": "List", "items": [policy, binding]})
}

fn of_claims(name: &str) -> String {
    format!("object.metadata.name == '{name}' && {CLAIM}")
}

fn configuration(kind: &str, webhooks: Vec<Value>) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "of-the-test"}, "webhooks": webhooks,
    })
}

fn hook(webhook: &Webhook, name: &str, path: &str, condition: &str, rule: Value) -> Value {
    let address = if path.is_empty() { "127.0.0.1:9".to_owned() } else { webhook.address.to_string() };
    let ca = base64::engine::general_purpose::STANDARD.encode(&webhook.ca);
    json!({
        "name": format!("{name}.example.com"), "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 1,
        "clientConfig": {"url": format!("https://{address}{path}"), "caBundle": ca},
        "rules": [rule], "matchConditions": [{"name": "this-one", "expression": condition}],
    })
}

fn statuses() -> Value {
    json!({
        "apiGroups": ["passcode-operator.dev"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["passcoderesets/status"],
    })
}

/// The cluster, with what is declared in it.
struct Cluster {
    whole: Whole,
    webhook: Webhook,
    devices: Vec<(String, String)>,
}

impl Cluster {
    async fn start() -> Self {
        let mut whole = Whole::start().await;
        let kubeconfig = Kubeconfig::read_from(whole.plane.admin_kubeconfig()).unwrap();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        // Else a denial with 429 or 503 is asked for again, for minutes.
        config.default_retry = false;
        whole.client = Client::try_from(config).unwrap();
        Self { whole, webhook: Webhook::start().await, devices: Vec::new() }
    }

    /// Declares a reset of a device of its own.
    async fn declare(&mut self, name: &str) {
        let number = u32::try_from(self.devices.len()).unwrap() + 1;
        let device = Device::example(DeviceClass::IPhone, number);
        let object = reset_object(reset(name, device.serial(), Timestamp::now()));
        self.devices.push((name.to_owned(), self.whole.graph.add_device(device)));
        self.whole.resets().create(&PostParams::default(), &object).await.unwrap();
    }

    fn carried_out(&self, name: &str) -> usize {
        let (_, device) = self.devices.iter().find(|(known, _)| known == name).unwrap();
        self.whole.graph.executed().iter().filter(|executed| executed.device == *device).count()
    }

    /// Policies take effect some time after they are stored: tries a claim, without storing it, until it is denied; answers how.
    async fn until_denied(&self, name: &str) -> Status {
        let attempt = json!({
            "number": 1, "id": "tried", "claimTime": "2026-11-22T09:00:00Z", "sendDeadline": "2026-11-22T09:00:30Z", "settleWindow": "8s",
        });
        let patch = Patch::Merge(json!({"status": {"attempt": attempt}}));
        let params = PatchParams { dry_run: true, ..PatchParams::default() };
        let begin = Instant::now();
        loop {
            let resets = self.whole.resets();
            let tried = resets.patch_status(name, &params, &patch);
            match tokio::time::timeout(MINUTE, tried).await.unwrap_or_else(|_| panic!("{name}: no answer")) {
                Err(Error::Api(status)) => return *status,
                other => assert!(begin.elapsed() < MINUTE, "{name}: {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn status(&self, name: &str) -> PasscodeResetStatus {
        self.whole.resets().get(name).await.unwrap().status.unwrap_or_default()
    }

    /// Waits for this reason of the object; answers the sentence.
    async fn until(&self, name: &str, reason: &str, operator: &Operator) -> String {
        operator.eventually(async || self.status(name).await.reason() == reason).await;
        conditions::get(&self.status(name).await.conditions, "Ready").unwrap().message.clone()
    }

    async fn completes_once(&self, name: &str, operator: &Operator) {
        let status = self.whole.outcome(name, 10 * MINUTE, operator).await;
        assert_eq!(
            (status.outcome, self.carried_out(name)),
            (Some(Outcome::Complete), 1),
            "{name}: {}",
            operator.log()
        );
    }

    /// Device locks that are there.
    async fn locks(&self) -> Vec<Lease> {
        let leases: Api<Lease> = Api::namespaced(self.whole.client.clone(), OPERATOR);
        leases.list(&ListParams::default().labels("passcode-operator.dev/lock")).await.unwrap().items
    }

    async fn apply(&self, object: &Value) {
        self.whole.plane.apply(&object.to_string()).await.unwrap();
    }

    async fn remove_all(&self) {
        let kinds = [
            "validatingadmissionpolicybindings",
            "validatingadmissionpolicies",
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ];
        for kind in kinds {
            let told = self.whole.plane.kubectl(["delete", kind, "--all"]).await.unwrap();
            assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        }
    }
}

/// Soon: a watch that the API server had to start over is told there for a moment. What admission denies stays denied for longer.
async fn ready(operator: &Operator) {
    operator.eventually(async || operator.get("/readyz").await == (200, "ok\n".to_owned())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_plane_denials_concern_what_is_denied_alone() {
    let mut cluster = Cluster::start().await;
    let mut hooks = Vec::new();
    let of_passcodes = ("passcode-operator.dev", "passcoderesets/status");
    for (name, validation, ..) in policies() {
        cluster.declare(name).await;
        cluster.apply(&policy(name, validation, &of_claims(name), of_passcodes, &["UPDATE"])).await;
    }
    for (name, path, ..) in webhooks() {
        cluster.declare(name).await;
        hooks.push(hook(&cluster.webhook, name, path, &of_claims(name), statuses()));
    }
    cluster.apply(&configuration("ValidatingWebhookConfiguration", hooks)).await;
    cluster.declare("stuck").await;
    let never = json!({"expression": "false", "message": "hold: nobody writes this yet"});
    cluster.apply(&policy("stuck", never, "object.metadata.name == 'stuck'", of_passcodes, &["UPDATE"])).await;
    let expected: Vec<_> = policies().map(|(name, _, code, expected, says)| (name, code, expected, says)).to_vec();
    let by_webhooks = webhooks().map(|(name, _, code, expected, says)| (name, code, expected, says));
    let expected: Vec<_> = expected.into_iter().chain(by_webhooks).collect();
    for (name, code, ..) in &expected {
        let status = cluster.until_denied(name).await;
        assert_eq!(status.code, *code, "{name}: {status:?}");
    }
    assert_eq!(cluster.until_denied("stuck").await.code, 422);

    let operator = cluster.whole.operator("first");
    for (name, _, expected, says) in &expected {
        let reason = match expected {
            Rejected => "DeniedByAdmission",
            Held => "HeldByAdmission",
            Silent => continue,
        };
        let message = cluster.until(name, reason, &operator).await;
        assert!(message.contains(says), "{name}: {message}");
        assert_eq!((cluster.carried_out(name), cluster.status(name).await.attempt), (0, None), "{name}");
    }
    cluster.declare("free").await;
    cluster.completes_once("free", &operator).await;
    ready(&operator).await;
    assert_eq!(cluster.locks().await.len(), 1, "the lock of the one that was sent");
    for name in ["stuck", "policy-no-params"] {
        assert_eq!((cluster.status(name).await.reason(), cluster.carried_out(name)), ("", 0), "{name}");
    }
    let denied = operator.get("/metrics").await.1;
    assert!(denied.contains("passcode_operator_writes_denied_total{write=\"status\"}"), "{denied}");

    cluster.remove_all().await;
    // What is held is tried again after a minute, and then more and more rarely: one of each shows that it goes on.
    for name in ["policy-hold", "webhook-down"] {
        cluster.completes_once(name, &operator).await;
    }
    for (name, _, expected, _) in &expected {
        assert!(*expected != Rejected || cluster.carried_out(name) == 0, "{name}");
    }
    locks_that_are_changed(&mut cluster, &operator).await;
    a_leader_that_is_denied(&mut cluster, &operator).await;
    ready(&operator).await;
    assert!(cluster.whole.graph.refusals().is_empty());
}

async fn locks_that_are_changed(cluster: &mut Cluster, operator: &Operator) {
    let rule = json!({
        "apiGroups": ["coordination.k8s.io"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["leases"],
    });
    let condition = "object.metadata.name.startsWith('device-') && has(object.metadata.annotations)";
    let hook = hook(&cluster.webhook, "tidy", "/no-annotations", condition, rule);
    cluster.apply(&configuration("MutatingWebhookConfiguration", vec![hook])).await;
    let before = cluster.locks().await.len();
    let changed = async || {
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "device-probe", "namespace": OPERATOR, "annotations": {"a": "b"}},
        });
        let leases: Api<Lease> = Api::namespaced(cluster.whole.client.clone(), OPERATOR);
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let created = leases.create(&params, &serde_json::from_value(lease).unwrap()).await.unwrap();
        created.metadata.annotations.is_none_or(|annotations| annotations.is_empty())
    };
    operator.eventually(changed).await;
    cluster.declare("changed").await;
    let message = cluster.until("changed", "HeldByAdmission", operator).await;
    assert!(message.contains("a mutating admission webhook or policy changes the Lease"), "{message}");
    assert_eq!((cluster.locks().await.len(), cluster.carried_out("changed")), (before, 0));
    ready(operator).await;
    cluster.remove_all().await;
}

/// Nobody leads for a while; then everything goes on.
async fn a_leader_that_is_denied(cluster: &mut Cluster, operator: &Operator) {
    let no = json!({"expression": "false", "message": "no leader"});
    let name = "object.metadata.name == 'passcode-operator-leader'";
    cluster.apply(&policy("no-leader", no, name, ("coordination.k8s.io", "leases"), &["CREATE", "UPDATE"])).await;
    // It acts on its last renewal for some seconds more.
    for line in [
        "denied by ValidatingAdmissionPolicy 'no-leader' with binding 'no-leader': no leader",
        "not leading any more: the lease could not be renewed",
    ] {
        operator.eventually(async || operator.log().contains(line)).await;
    }
    cluster.declare("led").await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(cluster.carried_out("led"), 0);
    cluster.remove_all().await;
    cluster.completes_once("led", operator).await;
}
