//! People who agree, refuse, take back and override, by the chart's own admission policies and rights, over the whole operator on a real API
//! server.

use std::{process::Stdio, time::Duration};

use control_plane::{Options, User};
use deploy::Helm;
use graph_simulator::{Device, DeviceClass};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams},
};
use passcode_core::api::{
    conditions,
    reset::REQUESTED_BY,
    reset_status::{Outcome, PasscodeResetStatus},
    tenant::IntuneTenant,
};
use serde_json::{Value, json};
use tokio::process::Command;
use world::{
    changes::message,
    objects::{HELPDESK, OPERATOR, reset},
};

use super::{chart, least_privilege::kubeconfig};
use crate::whole::process::{Operator, Whole};

const MINUTE: Duration = Duration::from_secs(60);
const PROGRAM: &str = env!("CARGO_BIN_EXE_passcode-operator");
const RBAC: &str = "rbac.authorization.k8s.io";

/// Jane is a lead, bob approves without a role, olga may override, and rita asks for resets.
async fn installed() -> Whole {
    let users = ["jane", "bob", "olga", "rita"].map(|name| User::new(name, [] as [&str; 0]));
    let whole = Whole::start_with(Options { users: users.into(), ..Options::default() }).await;
    let helm = Helm::find().await.unwrap();
    let chart = chart();
    let values =
        ["--set=image.repository=example", "--set=secretNames={graph-credentials}", "--set=identity.enabled=true"];
    let arguments = ["install", "passcode-operator", &chart, "-n", OPERATOR].into_iter().chain(values);
    helm.print(Some(&whole.plane.admin_kubeconfig()), arguments).await.unwrap();
    let lead = json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": "Role", "metadata": {"name": "lead", "namespace": HELPDESK},
        "rules": [{"apiGroups": ["passcode-operator.dev"], "resources": ["approvalroles"], "resourceNames": ["lead"], "verbs": ["approve"]}],
    });
    whole.apply(&lead).await;
    for (person, kind, of, role) in [
        ("jane", "RoleBinding", "ClusterRole", "passcode-operator-approver"),
        ("jane", "RoleBinding", "Role", "lead"),
        ("bob", "RoleBinding", "ClusterRole", "passcode-operator-approver"),
        ("olga", "RoleBinding", "ClusterRole", "passcode-operator-approver"),
        ("olga", "ClusterRoleBinding", "ClusterRole", "passcode-operator-override"),
        ("rita", "RoleBinding", "ClusterRole", "passcode-operator-requester"),
    ] {
        let namespace = if kind == "RoleBinding" { HELPDESK } else { "" };
        let binding = json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": {"name": format!("{person}-{role}"), "namespace": namespace},
            "roleRef": {"apiGroup": RBAC, "kind": of, "name": role},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": person}],
        });
        whole.apply(&binding).await;
    }
    whole
}

async fn policy(whole: &Whole, name: &str, spec: Value) {
    let policy = json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetPolicy", "metadata": {"name": name}, "spec": spec,
    });
    whole.apply(&policy).await;
}

/// A request of rita's, in her own name.
async fn ask(whole: &Whole, name: &str, number: u32) -> String {
    let device = Device::example(DeviceClass::IPhone, number);
    let mut object = reset(name, device.serial(), Timestamp::now());
    object["metadata"]["annotations"] = json!({REQUESTED_BY: "rita"});
    let id = whole.graph.add_device(device);
    let kubeconfig = whole.plane.kubeconfig_for("rita").unwrap();
    let file = whole.plane.directory().join(format!("{name}.json"));
    std::fs::write(&file, object.to_string()).unwrap();
    let arguments =
        ["--kubeconfig".into(), kubeconfig.into_os_string(), "create".into(), "-f".into(), file.into_os_string()];
    let output = whole.plane.kubectl(arguments).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    id
}

/// Runs the program as a person; answers whether it said that it was done, and what it said.
async fn tell(whole: &Whole, person: &str, arguments: &str) -> (bool, String) {
    let output = Command::new(PROGRAM)
        .args(arguments.split(' '))
        .args(["-n", HELPDESK, "--yes"])
        .env("KUBECONFIG", whole.plane.kubeconfig_for(person).unwrap())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

async fn told(whole: &Whole, person: &str, arguments: &str) {
    let (done, said) = tell(whole, person, arguments).await;
    assert!(done, "{person}: {arguments}: {said}");
}

async fn status(whole: &Whole, name: &str) -> PasscodeResetStatus {
    whole.resets().get(name).await.unwrap().status.unwrap_or_default()
}

async fn held(whole: &Whole, name: &str, reason: &str, words: &str, operator: &Operator) {
    operator
        .eventually(async || {
            let status = status(whole, name).await;
            status.reason() == reason && message(&status).contains(words)
        })
        .await;
}

async fn ends(whole: &Whole, name: &str, outcome: Outcome, reason: &str, operator: &Operator) -> PasscodeResetStatus {
    let status = whole.outcome(name, 2 * MINUTE, operator).await;
    assert_eq!((status.outcome, status.reason()), (Some(outcome), reason), "{}", message(&status));
    status
}

fn executed(whole: &Whole, id: &str) -> usize {
    whole.graph.executed().iter().filter(|executed| executed.device == id).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_plane_people_agree_refuse_take_back_and_override() {
    let whole = installed().await;
    let rule = json!({"name": "leads", "decision": "RequireApproval", "approval": {"required": 2, "roles": [{"name": "lead"}]}});
    policy(&whole, "leads", json!({"rules": [rule]})).await;
    let operator = whole.operator_with("agreement", &kubeconfig(&whole).await);
    // Who asked before that is proved is not known, and takes one more.
    let proved = async || {
        let tenants: Api<IntuneTenant> = Api::all(whole.client.clone());
        let status = tenants.get("default").await.unwrap().status.unwrap_or_default();
        conditions::is_true(&status.conditions, conditions::kind::IDENTITY_ENFORCED)
    };
    operator.eventually(proved).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let first = ask(&whole, "first", 1).await;
    held(&whole, "first", "AwaitingApproval", "0 of 2; still needed: lead, one person of any role", &operator).await;

    // Who approves finds what waits, and the command that it says.
    let waiting = whole.resets().list(&ListParams::default().fields("status.reason=AwaitingApproval")).await.unwrap();
    assert_eq!(waiting.items.len(), 1);
    let told_of = async || {
        let output = whole.plane.kubectl(["events", "-n", HELPDESK, "--for", "pcr/first"]).await.unwrap();
        String::from_utf8(output.stdout).unwrap().contains("still needed: lead")
    };
    operator.eventually(told_of).await;
    let said = message(&status(&whole, "first").await).to_owned();
    assert!(said.contains("kubectl pcr approve -n helpdesk first --role lead"), "{said}");

    // A role is a right, and who asked does not agree.
    let (done, said) = tell(&whole, "bob", "approve first --role lead").await;
    assert!(!done && said.contains("lead"), "{said}");
    let (done, said) = tell(&whole, "rita", "approve first").await;
    assert!(!done, "{said}");
    told(&whole, "bob", "approve first").await;
    held(&whole, "first", "AwaitingApproval", "1 of 2; still needed: lead", &operator).await;
    assert_eq!(executed(&whole, &first), 0);
    told(&whole, "jane", "approve first --role lead").await;
    let status_of_first = ends(&whole, "first", Outcome::Complete, "PasscodeRemoved", &operator).await;
    assert_eq!(status_of_first.permission.unwrap().policies[0].verdict, "Permitted");
    assert_eq!(executed(&whole, &first), 1);

    // Taken back before it is sent.
    let second = ask(&whole, "second", 2).await;
    held(&whole, "second", "AwaitingApproval", "0 of 2", &operator).await;
    told(&whole, "jane", "approve second --role lead").await;
    held(&whole, "second", "AwaitingApproval", "1 of 2; still needed: one more person", &operator).await;
    let output = whole.plane.kubectl(["delete", "pcra", "-n", HELPDESK, "--all"]).await.unwrap();
    assert!(output.status.success());
    told(&whole, "bob", "approve second").await;
    held(&whole, "second", "AwaitingApproval", "1 of 2; still needed: lead", &operator).await;
    told(&whole, "jane", "deny second --role lead --reason not-called-back").await;
    let rejected = ends(&whole, "second", Outcome::Rejected, "ApprovalDenied", &operator).await;
    assert!(message(&rejected).contains("not-called-back"), "{}", message(&rejected));
    assert_eq!(executed(&whole, &second), 0);

    // The break-glass is for who has the right to it, and is told each time.
    let third = ask(&whole, "third", 3).await;
    held(&whole, "third", "AwaitingApproval", "0 of 2", &operator).await;
    let (done, said) = tell(&whole, "jane", "approve third --override --reason plant-manager").await;
    assert!(!done, "{said}");
    told(&whole, "olga", "approve third --override --reason plant-manager").await;
    let status_of_third = ends(&whole, "third", Outcome::Complete, "PasscodeRemoved", &operator).await;
    let permitted = conditions::get(&status_of_third.conditions, conditions::kind::PERMITTED).unwrap();
    assert_eq!((permitted.status.as_str(), permitted.reason.as_str()), ("True", "Overridden"));
    assert_eq!(executed(&whole, &third), 1);
    let (_, metrics) = operator.get("/metrics").await;
    assert!(metrics.contains("passcode_operator_overrides_total 1"), "{metrics}");
    let output = whole.plane.kubectl(["events", "-n", HELPDESK, "--for", "pcr/third"]).await.unwrap();
    let events = String::from_utf8(output.stdout).unwrap();
    assert!(events.lines().any(|line| line.contains("Warning") && line.contains("Overridden")), "{events}");

    without_proof(&whole, &operator).await;
}

/// Without the admission policies nobody's approval counts, and what was given before they are back does not count afterwards.
async fn without_proof(whole: &Whole, operator: &Operator) {
    let fourth = ask(whole, "fourth", 4).await;
    held(whole, "fourth", "AwaitingApproval", "0 of 2", operator).await;
    let binding = "validatingadmissionpolicybinding/identity-of-approvers.passcode-operator.dev";
    let patch = |actions: Value| json!({"spec": {"validationActions": actions}}).to_string();
    let set = async |actions: Value| {
        let output = whole.plane.kubectl(["patch", binding, "--type=merge", "-p", &patch(actions)]).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    set(json!(["Audit"])).await;
    held(whole, "fourth", "IdentityNotEnforced", "nothing proves at the moment who that is", operator).await;
    // In anybody's name.
    let object = whole.resets().get("fourth").await.unwrap();
    for (name, approver, role) in [("forged-1", "jane", Some("lead")), ("forged-2", "bob", None)] {
        let mut spec = json!({
            "request": {"kind": "PasscodeReset", "name": "fourth", "uid": object.metadata.uid}, "decision": "Approved", "approver": approver,
        });
        if let Some(role) = role {
            spec["role"] = role.into();
        }
        let forged = json!({
            "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetApproval",
            "metadata": {"name": name, "namespace": HELPDESK}, "spec": spec,
        });
        whole.apply(&forged).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(executed(whole, &fourth), 0);
    set(json!(["Deny"])).await;
    held(whole, "fourth", "AwaitingApproval", "older than the proof", operator).await;
    assert_eq!(executed(whole, &fourth), 0);
    let patch = Patch::Merge(json!({"metadata": {"annotations": {REQUESTED_BY: "jane"}}}));
    let changed = whole.resets().patch("fourth", &PatchParams::default(), &patch).await;
    assert!(changed.is_err(), "who asked is not changed afterwards");
}
