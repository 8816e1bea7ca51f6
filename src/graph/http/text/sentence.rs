//! From whatever text an answer holds to one sentence that people may read.

use super::hiding;

/// Longest sentence that is kept, in characters.
const MAX_SENTENCE: usize = 300;

/// So much of a text is read, in characters.
const MAX_READ: usize = 4_000;

/// Where Intune's sentences end and its internals begin: ids for customer support, and a URL that names the scale unit.
const INTERNALS: [&str; 5] =
    [" - Operation ID", "Operation ID (for customer support)", " - Activity ID", "Activity ID:", "Url: http"];

/// One line without control characters, URLs, nested JSON, anybody's address and Intune's internals; `None` if nothing is left.
pub(in crate::graph) fn tidy(text: &str) -> Option<String> {
    let text = match text.char_indices().nth(MAX_READ) {
        Some((cut, _)) => &format!("{}{}", &text[..cut], hiding::HIDDEN),
        None => text,
    };
    let text = &hiding::without_people(text);
    let end = INTERNALS
        .iter()
        .filter_map(|marker| text.find(marker))
        .chain(text.find('{').filter(|at| text[*at..].contains('"')))
        .min();
    let text: String =
        text[..end.unwrap_or(text.len())].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = text.split_whitespace().filter(|word| !word.contains("://"));
    let line = words.collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches([' ', '-']);
    match line.char_indices().nth(MAX_SENTENCE) {
        Some((cut, _)) => Some(format!("{}{}", &line[..cut], hiding::HIDDEN)),
        None => Some(line.to_owned()).filter(|line| !line.is_empty()),
    }
}

#[cfg(test)]
pub(in crate::graph) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tidy_drops_urls_control_characters_and_json() {
        assert_eq!(tidy("a\u{0}b\r\n  see https://fef.manage.microsoft.com/x?y=1 now").unwrap(), "a b see now");
        assert_eq!(tidy(r#"Bad thing: {"inner": "x"}"#).unwrap(), "Bad thing:");
        assert_eq!(tidy("Set {braces} alone").unwrap(), "Set {braces} alone");
        assert_eq!(tidy(" - Operation ID (for customer support): 0"), None);
        let long = tidy(&"ä".repeat(1000)).unwrap();
        assert_eq!(long.chars().count(), MAX_SENTENCE + 1);
    }

    /// Whether this is one line as [`tidy`] makes it.
    pub(in crate::graph) fn holds(line: &str) -> bool {
        line.chars().count() <= MAX_SENTENCE + 1 && !line.chars().any(char::is_control) && !line.contains("://")
    }

    proptest! {
        #[test]
        fn tidy_holds_its_word(text in any::<String>()) {
            prop_assert!(tidy(&text).is_none_or(|line| holds(&line)));
        }
    }
}
