//! Who asks and who agrees, with the rights that the samples give them, and the policies that make them necessary.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use control_plane::{ControlPlane, User};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::samples::repository;

/// The help desk.
pub const DESK: &str = "alex";
/// A team lead.
const LEAD: &str = "jane";
const GROUP: &str = "team-leads";
/// What the operator runs as.
pub const OPERATOR: &str = "passcode-operator";

/// Their names and groups, as the API server knows them, and the operator's.
pub fn all() -> Vec<User> {
    vec![User::new(DESK, [] as [&str; 0]), User::new(LEAD, [GROUP]), User::service_account(OPERATOR, OPERATOR)]
}

/// What each of them may do, and what is permitted: the ready-made roles and admission policies of `deploy/`, and samples.
pub const INSTALLED: [&str; 6] = [
    "deploy/kustomize/base/clusterrole.yaml",
    "deploy/kustomize/base/role.yaml",
    "deploy/kustomize/base/userroles.yaml",
    "deploy/kustomize/components/identity",
    "deploy/kustomize/components/identity-stamp/identitystamp.yaml",
    "deploy/admission/executives.yaml",
];

/// What needs the namespace of the samples.
pub const AGREEMENT: [&str; 2] = ["deploy/samples/approvers.yaml", "deploy/samples/policies/scanners.yaml"];

/// The files below one of these paths.
pub fn files(path: &str) -> Result<Vec<String>> {
    let whole = repository().join(path);
    if whole.is_file() {
        return Ok(vec![whole.to_string_lossy().into_owned()]);
    }
    let entries = std::fs::read_dir(&whole).with_context(|| format!("cannot read {}", whole.display()))?;
    let mut files: Vec<String> =
        entries.map(|entry| Ok(entry?.path().to_string_lossy().into_owned())).collect::<Result<_>>()?;
    files.retain(|file| !file.ends_with("kustomization.yaml"));
    files.sort();
    Ok(files)
}

/// Rights that no sample has: the operator's to its Secret, and the help desk's in its namespace.
pub fn bindings(namespace: &str, secret: &str) -> [Value; 3] {
    let group = "rbac.authorization.k8s.io";
    let api = format!("{group}/v1");
    let binding = |name: &str, namespace: &str, role: Value, subject: Value| {
        json!({
            "apiVersion": api, "kind": "RoleBinding", "metadata": {"name": name, "namespace": namespace},
            "roleRef": role, "subjects": [subject],
        })
    };
    let role = |kind: &str, name: &str| json!({"apiGroup": group, "kind": kind, "name": name});
    [
        json!({
            "apiVersion": api, "kind": "Role", "metadata": {"name": "secrets", "namespace": OPERATOR},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get"]}],
        }),
        binding(
            "secrets",
            OPERATOR,
            role("Role", "secrets"),
            json!({"kind": "ServiceAccount", "name": OPERATOR, "namespace": OPERATOR}),
        ),
        binding(
            "help-desk",
            namespace,
            role("ClusterRole", "passcode-operator-requester"),
            json!({"apiGroup": group, "kind": "User", "name": DESK}),
        ),
    ]
}

/// Shows a command of the team lead's, and what it prints.
pub async fn lead(plane: &ControlPlane, program: &Path, arguments: &[&str]) -> Result<()> {
    println!("$ kubectl pcr {}   # as {LEAD}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .arg("--yes")
        .env("KUBECONFIG", plane.kubeconfig_for(LEAD)?)
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .context("cannot run the operator's program")?;
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).lines().for_each(|line| println!("  {line}"));
    ensure!(output.status.success(), "{LEAD} could not decide");
    Ok(())
}
