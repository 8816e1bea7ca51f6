//! An object, its tenant, a lock, and a reading that could not tell.

use std::{sync::LazyLock, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1 as metav1;
use serde_json::json;

use super::facts::{PLANTED, t};
use crate::{
    api::{Time, reset::PasscodeReset, tenant::IntuneTenantSpec},
    lifecycle::{
        lock::Lock,
        observed::{NotReady, Unreadable},
    },
};

static OBJECT: LazyLock<PasscodeReset> = LazyLock::new(read_object);
static TENANT: LazyLock<IntuneTenantSpec> = LazyLock::new(read_tenant);

pub(crate) fn object() -> PasscodeReset {
    OBJECT.clone()
}

pub(crate) fn tenant() -> IntuneTenantSpec {
    TENANT.clone()
}

pub(crate) fn unreadable(tenant: Option<NotReady>) -> Unreadable {
    Unreadable { tenant, message: "503 (request id r).".into(), retry_after: Duration::from_secs(5) }
}

pub(crate) fn lock(attempt_id: &str, send_deadline: i64, owner_uid: &str) -> Lock {
    Lock {
        attempt_id: attempt_id.into(),
        send_deadline: t(send_deadline),
        settle_window: TENANT.timing.settle_window(),
        owner_uid: owner_uid.into(),
    }
}

fn read_object() -> PasscodeReset {
    let spec = json!({
        "device": {"userPrincipalName": format!("{PLANTED}@example.com"), "deviceName": PLANTED},
        "requestTime": Time(t(0)).to_string(),
        "justification": PLANTED,
    });
    let mut object = PasscodeReset::new("inc1", serde_json::from_value(spec).unwrap());
    object.metadata.namespace = Some("helpdesk".into());
    object.metadata.uid = Some("uid-1".into());
    object.metadata.generation = Some(1);
    object.metadata.creation_timestamp = Some(metav1::Time(t(0)));
    object
}

fn read_tenant() -> IntuneTenantSpec {
    serde_json::from_value(json!({
        "tenantId": "11111111-2222-3333-4444-555555555555",
        "clientId": PLANTED,
        "auth": {"clientSecretRef": {"name": PLANTED, "key": PLANTED}},
        "allowedNamespaces": {"matchLabels": {PLANTED: PLANTED}},
    }))
    .unwrap()
}
