//! A row of the table that classifies devices, and what it makes of one.

use super::{class::Platform, facts::Facts};
use crate::api::matrix::Certainty;

/// What the table makes of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Classification {
    /// The device is of this class.
    Class(Platform),
    /// The record lacks what decides: an iPad whose `hardwareInformation` was not read. Read the device again, alone.
    CannotTellYet,
}

/// One row of the table: if it holds, and no row before it does, the device is what it says.
#[derive(Debug)]
pub struct Row {
    /// The row's number in the documentation. Rows that lead to several classes are written as several.
    pub number: u8,
    /// Whether the row speaks of this device.
    pub(super) holds: fn(&Facts<'_>) -> bool,
    /// What the device then is.
    pub is: Classification,
    /// How sure that is; none where the row only refuses.
    pub certainty: Option<Certainty>,
    /// Why, with the source.
    pub because: &'static str,
}
