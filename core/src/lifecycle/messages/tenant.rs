//! The IntuneTenant that an object names: missing, unreadable, in trouble, suspended, or not for this namespace.

use super::{SoFar, joined, second};
use crate::{
    api::{Time, reset::PasscodeReset},
    lifecycle::observed::NotReady,
};

pub(in crate::lifecycle) fn no_such_tenant(name: &str) -> String {
    format!(
        "There is no IntuneTenant \"{name}\". Nothing was sent. Misspelt? Delete this and create it again with the right tenantRef (ask the \
         platform team). Otherwise it goes on by itself once that IntuneTenant exists."
    )
}

/// The tenant was deleted after something was sent.
pub(in crate::lifecycle) fn tenant_is_gone(name: &str, so_far: SoFar) -> String {
    joined(&[
        &format!("There is no IntuneTenant \"{name}\" any more."),
        so_far.waiting(),
        "This goes on by itself once it exists again. Ask the platform team.",
    ])
}

/// Its spec, by which times are reckoned, is not known.
pub(in crate::lifecycle) fn unreadable_tenant(not_ready: &NotReady) -> String {
    format!(
        "{}: {} Nothing is sent for this object, and nothing is looked up, until that is fixed; then it goes on by itself. Ask the platform team.",
        not_ready.reason, not_ready.message
    )
}

pub(in crate::lifecycle) fn another_entra_tenant(name: &str, tenant_id: &str) -> String {
    format!(
        "The IntuneTenant \"{name}\" names another Entra tenant than when this request began ({tenant_id}). Nothing more is sent for this \
         object, and nothing is followed, until an IntuneTenant \"{name}\" of that Entra tenant is back. Ask the platform team. Is the device \
         in the new one? Create a new PasscodeReset."
    )
}

/// In trouble nobody can look; what was sent may be carried out all the same.
pub(in crate::lifecycle) fn blind(not_ready: &NotReady) -> String {
    format!(
        "{}: {} A reset was sent for this object, or is followed for it, and the device may carry it out meanwhile. It is looked for again \
         by itself once that is fixed; if it lasts, ask the platform team.",
        not_ready.reason, not_ready.message
    )
}

pub(in crate::lifecycle) fn tenant_not_ready(
    not_ready: &NotReady,
    so_far: SoFar,
    expiration: Time,
    now: jiff::Timestamp,
) -> String {
    let expires = second(expiration);
    let rest = if now > expiration.0 {
        format!("The time to send it ended at {expires}: it ends as soon as the tenant answers.")
    } else {
        format!(
            "This goes on by itself once that is fixed; if it lasts, ask the platform team. It is not sent after {expires}."
        )
    };
    joined(&[&format!("{}: {}", not_ready.reason, not_ready.message), so_far.waiting(), &rest])
}

pub(in crate::lifecycle) fn suspended(name: &str, so_far: SoFar, expiration: Time) -> String {
    joined(&[
        &format!("The IntuneTenant \"{name}\" is suspended (spec.suspend): nothing is sent from this cluster."),
        so_far.waiting(),
        &format!(
            "This goes on by itself once the tenant is resumed; it is not sent after {}. Urgent? Ask the platform team which cluster is \
             the active one.",
            second(expiration)
        ),
    ])
}

pub(in crate::lifecycle) fn expired_while_suspended(name: &str, expiration: Time, settled: Time) -> String {
    format!(
        "The IntuneTenant \"{name}\" is suspended (spec.suspend), and the time to send this ended at {}: it is not sent from this cluster. \
         Another cluster may have sent it in time, so Intune's record of the device is watched until {}.",
        second(expiration),
        second(settled)
    )
}

pub(in crate::lifecycle) fn namespace_in_doubt(so_far: SoFar) -> String {
    joined(&["Checking once more, in 30 s, whether the IntuneTenant allows this namespace.", so_far.waiting()])
}

pub(in crate::lifecycle) fn namespace_not_allowed(object: &PasscodeReset, so_far: SoFar) -> String {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let tenant = &object.spec.tenant_ref.name;
    joined(&[
        &format!("The IntuneTenant \"{tenant}\" does not allow namespace \"{namespace}\"."),
        so_far.ended(),
        "Did you mean your help desk's namespace (-n)? Create it there. Otherwise ask the platform team to allow this one in the \
         IntuneTenant's allowedNamespaces, then create a new PasscodeReset.",
    ])
}
