//! The order of effects around the rules: which reads and writes a reset is made of, and what follows from each of them.
//!
//! What lives here: resumable machines. [`pass::Pass`] says what is to be done next and takes what came of it; whoever carries that out (the
//! operator, the model, the tests) has no rule of its own. [`election::Election`] does the same for the leader lease. A tenant beside it: which
//! requests it takes ([`health`]), what answers mean to it ([`answers`]), and what its status says. And whether the API server lets anybody write
//! another's name ([`identity`], [`identity_proof`]). What does not: whether and when a reset is
//! sent (`lifecycle`), and anything that is carried out: clocks, random numbers, reads and writes are the caller's.

pub mod answers;
pub mod election;
pub mod health;
pub mod identity;
pub mod identity_proof;
mod leader_lease;
pub mod leases;
pub mod pass;
pub mod real;
pub mod tenant_status;
mod terms;
#[cfg(test)]
mod tests;
pub mod trouble;

pub use terms::{Decision, Held, Judgement, Known, Rules, Step, Terms};
