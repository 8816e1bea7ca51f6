//! Names of devices, as people type them and as phones and tools store them: what makes no difference between two of them.
//!
//! An iPhone calls itself Anna’s iPhone with U+2019, where people type '; some tools store `&apos;`; no-break and double spaces occur.

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::decoding::{decoded, entity, letters};

/// A name in the form in which it is compared. It is never sent and never shown.
pub(in crate::graph) fn comparable(name: &str) -> String {
    let mut read = letters(name);
    if let Some(plain) = decoded(&read, entity) {
        read = plain;
    }
    let folded: String = read.iter().flat_map(|letter| folded(letter.is)).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A letter without the differences that typing and storing make: case, curved quotes, long dashes, kinds of spaces, invisible marks, and
/// whether a letter and its accent are one character or two.
pub(super) fn folded(letter: char) -> impl Iterator<Item = char> {
    let plain = match letter {
        '\u{2018}'..='\u{201b}' | '\u{2b9}' | '\u{2bc}' | '\u{2032}' | '\u{2035}' | '`' | '\u{b4}' => Some('\''),
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => Some('"'),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
        '\u{fe00}'..='\u{fe0f}' => None,
        letter if letter.is_whitespace() => Some(' '),
        letter => Some(letter),
    };
    const PARTS: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
    PARTS.normalize_iter(plain.into_iter()).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_write_them() {
        for (typed, stored) in [
            ("Anna's iPhone", "Anna\u{2019}s iPhone"),
            ("Anna's iPhone", "Anna&apos;s iPhone"),
            ("Anna's iPhone", "ANNA&#39;S\u{a0}IPHONE "),
            ("Anna's iPhone", " Anna`s  iPhone"),
            ("Anna&apos;s iPhone", "Anna\u{2019}s\u{202f}iPhone"),
            ("desk-7", "desk\u{2013}7"),
            ("\"desk\"", "\u{201c}Desk\u{201d}"),
            ("J\u{f6}rg", "jo\u{308}rg"),
            ("iPhone", "iPhone\u{200e}\u{feff}"),
            ("Zo\u{eb}", "ZOE\u{308}"),
        ] {
            assert_eq!(comparable(typed), comparable(stored), "{typed} {stored}");
        }
    }

    #[test]
    fn other_names_are_other_names() {
        for (one, other) in [
            ("Annas iPhone", "Anna's iPhone"),
            ("desk7", "desk-7"),
            ("desk 7", "desk7"),
            ("Jorg", "J\u{f6}rg"),
            ("Anna iPhone", "Anna iPhone 2"),
            ("a&b", "a&amp;c"),
        ] {
            assert_ne!(comparable(one), comparable(other), "{one} {other}");
        }
    }
}
