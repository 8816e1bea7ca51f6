//! Tries whether the API server lets anybody write another's name, and keeps what that shows.
//!
//! What lives here: the probes, the watch of the admission policies, and the proof as the rest of the operator asks for it. What an answer shows
//! and how long a proof is kept is decided in `passcode_core::protocol::identity` and `identity_proof`.

mod probes;
mod proof;
mod rounds;
mod shipped;

pub use proof::{IdentityProof, Kept};
pub use rounds::{Context, run};
