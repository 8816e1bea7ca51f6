//! What is known of tenants beyond the object as it is now: a change of its spec does not take it away.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::ResourceExt;

use super::{client::Client, state::Record};
use passcode_core::{
    api::{
        conditions::{self, kind},
        tenant::IntuneTenant,
    },
    lifecycle::observed::NotReady,
};

/// What outlives a change of a tenant's object.
#[derive(Clone, Default)]
pub struct Known {
    /// Its client.
    pub client: Option<Client>,
    /// Why there is no client, or why it could not sign in.
    pub not_ready: Option<NotReady>,
    /// What was learned of it.
    pub record: Arc<Record>,
}

impl Known {
    /// Whether nobody knows yet if it can sign in.
    #[must_use]
    pub fn is_signing_in(&self) -> bool {
        self.client.is_none() && self.not_ready.is_none()
    }

    /// The same for this spec: without the client, if it signs in otherwise.
    #[must_use]
    pub fn under(mut self, object: &IntuneTenant) -> Self {
        if let Some(client) = self.client.take() {
            self.client = client.under(&object.spec);
            self.not_ready = self.not_ready.filter(|_| self.client.is_some());
        }
        self
    }
}

/// What is known of the tenants of one term, by uid.
#[derive(Default)]
pub struct AllKnown(Mutex<HashMap<String, Known>>);

impl AllKnown {
    /// What is known of a tenant; at first, what an earlier leader wrote into its status. From here on there is one record of it.
    #[must_use]
    pub fn recall(&self, tenant: &IntuneTenant) -> Known {
        let first = || Known { record: Arc::new(remembered(tenant)), ..Known::default() };
        self.lock().entry(tenant.uid().unwrap_or_default()).or_insert_with(first).clone()
    }

    /// Keeps what was found out.
    pub fn keep(&self, tenant: &IntuneTenant, known: Known) {
        self.lock().insert(tenant.uid().unwrap_or_default(), known);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an earlier leader wrote of the tenant's ledger.
fn remembered(tenant: &IntuneTenant) -> Record {
    let record = Record::default();
    if let Some(status) = &tenant.status {
        let mut facts = record.health();
        facts.ledger.clone_from(&status.ledger);
        facts.ledger_readable = conditions::get(&status.conditions, kind::LEDGER_READABLE).and_then(|condition| {
            match condition.status.as_str() {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            }
        });
    }
    record
}
