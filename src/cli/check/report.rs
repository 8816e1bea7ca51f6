//! What a check found, and the three forms in which it is told.

use std::{fmt::Display, process::ExitCode};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{
    finding::{Finding, Severity},
    place::Place,
    rule::Rule,
    sarif,
};
use crate::cli::{CANNOT_BE_MEANT, output};

/// How to tell what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One line for each finding.
    #[default]
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning: errors and warnings.
    Sarif,
}

/// The findings, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    refused: bool,
    unreadable: bool,
    undecided: bool,
}

/// The exit code where something can be decided by the API server only.
const UNDECIDED: u8 = 3;

impl Report {
    /// Something that is worth a line and wrong with nothing.
    pub(super) fn note(&mut self, place: &Place, rule: Rule, text: impl Display) {
        self.add(Severity::Note, place, rule, &text);
    }

    /// Something that is odd.
    pub(super) fn warn(&mut self, place: &Place, rule: Rule, text: impl Display) {
        self.add(Severity::Warning, place, rule, &text);
    }

    /// Something that is invalid, or would not be sent.
    pub(super) fn refuse(&mut self, place: &Place, rule: Rule, text: impl Display) {
        self.refused = true;
        self.add(Severity::Error, place, rule, &text);
    }

    /// Something that nobody can judge, because it cannot be read.
    pub(super) fn unreadable(&mut self, place: &Place, text: impl Display) {
        self.unreadable = true;
        self.add(Severity::Error, place, Rule::Unreadable, &text);
    }

    /// Something that only the API server can decide.
    pub(super) fn undecided(&mut self, place: &Place, text: impl Display) {
        self.undecided = true;
        self.add(Severity::Note, place, Rule::Admission, &format!("undecided: {text}"));
    }

    fn add(&mut self, severity: Severity, place: &Place, rule: Rule, text: &dyn Display) {
        self.findings.push(Finding::new(severity, place, rule, &text.to_string()));
    }

    /// That something was not even read weighs more than what was found in the rest.
    const fn code(&self) -> u8 {
        match self {
            Self { unreadable: true, .. } => CANNOT_BE_MEANT,
            Self { refused: true, .. } => 1,
            Self { undecided: true, .. } => UNDECIDED,
            _ => 0,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    #[cfg(test)]
    pub(super) const fn is_refused(&self) -> bool {
        self.refused
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> Vec<String> {
        self.findings.iter().map(Finding::text).collect()
    }

    /// To standard output.
    pub(super) fn print(&self, format: Format) -> std::io::Result<()> {
        output::print(&match format {
            Format::Text => self.findings.iter().map(|finding| finding.text() + "\n").collect::<String>(),
            Format::Json => format!("{:#}\n", self.json()),
            Format::Sarif => format!("{:#}\n", sarif::log(&self.findings, !self.unreadable)),
        })
    }

    fn json(&self) -> Value {
        json!({"version": 1, "exitCode": self.code(), "findings": self.findings})
    }
}
