//! Device leases of the operator's namespace. Each holds the lock of one device, taken, read, given back and swept here, and what is
//! remembered of the device's resets.

mod counted;
mod lease;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::{api::coordination::v1::Lease, jiff::Timestamp};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams, Preconditions},
};

pub use self::counted::{COUNTED_FOR, SentReset};
use self::lease::{LATEST_RESET, TENANT_LABEL, as_written, claimed, empty, holder, understood, without_lock};
pub use self::lease::{LOCK_LABEL, StoredLease, Wanted, changed, name};
use super::{
    calls::{CallError, call},
    guarded::Guarded,
};
use passcode_core::{
    api::Time,
    lifecycle::{admission::Denial, lock::Lock, memory},
    protocol::leases::{Counts, Left, counts, is_forgotten, left_behind, may_be_swept, which_counts},
};

/// How many leases a list has on a page.
const PAGE: u32 = 500;
/// How often what is to be remembered is written again, where somebody else writes meanwhile.
const REMEMBER_TRIES: usize = 5;

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
            let Some(latest) = memory::to_remember(stored.latest_reset.as_ref(), latest) else { return Ok(stored) };
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
        let attempt_id = stored.lock.as_ref().map(|lock| lock.attempt_id.as_str());
        let others = counted::of(&stored.lease).iter().any(|sent| Some(sent.attempt_id.as_str()) != attempt_id);
        let released = match left_behind(stored.latest_reset.as_ref(), others) {
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
    /// Graph's clock as `graph_now` gives it for a tenant; a tenant without one keeps its leases. Where there are policies, their budgets count
    /// the claims of a day.
    ///
    /// # Errors
    /// If the leases cannot be listed.
    pub async fn sweep(
        &self,
        wall: Timestamp,
        graph_now: impl Fn(&str) -> Option<Timestamp>,
        has_policies: bool,
    ) -> Result<(), CallError> {
        self.taken().retain(|_, lock| !is_forgotten(lock, wall));
        let mut over = Vec::new();
        self.for_each(|lease| {
            let now = lease.labels().get(TENANT_LABEL).and_then(|tenant_id| graph_now(tenant_id));
            let counted = counts(claimed(&lease), wall) || (has_policies && counted::is_of_today(&lease, wall));
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
    pub async fn sent(&self) -> Result<Vec<SentReset>, CallError> {
        let mut sent = Vec::new();
        self.for_each(|lease| sent.extend(counted::of(&lease))).await?;
        Ok(sent)
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
