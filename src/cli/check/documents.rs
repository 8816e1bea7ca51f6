//! From files to the objects in them.

use std::io::Read;

use anyhow::Context;
use serde_json::Value;

/// One object of a file, and where it is.
pub(super) struct Document {
    pub(super) place: String,
    /// The object, or why it cannot be read.
    pub(super) value: Result<Value, String>,
}

/// The text of a file, or of standard input for `-`.
pub(super) fn read(file: &str) -> anyhow::Result<String> {
    if file != "-" {
        return std::fs::read_to_string(file).context("cannot read it");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read it")?;
    Ok(text)
}

/// The documents of a text, those that are empty left out, and lists taken apart.
pub(super) fn split(file: &str, text: &str) -> Vec<Document> {
    let parsed = pieces(text).into_iter().flat_map(|piece| parse(&piece));
    parsed.enumerate().flat_map(|(index, value)| unpack(format!("{file}:document {}", index + 1), value)).collect()
}

/// The text, cut at its `---` lines as kubectl does, so that one document that cannot be read hides no other.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("---") {
            Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t']) => pieces.push(rest.to_owned()),
            _ => pieces.last_mut().into_iter().for_each(|piece| piece.push_str(line)),
        }
        pieces.last_mut().into_iter().for_each(|piece| piece.push('\n'));
    }
    pieces
}

/// JSON is YAML, so one reader does for both.
fn parse(piece: &str) -> Vec<Result<Value, String>> {
    let options = serde_saphyr::options! { with_snippet: false };
    match serde_saphyr::from_multiple_with_options::<Value>(piece, options) {
        Ok(values) => values.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(format!("this is neither YAML nor JSON: {error}"))],
    }
}

/// The objects of a list, as `kubectl get -o yaml` prints it.
fn unpack(place: String, value: Result<Value, String>) -> Vec<Document> {
    let items = value.as_ref().ok().filter(|value| is_list(value)).and_then(|value| value["items"].as_array());
    match items {
        Some(items) => {
            let item = |(index, item): (usize, &Value)| Document {
                place: format!("{place}: items[{index}]"),
                value: Ok(item.clone()),
            };
            items.iter().enumerate().map(item).collect()
        }
        None => vec![Document { place, value }],
    }
}

fn is_list(value: &Value) -> bool {
    value["kind"].as_str().is_some_and(|kind| kind.ends_with("List"))
}
