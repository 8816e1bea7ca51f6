//! Taking out of a text of Graph's what names a person or a device: an error may repeat the filter, the address or the property that it
//! is about, in whatever way the text was put together.

use super::{
    decoding::{ENCODINGS, Letter, decoded, letters},
    names::folded,
};

/// What replaces the removed text. It also ends a text that was cut.
pub(super) const HIDDEN: char = '…';

/// How many encodings are taken off one after another: a filter, within an address, within a document.
const DEPTH: usize = 3;

/// A value that is shorter is looked for as a word of its own; in the middle of a word it is something else.
const SHORT: usize = 6;

/// So many letters of a value's beginning identify it where a text was cut.
const BEGINNING: usize = 4;

/// The text without any of these values, in no letter case and no encoding.
pub(in crate::graph) fn without<'a>(text: &str, values: impl Iterator<Item = &'a str>) -> String {
    let values: Vec<Vec<char>> = values
        .map(|value| letters(value).iter().flat_map(normalized).collect())
        .filter(|value: &Vec<char>| !value.is_empty())
        .collect();
    let mut hidden = Vec::new();
    for reading in readings(text) {
        let normal: Vec<(char, usize)> =
            reading.iter().enumerate().flat_map(|(at, letter)| normalized(letter).map(move |c| (c, at))).collect();
        for value in &values {
            hidden.extend(occurrences(&reading, &normal, value));
        }
    }
    cut(text, hidden)
}

/// The text without anybody's address, and without what a filter compares with.
pub(super) fn without_people(text: &str) -> String {
    let mut hidden = Vec::new();
    for reading in readings(text) {
        hidden.extend(addresses(&reading));
        hidden.extend(literals(&reading));
    }
    cut(text, hidden)
}

/// The text as it stands, and with every encoding taken off in every order.
fn readings(text: &str) -> Vec<Vec<Letter>> {
    let mut all = vec![letters(text)];
    let mut begin = 0;
    for _ in 0..DEPTH {
        let end = all.len();
        for index in begin..end {
            let next: Vec<_> = ENCODINGS.iter().filter_map(|encoding| decoded(all.get(index)?, *encoding)).collect();
            all.extend(next);
        }
        begin = end;
    }
    all
}

/// The letter as it is compared: nothing of spaces and quotes, which are doubled, escaped and dropped at will.
fn normalized(letter: &Letter) -> impl Iterator<Item = char> + use<> {
    let kept = |c: &char| !c.is_whitespace() && !matches!(*c, '\'' | '"' | '\\' | '+' | HIDDEN);
    let letter = Some(letter.is).filter(|is| *is != HIDDEN);
    letter.map(folded).into_iter().flatten().filter(kept)
}

/// Where the value is in a reading, as ranges of the text.
fn occurrences(reading: &[Letter], normal: &[(char, usize)], value: &[char]) -> Vec<(usize, usize)> {
    let equal = |part: &[(char, usize)], value: &[char]| part.iter().map(|(c, _)| c).eq(value);
    let range = |part: &[(char, usize)]| {
        let ((_, first), (_, last)) = (part.first()?, part.last()?);
        Some((*first, *last))
    };
    let is_word = |(first, last): (usize, usize)| {
        let inside =
            |at: Option<usize>| at.and_then(|at| reading.get(at)).is_some_and(|letter| letter.is.is_alphanumeric());
        !inside(first.checked_sub(1)) && !inside(last.checked_add(1))
    };
    let whole = normal.windows(value.len()).filter(|part| equal(part, value)).filter_map(range);
    let whole = whole.filter(|range| value.len() >= SHORT || is_word(*range));
    let is_cut = reading.last().is_some_and(|letter| letter.is == HIDDEN);
    let begun = (BEGINNING..value.len()).rev().filter(|_| is_cut).find_map(|count| {
        let part = normal.get(normal.len().checked_sub(count)?..)?;
        equal(part, value.get(..count)?).then(|| range(part)).flatten()
    });
    let text = |(first, last): (usize, usize)| Some((reading.get(first)?.from, reading.get(last)?.to));
    whole.chain(begun).filter_map(text).collect()
}

/// Words with an @ in their middle.
fn addresses(reading: &[Letter]) -> Vec<(usize, usize)> {
    let of_a_word = |letter: &&Letter| {
        !letter.is.is_whitespace()
            && !matches!(letter.is, '\'' | '"' | '(' | ')' | '<' | '>' | ',' | ';' | ':' | '=' | '&' | '?')
    };
    let around = |at: usize| {
        let (before, behind) = reading.split_at(at);
        let first = before.iter().rev().take_while(of_a_word).last()?;
        let last = behind.iter().take_while(of_a_word).last()?;
        Some((first.from, last.to))
    };
    reading.iter().enumerate().filter(|(_, letter)| letter.is == '@').filter_map(|(at, _)| around(at)).collect()
}

/// What stands in quotes behind `eq`, to the end of the text if they are not closed.
fn literals(reading: &[Letter]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let is = |at: usize, wanted: fn(char) -> bool| reading.get(at).is_some_and(|letter| wanted(letter.is));
    for at in 1..reading.len() {
        let eq = is(at - 1, |c| !c.is_alphanumeric())
            && is(at, |c| matches!(c, 'e' | 'E'))
            && is(at + 1, |c| matches!(c, 'q' | 'Q'));
        if !eq {
            continue;
        }
        let spaces =
            reading.iter().skip(at + 2).take_while(|letter| letter.is.is_whitespace() || letter.is == '+').count();
        let open = at + 2 + spaces;
        if spaces == 0 || !is(open, |c| c == '\'') {
            continue;
        }
        let mut end = open + 1;
        while let Some(letter) = reading.get(end) {
            if letter.is == '\'' {
                // A quote within is two.
                if !is(end + 1, |c| c == '\'') {
                    break;
                }
                end += 1;
            }
            end += 1;
        }
        if let (Some(first), Some(last)) = (reading.get(open + 1), reading.get(end.min(reading.len()) - 1))
            && end > open + 1
        {
            found.push((first.from, last.to));
        }
    }
    found
}

fn cut(text: &str, mut hidden: Vec<(usize, usize)>) -> String {
    hidden.sort_unstable();
    let mut result = String::new();
    let mut at = 0;
    for (from, to) in hidden {
        result.push_str(text.get(at..from).unwrap_or_default());
        if !result.ends_with(HIDDEN) {
            result.push(HIDDEN);
        }
        at = at.max(to);
    }
    let rest = text.get(at..).unwrap_or_default();
    result.push_str(if result.ends_with(HIDDEN) { rest.trim_start_matches(HIDDEN) } else { rest });
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    fn hide(text: &str, values: &[&str]) -> String {
        without(text, values.iter().copied())
    }

    #[test]
    fn a_value_in_every_form_in_which_an_error_repeats_it() {
        let values = ["anna.o'neil@contoso.example", "Anna\u{2019}s \"work\" phone", "F9FX-1"];
        for (text, wanted) in [
            ("No such user: anna.o'neil@contoso.example.", "No such user: ….".to_owned()),
            ("eq 'ANNA.O''NEIL@CONTOSO.EXAMPLE' and", "eq '…' and".to_owned()),
            (
                "?$filter=userPrincipalName%20eq%20%27anna.o%27%27neil%40contoso.example%27",
                "?$filter=userPrincipalName%20eq%20%27…%27".to_owned(),
            ),
            ("%2527anna.o%2527%2527neil%2540contoso.example%2527", "%2527…%2527".to_owned()),
            (r#"name: \"Anna\u2019s \"work\" phone\""#, r#"name: \"…\""#.to_owned()),
            ("Anna&#x2019;s &quot;work&quot;  phone,", "…,".to_owned()),
            ("anna's+%22work%22+PHONE", "…".to_owned()),
            ("serial f9fx-1; F9FX-12; XF9FX-1", "serial …; …2; X…".to_owned()),
            ("what is not there stays: 100% of F9FX", "what is not there stays: 100% of F9FX".to_owned()),
            ("Invalid filter: anna.o'ne…", "Invalid filter: …".to_owned()),
        ] {
            assert_eq!(hide(text, &values), wanted);
        }
    }

    #[test]
    fn a_short_value_is_hidden_as_a_word() {
        assert_eq!(hide("iOS, scenarios and 'ios'", &["iOS"]), "…, scenarios and '…'");
        assert_eq!(hide("nothing", &["", " ", "'"]), "nothing");
    }

    #[test]
    fn no_address_of_a_person_and_nothing_that_a_filter_compares_with() {
        for (text, wanted) in [
            ("user bob@contoso.example (id 1) is not licensed", "user … (id 1) is not licensed"),
            ("user=bob%40contoso.example&x=1", "user=…&x=1"),
            (
                "Could not read serialNumber eq 'X 1''2' and imei eq '3'.",
                "Could not read serialNumber eq '…' and imei eq '…'.",
            ),
            ("serialNumber%20eq%20%27X1%27%20and", "serialNumber%20eq%20%27…%27%20and"),
            ("serialNumber eq 'cut off", "serialNumber eq '…"),
            ("the property '@odata.type' and seq 'x'", "the property '@odata.type' and seq 'x'"),
        ] {
            assert_eq!(without_people(text), wanted);
        }
    }

    fn json(text: &str) -> String {
        serde_json::Value::from(text).to_string()
    }

    fn ascii_json(text: &str) -> String {
        let mut units = [0; 2];
        let escaped = text.chars().flat_map(|c| {
            let units = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            if c.is_ascii_alphanumeric() { c.to_string() } else { units }.chars().collect::<Vec<_>>()
        });
        escaped.collect()
    }

    fn html(text: &str) -> String {
        text.replace('&', "&amp;")
            .replace('\'', "&#39;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    }

    fn percent(text: &str) -> String {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }

    fn odata(text: &str) -> String {
        text.replace('\'', "''")
    }

    proptest! {
        /// However it is quoted, once or in two ways at once, in whatever case: the value is not in what is left.
        #[test]
        fn no_form_of_a_value_comes_through(
            value in "[ -~\u{e0}-\u{ff}\u{2018}\u{2019}\u{1f600}]{1,20}[a-z0-9]{6,12}",
            before in "[a-zA-Z ,.]{0,30}", behind in "[a-zA-Z ,.]{0,30}",
            first in 0..7usize, second in 0..7usize, upper in any::<bool>(),
        ) {
            let forms: [fn(&str) -> String; 7] = [str::to_owned, json, ascii_json, html, percent, odata, str::to_uppercase];
            let quoted = forms[second](&forms[first](&value));
            let quoted = if upper { quoted.to_lowercase() } else { quoted };
            let left = hide(&format!("{before} {quoted} {behind}"), &[value.as_str()]).to_lowercase();
            let tail: String = value.chars().rev().take(6).collect::<Vec<_>>().into_iter().rev().collect();
            prop_assert!(!left.contains(&tail), "{quoted}: {left}");
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), value in any::<String>()) {
            without_people(&hide(&text, &[value.as_str()]));
        }
    }
}
