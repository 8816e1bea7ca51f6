//! What is permitted here: policies × approvals × request × time → permitted, held or refused.
//!
//! What lives here: the reading of a policy that somebody wrote ([`Policy::compile`]), which of its rules a request meets, whose approval counts
//! and how many are still needed, when hours open and budgets have room, and the sentences for all of it ([`evaluate()`]). Policies only restrict:
//! a request is permitted where no policy has anything against it, so one policy more never permits more, and their order does not matter.
//!
//! What does not: what Intune can do (`platform`), when the question is asked and what follows from the answer (`lifecycle`), rules of the cluster's
//! own admission control (the API server asks them), how policies, approvals and earlier resets are read, and any clock. The time zones come with
//! the program.

mod approvals;
mod budgets;
mod checked;
mod compile;
mod evaluate;
mod findings;
mod hours;
mod messages;
mod permission;
mod question;
mod quorum;
mod request;
mod rules;
pub mod scenario;
#[cfg(test)]
mod tests;
mod unreachable;
mod zones;

pub use approvals::{NotCounted, standing};
pub use checked::{Policy, Problem};
pub use evaluate::evaluate;
pub use permission::{Answer, Permission, PolicyVerdict, Report};
pub use question::Question;
pub use request::{Device, PastReset, Request, Requester};
