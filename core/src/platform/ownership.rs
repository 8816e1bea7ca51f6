//! Who owns a device, as far as a rule may ask.

use std::str::FromStr;

/// The owners between which rules tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// A company's.
    Company,
    /// Its user's.
    Personal,
    /// Intune says neither. A matrix cannot name it; a policy can.
    Unknown,
}

impl Ownership {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Company, Self::Personal, Self::Unknown];

    /// What Intune says in `managedDeviceOwnerType`.
    #[must_use]
    pub fn of_device(owner_type: &str) -> Self {
        owner_type.parse().unwrap_or(Self::Unknown)
    }
}

impl FromStr for Ownership {
    type Err = ();

    /// The two that a matrix can name.
    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            _ if name.eq_ignore_ascii_case("company") => Ok(Self::Company),
            _ if name.eq_ignore_ascii_case("personal") => Ok(Self::Personal),
            _ => Err(()),
        }
    }
}
