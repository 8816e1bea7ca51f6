//! Device locks as Leases of the operator's namespace: taken, read, given back, swept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams, Preconditions},
};
use sha2::{Digest, Sha256};

use super::{
    calls::{CallError, call},
    guarded::Guarded,
};
use crate::{
    api::{Duration as Length, Time, reset::PasscodeReset},
    lifecycle::lock::Lock,
};

/// The label by which locks are listed.
const LOCK_LABEL: &str = "passcode-operator.dev/lock";
const TENANT_LABEL: &str = "passcode-operator.dev/tenant-id";
const ATTEMPT: &str = "passcode-operator.dev/attempt-id";
const DEADLINE: &str = "passcode-operator.dev/send-deadline";
const SETTLE: &str = "passcode-operator.dev/settle-window";
const OWNER_NAMESPACE: &str = "passcode-operator.dev/object-namespace";
const OWNER_NAME: &str = "passcode-operator.dev/object-name";
const OWNER_UID: &str = "passcode-operator.dev/object-uid";

/// How long after its claim a lock is kept: a new leader counts the last hour's.
const KEPT: Duration = Duration::from_secs(3600);

/// A lock as it was read: with the version that a change of it has to name.
#[derive(Clone, Debug)]
pub struct StoredLock {
    /// What it says.
    pub lock: Lock,
    name: String,
    uid: Option<String>,
    resource_version: Option<String>,
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
}

/// Device locks of this installation.
pub struct Locks {
    client: Client,
    namespace: String,
    api: Api<Lease>,
    /// The locks that this process took, by name. A lock that is gone before its time, or an earlier one again, was not swept: etcd
    /// was restored, and what was sent under it may still be under way.
    taken: Mutex<HashMap<String, Lock>>,
}

impl Locks {
    /// The locks in this namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        let api = Api::namespaced(client.clone(), namespace);
        Self { client, namespace: namespace.to_owned(), api, taken: Mutex::default() }
    }

    /// Reads a device's lock; `now` is the best guess of Graph's clock.
    ///
    /// # Errors
    /// If the API server does not answer, or the lock cannot be understood: then nobody can tell.
    pub async fn read(
        &self,
        tenant_id: &str,
        device_id: &str,
        now: Timestamp,
    ) -> Result<Option<StoredLock>, CallError> {
        let name = name(tenant_id, device_id);
        let lease = call(self.api.get_opt(&name)).await?;
        let stored = lease.as_ref().map(understood).transpose()?;
        let mut taken = self.taken();
        match taken.get(&name) {
            Some(lock) if !lock.is_open(now) => {
                taken.remove(&name);
                Ok(stored)
            }
            // Ours is open, so nobody took it over: what is stored instead was there before, and etcd was restored.
            Some(lock) if stored.as_ref().is_none_or(|stored| !stored.lock.is_open(now)) => {
                let (uid, resource_version) =
                    stored.map(|stored| (stored.uid, stored.resource_version)).unwrap_or_default();
                Ok(Some(StoredLock { lock: lock.clone(), name, uid, resource_version }))
            }
            _ => Ok(stored),
        }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, Lock>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a device's lock over `seen`, which is what was read: nothing, or one that is not open any more. `None`: somebody else
    /// was faster.
    ///
    /// # Errors
    /// If the API server does not answer, not even to the question whether it was taken.
    pub async fn take(
        &self,
        tenant_id: &str,
        device_id: &str,
        seen: Option<&StoredLock>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<StoredLock>, CallError> {
        let lease = lease(&name(tenant_id, device_id), tenant_id, seen, wanted);
        let written = match seen {
            None => call(self.api.create(&PostParams::default(), &lease)).await,
            Some(seen) => call(self.api.replace(&seen.name, &PostParams::default(), &lease)).await,
        };
        let stored = match written {
            Ok(lease) => Some(understood(&lease)?),
            // The answer may have been lost, or be one to a repetition: what is stored decides.
            Err(_) => {
                let lease = call(self.api.get_opt(&lease.name_any())).await?;
                let stored = lease.as_ref().map(understood).transpose()?;
                stored.filter(|stored| stored.lock.attempt_id == wanted.attempt_id)
            }
        };
        if let Some(stored) = &stored {
            self.taken().insert(stored.name.clone(), stored.lock.clone());
        }
        Ok(stored)
    }

    /// Gives a lock back, exactly as it was read. Called only by its holder and only when nothing was carried out under it.
    pub async fn release(&self, stored: &StoredLock) {
        self.taken().remove(&stored.name);
        if let Err(error) = self.delete(stored).await {
            tracing::info!(lock = stored.name, %error, "a device lock could not be given back; it ends by itself");
        }
    }

    async fn delete(&self, stored: &StoredLock) -> Result<(), CallError> {
        let preconditions =
            Preconditions { uid: stored.uid.clone(), resource_version: stored.resource_version.clone() };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        call(self.api.delete(&stored.name, &params)).await.map(|_| ())
    }

    /// Sweeps the locks whose claim is an hour old and which hold nobody back any more, by Graph's clock as `graph_now` gives it for a
    /// tenant; a tenant without one keeps its locks.
    ///
    /// # Errors
    /// If the locks cannot be listed.
    pub async fn sweep(&self, wall: Timestamp, graph_now: impl Fn(&str) -> Option<Timestamp>) -> Result<(), CallError> {
        let locks = self.list().await?;
        let long_ago = crate::api::time::saturating_add(wall, -SignedDuration::try_from(KEPT).unwrap_or_default());
        self.taken().retain(|_, lock| lock.settled() > long_ago);
        for lease in &locks {
            let claimed = claimed(lease);
            let tenant_id = lease.labels().get(TENANT_LABEL).cloned().unwrap_or_default();
            let age = claimed.map(|claimed| Duration::try_from(wall.duration_since(claimed)).unwrap_or_default());
            let stored = understood(lease).ok();
            let over = stored.as_ref().is_some_and(|s| graph_now(&tenant_id).is_some_and(|now| !s.lock.is_open(now)));
            if let (Some(age), Some(stored)) = (age, stored)
                && age > KEPT
                && over
            {
                self.release(&stored).await;
            }
        }
        Ok(())
    }

    /// When all locks were claimed, by tenant id and this machine's clock.
    ///
    /// # Errors
    /// If the locks cannot be listed.
    pub async fn claims(&self) -> Result<Vec<(String, Timestamp)>, CallError> {
        let of = |lease: &Lease| Some((lease.labels().get(TENANT_LABEL)?.clone(), claimed(lease)?));
        Ok(self.list().await?.iter().filter_map(of).collect())
    }

    /// All locks that can be read. One that cannot holds its own device only.
    async fn list(&self) -> Result<Vec<Lease>, CallError> {
        let api: Api<Guarded<Lease>> = Api::namespaced(self.client.clone(), &self.namespace);
        let list = call(api.list(&ListParams::default().labels(LOCK_LABEL))).await?;
        Ok(list.items.into_iter().filter_map(|lease| lease.0.ok()).collect())
    }
}

fn claimed(lease: &Lease) -> Option<Timestamp> {
    lease.spec.as_ref()?.acquire_time.as_ref().map(|time| time.0)
}

/// The lock's name: neither a tenant nor a device can be read from it.
fn name(tenant_id: &str, device_id: &str) -> String {
    let digest = Sha256::digest(format!("{}/{}", tenant_id.to_lowercase(), device_id.to_lowercase()));
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("device-{hex}")
}

fn lease(name: &str, tenant_id: &str, seen: Option<&StoredLock>, wanted: &Wanted<'_>) -> Lease {
    let labels =
        [("app.kubernetes.io/managed-by", "passcode-operator"), (LOCK_LABEL, "device"), (TENANT_LABEL, tenant_id)];
    let annotations = [
        (ATTEMPT, wanted.attempt_id.to_owned()),
        (DEADLINE, Time(wanted.send_deadline).to_string()),
        (SETTLE, Length::from(wanted.settle_window).to_string()),
        (OWNER_NAMESPACE, wanted.object.namespace().unwrap_or_default()),
        (OWNER_NAME, wanted.object.name_any()),
        (OWNER_UID, wanted.object.uid().unwrap_or_default()),
    ];
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            annotations: Some(annotations.map(|(key, value)| (key.to_owned(), value)).into()),
            uid: seen.and_then(|seen| seen.uid.clone()),
            resource_version: seen.and_then(|seen| seen.resource_version.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(wanted.attempt_id.to_owned()),
            acquire_time: Some(MicroTime(wanted.now)),
            ..LeaseSpec::default()
        }),
    }
}

fn understood(lease: &Lease) -> Result<StoredLock, CallError> {
    let none = BTreeMap::new();
    let annotations = lease.metadata.annotations.as_ref().unwrap_or(&none);
    let read = |key: &str| annotations.get(key).ok_or_else(|| unreadable(lease, key));
    let send_deadline: Time = read(DEADLINE)?.parse().map_err(|_| unreadable(lease, DEADLINE))?;
    let settle_window: Length = read(SETTLE)?.parse().map_err(|_| unreadable(lease, SETTLE))?;
    Ok(StoredLock {
        lock: Lock {
            attempt_id: read(ATTEMPT)?.clone(),
            send_deadline: send_deadline.0,
            settle_window,
            owner_uid: read(OWNER_UID)?.clone(),
        },
        name: lease.name_any(),
        uid: lease.uid(),
        resource_version: lease.resource_version(),
    })
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
