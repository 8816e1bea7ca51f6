//! What a pass reads of the policies, approvals and earlier resets that decide whether its request is permitted.

use std::sync::Arc;

use kube::ResourceExt;
use passcode_core::{
    api::{reset::PasscodeReset, tenant::IntuneTenantSpec},
    lifecycle::agreement::Agreement,
    policy::{PastReset, Policy},
    protocol::{Known, pass::Event},
};

use super::{Terms, agreed::Asked, view::View};
use crate::operator::{calls::CallError, locks, locks::SentReset, policy::approvals};

impl View<'_> {
    /// What the budgets of policies are to count of an attempt.
    pub(super) fn counted(&self, object: &PasscodeReset, lease: String, attempt_id: &str) -> SentReset {
        let reset = PastReset {
            time: self.now().estimate,
            uid: object.uid().unwrap_or_default(),
            namespace: object.namespace().unwrap_or_default(),
            tenant: object.spec.tenant_ref.name.clone(),
            managed_device_id: String::new(),
            requester: self.agreed.requester_key.clone(),
        };
        SentReset { attempt_id: attempt_id.to_owned(), lease, reset }
    }

    /// What the next decision is made with.
    pub(super) fn asked(&self, known: &Known<Terms>) -> Asked<'_> {
        let policies = self.agreed.policies.as_ref().map(|all| all.iter().map(Arc::as_ref).collect::<Vec<_>>());
        let past = match policies.as_deref() {
            Some([]) => Vec::new(),
            _ => {
                let (lease, device) = self
                    .lock_of(&known.object)
                    .map_or_else(Default::default, |(tenant_id, device)| (locks::name(&tenant_id, &device), device));
                self.context.sent.before(known.held.as_ref().map(|held| held.attempt.as_str()), &lease, &device)
            }
        };
        Asked { policies, past }
    }

    pub(super) fn agreement<'o>(&'o self, known: &'o Known<Terms>, asked: &'o Asked<'_>) -> Agreement<'o> {
        Agreement {
            policies: asked.policies.as_deref(),
            policies_are_live: known.policies_are_read,
            approvals: self.agreed.approvals.as_ref().filter(|_| known.approvals_are_read),
            namespace_labels: self.agreed.namespace_labels.as_ref(),
            tenant_labels: self.tenant.as_ref().map(|tenant| tenant.object.labels()),
            requester_key: self.agreed.requester_key.as_deref(),
            identity_since: self.context.identity.since(),
            past: &asked.past,
        }
    }

    /// The policies as they are stored, where there is any, or where the tenant requires one.
    pub(super) async fn live_policies(&self) -> Result<Option<Vec<Arc<Policy>>>, CallError> {
        let requires = |spec: &IntuneTenantSpec| !spec.required_policies.is_empty();
        let policies = &self.context.policies;
        if !policies.are_in_use() && !self.tenant.as_ref().is_some_and(|tenant| requires(tenant.spec())) {
            return Ok(None);
        }
        policies.live(&self.context.cluster.client).await.map(Some)
    }

    /// Goes on with these policies, where they were read.
    pub(super) fn note_policies(&mut self, read: Option<Vec<Arc<Policy>>>) {
        if read.is_some() {
            self.agreed.policies = read;
        }
    }

    pub(super) async fn read_policies(&mut self) -> Result<Event<Terms>, CallError> {
        let read = self.live_policies().await?;
        self.note_policies(read);
        Ok(Event::Done)
    }

    pub(super) async fn read_approvals(&mut self, object: &PasscodeReset) -> Result<Event<Terms>, CallError> {
        self.agreed.approvals = Some(approvals::of(&self.context.cluster.client, object, &self.context.clock).await?);
        Ok(Event::Done)
    }
}
