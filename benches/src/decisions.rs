//! What W10 measures: the operator's own decision of one object, in the states that objects spend their time in, and a look-up in the matrix.

use anyhow::Result;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use passcode_core::{
    api::{
        Time,
        reset::PasscodeReset,
        reset_status::{Outcome, PasscodeResetStatus},
        tenant::IntuneTenantSpec,
    },
    lifecycle::{
        agreement::Agreement,
        decide::decide,
        observed::{Admission, Found, LeaseView, Look, Namespace, Now, Observed, Reading, TenantView},
        polling::Stretch,
        step::Decision,
    },
    platform::{ActionResult, ManagedDevice, Matrix},
};
use serde_json::json;

const PHONE: &str = "0aaabd1a-7b12-4034-8eb6-47fb2284640a";

/// Everything that one decision rests on.
pub struct Case {
    object: PasscodeReset,
    tenant: IntuneTenantSpec,
    matrix: Matrix,
    found: Option<Reading<Found>>,
    look: Option<Reading<Look>>,
    now: Timestamp,
}

impl Case {
    /// A new object whose device was found, and of which Intune's record is empty: the longest way through the questions.
    ///
    /// # Errors
    /// If the objects cannot be made.
    pub fn fresh() -> Result<Self> {
        let asked: Timestamp = "2026-11-22T09:00:00Z".parse()?;
        let now = asked + SignedDuration::from_secs(5);
        let object = serde_json::from_value(json!({
            "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeReset",
            "metadata": {
                "name": "inc0012345", "namespace": "helpdesk", "uid": "11111111-2222-3333-4444-555555555555",
                "generation": 1, "creationTimestamp": "2026-11-22T09:00:01Z", "resourceVersion": "1",
            },
            "spec": {"device": {"managedDeviceId": PHONE}, "requestTime": "2026-11-22T09:00:00Z"},
        }))?;
        let tenant = serde_json::from_value(json!({
            "tenantId": graph_simulator::EXAMPLE_TENANT, "clientId": graph_simulator::EXAMPLE_CLIENT,
            "auth": {"clientSecretRef": {"name": "graph-credentials"}}, "allowedNamespaces": {},
        }))?;
        Ok(Self {
            object,
            tenant,
            matrix: Matrix::builtin(),
            found: Some(Reading::Answer { value: Found::One(Box::new(phone())), at: now }),
            look: Some(Reading::Answer { value: record(Vec::new()), at: now }),
            now,
        })
    }

    /// An object whose reset was sent and waits for the phone: what is decided most often.
    ///
    /// # Errors
    /// If the objects cannot be made.
    pub fn followed() -> Result<Self> {
        let mut case = Self::fresh()?;
        // Decided once, it has what the first writes put there.
        let mut status = case.decide().status;
        let start = case.now + SignedDuration::from_secs(1);
        status.attempt = Some(serde_json::from_value(json!({
            "number": 1, "id": "66666666-7777-8888-9999-000000000000", "claimTime": Time(case.now),
            "sendDeadline": Time(case.now + SignedDuration::from_secs(30)), "settleWindow": "280s", "result": "Accepted",
        }))?);
        status.device_action = Some(serde_json::from_value(json!({
            "name": "resetPasscode", "state": "pending", "startTime": Time(start), "lastUpdateTime": Time(start),
            "adopted": false, "deviceCheckedInSince": false,
        }))?);
        case.object.status = Some(status);
        let entry = ActionResult {
            name: "resetPasscode".to_owned(),
            state: "pending".to_owned(),
            start: Some(start),
            last_updated: Some(start),
            error_code: None,
        };
        case.now += SignedDuration::from_secs(600);
        case.look = Some(Reading::Answer { value: record(vec![entry]), at: case.now });
        case.found = None;
        Ok(case)
    }

    /// An object with an outcome.
    ///
    /// # Errors
    /// If the objects cannot be made.
    pub fn finished() -> Result<Self> {
        let mut case = Self::followed()?;
        let status = case.object.status.get_or_insert_with(PasscodeResetStatus::default);
        status.outcome = Some(Outcome::Complete);
        Ok(case)
    }

    /// The object.
    #[must_use]
    pub fn object(&self) -> &PasscodeReset {
        &self.object
    }

    /// The operator's decision.
    #[must_use]
    pub fn decide(&self) -> Decision {
        let observed = Observed {
            object: &self.object,
            tenant: Some(TenantView {
                spec: &self.tenant,
                not_ready: None,
                matrix: Some(&self.matrix),
                stretch: Stretch::default(),
                ledger_readable: Some(true),
            }),
            unread_tenant: None,
            namespace: Namespace::Allowed,
            found: self.found.as_ref(),
            device_lease: LeaseView::Read { lock: None, remembered: None },
            look: self.look.as_ref(),
            unconfirmed: None,
            gate: None,
            admission: Admission::NotTried,
            closed: None,
            quarantine: None,
            lease_is_kept: true,
            agreement: Agreement::WITHOUT_POLICIES,
            swept: None,
        };
        decide(&observed, Now { wall: self.now, graph: Some(self.now), estimate: self.now })
    }
}

fn record(results: Vec<ActionResult>) -> Look {
    Look::Seen { results, enrolled: None, last_sync: None }
}

fn phone() -> ManagedDevice {
    ManagedDevice {
        id: PHONE.to_owned(),
        operating_system: "iOS".to_owned(),
        os_version: "18.1".to_owned(),
        enrollment_type: "appleBulkWithUser".to_owned(),
        device_type: "iPhone".to_owned(),
        management_agent: "mdm".to_owned(),
        owner_type: "company".to_owned(),
        management_state: "managed".to_owned(),
        model: "iPhone 15".to_owned(),
        manufacturer: "Apple".to_owned(),
        category: String::new(),
        enrollment_profile: String::new(),
        compliance_state: "compliant".to_owned(),
        has_serial_number: true,
        has_user: true,
        is_supervised: Some(true),
        is_shared_device: Some(false),
        last_sync: None,
        enrolled: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use passcode_core::lifecycle::step::Step;

    #[test]
    fn each_case_is_what_its_name_says() {
        let fresh = Case::fresh().unwrap().decide();
        assert!(matches!(fresh.step, Step::TakeLock { .. }), "{fresh:?}");
        let followed = Case::followed().unwrap().decide();
        assert!(matches!(followed.step, Step::Wait(_)), "{followed:?}");
        assert_eq!(followed.status.reason(), "WaitingForDevice");
        assert_eq!(Case::finished().unwrap().decide().step, Step::Stop);
    }
}
