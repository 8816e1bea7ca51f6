//! For tests: credentials, and a sign-in over a script.
#![allow(clippy::unwrap_used)]

use std::{path::PathBuf, sync::Arc, time::Duration};

use azure_core::credentials::Secret;

use super::{Credentials, Identity, SignIn};
use crate::graph::http::testing::{HandClock, Script, TENANT, endpoints};

pub(in crate::graph) const SECRET: &str = "planted~client+secret";

pub(in crate::graph) fn client_secret() -> Credentials {
    Credentials::ClientSecret { client_id: "client-1".to_owned(), secret: Secret::new(SECRET) }
}

pub(super) fn workload_identity(file: PathBuf) -> Credentials {
    Credentials::WorkloadIdentity { client_id: "client-1".to_owned(), token_file: file }
}

/// A sign-in over `script`, with a clock of its own.
pub(super) fn sign_in(script: &Arc<Script>) -> (SignIn, Arc<HandClock>) {
    sign_in_with(script, client_secret())
}

pub(super) fn sign_in_with(script: &Arc<Script>, credentials: Credentials) -> (SignIn, Arc<HandClock>) {
    let clock = Arc::new(HandClock::default());
    clock.advance(Duration::from_secs(1000));
    let identity = Identity { tenant_id: TENANT.to_owned(), endpoints: endpoints(), credentials, clock: clock.clone() };
    (SignIn::new(identity, script.clone()).unwrap(), clock)
}
