//! What a device is, and what Intune can do for it.
//!
//! What lives here: the ordered table that turns Intune's record of a device into a platform class ([`classify()`]), the
//! two built-in support matrices as data ([`Matrix::builtin`], [`Matrix::builtin_2020_07`]), the reading of a matrix that
//! somebody wrote ([`Matrix::compile`]), and the verdict of either ([`Matrix::verdict`]).
//!
//! What does not: whether a reset is permitted (`policy`), whether and when it is sent (`lifecycle`), how a device is read
//! from Graph (`graph`), and any input or output. Everything here is a function of its arguments.

mod builtin;
mod builtin_2020_07;
mod builtin_intune;
mod builtin_rule;
mod class;
mod classify;
mod compile;
pub mod device;
mod facts;
mod guidance;
mod known_values;
mod matching;
mod matrix;
mod nearest;
mod ownership;
mod row;
mod rows;
mod sources;
#[cfg(test)]
mod tests;
mod version;

pub use builtin::{builtin_names, builtin_spec};
pub use class::{Family, Platform, UnknownPlatform, required_ledger_name};
pub use classify::{classify, deciding_row, raw_values};
pub(crate) use compile::one_line;
pub use device::{ActionResult, Found, Look, ManagedDevice};
pub use matching::{DeviceMatch, Fit};
pub(crate) use matching::{platform_named, versions_that_matter};
pub use matrix::{Matrix, NOT_LISTED, OS_VERSION_UNREADABLE, Verdict};
pub use ownership::Ownership;
pub use row::{Classification, Row};
pub use version::{BadVersionBound, OsVersion, UnreadableVersion, VersionBound};
