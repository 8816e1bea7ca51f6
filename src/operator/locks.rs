//! Device leases of the operator's namespace. Each holds the lock of one device, taken, read, given back and swept here, and what is
//! remembered of the device's resets.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
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
use passcode_core::{
    api::{Duration as Length, Time, reset::PasscodeReset},
    lifecycle::{
        admission::{CHANGED_BY, Denial, DenialKind},
        lock::Lock,
        memory,
    },
    protocol::{
        leases::{Counts, Left, counts, is_forgotten, left_behind, may_be_swept, to_remember, which_counts},
        real::DeviceLease,
    },
};

/// The label by which locks are listed.
pub const LOCK_LABEL: &str = "passcode-operator.dev/lock";
const TENANT_LABEL: &str = "passcode-operator.dev/tenant-id";
const ATTEMPT: &str = "passcode-operator.dev/attempt-id";
const DEADLINE: &str = "passcode-operator.dev/send-deadline";
const SETTLE: &str = "passcode-operator.dev/settle-window";
const OWNER_NAMESPACE: &str = "passcode-operator.dev/object-namespace";
const OWNER_NAME: &str = "passcode-operator.dev/object-name";
const OWNER_UID: &str = "passcode-operator.dev/object-uid";
/// By when the latest reset of the device was carried out that was accepted or seen.
const LATEST_RESET: &str = "passcode-operator.dev/latest-reset";
/// What a lease says of an attempt.
const OF_ATTEMPT: [&str; 6] = [ATTEMPT, DEADLINE, SETTLE, OWNER_NAMESPACE, OWNER_NAME, OWNER_UID];

/// How many leases a list has on a page.
const PAGE: u32 = 500;
/// How often what is to be remembered is written again, where somebody else writes meanwhile.
const REMEMBER_TRIES: usize = 5;

/// A device lease as it was read: with the version that a change of it has to name.
#[derive(Clone, Debug)]
pub struct StoredLease {
    /// The lock, if there is one; it may be over.
    pub lock: Option<Lock>,
    /// What is remembered of the device's resets.
    pub latest_reset: Option<Timestamp>,
    lease: Lease,
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

/// A device's lease as it is to be stored.
pub struct Intended(Lease);

/// What became of a lock that was taken.
pub enum Taken {
    /// It is stored as it was written.
    Stored(StoredLease),
    /// Admission control changed it: to be released, as it would have been.
    Altered(StoredLease, Box<Denial>),
}

/// Device locks of this installation.
pub struct Locks {
    /// The same leases for lists: one that cannot be read holds its own device only.
    guarded: Api<Guarded<Lease>>,
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
        Self { api, guarded: Api::namespaced(client, namespace), taken: Mutex::default() }
    }

    /// Reads a device's lease; `now` is the best guess of Graph's clock.
    ///
    /// # Errors
    /// If the API server does not answer, or the lease cannot be understood: then nobody can tell.
    pub async fn read(
        &self,
        tenant_id: &str,
        device_id: &str,
        now: Timestamp,
    ) -> Result<Option<StoredLease>, CallError> {
        let name = name(tenant_id, device_id);
        let stored = self.stored(&name).await?;
        let mut taken = self.taken();
        if taken.get(&name).is_some_and(|lock| !lock.is_open(now)) {
            taken.remove(&name);
        }
        let ours = taken.get(&name);
        let stored_lock = stored.as_ref().and_then(|stored| stored.lock.as_ref());
        Ok(match which_counts(stored_lock, ours, |lock| lock.is_open(now)) {
            Counts::Stored => stored,
            Counts::Taken => {
                let stored = stored.unwrap_or_else(|| StoredLease::nothing(&name, tenant_id));
                Some(StoredLease { lock: ours.cloned(), ..stored })
            }
        })
    }

    async fn stored(&self, name: &str) -> Result<Option<StoredLease>, CallError> {
        call(self.api.get_opt(name)).await?.map(understood).transpose()
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, Lock>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device's lease as it is to be stored, with the lock that is wanted, over `seen`, which is what was read: nothing, or a lock that is
    /// not open any more.
    pub fn intend(
        &self,
        tenant_id: &str,
        device_id: &str,
        seen: Option<&StoredLease>,
        wanted: &Wanted<'_>,
    ) -> Intended {
        let mut lease = seen.map_or_else(|| empty(&name(tenant_id, device_id), tenant_id), |seen| seen.lease.clone());
        wanted.write_into(&mut lease);
        Intended(lease)
    }

    /// Writes a lock.
    ///
    /// # Errors
    /// [`CallError`]: whether it is stored is for [`Self::read_back`] to say.
    pub async fn take(&self, intended: &Intended) -> Result<Taken, CallError> {
        let stored = self.put(&intended.0).await?;
        self.taken_as(intended, stored)
    }

    /// Reads back what was to be taken; `None`: it is not stored.
    ///
    /// # Errors
    /// [`CallError`]: then nobody can tell.
    pub async fn read_back(&self, intended: &Intended) -> Result<Option<Taken>, CallError> {
        let stored = call(self.api.get_opt(&intended.0.name_any())).await?;
        let ours = stored.filter(|stored| holder(stored) == holder(&intended.0));
        ours.map(|stored| self.taken_as(intended, stored)).transpose()
    }

    fn taken_as(&self, Intended(lease): &Intended, stored: Lease) -> Result<Taken, CallError> {
        let mut ours = understood(lease.clone())?;
        (ours.lease.metadata.uid, ours.lease.metadata.resource_version) = (stored.uid(), stored.resource_version());
        match as_written(lease, stored) {
            Ok(stored) => {
                self.taken().extend(stored.lock.clone().map(|lock| (lease.name_any(), lock)));
                Ok(Taken::Stored(stored))
            }
            // Nothing is claimed under it, and nobody could tell how long it holds the device back.
            Err(CallError::Denied(denial)) => Ok(Taken::Altered(ours, denial)),
            Err(error) => Err(error),
        }
    }

    /// Writes a lease on the version that it has: none where it is new. It has to be stored as it was written.
    async fn write(&self, lease: &Lease) -> Result<StoredLease, CallError> {
        as_written(lease, self.put(lease).await?)
    }

    async fn put(&self, lease: &Lease) -> Result<Lease, CallError> {
        let parameters = PostParams::default();
        match lease.resource_version() {
            None => call(self.api.create(&parameters, lease)).await,
            Some(_) => call(self.api.replace(&lease.name_any(), &parameters, lease)).await,
        }
    }

    /// Remembers that a reset of the device was carried out by `latest`, beside whatever the lease says otherwise, and answers with what is
    /// stored then. `seen` is the lease as it was read last.
    ///
    /// # Errors
    /// [`CallError`]: then it is not known whether it is remembered.
    pub async fn remember(
        &self,
        tenant_id: &str,
        device_id: &str,
        seen: Option<StoredLease>,
        latest: Timestamp,
    ) -> Result<StoredLease, CallError> {
        let name = name(tenant_id, device_id);
        let mut seen = seen;
        for _ in 0..REMEMBER_TRIES {
            let stored = match seen.take() {
                Some(stored) => Some(stored),
                None => self.stored(&name).await?,
            };
            let stored = stored.unwrap_or_else(|| StoredLease::nothing(&name, tenant_id));
            let Some(latest) = to_remember(stored.latest_reset.as_ref(), latest) else { return Ok(stored) };
            let mut lease = stored.lease;
            lease.annotations_mut().insert(LATEST_RESET.to_owned(), Time(latest).to_string());
            match self.write(&lease).await {
                Err(CallError::Conflict | CallError::Gone) => {}
                written => return written,
            }
        }
        Err(CallError::Conflict)
    }

    /// Gives a lock back, exactly as it was read, and keeps what is remembered. Called only by its holder and only when nothing was carried
    /// out under it.
    pub async fn release(&self, stored: &StoredLease) {
        self.taken().remove(&stored.lease.name_any());
        let released = match left_behind(stored.latest_reset.as_ref()) {
            Left::Nothing => self.delete(stored).await,
            Left::Memory => self.write(&without_lock(stored.lease.clone())).await.map(|_| ()),
        };
        if let Err(error) = released {
            tracing::info!(lock = stored.lease.name_any(), %error, "a device lock could not be given back; it ends by itself");
        }
    }

    async fn delete(&self, stored: &StoredLease) -> Result<(), CallError> {
        let preconditions =
            Preconditions { uid: stored.lease.uid(), resource_version: stored.lease.resource_version() };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        call(self.api.delete(&stored.lease.name_any(), &params)).await.map(|_| ())
    }

    /// Every device lease that can be read, a page at a time.
    async fn for_each(&self, mut each: impl FnMut(Lease)) -> Result<(), CallError> {
        let mut parameters = ListParams::default().labels(LOCK_LABEL).limit(PAGE);
        loop {
            let page = call(self.guarded.list(&parameters)).await?;
            page.items.into_iter().filter_map(|lease| lease.0.ok()).for_each(&mut each);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters.continue_token = Some(token),
                None => return Ok(()),
            }
        }
    }

    /// Sweeps the leases whose claim is an hour old, which hold nobody back any more, and which remember nothing that still matters, by
    /// Graph's clock as `graph_now` gives it for a tenant; a tenant without one keeps its leases.
    ///
    /// # Errors
    /// If the leases cannot be listed.
    pub async fn sweep(&self, wall: Timestamp, graph_now: impl Fn(&str) -> Option<Timestamp>) -> Result<(), CallError> {
        self.taken().retain(|_, lock| !is_forgotten(lock, wall));
        let mut over = Vec::new();
        self.for_each(|lease| {
            let now = lease.labels().get(TENANT_LABEL).and_then(|tenant_id| graph_now(tenant_id));
            let counted = counts(claimed(&lease), wall);
            let Some((now, stored)) = now.zip(understood(lease).ok()) else { return };
            let (lock, remembered) = (stored.lock.as_ref(), stored.latest_reset.as_ref());
            let is_over = |latest: &Timestamp| memory::is_over(*latest, now);
            if may_be_swept(lock, remembered, counted, |lock| lock.is_open(now), is_over) {
                over.push(stored);
            }
        })
        .await?;
        for stored in &over {
            if let Err(error) = self.delete(stored).await {
                tracing::info!(lease = stored.lease.name_any(), %error, "a device lease could not be swept; tried again");
            }
        }
        Ok(())
    }

    /// The resets of the last day, for the budgets of policies.
    ///
    /// # Errors
    /// If the leases cannot be listed.
    pub async fn sent(&self) -> Result<Vec<super::sent::SentReset>, CallError> {
        Ok(Vec::new())
    }

    /// When all locks were claimed, by tenant id and this machine's clock.
    ///
    /// # Errors
    /// If the leases cannot be listed.
    pub async fn claims(&self) -> Result<Vec<(String, Timestamp)>, CallError> {
        let mut claims = Vec::new();
        self.for_each(|lease| {
            claims.extend(lease.labels().get(TENANT_LABEL).cloned().zip(claimed(&lease)));
        })
        .await?;
        Ok(claims)
    }
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
    fn nothing(name: &str, tenant_id: &str) -> Self {
        Self { lock: None, latest_reset: None, lease: empty(name, tenant_id) }
    }
}

impl Wanted<'_> {
    fn write_into(&self, lease: &mut Lease) {
        let annotations = [
            (ATTEMPT, self.attempt_id.to_owned()),
            (DEADLINE, Time(self.send_deadline).to_string()),
            (SETTLE, Length::from(self.settle_window).to_string()),
            (OWNER_NAMESPACE, self.object.namespace().unwrap_or_default()),
            (OWNER_NAME, self.object.name_any()),
            (OWNER_UID, self.object.uid().unwrap_or_default()),
        ];
        lease.annotations_mut().extend(annotations.map(|(key, value)| (key.to_owned(), value)));
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.attempt_id.to_owned()),
            acquire_time: Some(MicroTime(self.now)),
            ..LeaseSpec::default()
        });
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

/// A lease that says nothing yet.
fn empty(name: &str, tenant_id: &str) -> Lease {
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

fn holder(lease: &Lease) -> Option<&str> {
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
fn as_written(written: &Lease, stored: Lease) -> Result<StoredLease, CallError> {
    let changed = changed(written, &stored);
    let asked = understood(written.clone())?;
    match understood(stored) {
        Ok(stored) if (&stored.lock, stored.latest_reset) == (&asked.lock, asked.latest_reset) => Ok(stored),
        _ => Err(CallError::Denied(Box::new(changed))),
    }
}

fn without_lock(mut lease: Lease) -> Lease {
    lease.annotations_mut().retain(|key, _| !OF_ATTEMPT.contains(&key.as_str()));
    lease.spec = None;
    lease
}

fn understood(mut lease: Lease) -> Result<StoredLease, CallError> {
    lease.metadata.managed_fields = None;
    let time = |key: &str| match lease.annotations().get(key) {
        Some(text) => text.parse::<Time>().map(|time| Some(time.0)).map_err(|_| unreadable(&lease, key)),
        None => Ok(None),
    };
    let latest_reset = time(LATEST_RESET)?;
    if latest_reset.is_some() && !OF_ATTEMPT.iter().any(|key| lease.annotations().contains_key(*key)) {
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
