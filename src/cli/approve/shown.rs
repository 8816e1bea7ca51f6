//! What somebody who decides is shown.

use kube::ResourceExt;

use crate::operator::visible;
use passcode_core::api::{
    REQUESTED_BY,
    approval::{ApprovalDecision, PasscodeResetApproval},
    conditions::{self, kind},
    reset::PasscodeReset,
    reset_status::{DeviceStatus, PasscodeResetStatus},
};

/// The request, in lines: who, why, what, on which device, until when.
pub(super) fn request(reset: &PasscodeReset) -> String {
    let none = PasscodeResetStatus::default();
    let status = reset.status.as_ref().unwrap_or(&none);
    let spec = &reset.spec;
    let action = status.support.as_ref().and_then(|support| support.action.clone());
    let action = action.unwrap_or_else(|| spec.action.as_str().to_owned());
    let until = status.effective.as_ref().map(|effective| effective.expiration_time).or(spec.expiration_time);
    let lines = [
        ("asked for by", reset.annotations().get(REQUESTED_BY).cloned().unwrap_or_else(|| "nobody knows".to_owned())),
        ("because", spec.justification.clone().unwrap_or_else(|| "no justification is given".to_owned())),
        ("device", status.device.as_ref().map_or_else(|| "not looked up yet".to_owned(), device)),
        ("action", if spec.dry_run { format!("{action}, as a dry run") } else { action }),
        ("due", spec.request_time.to_string()),
        ("not sent after", until.map_or_else(|| "not known yet".to_owned(), |until| until.to_string())),
        ("state", state(status)),
    ];
    let mut text = format!("PasscodeReset {}\n", reset.full_name());
    for (name, value) in lines {
        // Whoever asked wrote some of this, and terminals obey control characters.
        text.push_str(&format!("  {name:<15} {}\n", visible(&value)));
    }
    text
}

fn device(device: &DeviceStatus) -> String {
    let facts = [&device.model, &device.operating_system, &device.os_version, &device.ownership];
    let facts: Vec<_> = facts.into_iter().filter(|fact| !fact.is_empty()).map(String::as_str).collect();
    format!("{} ({}), Intune's id {}", device.platform, facts.join(", "), device.managed_device_id)
}

/// The word for the state, and its sentence.
pub(super) fn state(status: &PasscodeResetStatus) -> String {
    match conditions::get(&status.conditions, kind::READY) {
        None => "the operator has not seen it yet".to_owned(),
        Some(ready) => visible(&format!("{}: {}", ready.reason, ready.message)),
    }
}

/// What was created.
pub(super) fn stored(approval: &PasscodeResetApproval) -> String {
    let (namespace, name) = (approval.namespace().unwrap_or_default(), approval.name_any());
    let spec = &approval.spec;
    let decided = match spec.decision {
        ApprovalDecision::Approved => "Approved",
        ApprovalDecision::Denied => "Denied",
        ApprovalDecision::Overridden => "Overridden",
    };
    format!(
        "{decided} by {}. To take it back as long as the reset is not sent: kubectl delete pcra -n {namespace} {name}\n",
        spec.approver
    )
}
