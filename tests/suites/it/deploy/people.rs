//! What people may do with the ready-made ClusterRoles, and what nobody gets by them: the real API server decides.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams, PostParams},
};
use passcode_core::api::reset::PasscodeReset;
use serde_json::{Value, json};

use super::rendered;
use crate::control_plane::server::Server;

const RESETS: &str = "passcoderesets.passcode-operator.dev";
const TENANTS: &str = "intunetenants.passcode-operator.dev";
const MATRICES: &str = "platformsupportmatrices.passcode-operator.dev";
const APPROVALS: &str = "passcoderesetapprovals.passcode-operator.dev";
const POLICIES: &str = "passcoderesetpolicies.passcode-operator.dev";
const ADMISSION: &str = "validatingadmissionpolicies.admissionregistration.k8s.io";
const EVENTS: &str = "events";
const STATUS: &str = "passcoderesets.passcode-operator.dev/status";

/// Whether somebody may: `namespace` is empty for the whole cluster.
async fn may(client: &Client, user: &str, verb: &str, what: &str, namespace: &str, name: &str) -> bool {
    let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let attributes = ResourceAttributes {
        verb: text(verb),
        group: text(group),
        resource: text(resource),
        subresource: text(subresource),
        namespace: text(namespace),
        name: text(name),
        ..ResourceAttributes::default()
    };
    let spec =
        SubjectAccessReviewSpec { user: text(user), resource_attributes: Some(attributes), ..Default::default() };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}

/// The chart's roles on the server, and people who have one each: in the namespace `desk`, the platform team in the whole cluster.
async fn granted() -> Server {
    let server = Server::shared().await;
    for namespace in ["desk", "passcode-operator"] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        server.plane.apply(&object.to_string()).await.unwrap();
    }
    for object in rendered(&["--set=secretNames={intune-client-secret},identity.enabled=true"]).await {
        if object["apiVersion"] == "rbac.authorization.k8s.io/v1" {
            server.plane.apply(&object.to_string()).await.unwrap();
        }
    }
    for role in ["requester", "viewer", "approver"] {
        bind(&server.client, "RoleBinding", &format!("passcode-operator-{role}"), role).await;
    }
    for role in ["platform", "policies", "override"] {
        let everywhere = binding("ClusterRoleBinding", &format!("passcode-operator-{role}"), role);
        server.plane.apply(&everywhere.to_string()).await.unwrap();
    }
    // Two who have what Kubernetes brings.
    for role in ["admin", "edit"] {
        bind(&server.client, "RoleBinding", role, role).await;
    }
    server
}

fn binding(kind: &str, role: &str, user: &str) -> Value {
    let group = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": format!("test-{user}")},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    })
}

async fn bind(client: &Client, kind: &str, role: &str, user: &str) {
    let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), "desk");
    let object = Patch::Apply(binding(kind, role, user));
    bindings.patch(&format!("test-{user}"), &PatchParams::apply("test"), &object).await.unwrap();
}

#[tokio::test]
async fn control_plane_grants_people_what_their_role_says() {
    let server = granted().await;
    let rows = [
        // The help desk declares and cancels in its own namespace; it changes no outcome and no tenant.
        ("requester", "create", RESETS, "desk", true),
        ("requester", "delete", RESETS, "desk", true),
        ("requester", "watch", RESETS, "desk", true),
        ("requester", "create", RESETS, "passcode-operator", false),
        ("requester", "list", RESETS, "", false),
        ("requester", "patch", STATUS, "desk", false),
        ("requester", "patch", RESETS, "desk", false),
        ("requester", "get", TENANTS, "", false),
        ("requester", "get", "secrets", "desk", false),
        // kubectl describe and kubectl events read these.
        ("requester", "list", EVENTS, "desk", true),
        ("requester", "watch", EVENTS, "desk", true),
        ("requester", "list", EVENTS, "", false),
        ("requester", "create", EVENTS, "desk", false),
        ("requester", "delete", EVENTS, "desk", false),
        ("viewer", "list", EVENTS, "desk", true),
        ("viewer", "list", EVENTS, "passcode-operator", false),
        ("viewer", "list", RESETS, "desk", true),
        ("viewer", "create", RESETS, "desk", false),
        ("viewer", "delete", RESETS, "desk", false),
        ("viewer", "list", APPROVALS, "desk", true),
        // What is permitted is for the security team to say, and nobody agrees to a request by any of these roles.
        ("policies", "create", POLICIES, "", true),
        ("policies", "delete", POLICIES, "", true),
        ("policies", "list", APPROVALS, "", true),
        ("policies", "create", APPROVALS, "desk", false),
        ("policies", "create", RESETS, "desk", false),
        ("policies", "patch", TENANTS, "", false),
        ("platform", "list", POLICIES, "", true),
        ("platform", "patch", POLICIES, "", false),
        ("requester", "create", APPROVALS, "desk", false),
        ("requester", "get", POLICIES, "", false),
        ("platform", "create", TENANTS, "", true),
        ("platform", "patch", TENANTS, "", true),
        ("platform", "delete", MATRICES, "", true),
        ("platform", "list", RESETS, "", true),
        ("platform", "create", RESETS, "desk", false),
        ("platform", "delete", RESETS, "desk", false),
        ("platform", "patch", STATUS, "desk", false),
        ("platform", "get", "secrets", "passcode-operator", false),
        ("approver", "create", APPROVALS, "desk", true),
        ("approver", "delete", APPROVALS, "desk", true),
        ("approver", "patch", APPROVALS, "desk", false),
        ("approver", "create", APPROVALS, "passcode-operator", false),
        ("approver", "get", RESETS, "desk", true),
        ("approver", "create", RESETS, "desk", false),
        ("approver", "override", POLICIES, "", false),
        ("override", "override", POLICIES, "", true),
        ("override", "create", APPROVALS, "desk", false),
        ("requester", "create", APPROVALS, "desk", false),
        ("platform", "create", APPROVALS, "desk", false),
        ("platform", "override", POLICIES, "", false),
        ("admin", "create", APPROVALS, "desk", false),
        // Whoever may edit a namespace may not reset phones for that.
        ("edit", "create", RESETS, "desk", false),
        ("admin", "create", RESETS, "desk", false),
        ("admin", "get", RESETS, "desk", false),
    ];
    for (user, verb, what, namespace, allowed) in rows {
        let got = may(&server.client, user, verb, what, namespace, "").await;
        assert_eq!(got, allowed, "{user}: {verb} {what} in {namespace:?}");
    }
    // No controller fills the roles that Kubernetes brings here, so it is the labels that have to be missing.
    let roles: Api<ClusterRole> = Api::all(server.client.clone());
    for role in roles.list(&Default::default()).await.unwrap() {
        let name = role.metadata.name.clone().unwrap();
        let labels = role.metadata.labels.unwrap_or_default();
        let aggregated = labels.keys().any(|label| label.contains("aggregate-to"));
        assert!(!(name.starts_with("passcode-operator") && aggregated), "{name}");
    }
}

/// With nothing but its own role the help desk sees what the operator published.
#[tokio::test]
async fn control_plane_describe_shows_the_help_desk_what_happened() {
    let server = granted().await;
    let object = json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeReset", "metadata": {"name": "inc0012345", "namespace": "desk"},
        "spec": {"device": {"serialNumber": "F9F92XQ9AF25"}, "requestTime": "2026-11-22T09:00:00Z"},
    });
    server.plane.apply(&object.to_string()).await.unwrap();
    let resets: Api<PasscodeReset> = Api::namespaced(server.client.clone(), "desk");
    let regarding = resets.get("inc0012345").await.unwrap().object_ref(&());
    for (name, note) in
        [("first", "Issued: Intune lists the reset."), ("second", "Complete: The device has carried it out.")]
    {
        let event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": name, "namespace": "desk"},
            "eventTime": "2026-11-22T09:00:01.000000Z", "type": "Normal", "reason": "PasscodeRemoved", "note": note, "action": "Reset",
            "regarding": &regarding, "reportingController": "passcode-operator", "reportingInstance": "passcode-operator-0",
        });
        server.plane.apply(&event.to_string()).await.unwrap();
    }
    for person in ["--as=requester", "--as=viewer"] {
        for arguments in
            [&["describe", "pcr", "inc0012345"][..], &["get", "events"], &["events", "--for", "pcr/inc0012345"]]
        {
            let output = server.plane.kubectl([arguments, &["-n", "desk", person]].concat()).await.unwrap();
            let shown = String::from_utf8_lossy(&output.stdout);
            let words = |what: &str| shown.lines().any(|line| line.contains("PasscodeRemoved") && line.contains(what));
            assert!(words("Issued: Intune lists") && words("Complete: The device"), "{person} {arguments:?}: {shown}");
        }
    }
}

#[tokio::test]
async fn control_plane_gives_the_operator_no_more_than_it_needs() {
    let server = granted().await;
    let rows = [
        ("get", "secrets", "passcode-operator", "intune-client-secret", true),
        ("get", "secrets", "passcode-operator", "another", false),
        ("get", "secrets", "desk", "intune-client-secret", false),
        ("list", "secrets", "passcode-operator", "", false),
        ("watch", "secrets", "passcode-operator", "", false),
        ("patch", STATUS, "desk", "", true),
        ("create", RESETS, "desk", "", false),
        // With which it tries who can approve and ask.
        ("create", RESETS, "passcode-operator", "", true),
        ("create", APPROVALS, "passcode-operator", "", true),
        ("create", APPROVALS, "desk", "", false),
        ("get", APPROVALS, "passcode-operator", "", false),
        ("list", ADMISSION, "", "identity-of-approvers.passcode-operator.dev", true),
        ("list", ADMISSION, "", "another", false),
        ("list", ADMISSION, "", "", false),
        ("update", ADMISSION, "", "identity-of-approvers.passcode-operator.dev", false),
        ("override", POLICIES, "", "", false),
        ("delete", RESETS, "desk", "", false),
        ("patch", RESETS, "desk", "", false),
        ("patch", TENANTS, "", "", false),
        ("update", "customresourcedefinitions.apiextensions.k8s.io", "", RESETS, false),
        ("get", "customresourcedefinitions.apiextensions.k8s.io", "", "another", false),
        ("get", "leases.coordination.k8s.io", "desk", "", false),
        ("get", "configmaps", "passcode-operator", "", false),
        ("create", "pods", "passcode-operator", "", false),
        ("create", "serviceaccounts/token", "passcode-operator", "passcode-operator", false),
    ];
    let operator = "system:serviceaccount:passcode-operator:passcode-operator";
    for (verb, what, namespace, name, allowed) in rows {
        let got = may(&server.client, operator, verb, what, namespace, name).await;
        assert_eq!(got, allowed, "{verb} {what} {name} in {namespace:?}");
    }
}
