//! The named states: the closed lists of what an object may be told.

use passcode_core::{
    api::{
        conditions::{self, reason},
        reset::PasscodeReset,
        reset_status::{Outcome, PasscodeResetStatus},
    },
    platform::NOT_LISTED,
};
use serde_json::Value;

const WAITING: [&str; 11] = [
    reason::SCHEDULED,
    reason::TENANT_NOT_READY,
    reason::SUSPENDED,
    reason::HELD_BY_ADMISSION,
    reason::LIMIT_REACHED,
    reason::QUARANTINE,
    reason::DEVICE_BUSY,
    reason::LOOKING_UP,
    reason::SENDING,
    reason::VERIFYING_OUTCOME,
    reason::WAITING_FOR_DEVICE,
];

const REJECTED: [&str; 14] = [
    reason::DENIED_BY_ADMISSION,
    reason::NAMESPACE_NOT_ALLOWED,
    reason::DEVICE_NOT_FOUND,
    reason::AMBIGUOUS_DEVICE,
    reason::DEVICE_GONE,
    reason::REQUEST_TIME_TOO_FAR,
    reason::UNKNOWN_FIELD,
    reason::WORK_PROFILE_ONLY,
    reason::ACTION_NOT_OFFERED,
    reason::DRY_RUN,
    reason::RECENTLY_RESET,
    reason::ENROLLED_AFTER_REQUEST,
    reason::EXPIRED,
    reason::REFUSED_BY_INTUNE,
];

const FAILED: [&str; 5] =
    [reason::DEVICE_GONE, reason::DEVICE_REFUSED, reason::CANCELED, reason::DEADLINE_EXCEEDED, reason::OUTCOME_UNKNOWN];

const TENANT: [&str; 12] = [
    reason::READY,
    reason::SECRET_NOT_FOUND,
    reason::INVALID_CONFIGURATION,
    reason::TOKEN_REFUSED,
    reason::TOKEN_NOT_ACCEPTED,
    reason::PERMISSION_MISSING,
    reason::INTUNE_NOT_AVAILABLE,
    reason::PROPERTY_NOT_AVAILABLE,
    reason::MULTI_ADMIN_APPROVAL_REQUIRED,
    reason::WRONG_ADDRESS,
    reason::UNREACHABLE,
    reason::MATRIX_NOT_READY,
];

/// The reason of the Ready condition, once it speaks of the object as it is now.
pub fn told(object: &Value) -> Option<&str> {
    let ready = ready(object)?;
    // While a tenant signs in, nobody knows yet how it is.
    let reason = ready["reason"].as_str().filter(|reason| *reason != reason::SIGNING_IN)?;
    (ready["observedGeneration"] == object["metadata"]["generation"]).then_some(reason)
}

/// Whether the Ready condition is True, of the object as it is now.
pub fn is_ready(object: &Value) -> bool {
    told(object).is_some() && ready(object).is_some_and(|ready| ready["status"] == "True")
}

fn ready(object: &Value) -> Option<&Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Ready")
}

/// Whether the object has its outcome.
pub fn has_ended(object: &Value) -> bool {
    object["status"]["outcome"].is_string()
}

/// What is wrong with an object's state.
pub fn faults(object: &Value) -> Vec<String> {
    let Some(reason) = told(object) else {
        return vec![format!("no Ready condition of this generation: {}", object["status"])];
    };
    let mut faults = Vec::new();
    let named = match object["kind"].as_str() {
        Some("PasscodeReset") => match serde_json::from_value::<PasscodeReset>(object.clone()) {
            Ok(read) => is_named(&read.status.unwrap_or_default(), &mut faults),
            Err(error) => return vec![format!("it cannot be read: {error}")],
        },
        Some("IntuneTenant") => TENANT.contains(&reason),
        _ => matches!(reason, reason::READY | reason::INVALID_MATRIX),
    };
    if !named {
        faults.push(format!("{reason} is not a state that has a name here"));
    }
    for condition in object["status"]["conditions"].as_array().into_iter().flatten() {
        faults.extend(condition_faults(condition));
    }
    faults
}

fn is_named(status: &PasscodeResetStatus, faults: &mut Vec<String>) -> bool {
    if std::panic::catch_unwind(|| world::check(status)).is_err() {
        faults.push(format!("the conditions do not fit together: {}", serde_json::json!(status.conditions)));
    }
    let reason = conditions::get(&status.conditions, "Ready").map_or("", |ready| ready.reason.as_str());
    // A matrix's rules bring their own.
    let of_the_rule = status.support.as_ref().is_some_and(|support| support.reason == reason);
    match status.outcome {
        None => WAITING.contains(&reason),
        Some(Outcome::Complete) => of_the_rule || reason == reason::ADOPTED,
        Some(Outcome::Rejected) => {
            of_the_rule
                || REJECTED.contains(&reason)
                || reason == reason::NOT_SUPPORTED_BY_DEVICE
                || reason == NOT_LISTED
        }
        Some(Outcome::Failed) => FAILED.contains(&reason),
        Some(_) => false,
    }
}

fn condition_faults(condition: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let (kind, reason) = (&condition["type"], condition["reason"].as_str().unwrap_or_default());
    if !reason.chars().all(char::is_alphanumeric) || !reason.starts_with(|first: char| first.is_ascii_uppercase()) {
        faults.push(format!("{kind}: {reason:?} is not one CamelCase word"));
    }
    let message = condition["message"].as_str().unwrap_or_default();
    if message.is_empty() || message.chars().any(char::is_control) {
        faults.push(format!("{kind}: the message is empty or holds control characters: {message:?}"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_no_name_is_found() {
        let object = |reason: &str, generation: i64, message: &str| {
            json!({
                "kind": "IntuneTenant", "metadata": {"generation": 2},
                "status": {"conditions": [{"type": "Ready", "status": "True", "reason": reason, "message": message, "observedGeneration": generation}]},
            })
        };
        assert_eq!(faults(&object("Ready", 2, "Signed in.")), Vec::<String>::new());
        for bad in [object("Ready", 1, "Signed in."), object("Fine", 2, "Yes."), object("Ready", 2, "a\u{1b}[2J")] {
            assert_eq!(faults(&bad).len(), 1, "{bad}");
        }
        assert_eq!(faults(&json!({"kind": "PasscodeReset", "metadata": {"generation": 1}})).len(), 1);
    }
}
