//! Versions of operating systems, and the bounds that matrix rules put on them.

use std::{fmt, str::FromStr};

/// The leading dotted numbers of an `osVersion`: `14.4.1 (23E224)` is 14.4.1. Missing parts are 0, so 8 equals 8.0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsVersion(
    /// Without zeros at the end: then the order of the lists is the order of the versions.
    Vec<u64>,
);

/// A text that does not begin with a version.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} does not begin with a version, such as 17.5.1")]
pub struct UnreadableVersion(pub String);

impl OsVersion {
    /// The version with these parts.
    #[must_use]
    pub fn new(parts: &[u64]) -> Self {
        let used = parts.iter().rposition(|part| *part != 0).map_or(0, |last| last + 1);
        Self(parts[..used].to_vec())
    }

    /// Whether it is 0, 0.0 and so on, which no operating system has.
    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for OsVersion {
    type Err = UnreadableVersion;

    /// Reads as far as numbers and dots go. Zeros alone are no version but what is written where none is known; taken for
    /// one they would be below every bound, and "below 7.0" is a bound that permits a reset.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || UnreadableVersion(text.to_owned());
        let mut parts = Vec::new();
        for part in text.trim_start().split('.') {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                break;
            }
            parts.push(part[..digits].parse::<u64>().map_err(|_| unreadable())?);
            if digits < part.len() {
                break;
            }
        }
        let version = Self::new(&parts);
        if version.is_zero() { Err(unreadable()) } else { Ok(version) }
    }
}

impl fmt::Display for OsVersion {
    /// With two parts at least: `8.0`, `1.1`, `10.0.15063`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u64::to_string).collect();
        match parts.as_slice() {
            [] => f.write_str("0.0"),
            [only] => write!(f, "{only}.0"),
            parts => f.write_str(&parts.join(".")),
        }
    }
}

/// What a rule asks of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionBound {
    /// `>=8.0`: this version or a later one.
    AtLeast(OsVersion),
    /// `<8.0`: an earlier one.
    Below(OsVersion),
}

/// A text that is no bound.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no bound on a version: write >= or < and a version other than 0, such as \">=8.0\" or \"<7.0\"")]
pub struct BadVersionBound(pub String);

impl VersionBound {
    /// Whether `version` is within the bound.
    #[must_use]
    pub fn admits(&self, version: &OsVersion) -> bool {
        match self {
            Self::AtLeast(least) => version >= least,
            Self::Below(limit) => version < limit,
        }
    }

    /// The version at which the answer changes.
    #[must_use]
    pub const fn edge(&self) -> &OsVersion {
        match self {
            Self::AtLeast(edge) | Self::Below(edge) => edge,
        }
    }
}

impl FromStr for VersionBound {
    type Err = BadVersionBound;

    /// Stricter than the reading of a version: what a person wrote is not guessed at.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadVersionBound(text.to_owned());
        let (bound, version): (fn(OsVersion) -> Self, _) = match (text.strip_prefix(">="), text.strip_prefix('<')) {
            (Some(version), _) => (Self::AtLeast, version),
            (None, Some(version)) => (Self::Below, version),
            (None, None) => return Err(bad()),
        };
        let dotted_numbers =
            version.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        match version.parse() {
            Ok(version) if dotted_numbers => Ok(bound(version)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for VersionBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">={least}"),
            Self::Below(limit) => write!(f, "<{limit}"),
        }
    }
}
