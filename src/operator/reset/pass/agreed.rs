//! What is known in a pass of the policies, approvals and earlier resets that decide whether its request is permitted.

use std::{collections::BTreeMap, sync::Arc};

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use passcode_core::{
    api::reset::PasscodeReset,
    lifecycle::agreement::Approvals,
    policy::{PastReset, Policy},
};
use sha2::{Digest, Sha256};

use crate::operator::reset::context::PassContext;

/// What is known of it.
pub struct Agreed {
    /// The policies of the cluster; `None`: they were not listed yet.
    pub policies: Option<Vec<Arc<Policy>>>,
    /// The approvals of the request, once they were read.
    pub approvals: Option<Approvals>,
    /// The labels of its namespace.
    pub namespace_labels: Option<BTreeMap<String, String>>,
    /// What stands for whoever asked for it.
    pub requester_key: Option<String>,
}

/// What one decision is made with; it lives as long as that.
pub struct Asked<'a> {
    /// The policies.
    pub policies: Option<Vec<&'a Policy>>,
    /// What counts for budgets.
    pub past: Vec<PastReset>,
}

impl Agreed {
    /// What the caches say.
    pub fn new(context: &PassContext, object: &PasscodeReset) -> Self {
        let namespace = context.namespaces.get(&ObjectRef::new(&object.namespace().unwrap_or_default()));
        Self {
            policies: context.policies.cached(),
            approvals: None,
            namespace_labels: namespace.map(|namespace| namespace.labels().clone()),
            requester_key: object.requested_by().map(requester_key),
        }
    }
}

/// What stands for a requester in the records of earlier resets: their name is in none.
fn requester_key(name: &str) -> String {
    let digest = Sha256::digest(format!("requester/{name}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
