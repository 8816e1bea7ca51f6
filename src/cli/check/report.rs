//! What a check found, one line per finding.

use std::{
    fmt::Display,
    io::{ErrorKind, Write},
};

/// The findings, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<String>,
    refused: bool,
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

    pub(super) const fn is_refused(&self) -> bool {
        self.refused
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// To standard output. That nobody reads to the end is no error: the exit code says what matters.
    pub(super) fn print(&self) -> std::io::Result<()> {
        let mut output = std::io::stdout().lock();
        for line in &self.lines {
            match writeln!(output, "{line}") {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
        Ok(())
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
