//! What a pass reads: the device, Intune's record, the lock, and what permits a request.

use std::{
    ops::ControlFlow::{Break, Continue},
    time::Duration,
};

use k8s_openapi::api::core::v1::Namespace as NamespaceObject;
use kube::{Api, ResourceExt, core::PartialObjectMeta};
use passcode_core::{
    api::{
        reset::{DeviceSelector, PasscodeReset},
        tenant::IntuneTenant,
    },
    lifecycle::{
        observed::{Look, Namespace, NotReady, Reading, Unreadable},
        step::Fact,
    },
    protocol::{Known, pass::Event},
};

use super::{Terms, view::View};
use crate::operator::{
    calls::{CallError, call},
    intune, namespaces,
};

/// The device that was found for the object. It is not looked for again: another may match the selector today.
fn of_the_known_device(object: &PasscodeReset) -> Option<DeviceSelector> {
    let device = object.status.as_ref()?.device.as_ref()?;
    Some(DeviceSelector { managed_device_id: Some(device.managed_device_id.clone()), ..DeviceSelector::default() })
}

/// When to look again without a tenant.
const WITHOUT_TENANT: Duration = Duration::from_secs(60);

impl View<'_> {
    pub(super) async fn observe(&mut self, known: &Known<Terms>, fact: Fact) -> Result<Event<Terms>, CallError> {
        match fact {
            Fact::Namespace => self.read_namespace(&known.object).await,
            Fact::Device => self.find_device(known).await,
            Fact::Lock => self.read_lock(&known.object).await,
            Fact::Look => Ok(Event::Look(self.look(&known.object).await)),
            Fact::LeaderLease => {
                let kept = self.context.authority.leads().await?;
                Ok(self.lease(kept))
            }
            Fact::Authority => self.read_authority(&known.object).await,
            Fact::Policies => self.read_policies().await,
            Fact::Approvals => self.read_approvals(&known.object).await,
        }
    }

    /// Looks the device up. The last read of that is the first look at Intune's record, too, where the lock was not read before: then it is
    /// in between.
    async fn find_device(&mut self, known: &Known<Terms>) -> Result<Event<Terms>, CallError> {
        let Some(tenant) = self.tenant.clone() else { return Ok(Event::Done) };
        let object = &known.object;
        let (clock, urgency) = (self.context.clock.as_ref(), self.urgency(object));
        let selector = of_the_known_device(object).unwrap_or_else(|| object.spec.device.clone());
        let refused = &mut self.state.refused.device;
        if known.lock.is_some() {
            self.found = Some(intune::find(&tenant, clock, &selector, urgency, refused).await);
            return Ok(Event::Done);
        }
        let identified = match intune::identify(&tenant, clock, &selector, urgency, refused).await {
            Continue(identified) => identified,
            Break(found) => {
                self.found = Some(found);
                return Ok(Event::Done);
            }
        };
        let lock = self.read_lock_of(&tenant.spec().tenant_id, identified.id()).await;
        let (found, look) = intune::classify(&tenant, clock, identified, &mut self.state.refused.device).await;
        self.found = Some(found);
        Ok(match (lock?, look) {
            (Event::Lock(lock), Some(look)) => Event::LockAndLook { lock, look },
            _ => Event::Done,
        })
    }

    async fn read_lock(&mut self, object: &PasscodeReset) -> Result<Event<Terms>, CallError> {
        let Some((tenant_id, device_id)) = self.lock_of(object) else { return Ok(Event::Lock(None)) };
        self.read_lock_of(&tenant_id, &device_id).await
    }

    async fn read_lock_of(&mut self, tenant_id: &str, device_id: &str) -> Result<Event<Terms>, CallError> {
        if self.alone.is_none() {
            self.alone = Some(self.context.devices.alone_with(device_id).await);
        }
        match self.context.locks.read(tenant_id, device_id, self.now().estimate).await {
            Err(CallError::Unreadable(why)) => {
                self.unreadable_lock = Some(why);
                Ok(Event::Done)
            }
            lock => lock.map(Event::Lock),
        }
    }

    async fn look(&mut self, object: &PasscodeReset) -> Reading<Look> {
        let (Some(tenant), Some((_, device_id))) = (self.tenant.clone(), self.lock_of(object)) else {
            return self.without_tenant(object);
        };
        let (clock, urgency) = (self.context.clock.as_ref(), self.urgency(object));
        let refused = &mut self.state.refused.record;
        intune::look(&tenant, clock, &device_id, &object.spec.device, urgency, refused).await
    }

    /// Without its tenant there is no way to look.
    fn without_tenant(&self, object: &PasscodeReset) -> Reading<Look> {
        let not_ready = self.unreadable_tenant.clone().unwrap_or_else(|| {
            let message = format!("There is no IntuneTenant \"{}\" any more.", object.spec.tenant_ref.name);
            NotReady { reason: "NotFound".to_owned(), message }
        });
        let message = not_ready.message.clone();
        Reading::CouldNotTell(Unreadable { tenant: Some(not_ready), message, retry_after: WITHOUT_TENANT })
    }

    /// The namespace's permission, by a live read of both that decide about it.
    async fn read_namespace(&mut self, object: &PasscodeReset) -> Result<Event<Terms>, CallError> {
        let (tenant, namespace) = self.live(object).await?;
        self.namespace = self.permission(tenant.as_ref(), namespace.as_ref());
        Ok(Event::Done)
    }

    fn permission(&self, tenant: Option<&IntuneTenant>, namespace: Option<&impl ResourceExt>) -> Namespace {
        let allowed = namespaces::allows(tenant.map(|tenant| &tenant.spec), namespace);
        if allowed { Namespace::Allowed } else { Namespace::Denied { at: self.context.clock.wall() } }
    }

    /// The IntuneTenant and the namespace, as they are stored.
    async fn live(
        &self,
        object: &PasscodeReset,
    ) -> Result<(Option<IntuneTenant>, Option<PartialObjectMeta<NamespaceObject>>), CallError> {
        let tenants: Api<IntuneTenant> = Api::all(self.context.cluster.client.clone());
        let namespaces: Api<NamespaceObject> = Api::all(self.context.cluster.client.clone());
        let namespace = object.namespace().unwrap_or_default();
        tokio::try_join!(
            call(tenants.get_opt(&object.spec.tenant_ref.name)),
            call(namespaces.get_metadata_opt(&namespace)),
        )
    }

    /// Reads what permits a request, all at once, and goes on with what was read. A tenant that was deleted, or created again since the pass
    /// began, is none. A namespace that was created again has none of its objects any more: then the claim finds another uid.
    async fn read_authority(&mut self, object: &PasscodeReset) -> Result<Event<Terms>, CallError> {
        let (kept, (live, namespace), policies) =
            tokio::try_join!(self.context.authority.leads(), self.live(object), self.live_policies())?;
        if kept {
            self.note_policies(policies);
            self.agreed.namespace_labels = namespace.as_ref().map(|namespace| namespace.labels().clone());
            self.namespace = self.permission(live.as_ref(), namespace.as_ref());
            self.tenant = self.tenant.take().and_then(|tenant| tenant.as_read(live?));
        }
        Ok(self.lease(kept))
    }

    fn lease(&mut self, kept: bool) -> Event<Terms> {
        if !kept {
            self.failed = Some(CallError::Unclear("the leader lease is not as this replica wrote it".to_owned()));
        }
        Event::LeaderLease { kept }
    }

    /// The object as it is stored now.
    pub(super) async fn read_again(&self, known: &Known<Terms>) -> Result<Event<Terms>, CallError> {
        let object = &known.object;
        let api: Api<PasscodeReset> =
            Api::namespaced(self.context.cluster.client.clone(), &object.namespace().unwrap_or_default());
        let read = call(api.get(&object.name_any())).await?;
        if read.uid() == object.uid() { Ok(Event::ObjectStored(read)) } else { Err(CallError::Gone) }
    }
}
