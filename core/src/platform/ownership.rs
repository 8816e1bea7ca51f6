//! Who owns a device, as far as a matrix rule may ask.

use std::str::FromStr;

/// The two owners that a rule can name. A device of unknown owner fits neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ownership {
    Company,
    Personal,
}

impl Ownership {}

impl FromStr for Ownership {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            _ if name.eq_ignore_ascii_case("company") => Ok(Self::Company),
            _ if name.eq_ignore_ascii_case("personal") => Ok(Self::Personal),
            _ => Err(()),
        }
    }
}
