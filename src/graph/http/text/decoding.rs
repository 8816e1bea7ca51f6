//! Texts as they are quoted within others: percent-encoded, as entities of HTML, with JSON's escapes. Each letter keeps its position.

/// A letter, and the bytes of the text in which it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) is: char,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The letter that the text begins with in an encoding, and how many letters stand for it; `None`: the first letter stands for itself.
pub(super) type Encoding = fn(&[Letter]) -> Option<(char, usize)>;

/// All that are known.
pub(super) const ENCODINGS: [Encoding; 3] = [percent, entity, escape];

/// The longest name or number of an entity, with `&` and `;`.
const LONGEST_ENTITY: usize = 10;

/// A text as it stands.
pub(super) fn letters(text: &str) -> Vec<Letter> {
    text.char_indices().map(|(from, is)| Letter { is, from, to: from + is.len_utf8() }).collect()
}

/// The same with one encoding taken off; `None` where there is nothing of it.
pub(super) fn decoded(letters: &[Letter], encoding: Encoding) -> Option<Vec<Letter>> {
    let mut result = Vec::with_capacity(letters.len());
    let mut rest = letters;
    while let Some(first) = rest.first() {
        let found = encoding(rest).and_then(|(is, count)| Some((is, rest.get(..count)?.last()?.to, count)));
        let (letter, count) = match found {
            Some((is, to, count)) => (Letter { is, from: first.from, to }, count),
            None => (*first, 1),
        };
        result.push(letter);
        rest = rest.get(count..).unwrap_or_default();
    }
    (result.len() < letters.len()).then_some(result)
}

/// `%27`; letters beyond ASCII are several of these.
fn percent(letters: &[Letter]) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    for group in letters.chunks(3).take(4) {
        let [percent, high, low] = group else { return None };
        if percent.is != '%' {
            return None;
        }
        bytes.push(u8::try_from(high.is.to_digit(16)? * 16 + low.is.to_digit(16)?).ok()?);
        if let Some(is) = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()) {
            return Some((is, bytes.len() * 3));
        }
    }
    None
}

/// `&apos;`, `&#39;`, `&#x27;`.
pub(super) fn entity(letters: &[Letter]) -> Option<(char, usize)> {
    if letters.first()?.is != '&' {
        return None;
    }
    let end = letters.iter().take(LONGEST_ENTITY).position(|letter| letter.is == ';')?;
    let name: String = letters.get(1..end)?.iter().map(|letter| letter.is).collect::<String>().to_ascii_lowercase();
    let is = match name.as_str() {
        "apos" => '\'',
        "quot" => '"',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "nbsp" => '\u{a0}',
        "lsquo" => '\u{2018}',
        "rsquo" => '\u{2019}',
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((is, end + 1))
}

/// `\"`, `\'`, `\\`, `\/` and `\u0027`; letters beyond the basic plane are two of the last.
fn escape(letters: &[Letter]) -> Option<(char, usize)> {
    if letters.first()?.is != '\\' {
        return None;
    }
    match letters.get(1)?.is {
        is @ ('"' | '\'' | '\\' | '/') => Some((is, 2)),
        'u' | 'U' => {
            let first = unit(letters)?;
            if let Some(is) = char::from_u32(u32::from(first)) {
                return Some((is, 6));
            }
            let second = unit(letters.get(6..)?)?;
            char::decode_utf16([first, second]).next()?.ok().map(|is| (is, 12))
        }
        _ => None,
    }
}

fn unit(letters: &[Letter]) -> Option<u16> {
    let ([backslash, u], digits) = letters.get(..6)?.split_first_chunk()?;
    if backslash.is != '\\' || !matches!(u.is, 'u' | 'U') {
        return None;
    }
    let value = digits.iter().try_fold(0, |value, digit| Some(value * 16 + digit.is.to_digit(16)?))?;
    u16::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn taken_off(text: &str, encoding: Encoding) -> Option<String> {
        decoded(&letters(text), encoding).map(|letters| letters.iter().map(|letter| letter.is).collect())
    }

    #[test]
    fn each_encoding_is_taken_off_once() {
        for (encoding, text, plain) in [
            (ENCODINGS[0], "a%40b%2Ec%c3%a4%F0%9F%98%80%2540", "a@b.cä😀%40"),
            (ENCODINGS[1], "Anna&apos;s &#39;&#x2019;&NBSP;&amp;apos;", "Anna's '\u{2019}\u{a0}&apos;"),
            (ENCODINGS[2], r#"\"\u0027\\u0027\ud83d\ude00\/"#, "\"'\\u0027😀/"),
        ] {
            assert_eq!(taken_off(text, encoding).as_deref(), Some(plain));
        }
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for (encoding, text) in [
            (ENCODINGS[0], "100% %4 %zz %c3x %"),
            (ENCODINGS[1], "AT&T; & &; &x &#xffffffff; &unknown;"),
            (ENCODINGS[2], r"C:\x \u12 \ud83d \ud83d\ud83d \"),
        ] {
            assert_eq!(taken_off(text, encoding), None, "{text}");
        }
    }

    #[test]
    fn a_letter_knows_where_it_stood() {
        let text = "ä%40b";
        let decoded = decoded(&letters(text), percent).unwrap();
        let stood: Vec<&str> = decoded.iter().map(|letter| &text[letter.from..letter.to]).collect();
        assert_eq!(stood, ["ä", "%40", "b"]);
    }
}
