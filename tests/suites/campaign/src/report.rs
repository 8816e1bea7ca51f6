//! What a layer did and what it found: one line of the campaign's report.

use std::{
    fmt,
    ops::{AddAssign, RangeInclusive},
};

/// Counts over the plans of a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Declared resets.
    pub declared: usize,
    /// Resets that Intune carried out at the operator's request.
    pub carried_out: usize,
    /// Processes that were killed, and paused ones that were declared dead.
    pub kills: usize,
    /// Resets that the promise forbids: one for the same device had been carried out at or after requestTime.
    pub duplicates: usize,
    /// Objects without an end, and such that say Complete without a reset.
    pub lost: usize,
    /// Objects that ended as OutcomeUnknown: a person has to look.
    pub left_to_people: usize,
    /// Everything that does not hold, a sentence each. Duplicates and lost objects are among them.
    pub violations: Vec<String>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.declared += other.declared;
        self.carried_out += other.carried_out;
        self.kills += other.kills;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        self.left_to_people += other.left_to_people;
        self.violations.extend(other.violations);
    }
}

/// The line of a layer.
#[derive(Clone, Debug)]
pub struct Report {
    /// The layer's name.
    pub layer: String,
    /// How many plans were run.
    pub plans: usize,
    /// The seeds, where there are any.
    pub seeds: Option<RangeInclusive<u64>>,
    /// The counts.
    pub tally: Tally,
}

impl Report {
    /// Whether everything held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.tally.violations.is_empty() && self.plans > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, plans, seeds, tally } = self;
        let seeds = seeds.as_ref().map_or_else(|| "-".to_owned(), |s| format!("{}..={}", s.start(), s.end()));
        write!(
            out,
            "{layer:<16} plans {plans}  seeds {seeds}  kills {}  declared {}  carried out {}  duplicates {}  lost {}  left to people {}  violations {}",
            tally.kills,
            tally.declared,
            tally.carried_out,
            tally.duplicates,
            tally.lost,
            tally.left_to_people,
            tally.violations.len(),
        )
    }
}
