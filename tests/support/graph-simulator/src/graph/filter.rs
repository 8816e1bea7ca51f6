//! `$filter` on managed devices: only the documented properties with their documented operators, joined by `and`
//! (v1.0-managedDevice-filterability.json). Beta's descriptions name fewer; public tools filter beta as v1.0, so both are the same here.

use super::call::Version;
use super::schema;
use crate::devices::Device;
use jiff::Timestamp;
use serde_json::Value;

/// A filter as Intune takes it.
#[derive(Debug)]
pub(crate) enum Filter {
    Supported(Vec<Condition>),
    /// Well-formed, but with `or`, another property or another operator.
    Unsupported,
    /// Not OData, or about a property that does not exist.
    Invalid(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    property: String,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Eq,
    Ne,
    Lt,
    Gt,
    Contains,
}

/// The rows that a list shows.
#[derive(Debug)]
pub(crate) enum Matcher {
    All,
    And(Vec<Condition>),
}

fn supported(property: &str) -> &'static [Operator] {
    match property {
        "azureADDeviceId"
        | "serialNumber"
        | "imei"
        | "operatingSystem"
        | "manufacturer"
        | "managementAgent"
        | "managementState"
        | "complianceState"
        | "jailBroken"
        | "deviceCategoryDisplayName"
        | "exchangeAccessState" => &[Operator::Eq],
        "deviceName" | "model" => &[Operator::Eq, Operator::Contains],
        "userPrincipalName" => &[Operator::Eq, Operator::Ne],
        "osVersion" | "emailAddress" | "phoneNumber" => &[Operator::Contains],
        "lastSyncDateTime" | "enrolledDateTime" | "complianceGracePeriodExpirationDateTime" => {
            &[Operator::Lt, Operator::Gt]
        }
        _ => &[],
    }
}

impl Filter {
    pub fn parse(text: &str, version: Version) -> Self {
        let Some(words) = words(text) else {
            return Self::Invalid(format!(
                "There is an unterminated string literal at position {} in '{text}'.",
                text.len()
            ));
        };
        let mut conditions = Vec::new();
        let mut unsupported = false;
        let mut rest = words.as_slice();
        loop {
            let Some((condition, after)) = condition(rest) else {
                return Self::Invalid(format!("Syntax error in '{text}'."));
            };
            if !schema::has(version, &condition.property) {
                let message = format!(
                    "Could not find a property named '{}' on type 'microsoft.graph.managedDevice'.",
                    condition.property
                );
                return Self::Invalid(message);
            }
            unsupported |= !supported(&condition.property).contains(&condition.operator);
            conditions.push(condition);
            match after {
                [] => break,
                [Word::Name(joint), next @ ..] if joint == "and" || joint == "or" => {
                    unsupported |= joint == "or";
                    rest = next;
                }
                _ => return Self::Invalid(format!("Syntax error in '{text}'.")),
            }
        }
        if unsupported { Self::Unsupported } else { Self::Supported(conditions) }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// Names, operators, numbers, times.
    Name(String),
    /// `'text'`, in which `''` is one quote.
    Text(String),
    Sign(char),
}

fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(&letter) = letters.peek() {
        match letter {
            ' ' => {
                letters.next();
            }
            '(' | ')' | ',' => {
                letters.next();
                words.push(Word::Sign(letter));
            }
            '\'' => {
                letters.next();
                words.push(Word::Text(literal(&mut letters)?));
            }
            _ => {
                let mut name = String::new();
                while let Some(letter) = letters.next_if(|letter| !" (),'".contains(*letter)) {
                    name.push(letter);
                }
                words.push(Word::Name(name));
            }
        }
    }
    Some(words)
}

fn literal(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '\'' if letters.next_if_eq(&'\'').is_some() => text.push('\''),
            '\'' => return Some(text),
            letter => text.push(letter),
        }
    }
}

/// One condition, and the words behind it.
fn condition(words: &[Word]) -> Option<(Condition, &[Word])> {
    use Word::{Name, Sign, Text};
    match words {
        [Name(function), Sign('('), Name(property), Sign(','), Text(value), Sign(')'), rest @ ..]
            if function == "contains" =>
        {
            Some((Condition { property: property.clone(), operator: Operator::Contains, value: value.clone() }, rest))
        }
        [Name(property), Name(operator), Text(value) | Name(value), rest @ ..] => {
            let operator = match operator.as_str() {
                "eq" => Operator::Eq,
                "ne" => Operator::Ne,
                "lt" => Operator::Lt,
                "gt" => Operator::Gt,
                _ => return None,
            };
            Some((Condition { property: property.clone(), operator, value: value.clone() }, rest))
        }
        _ => None,
    }
}

impl Matcher {
    /// The properties that must have a certain value.
    pub fn equalities(&self) -> impl Iterator<Item = (&str, &str)> {
        let conditions = match self {
            Self::All => [].as_slice(),
            Self::And(conditions) => conditions,
        };
        conditions
            .iter()
            .filter(|condition| condition.operator == Operator::Eq)
            .map(|condition| (condition.property.as_str(), condition.value.as_str()))
    }

    /// `last_sync` is asked for only where the filter names it: it moves when the device answers.
    pub fn matches(&self, device: &Device, last_sync: impl Fn() -> Value, serial_case_sensitive: bool) -> bool {
        match self {
            Self::All => true,
            Self::And(conditions) => conditions.iter().all(|condition| {
                if condition.property == "lastSyncDateTime" {
                    return condition.holds(last_sync().as_str().unwrap_or_default(), false);
                }
                condition.holds(
                    device.text(&condition.property),
                    serial_case_sensitive && condition.property == "serialNumber",
                )
            }),
        }
    }
}

impl Condition {
    fn holds(&self, value: &str, case_sensitive: bool) -> bool {
        let times = || Some((value.parse::<Timestamp>().ok()?, self.value.parse::<Timestamp>().ok()?));
        match self.operator {
            Operator::Eq if case_sensitive => value == self.value,
            Operator::Eq => value.eq_ignore_ascii_case(&self.value),
            Operator::Ne => !value.eq_ignore_ascii_case(&self.value),
            Operator::Contains => value.to_ascii_lowercase().contains(&self.value.to_ascii_lowercase()),
            Operator::Lt => times().is_some_and(|(value, bound)| value < bound),
            Operator::Gt => times().is_some_and(|(value, bound)| value > bound),
        }
    }
}
