//! What is known of the policies, approvals and earlier resets that decide whether a request is permitted.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::approval::PasscodeResetApproval,
    policy::{PastReset, Policy},
};

/// What decides whether a request is permitted, beside the object, its device and the time.
#[derive(Clone, Copy)]
pub struct Agreement<'a> {
    /// Every policy of the cluster, those included that cannot be read; `None`: they were not listed yet.
    pub policies: Option<&'a [&'a Policy]>,
    /// Whether they were read live since the lock was taken, or else since the pass began.
    pub policies_are_live: bool,
    /// The approvals of this request, read live since the lock was taken, or else since the pass began; `None`: they were not.
    pub approvals: Option<&'a Approvals>,
    /// The labels of the object's namespace; `None`: they are not known.
    pub namespace_labels: Option<&'a BTreeMap<String, String>>,
    /// The labels of its IntuneTenant; `None`: likewise.
    pub tenant_labels: Option<&'a BTreeMap<String, String>>,
    /// What stands for whoever asked for it in the records of earlier resets.
    pub requester_key: Option<&'a str>,
    /// Since when it is proved who writes approvals and requests, by the API server's clock; `None`: it is not proved now.
    pub identity_since: Option<Timestamp>,
    /// What may have been sent in the last 24 hours.
    pub past: &'a [PastReset],
}

impl Agreement<'_> {
    /// Where there is no policy.
    pub const WITHOUT_POLICIES: Self = Self {
        policies: Some(&[]),
        policies_are_live: false,
        approvals: None,
        namespace_labels: None,
        tenant_labels: None,
        requester_key: None,
        identity_since: None,
        past: &[],
    };
}

/// The approvals of a request, as they were listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Approvals {
    /// Those that this version can read. One that it cannot read permits nothing.
    pub items: Vec<PasscodeResetApproval>,
    /// The API server's clock less this machine's, by the answer that listed them.
    pub offset: SignedDuration,
}
