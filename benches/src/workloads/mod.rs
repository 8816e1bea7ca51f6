//! The workloads.

pub mod burst;
pub mod crowd;
pub mod failover;
pub mod limit;
pub mod load;
pub mod restart;
pub mod shared;

use anyhow::Result;

use crate::{contestant::Programs, table::Table};

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// What the harness's own tests need.
    Tiny,
    /// A quick try.
    Small,
    /// The figures.
    Full,
}

impl Size {
    /// The number for this size.
    #[must_use]
    pub fn of<T>(self, tiny: T, small: T, full: T) -> T {
        match self {
            Self::Tiny => tiny,
            Self::Small => small,
            Self::Full => full,
        }
    }
}

/// How a workload is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How much is done.
    pub size: Size,
    /// How often each contestant has its turn.
    pub rounds: usize,
    /// Whether only this operator is measured.
    pub alone: bool,
    /// Where the programs are.
    pub programs: Programs,
}

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Workload {
    /// A burst of new resets, and nothing that slows them down.
    W1,
    /// A burst at Graph's limit.
    W3,
    /// The same, while another app takes half of the limit.
    W4,
    /// A start over very many finished resets.
    W5,
    /// A few resets a second beside very many finished ones.
    W6,
    /// A few resets a second beside very many that are followed.
    W7,
    /// The leader ends in a burst at Graph's limit.
    W8,
    /// Very many objects, and very large ones, of somebody who may create nothing else.
    W9,
}

impl Workload {
    /// How often each contestant has its turn, unless told otherwise.
    #[must_use]
    pub fn rounds(self, size: Size) -> usize {
        match self {
            Self::W1 => size.of(1, 1, 5),
            _ => 1,
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// If it cannot be run to its end.
    pub async fn run(self, plan: &Plan) -> Result<Table> {
        match self {
            Self::W1 => burst::run(plan).await,
            Self::W3 => limit::run(plan).await,
            Self::W4 => shared::run(plan).await,
            Self::W5 => restart::run(plan).await,
            Self::W6 => load::steady(plan).await,
            Self::W7 => load::storm(plan).await,
            Self::W8 => failover::run(plan).await,
            Self::W9 => crowd::run(plan).await,
        }
    }
}

fn progress(text: std::fmt::Arguments<'_>) {
    eprintln!("    {text}");
}
