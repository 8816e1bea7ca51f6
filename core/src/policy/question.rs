//! What is asked: may this request be carried out at this time?

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::checked::Policy;
use crate::{
    api::{
        approval::{PasscodeResetApproval, RequestKind},
        policy::PolicyAction,
    },
    platform::Platform,
};

/// Everything that the answer depends on.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The request.
    pub request: Request<'a>,
    /// Every policy of the cluster, those included that cannot be read; `None`: they were not listed yet.
    pub policies: Option<&'a [&'a Policy]>,
    /// `spec.requiredPolicies` of the IntuneTenant.
    pub required: &'a [String],
    /// The approvals of the request's namespace; those of other requests are passed over.
    pub approvals: &'a [PasscodeResetApproval],
    /// Since when it is proved who wrote an approval or a request, by the API server's clock; `None`: it is not proved now.
    pub identity_since: Option<Timestamp>,
    /// What may have been sent in the last 24 hours, in any order. What is known not to have been carried out is not among it.
    pub past: &'a [PastReset],
    /// The time for which it is asked, by Graph's clock. Hours and budgets are judged by it.
    pub at: Timestamp,
    /// The same time by the API server's clock, which dates the approvals.
    pub at_api_server: Timestamp,
    /// Whether it is asked early: `at` is the request's `requestTime`, which has yet to come.
    pub early: bool,
}

/// The request, as far as policies can be about it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What it asks for.
    pub kind: RequestKind,
    /// Its namespace.
    pub namespace: &'a str,
    /// The labels of that namespace; `None`: they are not known, and every policy that selects by them may be about it.
    pub namespace_labels: Option<&'a BTreeMap<String, String>>,
    /// Its name.
    pub name: &'a str,
    /// Its uid.
    pub uid: &'a str,
    /// When it was created, by the API server's clock.
    pub created: Timestamp,
    /// Who is said to have asked for it; `None`: nobody is.
    pub requester: Option<Requester<'a>>,
    /// The IntuneTenant that it names.
    pub tenant: &'a str,
    /// The labels of that IntuneTenant; `None`: likewise.
    pub tenant_labels: Option<&'a BTreeMap<String, String>>,
    /// What would be done.
    pub action: PolicyAction,
    /// To which device.
    pub device: Device<'a>,
    /// It is not carried out after this time.
    pub expiration: Timestamp,
}

/// Who asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester<'a> {
    /// The name by which the API server knows them.
    pub name: &'a str,
    /// What stands for them in the records of earlier resets, such as a hash of the name.
    pub key: &'a str,
}

/// The device, as far as policies can be about it.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// Intune's id of it.
    pub managed_device_id: &'a str,
    /// Its class.
    pub platform: Platform,
    /// `osVersion`, as Intune wrote it.
    pub os_version: &'a str,
    /// `managedDeviceOwnerType`, as Intune wrote it.
    pub ownership: &'a str,
}

/// A reset that was sent, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastReset {
    /// When it was claimed, by Graph's clock.
    pub time: Timestamp,
    /// The uid of the request. A request's own attempts do not use up its budgets.
    pub uid: String,
    /// The namespace of the request.
    pub namespace: String,
    /// The IntuneTenant.
    pub tenant: String,
    /// The device, by Intune's id.
    pub managed_device_id: String,
    /// [`Requester::key`] of whoever asked for it; `None`: nobody knows who did.
    pub requester: Option<String>,
}

impl<'a> Question<'a> {
    /// Who asked for it, where that is proved: what is said of requests from before the proof, anybody may have written.
    pub(super) fn requester(&self) -> Option<Requester<'a>> {
        let proved = self.identity_since.is_some_and(|since| self.request.created >= since);
        self.request.requester.filter(|requester| proved && !requester.name.is_empty())
    }
}
