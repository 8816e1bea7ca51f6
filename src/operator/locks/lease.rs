//! What a device lease says: its name, its labels and annotations, and how they are read.

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{ResourceExt, api::ObjectMeta};
use sha2::{Digest, Sha256};

use super::counted::{self, COUNTED, SentReset};
use crate::operator::calls::CallError;
use passcode_core::{
    api::{Duration as Length, Time, reset::PasscodeReset},
    lifecycle::{
        admission::{CHANGED_BY, Denial, DenialKind},
        lock::Lock,
    },
    protocol::real::DeviceLease,
};

/// The label by which locks are listed.
pub const LOCK_LABEL: &str = "passcode-operator.dev/lock";
pub(super) const TENANT_LABEL: &str = "passcode-operator.dev/tenant-id";
const ATTEMPT: &str = "passcode-operator.dev/attempt-id";
const DEADLINE: &str = "passcode-operator.dev/send-deadline";
const SETTLE: &str = "passcode-operator.dev/settle-window";
const OWNER_NAMESPACE: &str = "passcode-operator.dev/object-namespace";
const OWNER_NAME: &str = "passcode-operator.dev/object-name";
const OWNER_UID: &str = "passcode-operator.dev/object-uid";
/// By when the latest reset of the device was carried out that was accepted or seen.
pub(super) const LATEST_RESET: &str = "passcode-operator.dev/latest-reset";
/// What a lease says of an attempt.
const OF_ATTEMPT: [&str; 6] = [ATTEMPT, DEADLINE, SETTLE, OWNER_NAMESPACE, OWNER_NAME, OWNER_UID];

/// A device lease as it was read: with the version that a change of it has to name.
#[derive(Clone, Debug)]
pub struct StoredLease {
    /// The lock, if there is one; it may be over.
    pub lock: Option<Lock>,
    /// What is remembered of the device's resets.
    pub latest_reset: Option<Timestamp>,
    pub(super) lease: Lease,
}

/// What a lock is to say.
pub struct Wanted<'a> {
    /// The attempt.
    pub attempt_id: &'a str,
    /// Nothing is sent after this.
    pub send_deadline: Timestamp,
    /// How long after that it may still show.
    pub settle_window: Duration,
    /// For which object.
    pub object: &'a PasscodeReset,
    /// This machine's clock.
    pub now: Timestamp,
    /// What budgets are to count.
    pub counted: &'a SentReset,
}

impl DeviceLease for StoredLease {
    fn lock(&self) -> Option<&Lock> {
        self.lock.as_ref()
    }

    fn latest_reset(&self) -> Option<Timestamp> {
        self.latest_reset
    }
}

impl StoredLease {
    /// What is there where nothing is stored.
    pub(super) fn nothing(name: &str, tenant_id: &str) -> Self {
        Self { lock: None, latest_reset: None, lease: empty(name, tenant_id) }
    }
}

impl Wanted<'_> {
    pub(super) fn write_into(&self, lease: &mut Lease) {
        let annotations = [
            (ATTEMPT, self.attempt_id.to_owned()),
            (DEADLINE, Time(self.send_deadline).to_string()),
            (SETTLE, Length::from(self.settle_window).to_string()),
            (OWNER_NAMESPACE, self.object.namespace().unwrap_or_default()),
            (OWNER_NAME, self.object.name_any()),
            (OWNER_UID, self.object.uid().unwrap_or_default()),
        ];
        lease.annotations_mut().extend(annotations.map(|(key, value)| (key.to_owned(), value)));
        counted::add(lease, self.counted);
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.attempt_id.to_owned()),
            acquire_time: Some(MicroTime(self.now)),
            ..LeaseSpec::default()
        });
    }
}

pub(super) fn claimed(lease: &Lease) -> Option<Timestamp> {
    lease.spec.as_ref()?.acquire_time.as_ref().map(|time| time.0)
}

/// The lock's name: neither a tenant nor a device can be read from it.
pub fn name(tenant_id: &str, device_id: &str) -> String {
    let digest = Sha256::digest(format!("{}/{}", tenant_id.to_lowercase(), device_id.to_lowercase()));
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("device-{hex}")
}

/// A lease that says nothing yet.
pub(super) fn empty(name: &str, tenant_id: &str) -> Lease {
    let labels =
        [("app.kubernetes.io/managed-by", "passcode-operator"), (LOCK_LABEL, "device"), (TENANT_LABEL, tenant_id)];
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            ..ObjectMeta::default()
        },
        spec: None,
    }
}

pub(super) fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}

/// That a Lease was stored as something else, and where.
pub fn changed(written: &Lease, stored: &Lease) -> Denial {
    let annotations = |lease: &Lease| lease.metadata.annotations.clone().unwrap_or_default();
    let (had, has) = (annotations(written), annotations(stored));
    let mut fields: Vec<&str> =
        had.iter().filter(|(key, value)| has.get(*key) != Some(*value)).map(|(key, _)| key.as_str()).collect();
    if holder(written) != holder(stored) {
        fields.push("spec.holderIdentity");
    }
    let fields = if fields.is_empty() { "its times".to_owned() } else { fields.join(", ") };
    let sentence = format!("the Lease {} is stored without these, or with others: {fields}", written.name_any());
    Denial { by: CHANGED_BY.to_owned(), sentence, kind: DenialKind::Altered }
}

/// What is stored, if it says what was written.
pub(super) fn as_written(written: &Lease, stored: Lease) -> Result<StoredLease, CallError> {
    let changed = changed(written, &stored);
    let asked = understood(written.clone())?;
    match understood(stored) {
        Ok(stored) if (&stored.lock, stored.latest_reset) == (&asked.lock, asked.latest_reset) => Ok(stored),
        _ => Err(CallError::Denied(Box::new(changed))),
    }
}

pub(super) fn without_lock(mut lease: Lease) -> Lease {
    if let Some(attempt_id) = lease.annotations().get(ATTEMPT).cloned() {
        counted::remove(&mut lease, &attempt_id);
    }
    lease.annotations_mut().retain(|key, _| !OF_ATTEMPT.contains(&key.as_str()));
    lease.spec = None;
    lease
}

pub(super) fn understood(mut lease: Lease) -> Result<StoredLease, CallError> {
    lease.metadata.managed_fields = None;
    let time = |key: &str| match lease.annotations().get(key) {
        Some(text) => text.parse::<Time>().map(|time| Some(time.0)).map_err(|_| unreadable(&lease, key)),
        None => Ok(None),
    };
    let latest_reset = time(LATEST_RESET)?;
    let remembers = latest_reset.is_some() || lease.annotations().contains_key(COUNTED);
    if remembers && !OF_ATTEMPT.iter().any(|key| lease.annotations().contains_key(*key)) {
        return Ok(StoredLease { lock: None, latest_reset, lease });
    }
    let read = |key: &str| lease.annotations().get(key).ok_or_else(|| unreadable(&lease, key));
    let lock = Lock {
        attempt_id: read(ATTEMPT)?.clone(),
        send_deadline: time(DEADLINE)?.ok_or_else(|| unreadable(&lease, DEADLINE))?,
        settle_window: read(SETTLE)?.parse().map_err(|_| unreadable(&lease, SETTLE))?,
        owner_uid: read(OWNER_UID)?.clone(),
    };
    Ok(StoredLease { lock: Some(lock), latest_reset, lease })
}

fn unreadable(lease: &Lease, key: &str) -> CallError {
    CallError::Unreadable(format!(
        "the device lock \"{}\", a Lease in the operator's namespace, has no readable annotation {key}",
        lease.name_any()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_one_lock_whatever_the_case_of_its_ids() {
        assert_eq!(name("AB", "CD"), name("ab", "cd"));
        assert_ne!(name("ab", "cd"), name("ab", "ce"));
        assert_eq!(name("ab", "cd").len(), 39);
    }
}
