//! In which line of its file each field stands.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

/// The lines of a value and of what is in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    line: u64,
    below: Below,
}

#[derive(Clone, Debug, Default)]
struct Below {
    fields: BTreeMap<String, Lines>,
    items: Vec<Lines>,
}

impl Lines {
    /// Of something whose parts are not known.
    pub(super) const fn only(line: u64) -> Self {
        Self { line, below: Below { fields: BTreeMap::new(), items: Vec::new() } }
    }

    /// The line where it begins.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The line of the field at this path, else that of the nearest field around it.
    pub(super) fn of(&self, path: &str) -> u64 {
        self.below(path).unwrap_or(self.line)
    }

    /// The same in a file that has so many lines before.
    pub(super) fn moved(mut self, by: u64) -> Self {
        self.line += by;
        self.below.fields = self.below.fields.into_iter().map(|(name, lines)| (name, lines.moved(by))).collect();
        self.below.items = self.below.items.into_iter().map(|lines| lines.moved(by)).collect();
        self
    }

    /// Those of a field's item.
    pub(super) fn item(&self, field: &str, index: usize) -> Option<&Self> {
        self.below.fields.get(field)?.below.items.get(index)
    }

    fn below(&self, path: &str) -> Option<u64> {
        if let Some((index, rest)) = path.strip_prefix('[').and_then(|path| path.split_once(']')) {
            return Some(self.below.items.get(index.parse::<usize>().ok()?)?.of(rest));
        }
        let path = path.strip_prefix('.').unwrap_or(path);
        // A key may have full stops itself, as those of labels have.
        let fits = |(name, lines): (&String, &'_ Self)| {
            let rest = path.strip_prefix(name.as_str())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then(|| (name.len(), lines.of(rest)))
        };
        self.below.fields.iter().filter_map(fits).max_by_key(|(length, _)| *length).map(|(_, line)| line)
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Spanned::<Below>::deserialize(deserializer)?;
        Ok(Self { line: read.referenced.line(), below: read.value })
    }
}

impl<'de> Deserialize<'de> for Below {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfAnything)
    }
}

struct OfAnything;

impl<'de> Visitor<'de> for OfAnything {
    type Value = Below;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Below, A::Error> {
        let mut below = Below::default();
        while let Some(name) = map.next_key::<Spanned<String>>()? {
            // A field begins at its name; what it holds may begin in the next line.
            let lines = Lines { line: name.referenced.line(), ..map.next_value()? };
            below.fields.insert(name.value, lines);
        }
        Ok(below)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Below, A::Error> {
        let mut below = Below::default();
        while let Some(item) = seq.next_element()? {
            below.items.push(item);
        }
        Ok(below)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_none<E: Error>(self) -> Result<Below, E> {
        Ok(Below::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Below, D::Error> {
        Below::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Below, D::Error> {
        Below::deserialize(deserializer)
    }
}
