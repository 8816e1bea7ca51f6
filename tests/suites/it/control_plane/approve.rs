//! `approve` and `deny`, as the binary and as kubectl's plug-in, by people of different rights on a real API server.

use std::{path::Path, process::Stdio};

use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use passcode_core::api::{
    approval::{ApprovalDecision, PasscodeResetApproval},
    reset::PasscodeReset,
};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{
    identity::{Cluster, asked_by},
    rules::manifests::GUID,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_passcode-operator");

/// What the program said, and with which exit code it ended.
#[derive(Debug)]
struct Told {
    code: i32,
    out: String,
    err: String,
}

/// Runs it as a person, who cannot be asked anything.
async fn tell(cluster: &Cluster, program: &str, person: &str, arguments: &[&str]) -> Told {
    let kubeconfig = match person {
        "admin" => cluster.plane.admin_kubeconfig(),
        person => cluster.plane.kubeconfig_for(person).unwrap(),
    };
    let output = Command::new(program)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("PATH", Path::new(program).parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Told { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

async fn told(cluster: &Cluster, person: &str, arguments: &str) -> Told {
    tell(cluster, PROGRAM, person, &arguments.split(' ').collect::<Vec<_>>()).await
}

/// A reset that rita asked for and that waits for people.
async fn waiting(cluster: &Cluster, name: &str, status: Value) -> PasscodeReset {
    let mut object = asked_by(name, "rita");
    object["spec"]["justification"] = "INC1, locked \u{1b}[2Jout\nafter \u{202e}holiday".into();
    cluster.kubectl("rita", "create", &object).await.unwrap();
    let resets: Api<PasscodeReset> = Api::namespaced(cluster.plane.client().await.unwrap(), "default");
    let mut all = json!({
        "observedGeneration": 1,
        "effective": {"tenantId": GUID, "expirationTime": "2026-11-23T09:00:00Z", "completionTimeout": "604800s"},
        "device": {"managedDeviceId": GUID, "platform": "IosDeviceEnrollment", "operatingSystem": "iOS", "osVersion": "26.1", "ownership": "company", "model": "iPad"},
        "conditions": [{
            "type": "Ready", "status": "Unknown", "reason": "AwaitingApproval", "message": "Waiting for approval: 0 of 1; still needed: lead.",
            "lastTransitionTime": "2026-11-22T09:00:01Z",
        }],
    });
    for (field, value) in status.as_object().unwrap() {
        all[field] = value.clone();
    }
    let patch = Patch::Merge(json!({"status": all}));
    resets.patch_status(name, &PatchParams::default(), &patch).await.unwrap()
}

#[tokio::test]
async fn control_plane_approves_and_denies_in_the_name_of_whoever_is_signed_in() {
    let cluster = Cluster::start().await;
    cluster.policies(|_| {}).await;
    cluster.until_refused("rita", &asked_by("a", "jane"), "has to say who you are").await;
    let reset = waiting(&cluster, "inc1", json!({})).await;
    let approvals: Api<PasscodeResetApproval> = Api::namespaced(cluster.plane.client().await.unwrap(), "default");
    refusals(&cluster).await;
    assert_eq!(approvals.list(&ListParams::default()).await.unwrap().items, [], "nothing of it was stored");

    let approved = told(&cluster, "jane", "approve -n default inc1 --role lead --yes").await;
    assert_eq!(approved.code, 0, "{approved:?}");
    for line in [
        "PasscodeReset default/inc1",
        "  asked for by    rita",
        "  because         INC1, locked [2Jout after holiday",
        "  device          IosDeviceEnrollment (iPad, iOS, 26.1, company), Intune's id 705c034c-034c-705c-4c03-5c704c035c70",
        "  action          UnlockDevice",
        "  not sent after  2026-11-23T09:00:00Z",
        "  state           AwaitingApproval: Waiting for approval: 0 of 1; still needed: lead.",
        "Approved by jane. To take it back as long as the reset is not sent: kubectl delete pcra -n default inc1-",
    ] {
        assert!(approved.out.lines().any(|out| out.starts_with(line)), "{line}: {}", approved.out);
    }
    let [stored] = approvals.list(&ListParams::default()).await.unwrap().items.try_into().unwrap();
    let spec = &stored.spec;
    assert_eq!((spec.approver.as_str(), spec.role.as_deref(), spec.reason.as_deref()), ("jane", Some("lead"), None));
    assert_eq!((&spec.request.uid, spec.decision), (&reset.uid().unwrap(), ApprovalDecision::Approved));
    assert_eq!(spec.managed_device_id.as_deref(), Some(GUID));
    approvals.delete(&stored.name_any(), &DeleteParams::default()).await.unwrap();

    let arguments = ["deny", "-n", "default", "inc1", "--reason", "not called back", "--yes"];
    assert_eq!(tell(&cluster, PROGRAM, "bob", &arguments).await.code, 0);
    let arguments = ["approve", "inc1", "--override", "--reason", "the plant is down", "--yes"];
    let overridden = tell(&cluster, PROGRAM, "olga", &arguments).await;
    assert_eq!(overridden.code, 0, "{overridden:?}");
    let mut stored: Vec<_> = approvals.list(&ListParams::default()).await.unwrap().items;
    stored.sort_by_key(|approval| approval.spec.approver.clone());
    let said: Vec<_> =
        stored.iter().map(|one| (one.spec.approver.as_str(), one.spec.decision, one.spec.reason.as_deref())).collect();
    let expected = [
        ("bob", ApprovalDecision::Denied, Some("not called back")),
        ("olga", ApprovalDecision::Overridden, Some("the plant is down")),
    ];
    assert_eq!(said, expected);
    as_plug_in(&cluster).await;
}

/// What cannot be done, with the words and the exit code for it.
async fn refusals(cluster: &Cluster) {
    waiting(cluster, "done", json!({"outcome": "Rejected", "completionTime": "2026-11-22T10:00:00Z"})).await;
    let rows = [
        ("jane", "approve inc1 --role lead", 2, "nobody can be asked whether this is meant: add --yes"),
        ("jane", "approve inc1 --override --yes", 2, "--reason"),
        ("jane", "deny inc1 --yes", 2, "--reason"),
        (
            "jane",
            "approve inc2 --yes",
            1,
            "there is no PasscodeReset \"inc2\" in namespace \"default\": name its namespace with -n",
        ),
        ("admin", "approve inc1 -n elsewhere --yes", 1, "in namespace \"elsewhere\": did you mean -n default?"),
        ("jane", "approve inc1 -n elsewhere --yes", 1, "you may not read PasscodeResets in namespace \"elsewhere\""),
        ("jane", "approve done --yes", 3, "Nothing is left to decide: it is finished. AwaitingApproval"),
        (
            "rita",
            "approve inc1 --yes",
            1,
            "you asked for this reset yourself: somebody else has to decide about it. To cancel it: kubectl delete pcr -n default inc1",
        ),
        ("nora", "approve inc1 --yes", 1, "you may not create PasscodeResetApprovals in namespace \"default\""),
        (
            "bob",
            "approve inc1 --role lead --yes",
            1,
            "bob may not approve in the role lead in namespace default: it takes the verb approve on approvalroles",
        ),
        (
            "jane",
            "approve inc1 --override --reason x --yes",
            1,
            "jane may not override policies: it takes the verb override",
        ),
        ("jane", "approve inc1 --role Lead! --yes", 1, "spec.role"),
        ("jane", "approve inc1 --context nowhere --yes", 1, "no cluster: set KUBECONFIG"),
    ];
    for (person, arguments, code, words) in rows {
        let told = told(cluster, person, arguments).await;
        assert_eq!(told.code, code, "{person} {arguments}: {told:?}");
        assert!(told.err.contains(words), "{person} {arguments}: {told:?}");
    }
}

/// A link by the name that kubectl looks for.
async fn as_plug_in(cluster: &Cluster) {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(PROGRAM, directory.path().join("kubectl-pcr")).unwrap();
    std::os::unix::fs::symlink(cluster.plane.binaries().join("kubectl"), directory.path().join("kubectl")).unwrap();
    let kubectl = directory.path().join("kubectl");
    let kubectl = kubectl.to_str().unwrap();
    let approved =
        tell(cluster, kubectl, "jane", &["pcr", "approve", "-n", "default", "inc1", "--role", "lead", "--yes"]).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    let help = tell(cluster, kubectl, "jane", &["pcr", "approve", "--help"]).await;
    assert!(help.out.contains("Usage: kubectl pcr approve"), "{help:?}");
    let wrong = tell(cluster, kubectl, "jane", &["pcr", "approve", "nothing", "--yes"]).await;
    assert!(wrong.err.starts_with("kubectl pcr: there is no PasscodeReset"), "{wrong:?}");
}
