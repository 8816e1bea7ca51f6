//! What the integration tests share.

pub mod changes;
pub mod objects;
pub mod transport;
pub mod world;
