//! Points in time as manifests write them.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What a spec accepts as a time: whole seconds, years 2000 to 2099, days that exist in their month and year, `Z` or an
/// offset.
///
/// The API server's own `format: date-time` admits times that Rust cannot parse, and a spec that is stored but cannot be
/// read would be a reset that silently never happens.
pub const PATTERN: &str = concat!(
    r"^(20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))",
    r"|20([02468][048]|[13579][26])-02-29)",
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
);

/// The look of a time, for those who check manifests without a server; only [`PATTERN`] knows the days of a month.
const SHAPE: &str = "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](Z|[+-][0-2][0-9]:[0-5][0-9])$";

/// A point in time. In a spec it is bounded by [`PATTERN`]; in a status it is written in UTC, with as many fractional
/// digits as were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub Timestamp);

impl Time {
    /// This time, moved by `by`; stays at the end of representable time instead of failing.
    #[must_use]
    pub fn plus(self, by: SignedDuration) -> Self {
        Self(saturating_add(self.0, by))
    }

    /// The last whole second that is not after this time.
    #[must_use]
    pub fn floor_to_second(self) -> Self {
        let second = self.0.as_nanosecond().div_euclid(1_000_000_000);
        let second = i64::try_from(second).unwrap_or(i64::MIN);
        Self(Timestamp::from_second(second).unwrap_or(Timestamp::MIN))
    }
}

/// `time + by`, at the end of representable time instead of an error.
#[must_use]
pub fn saturating_add(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            // Longer than the pattern admits, so that the sentence is said of most mistakes, such as the fractions of a second
            // that Graph writes: a longer text hides every rule.
            "maxLength": 64,
            "pattern": SHAPE,
            "x-kubernetes-validations": [{
                "rule": format!("self.matches(r'{PATTERN}')"),
                "message": "write a time such as 2026-11-22T09:00:00Z or 2026-11-22T10:00:00+01:00: a day that exists, whole seconds, with Z or an offset",
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
        fn what_the_pattern_admits_is_a_time(text in PATTERN.trim_start_matches('^').trim_end_matches('$')) {
            prop_assert!(text.parse::<Time>().is_ok(), "{text}");
        }
    }

    #[test]
    fn whole_seconds_round_down() {
        let time: Time = "2026-11-22T09:00:05.9999999Z".parse().unwrap();
        assert_eq!(time.floor_to_second().to_string(), "2026-11-22T09:00:05Z");
    }

    #[test]
    fn adding_never_fails() {
        let far = Time(Timestamp::MAX).plus(SignedDuration::from_hours(1));
        assert_eq!(far.0, Timestamp::MAX);
    }
}
