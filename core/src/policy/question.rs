//! What is asked: may this request be carried out at this time?

use jiff::Timestamp;

use super::{
    checked::Policy,
    request::{PastReset, Request, Requester},
};
use crate::api::approval::PasscodeResetApproval;

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

impl<'a> Question<'a> {
    /// Who asked for it, where that is proved: what is said of requests from before the proof, anybody may have written.
    pub(super) fn requester(&self) -> Option<Requester<'a>> {
        let proved = self.identity_since.is_some_and(|since| self.request.created >= since);
        self.request.requester.filter(|requester| proved && !requester.name.is_empty())
    }
}
