//! What a check found, one line per finding.

use std::{fmt::Display, process::ExitCode};

use crate::cli::{CANNOT_BE_MEANT, output};

/// The findings, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<String>,
    refused: bool,
    unreadable: bool,
}

impl Report {
    /// Something that is worth a line and wrong with nothing.
    pub(super) fn note(&mut self, place: &str, text: impl Display) {
        self.lines.push(one_line(&format!("{place}: {text}")));
    }

    /// Something that is invalid, or would not be sent.
    pub(super) fn refuse(&mut self, place: &str, text: impl Display) {
        self.refused = true;
        self.note(place, text);
    }

    /// Something that nobody can judge, because it cannot be read.
    pub(super) fn unreadable(&mut self, place: &str, text: impl Display) {
        self.unreadable = true;
        self.note(place, text);
    }

    /// That something was not even read weighs more than what was found in the rest.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self { unreadable: true, .. } => ExitCode::from(CANNOT_BE_MEANT),
            Self { refused: true, .. } => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        }
    }

    #[cfg(test)]
    pub(super) const fn is_refused(&self) -> bool {
        self.refused
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// To standard output.
    pub(super) fn print(&self) -> std::io::Result<()> {
        output::print(&self.lines.iter().map(|line| format!("{line}\n")).collect::<String>())
    }
}

/// The text in one line, and without what could steer a terminal: manifests and devices can hold anything.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.trim_end().chars() {
        match character {
            '\n' | '\t' => line.push(' '),
            odd if odd.is_control() => line.extend(odd.escape_default()),
            plain => line.push(plain),
        }
    }
    line
}
