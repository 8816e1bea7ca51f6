//! Where something was found: for people a text, for programs the file, the line and the object.

use std::fmt;

use serde_json::Value;

/// A place in what was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    text: String,
    pub(super) file: String,
    /// From 1; none where it is about the whole file.
    pub(super) line: Option<u64>,
    /// Kind, namespace and name, as far as they are written.
    pub(super) object: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Place {
    /// A whole file, or what else the command line names.
    pub(super) fn file(file: &str) -> Self {
        Self { text: file.to_owned(), file: file.to_owned(), line: None, object: None }
    }

    /// A document of a file; the first has the number 1.
    pub(super) fn document(file: &str, number: usize) -> Self {
        Self { text: format!("{file}:document {number}"), ..Self::file(file) }
    }

    /// Part of it.
    pub(super) fn within(&self, part: impl fmt::Display) -> Self {
        Self { text: format!("{self}: {part}"), ..self.clone() }
    }

    /// The same at another line of its file.
    pub(super) fn at(&self, line: u64) -> Self {
        Self { line: Some(line), ..self.clone() }
    }

    /// The same, known to be about what this object says.
    pub(super) fn about(self, object: &Value) -> Self {
        Self { object: named(object), ..self }
    }

    /// The same, called by its line, where one is known.
    pub(super) fn by_line(&self) -> Self {
        let text = self.line.map_or_else(|| self.text.clone(), |line| format!("{}:{line}", self.file));
        Self { text, ..self.clone() }
    }
}

fn named(object: &Value) -> Option<String> {
    let (kind, metadata) = (object["kind"].as_str()?, &object["metadata"]);
    let name = metadata["name"].as_str()?;
    Some(match metadata["namespace"].as_str() {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    })
}
