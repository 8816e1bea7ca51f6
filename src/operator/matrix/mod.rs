//! PlatformSupportMatrices: compiled, and told what is wrong with them.
//!
//! What lives here: which matrix decides for a tenant. What does not: what a matrix says of a device (`platform`).

pub mod compiled;
