//! The reasons that come with policies, beside `NoPolicy` and `LimitReached`. They belong to the table of reasons once the operator gives them.

/// Waiting: a policy that applies, or that the IntuneTenant requires, is missing or cannot be used.
pub const POLICY_NOT_READY: &str = "PolicyNotReady";
/// Waiting: approvals do not count, because nothing proves at the moment who gave them.
pub const IDENTITY_NOT_ENFORCED: &str = "IdentityNotEnforced";
/// Waiting: people have to agree.
pub const AWAITING_APPROVAL: &str = "AwaitingApproval";
/// Waiting: the hours in which resets are sent have not begun.
pub const OUTSIDE_HOURS: &str = "OutsideHours";
/// Rejected: a policy denies it.
pub const POLICY_DENIED: &str = "PolicyDenied";
/// Rejected: somebody who was asked said no.
pub const APPROVAL_DENIED: &str = "ApprovalDenied";
/// Permitted: every policy that applies permits it.
pub const PERMITTED_BY_POLICY: &str = "PermittedByPolicy";
/// Permitted: somebody with the right to do so set aside what was against it.
pub const OVERRIDDEN: &str = "Overridden";
/// A policy's: it cannot be used as written.
pub const INVALID_POLICY: &str = "InvalidPolicy";
