//! The binary with exactly the rights of its service account, by a token of the API server's own: nothing is refused, and no right is left over.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use control_plane::Options;
use deploy::Helm;
use graph_simulator::{Device, DeviceClass, Fault, PathClass, Rule};
use k8s_openapi::{
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec},
        core::v1::ServiceAccount,
    },
    jiff::Timestamp,
};
use kube::{Api, api::PostParams};
use passcode_core::{
    api::{matrix::PlatformSupportMatrix, reset::PasscodeReset, reset_status::Outcome},
    platform::builtin_spec,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use world::objects::{OPERATOR, reset, reset_object};

use super::{chart, rules, rules::Right};
use crate::whole::process::Whole;

const MINUTE: Duration = Duration::from_secs(60);
const SECRET: &str = "graph-credentials";
const STRANGERS: &str = "strangers";

/// Everything that the operator asks for is written down, with the answer.
const AUDIT: &str = r#"{
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": ["system:serviceaccount:passcode-operator:passcode-operator"]}, {"level": "None"}]
}"#;

/// What was asked, and how it was answered.
struct Asked {
    right: Right,
    code: u64,
}

struct Audit {
    directory: TempDir,
}

impl Audit {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("policy.json"), AUDIT).unwrap();
        Self { directory }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("audit.log")
    }

    fn options(&self) -> Options {
        let flag = |name: &str, path: PathBuf| format!("--{name}={}", path.display());
        let policy = flag("audit-policy-file", self.directory.path().join("policy.json"));
        Options { apiserver_arguments: vec![policy, flag("audit-log-path", self.log())], ..Options::default() }
    }

    /// Everything that was asked so far, discovery and the server's version excepted.
    fn asked(&self) -> Vec<Asked> {
        let log = std::fs::read_to_string(self.log()).unwrap();
        // The last line may still be under way.
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter_map(|event| asked(&event)).collect()
    }
}

fn asked(event: &Value) -> Option<Asked> {
    let about = event.get("objectRef")?;
    let text = |field: &str| about[field].as_str().map(ToOwned::to_owned);
    let resource = text("resource")?;
    let right = Right {
        group: text("apiGroup").unwrap_or_default(),
        resource: text("subresource").map_or(resource.clone(), |below| format!("{resource}/{below}")),
        name: text("name"),
        namespace: text("namespace"),
        verb: event["verb"].as_str()?.to_owned(),
    };
    Some(Asked { right, code: event["responseStatus"]["code"].as_u64()? })
}

/// A kubeconfig with a token of the operator's service account, as its pods have one.
pub async fn kubeconfig(whole: &Whole) -> PathBuf {
    let accounts: Api<ServiceAccount> = Api::namespaced(whole.client.clone(), OPERATOR);
    let wanted = TokenRequest { spec: Some(TokenRequestSpec::default()), ..TokenRequest::default() };
    let answer = accounts.create_token_request("passcode-operator", &PostParams::default(), &wanted).await.unwrap();
    let admins = std::fs::read(whole.plane.admin_kubeconfig()).unwrap();
    let mut config: Value = serde_json::from_slice(&admins).unwrap();
    config["users"][0]["user"] = json!({"token": answer.status.unwrap().token});
    let path = whole.plane.directory().join("service-account.kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

/// A control plane with the operator's chart installed, a tenant that needs a matrix of its own, and a namespace that may not use it.
async fn installed(audit: &Audit) -> Whole {
    let whole = Whole::start_with(audit.options()).await;
    let matrix = PlatformSupportMatrix::new("own", builtin_spec("intune").unwrap());
    whole.plane.apply(&serde_json::to_string(&matrix).unwrap()).await.unwrap();
    let policy = json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetPolicy", "metadata": {"name": "all-day"},
        "spec": {"hours": [{"days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], "from": "00:00", "to": "24:00", "timeZone": "UTC"}]},
    });
    whole.plane.apply(&policy.to_string()).await.unwrap();
    let patch = json!({"spec": {
        "platformSupportMatrixRef": {"name": "own"},
        "allowedNamespaces": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [STRANGERS]}]},
    }});
    whole.patch_tenant(&patch).await;
    whole.plane.create_namespace(STRANGERS).await.unwrap();
    let helm = Helm::find().await.unwrap();
    let chart = chart();
    let secret = format!("secretNames={{{SECRET}}}");
    let arguments =
        ["install", "passcode-operator", &chart, "-n", OPERATOR, "--set=image.repository=example", "--set", &secret];
    helm.print(Some(&whole.plane.admin_kubeconfig()), arguments).await.unwrap();
    whole
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_plane_refuses_nothing_to_the_operators_service_account() {
    let audit = Audit::new();
    let whole = installed(&audit).await;
    let operator = whole.operator_with("least", &kubeconfig(&whole).await);

    // A namespace that is not allowed, which takes two looks half a minute apart.
    let (stranger, _) = enrol(&whole, 1);
    let mut object = reset("stranger", &stranger, Timestamp::now());
    object["metadata"]["namespace"] = STRANGERS.into();
    let strangers: Api<PasscodeReset> = Api::namespaced(whole.client.clone(), STRANGERS);
    strangers.create(&PostParams::default(), &reset_object(object)).await.unwrap();

    // One for which Graph is not reached at first, so that its lock is given back; it is sent all the same.
    let (serial, id) = enrol(&whole, 2);
    whole.graph.script(Rule::on(PathClass::Action, Fault::status(424)).device(&id));
    declare(&whole, "unreached", &serial).await;
    let released = async || audit.asked().iter().any(|asked| asked.right.to_string().starts_with("delete leases"));
    operator.eventually(released).await;
    whole.graph.clear_faults();

    let (serial, plain) = enrol(&whole, 3);
    declare(&whole, "plain", &serial).await;
    for name in ["plain", "unreached"] {
        let status = whole.outcome(name, 2 * MINUTE, &operator).await;
        assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "PasscodeRemoved"), "{name}");
    }
    for device in [&plain, &id] {
        assert_eq!(whole.graph.executed().iter().filter(|executed| executed.device == *device).count(), 1);
    }
    let rejected = async || {
        let status = strangers.get("stranger").await.unwrap().status.unwrap_or_default();
        status.outcome == Some(Outcome::Rejected) && status.reason() == "NamespaceNotAllowed"
    };
    operator.eventually(rejected).await;
    assert_eq!(operator.get("/readyz").await, (200, "ok\n".to_owned()));
    assert!(operator.terminate().await < Duration::from_secs(10));

    let asked = audit.asked();
    let forbidden: Vec<String> = asked.iter().filter(|a| a.code == 403).map(|a| a.right.to_string()).collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
    let used = |right: &&Right| asked.iter().any(|asked| covers(right, &asked.right));
    let granted = rules::operators(SECRET).await;
    let unused: BTreeSet<String> = granted.iter().filter(|right| !used(right)).map(ToString::to_string).collect();
    assert!(unused.is_empty(), "granted and not used: {unused:?}");
}

fn covers(granted: &Right, asked: &Right) -> bool {
    let Right { group, resource, name, namespace, verb } = granted;
    (group, resource, verb) == (&asked.group, &asked.resource, &asked.verb)
        && (name.is_none() || *name == asked.name)
        && (namespace.is_none() || *namespace == asked.namespace)
}

fn enrol(whole: &Whole, number: u32) -> (String, String) {
    let device = Device::example(DeviceClass::IPhone, number);
    (device.serial().to_owned(), whole.graph.add_device(device))
}

async fn declare(whole: &Whole, name: &str, serial: &str) {
    let object = reset_object(reset(name, serial, Timestamp::now()));
    whole.resets().create(&PostParams::default(), &object).await.unwrap();
}
