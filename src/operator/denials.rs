//! Admission control's denials among all that an API server answers, told by their texts: the codes are whatever a policy or a webhook
//! chooses. The texts are those of kube-apiserver 1.32 to 1.37, of Kyverno and of Gatekeeper.

use kube::core::{Status, response::StatusCause};

use passcode_core::lifecycle::admission::{Denial, DenialKind};

/// The longest sentence that is kept, in bytes.
const LONGEST: usize = 1024;
/// The longest name of a field that is kept, in bytes, and how many.
const LONGEST_FIELD: usize = 100;
const MOST_FIELDS: usize = 10;

/// The denial, if admission control is why a write was not stored.
#[must_use]
pub fn denial(status: &Status) -> Option<Denial> {
    webhook(status).or_else(|| policy(status)).or_else(|| silent_webhook(status))
}

/// `admission webhook "NAME" denied the request: SENTENCE`.
fn webhook(status: &Status) -> Option<Denial> {
    let (name, said) = status.message.strip_prefix("admission webhook ")?.split_once(" denied the request")?;
    let said = unwrapped(said.strip_prefix(": ").unwrap_or(said));
    let (constraint, said) = constraint(said);
    let constraint = constraint.map_or_else(String::new, |constraint| format!(" ({constraint})"));
    Some(Denial {
        by: one_line(&format!("admission webhook {name}{constraint}")),
        sentence: one_line(said),
        kind: kind(status, said),
    })
}

/// `ValidatingAdmissionPolicy 'NAME' with binding 'NAME' denied request: SENTENCE`, in a cause that names no field: a schema's causes do. A
/// MutatingAdmissionPolicy denies only what it cannot evaluate, as `policy 'NAME' with binding 'NAME' denied request: SENTENCE`.
fn policy(status: &Status) -> Option<Denial> {
    let of_a_policy = |cause: &&StatusCause| {
        cause.field.is_empty()
            && ["ValidatingAdmissionPolicy '", "policy '", "policy \""]
                .iter()
                .any(|begin| cause.message.starts_with(begin))
    };
    let cause = causes(status).iter().find(of_a_policy)?;
    let (by, said) = cause.message.split_once(" denied request: ")?;
    let mutating = by.strip_prefix("policy ").map(|name| format!("MutatingAdmissionPolicy {name}"));
    let kind = if mutating.is_some() { DenialKind::PolicyBroken } else { kind(status, said) };
    Some(Denial { by: one_line(mutating.as_deref().unwrap_or(by)), sentence: one_line(said), kind })
}

/// `Internal error occurred: failed calling webhook "NAME": REASON`.
fn silent_webhook(status: &Status) -> Option<Denial> {
    let message = status.message.strip_prefix("Internal error occurred: ").unwrap_or(&status.message);
    let (name, reason) = message.strip_prefix("failed calling webhook \"")?.split_once('"')?;
    let reason = reason.trim_start_matches([':', ';', ' ']);
    Some(Denial {
        by: one_line(&format!("admission webhook \"{name}\"")),
        sentence: one_line(reason),
        kind: DenialKind::Unavailable,
    })
}

fn kind(status: &Status, said: &str) -> DenialKind {
    // A policy whose expression fails denies like one that says no.
    const BROKEN: [&str; 5] = [
        "resulted in error:",
        "failed to configure binding:",
        "failed to configure policy:",
        "failed messageExpression:",
        "running out of cost budget",
    ];
    if BROKEN.iter().any(|text| said.contains(text)) {
        return DenialKind::PolicyBroken;
    }
    if status.code == 429 || status.code >= 500 { DenialKind::NotNow } else { DenialKind::Denied }
}

/// Kyverno's list of policies without the line above it, which names the object.
fn unwrapped(said: &str) -> &str {
    match said.split_once("was blocked due to the following policies") {
        Some((before, policies)) if before.trim_start().starts_with("resource ") => policies.trim_start_matches(':'),
        _ => said,
    }
}

/// Gatekeeper's `[denied by CONSTRAINT]` or `[CONSTRAINT]`, and what follows it.
fn constraint(said: &str) -> (Option<&str>, &str) {
    let Some((name, rest)) = said.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return (None, said);
    };
    (Some(name.strip_prefix("denied by ").unwrap_or(name)), rest.trim_start())
}

/// The text in one line of which nothing is hidden.
#[must_use]
pub fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.split(hidden).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The same, cut to a length that people read.
fn one_line(text: &str) -> String {
    let line = visible(text);
    if line.len() <= LONGEST {
        return line;
    }
    let end = line.floor_char_boundary(LONGEST - '…'.len_utf8());
    format!("{}…", &line[..end])
}

fn causes(status: &Status) -> &[StatusCause] {
    status.details.as_ref().map_or(&[], |details| &details.causes)
}

/// The fields that a schema does not take, and nothing else of what it said: a strict refusal echoes the whole object.
#[must_use]
pub fn refused_fields(status: &Status) -> Vec<String> {
    let unknown = status.message.rsplit_once("strict decoding error: ").map_or("", |(_, errors)| errors);
    let unknown =
        unknown.split("unknown field \"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name);
    // The whole of a patch is no field.
    let named = causes(status).iter().map(|cause| cause.field.as_str()).filter(|field| *field != "patch");
    let is_a_field = |field: &&str| {
        let may = |c: char| c.is_ascii_alphanumeric() || "._-[]".contains(c);
        !field.is_empty() && field.len() <= LONGEST_FIELD && field.chars().all(may)
    };
    let mut fields: Vec<String> = unknown.chain(named).filter(is_a_field).map(str::to_owned).collect();
    fields.dedup();
    fields.truncate(MOST_FIELDS);
    fields
}

#[cfg(test)]
mod tests;
