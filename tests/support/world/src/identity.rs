//! What the admission policies for identity do on a real API server: nobody writes another's name.

use api_server::{Review, Ruling, Verb, denied_by_policy};
use kube::{Api, api::PostParams};
use passcode_core::api::{approval::PasscodeResetApproval, reset::REQUESTED_BY};
use serde_json::{Value, json};

use super::{World, objects::HELPDESK};

/// Who is no person here: the replicas.
const REPLICAS: [&str; 3] = ["a", "b", "c"];

fn judge(review: &Review<'_>) -> Ruling {
    if review.verb != Verb::Create {
        return Ruling::Admit;
    }
    let said = match review.resource {
        "passcoderesetapprovals" => of_an_approval(review.client, &review.object["spec"]),
        "passcoderesets" => {
            let name = review.object["metadata"]["annotations"][REQUESTED_BY].as_str();
            let own = name.is_none_or(|name| name == review.client);
            (!own).then(|| format!("the annotation {REQUESTED_BY} has to say who you are, {}", review.client))
        }
        _ => None,
    };
    said.map_or(Ruling::Admit, |said| Ruling::Deny(Box::new(denied_by_policy(403, "identity", &said))))
}

/// The shipped rules, in their order. Whoever is a person has every role here, and may override.
fn of_an_approval(client: &str, spec: &Value) -> Option<String> {
    let approver = spec["approver"].as_str().unwrap_or_default();
    let replica = REPLICAS.contains(&client);
    if approver != client {
        return Some(format!("{approver} is not who creates this approval"));
    }
    if replica && !spec["role"].is_null() {
        return Some(format!("{approver} may not approve in the role {}", spec["role"]));
    }
    if replica && spec["decision"] == "Overridden" {
        return Some(format!("{approver} may not override policies"));
    }
    replica.then(|| format!("{approver} is no person"))
}

impl World {
    /// From now on nobody writes another's name, and replicas that try find it so.
    pub fn enforce_identity(&self) {
        self.api.admission(judge);
    }

    /// From now on everybody writes what they like.
    pub fn enforce_nothing(&self) {
        self.api.admission(|_| Ruling::Admit);
    }

    /// A person's answer to a request of the help desk, with the role `lead`; answers the approval's name.
    pub async fn answer(&self, person: &str, request: &str, decision: &str) -> String {
        let uid = self.resets().get(request).await.unwrap().metadata.uid;
        let name = format!("{request}-{person}-{}", self.api.resource_version());
        let approval = json!({
            "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetApproval",
            "metadata": {"name": name, "namespace": HELPDESK},
            "spec": {
                "request": {"kind": "PasscodeReset", "name": request, "uid": uid}, "decision": decision, "role": "lead",
                "reason": "known by voice", "approver": person,
            },
        });
        let approvals: Api<PasscodeResetApproval> = Api::namespaced(self.api.client_named(person), HELPDESK);
        approvals.create(&PostParams::default(), &serde_json::from_value(approval).unwrap()).await.unwrap();
        name
    }

    /// Takes an approval back.
    pub async fn take_back(&self, approval: &str) {
        let approvals: Api<PasscodeResetApproval> = Api::namespaced(self.client.clone(), HELPDESK);
        approvals.delete(approval, &Default::default()).await.unwrap();
    }
}
