//! From a text to the objects in it.

use std::{fs::File, io::Read};

use anyhow::Context;
use serde_json::Value;
use serde_saphyr::Error;

use super::{lines::Lines, place::Place};

/// One document of a file, or one object of its list, and where it is.
pub(super) struct Document {
    pub(super) place: Place,
    /// What it says, or why it cannot be read.
    pub(super) value: Result<Value, String>,
    pub(super) lines: Lines,
}

impl Document {
    /// Whether it is an object of Kubernetes, or may have been meant as one. A chart's values and other tools' settings have
    /// neither of the two fields.
    pub(super) fn is_meant_as_object(&self) -> bool {
        let Ok(value) = &self.value else { return true };
        let either = |key: &String| ["apiVersion", "kind"].iter().any(|name| key.eq_ignore_ascii_case(name));
        value.as_object().is_some_and(|fields| fields.keys().any(either))
    }

    /// The objects of a list, as `kubectl get -o yaml` prints it; of anything else, itself.
    pub(super) fn unpack(self) -> Vec<Self> {
        let items = self.value.as_ref().ok().filter(|value| is_list(value)).and_then(|value| value["items"].as_array());
        let Some(items) = items else { return vec![self] };
        let item = |(index, item): (usize, &Value)| {
            let lines = self.lines.item("items", index).unwrap_or(&self.lines).clone();
            let place = self.place.within(format_args!("items[{index}]")).at(lines.line()).about(item);
            Self { place, value: Ok(item.clone()), lines }
        };
        items.iter().enumerate().map(item).collect()
    }

    /// Where in it the field of this path is.
    pub(super) fn at(&self, path: &str) -> Place {
        self.place.at(self.lines.of(path))
    }
}

fn is_list(value: &Value) -> bool {
    value["kind"].as_str().is_some_and(|kind| kind.ends_with("List"))
}

/// The most that is read of one file, in MiB: some ten thousand resets.
const MOST_MIB: u64 = 16;

/// The text of a regular file, or of standard input for `-`.
pub(super) fn read(file: &str) -> anyhow::Result<String> {
    let opened: Box<dyn Read> = if file == "-" {
        Box::new(std::io::stdin())
    } else {
        // Asked before it is opened: to open a pipe waits for somebody who writes into it.
        let kind = std::fs::metadata(file).context("cannot read it")?.file_type();
        anyhow::ensure!(kind.is_file(), "it is no regular file: give what comes out of it on standard input, as -");
        Box::new(File::open(file).context("cannot read it")?)
    };
    let mut bytes = Vec::new();
    let most = MOST_MIB << 20;
    opened.take(most + 1).read_to_end(&mut bytes).context("cannot read it")?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= most);
    anyhow::ensure!(fits, "it is larger than {MOST_MIB} MiB: divide it into several files");
    String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("cannot read it, because it is not UTF-8: save it in that encoding"))
}

/// The documents of a text, those that are empty left out.
pub(super) fn split(file: &str, text: &str) -> Vec<Document> {
    let parsed = pieces(text).into_iter().flat_map(|piece| parse(&piece));
    let document = |(index, (value, lines)): (usize, (Result<Value, String>, Lines))| {
        let place = Place::document(file, index + 1).at(lines.line());
        Document {
            place: value.as_ref().map_or_else(|_| place.clone(), |value| place.clone().about(value)),
            value,
            lines,
        }
    };
    parsed.enumerate().map(document).collect()
}

/// Part of a text.
#[derive(Default)]
struct Piece {
    text: String,
    /// How many lines of the file are before it.
    lines_before: u64,
}

/// The text, cut at its `---` lines as kubectl does, so that one document that cannot be read hides no other.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = vec![Piece::default()];
    for (lines_before, line) in (0..).zip(text.lines()) {
        match line.strip_prefix("---") {
            Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t']) => {
                pieces.push(Piece { text: rest.to_owned(), lines_before });
            }
            _ => pieces.last_mut().into_iter().for_each(|piece| piece.text.push_str(line)),
        }
        pieces.last_mut().into_iter().for_each(|piece| piece.text.push('\n'));
    }
    pieces
}

/// JSON is YAML, so one reader does for both.
fn parse(piece: &Piece) -> Vec<(Result<Value, String>, Lines)> {
    let options = || serde_saphyr::options! { with_snippet: false };
    match serde_saphyr::from_multiple_with_options::<Value>(&piece.text, options()) {
        Ok(values) => {
            let lines = serde_saphyr::from_multiple_with_options::<Lines>(&piece.text, options()).unwrap_or_default();
            let lines = lines.into_iter().map(|lines| lines.moved(piece.lines_before));
            let beginning = std::iter::repeat_with(|| Lines::only(piece.lines_before + 1));
            values.into_iter().map(Ok).zip(lines.chain(beginning)).collect()
        }
        Err(error) => {
            let line = error.location().map_or(1, |location| location.line());
            vec![(Err(why(error.without_snippet(), piece)), Lines::only(piece.lines_before + line))]
        }
    }
}

/// Why it cannot be read, with the line of the file.
fn why(error: &Error, piece: &Piece) -> String {
    if let Error::DuplicateMappingKey { key, location } = error {
        let key = key.as_deref().unwrap_or("a key");
        let line = piece.lines_before + location.line();
        return format!(
            "{key} stands twice, the second time in line {line}: write it once, or separate two documents by a line with ---"
        );
    }
    let options = serde_saphyr::render_options! { line_offset: piece.lines_before };
    let template =
        if piece.text.contains("{{") { ". A template has to be rendered first, as by helm template" } else { "" };
    format!("this is neither YAML nor JSON: {}{template}", error.render_with_options(options))
}
