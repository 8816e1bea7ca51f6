//! The machine on a stored object, whatever its status says: it answers, and an outcome is the end.

use std::sync::LazyLock;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use passcode_core::{
    api::{reset::PasscodeReset, tenant::IntuneTenantSpec},
    lifecycle::{
        agreement::Agreement,
        decide::decide,
        observed::{Admission, Found, LeaseView, Look, Namespace, Now, Observed, Reading, TenantView},
        polling::Stretch,
        polling::in_flight,
        step::{Decision, Step},
    },
    platform::{ManagedDevice, Matrix},
};
use serde_json::json;

static MATRIX: LazyLock<Matrix> = LazyLock::new(Matrix::builtin);
static TENANT: LazyLock<IntuneTenantSpec> = LazyLock::new(|| {
    let spec = json!({
        "tenantId": "11111111-2222-3333-4444-555555555555",
        "clientId": "22222222-2222-3333-4444-555555555555",
        "auth": {"clientSecretRef": {"name": "a", "key": "b"}},
        "allowedNamespaces": {"matchLabels": {"a": "b"}},
    });
    serde_json::from_value(spec).expect("a tenant")
});

/// Decides at some times, with nothing known and with everything, and asks what holds of every decision.
pub fn is_sound(object: &PasscodeReset) {
    let requested = object.spec.request_time.0;
    // A `Date` header says nothing earlier than the one and nothing later than the other.
    let (first, last) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    let later = |hours| requested.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(last);
    for at in [later(-1), requested, later(1), later(5_000), first, last] {
        let look = Look::Seen { results: vec![], enrolled: None, last_sync: None };
        let device =
            ManagedDevice { id: "1".to_owned(), operating_system: "iOS".to_owned(), ..ManagedDevice::default() };
        let found = Reading::Answer { value: Found::One(Box::new(device)), at };
        let look = Reading::Answer { value: look, at };
        let nothing = observed(object);
        let everything = Observed {
            found: Some(&found),
            device_lease: LeaseView::Read { lock: None, remembered: None },
            look: Some(&look),
            ..nothing
        };
        let now = Now { wall: at, graph: Some(at), estimate: at };
        for observed in [nothing, everything] {
            holds(object, &decide(&observed, now));
        }
    }
}

fn observed(object: &PasscodeReset) -> Observed<'_> {
    let tenant = TenantView {
        spec: &TENANT,
        not_ready: None,
        matrix: Some(&MATRIX),
        stretch: Stretch::default(),
        ledger_readable: Some(true),
    };
    Observed {
        object,
        tenant: Some(tenant),
        unread_tenant: None,
        namespace: Namespace::Allowed,
        found: None,
        device_lease: LeaseView::NotRead,
        look: None,
        unconfirmed: None,
        gate: None,
        admission: Admission::NotTried,
        closed: None,
        quarantine: None,
        lease_is_kept: true,
        agreement: Agreement::WITHOUT_POLICIES,
        swept: None,
    }
}

fn holds(object: &PasscodeReset, decision: &Decision) {
    let before = object.status.clone().unwrap_or_default();
    if before.outcome.is_some() {
        assert_eq!((&decision.step, &decision.status), (&Step::Stop, &before), "an outcome is the end");
    }
    assert!(!matches!(decision.step, Step::Claim(_)), "nobody holds a lock");
    if matches!(decision.step, Step::TakeLock { .. }) {
        assert!(!object.spec.dry_run, "a dry run sends nothing");
        assert!(decision.status.silent_attempts < 3, "three attempts are the most");
        // Silence is counted by the decision that goes on.
        let unknown = in_flight(&before) && before.silent_attempts == decision.status.silent_attempts;
        assert!(!unknown || before.silent_attempts > 0, "sent again without a word: {before:?}");
    }
    super::survives_writing(&decision.status);
}
