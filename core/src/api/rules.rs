//! Rules that several fields share, and the sentences they refuse with.
//!
//! A rule must never fail to be evaluated: the API server would then print CEL's own words about types and overloads. So a
//! rule that converts a text leaves it alone where its form is wrong, which another rule refuses.

use kube_core::{Message, Rule};

use super::{duration, time};

/// A name that a cluster-scoped object of this operator can have: lower-case letters, digits, `-` and `.`.
const NAME_PATTERN: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// The text is the name of an object.
pub(super) fn object_name(field: &str) -> Rule {
    Rule::new(format!("self.matches('{NAME_PATTERN}')")).message(Message::Message(format!(
        "write {field} as an object's name: lower-case letters, digits, - and ., beginning and ending with a letter or a digit"
    )))
}

/// The object's own name fits where other objects refer to it.
pub(super) fn short_name(example: &str) -> Rule {
    Rule::new("self.metadata.name.size() <= 63").message(Message::Message(format!(
        "metadata.name is too long: use at most 63 characters, for example {example}"
    )))
}

/// The text names something within an object: a rule, a budget, a role.
pub(super) fn label(what: &str) -> Rule {
    Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message(Message::Message(format!(
        "write {what} in lower-case letters, digits and -, beginning and ending with a letter or a digit"
    )))
}

/// Every item of a list has a name of its own.
pub(super) fn unique_names(what: &str) -> Rule {
    Rule::new("self.all(item, self.exists_one(other, other.name == item.name))")
        .message(Message::Message(format!("two {what}s have the same name: give every {what} a name of its own")))
}

/// The text is a bound on a version.
pub(super) fn version_bound() -> Rule {
    Rule::new("self.matches('^(>=|<)[0-9]{1,9}([.][0-9]{1,9}){0,3}$')")
        .message("write osVersion as a bound with >= or <, such as \">=8.0\" or \"<7.0\"")
}

/// The text is a GUID.
pub(super) fn guid(message: &str) -> Rule {
    Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')").message(message)
}

/// The text holds something that can be seen. `\S` would not do: it takes every white space beyond ASCII for something, while
/// what is left of such a text when it is compared with Graph's is nothing.
pub(super) fn not_blank(message: &str) -> Rule {
    Rule::new(
        r"self.matches(r'[^\x00-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]')",
    )
    .message(message)
}

/// The text is an https origin.
pub(super) fn origin(field: &str, example: &str) -> Rule {
    Rule::new("self.matches('^https://[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?$')")
        .message(Message::Message(format!("write {field} as an https origin without a path, such as {example}")))
}

/// The length of time is within these bounds.
pub(super) fn within(field: &str, least: &str, most: &str) -> Rule {
    let bounds = format!("duration(self) >= duration('{least}') && duration(self) <= duration('{most}')");
    Rule::new(format!("!self.matches('{}') || ({bounds})", duration::PATTERN))
        .message(Message::Message(format!("write {field} as a length of time from {least} to {most}")))
}

/// `rule` holds, where all these fields are lengths of time.
pub(super) fn of_durations(fields: &[&str], rule: &str) -> Rule {
    Rule::new(format!("![{}].all(d, d.matches('{}')) || {rule}", fields.join(", "), duration::PATTERN))
}

/// `rule` holds of expirationTime and requestTime, where both are times.
pub(super) fn of_expiration(rule: &str) -> Rule {
    Rule::new(format!(
        "!has(self.expirationTime) || ![self.requestTime, self.expirationTime].all(t, t.matches(r'{}')) || {rule}",
        time::PATTERN
    ))
    .field_path(".expirationTime")
}

/// A structural schema has either `properties` or `additionalProperties`; the API server drops what the former do not name.
pub(super) fn without_additional_properties(schema: &mut schemars::Schema) {
    schema.remove("additionalProperties");
}
