//! PasscodeResetPolicies and PasscodeResetApprovals: read, compiled, and told what is wrong with them.
//!
//! What lives here: the controller of policies, the policies as they decide, the approvals of a request, and what wakes the requests that they are
//! about. What does not: what a policy says of a request (`policy` of the core), and when that is asked (`lifecycle`).

pub mod approvals;
mod compiled;
pub mod controller;

pub use compiled::Policies;
