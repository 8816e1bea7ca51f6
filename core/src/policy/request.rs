//! The request that is asked about, and what was sent before it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    api::{approval::RequestKind, policy::PolicyAction},
    platform::Platform,
};

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
