//! How sure a row of one of this room's tables is.

use std::fmt;

/// How sure a row is of what it says. A row that only refuses what it does not know claims nothing and has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Official text says so and nothing speaks against it.
    High,
    /// One official text, an old one, or a conclusion from several.
    Medium,
    /// Official texts contradict each other, or the text has been withdrawn.
    Low,
    /// Nobody documents it; it waits for a first real device.
    Open,
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Open => "open",
        })
    }
}
