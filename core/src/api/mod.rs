//! The custom resources: their types, the rules of their schemas, and the words of their conditions.
//!
//! What lives here: everything that a manifest can say and that a status can answer, with the bounds that the API server
//! enforces. What does not: any rule about when a reset happens (`lifecycle`) and about what is permitted (`policy`), any fact about platforms
//! (`platform`), any input or output.

pub mod approval;
pub mod conditions;
pub mod dropped;
pub mod duration;
pub mod manifests;
pub mod matrix;
mod namespace_selector;
pub mod policy;
pub mod reasons;
pub mod reset;
pub mod reset_status;
mod rules;
pub mod tenant;
#[cfg(test)]
mod tests;
pub mod time;
mod timing;

pub use duration::Duration;
pub use reset::REQUESTED_BY;
pub use time::Time;

/// The API group of every resource.
pub const GROUP: &str = "passcode-operator.dev";
/// The version of every resource.
pub const VERSION: &str = "v1alpha1";
