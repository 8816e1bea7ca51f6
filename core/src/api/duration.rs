//! Lengths of time as manifests write them: `90s`, `168h`, `1h30m`.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What a spec accepts as a length of time; every match is also a duration to the API server's CEL.
pub const PATTERN: &str = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";

/// The longest length that is read: ten digits of seconds, so that whatever was read can be written and read again.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(9_999_999_999);

/// A length of time, never negative. A spec writes it in its largest whole unit (`168h`, `10m`, `150s`), a status in seconds
/// ([`seconds`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(std::time::Duration);

/// A text that is not a length of time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a length of time: write hours, minutes and seconds, such as 168h, 90m or 1h30m (no days: 7d is 168h)"
)]
pub struct NotADuration(String);

impl Duration {
    /// `seconds` as a length of time.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// The length as the standard library counts it.
    #[must_use]
    pub const fn as_std(self) -> std::time::Duration {
        self.0
    }

    /// The length in whole seconds, never less than it is.
    #[must_use]
    pub const fn ceil_to_second(self) -> Self {
        let begun = if self.0.subsec_nanos() > 0 { 1 } else { 0 };
        Self::from_secs(self.0.as_secs().saturating_add(begun))
    }

    /// The length as something to add to a point in time.
    #[must_use]
    pub fn as_signed(self) -> SignedDuration {
        SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX)
    }
}

impl From<std::time::Duration> for Duration {
    fn from(length: std::time::Duration) -> Self {
        Self(length)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_secs(), self.0.subsec_millis()) {
            (0, 0) => f.write_str("0s"),
            (seconds, 0) if seconds.is_multiple_of(3600) => write!(f, "{}h", seconds / 3600),
            (seconds, 0) if seconds.is_multiple_of(60) => write!(f, "{}m", seconds / 60),
            (seconds, 0) => write!(f, "{seconds}s"),
            (seconds, milliseconds) => write!(f, "{seconds}s{milliseconds}ms"),
        }
    }
}

impl FromStr for Duration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text;
        let mut sum = std::time::Duration::ZERO;
        for _ in 0..4 {
            let (part, after) = first_part(rest).ok_or_else(|| NotADuration(text.to_owned()))?;
            sum += part;
            rest = after;
            if rest.is_empty() && sum <= LONGEST {
                return Ok(Self(sum));
            }
        }
        Err(NotADuration(text.to_owned()))
    }
}

/// The first number with its unit, and what follows it. Up to ten digits, more than a spec may have: a status says
/// `604800s`.
fn first_part(text: &str) -> Option<(std::time::Duration, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = text.split_at(digits);
    if number.is_empty() || number.len() > 10 {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    if let Some(rest) = rest.strip_prefix("ms") {
        return Some((std::time::Duration::from_millis(number), rest));
    }
    let mut characters = rest.chars();
    let seconds = match characters.next()? {
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return None,
    };
    Some((std::time::Duration::from_secs(number * seconds), characters.as_str()))
}

impl Serialize for Duration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How a status writes a length of time: in seconds, `280s`.
pub mod seconds {
    use serde::Serializer;

    use super::Duration;

    /// Writes a length of time as whole seconds, never as less than it is: a settle window that was cut would end too early.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", length.ceil_to_second().0.as_secs()))
    }

    /// The same for a length that may be absent.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize_option<S: Serializer>(length: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match length {
            Some(length) => serialize(length, serializer),
            None => serializer.serialize_none(),
        }
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            // Longer than the pattern admits, so that the sentence is said of most mistakes: a longer text hides every rule.
            "maxLength": 64,
            "pattern": PATTERN,
            "x-kubernetes-validations": [{
                "rule": format!("self.matches('{PATTERN}')"),
                "message": "write a length of time in hours, minutes and seconds, such as 168h, 90m or 1h30m; days are not a unit (7d is 168h), none is 0s",
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_the_pattern_admits_is_a_duration(text in "([0-9]{1,5}(h|m|s|ms)){1,4}") {
            prop_assert!(text.parse::<Duration>().is_ok(), "{text}");
        }

        #[test]
        fn what_is_written_reads_back(milliseconds in 0_u64..400_000_000) {
            let length = Duration::from(std::time::Duration::from_millis(milliseconds));
            prop_assert_eq!(length.to_string().parse::<Duration>(), Ok(length));
        }
    }

    #[test]
    fn a_status_says_no_less_than_it_is() {
        let written = |milliseconds: u64| {
            let length = Duration::from(std::time::Duration::from_millis(milliseconds));
            seconds::serialize(&length, serde_json::value::Serializer).unwrap()
        };
        assert_eq!(
            (written(280_000), written(280_001), written(280_999)),
            ("280s".into(), "281s".into(), "281s".into())
        );
    }

    #[test]
    fn units() {
        for (text, seconds) in [("168h", 604_800), ("1h30m", 5_400), ("280s", 280), ("0s", 0), ("1h1m1s", 3_661)] {
            assert_eq!(text.parse::<Duration>(), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!("1500ms".parse::<Duration>().unwrap().to_string(), "1s500ms");
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "7d",
            "h",
            "10",
            "-1h",
            "1.5h",
            "1h 30m",
            "12345678901s",
            "1h1h1h1h1h",
            "1us",
            "9999999999h",
            "9999999999s1ms",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
