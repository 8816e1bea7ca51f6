//! One thing that was found.

use serde::Serialize;

use super::{place::Place, rule::Rule};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It is refused, would not be sent, or cannot be judged.
    Error,
    /// It counts, but was probably meant otherwise.
    Warning,
    /// Nothing is wrong.
    Note,
}

impl Severity {
    /// The word, which is also SARIF's.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A finding. The fields are those of the JSON that pipelines read: they may get more, and none changes or goes.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) rule: Rule,
    pub(super) message: String,
    /// Where, for people.
    pub(super) place: String,
    /// The file as the command line names it; - is standard input.
    pub(super) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
}

impl Finding {
    pub(super) fn new(severity: Severity, place: &Place, rule: Rule, message: &str) -> Self {
        Self {
            severity,
            rule,
            message: one_line(message),
            place: one_line(&place.to_string()),
            file: one_line(&place.file),
            line: place.line,
            object: place.object.as_deref().map(one_line),
        }
    }

    /// The line that people read.
    pub(super) fn text(&self) -> String {
        let mark = if self.severity == Severity::Warning { "warning: " } else { "" };
        format!("{}: {mark}{}", self.place, self.message)
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
