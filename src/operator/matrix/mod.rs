//! PlatformSupportMatrices: compiled, and told what is wrong with them.
//!
//! What lives here: the controller, and which matrix decides for a tenant. What does not: what a matrix says of a device (`platform`).

mod compiled;
pub mod controller;

pub use compiled::Matrices;
