//! Why a reset is not sent, for good: each with what to write instead.

use super::{SoFar, joined, second, up_to_the_minute};
use crate::api::{
    Duration, Time,
    matrix::MatrixAction,
    reset::{PasscodeResetSpec, RequestedAction},
    reset_status::SupportStatus,
};

pub(in crate::lifecycle) const WORK_PROFILE_ONLY: &str = "On this device Intune can only reset the work profile's passcode, which does not unlock the phone. To have that, \
     create a new PasscodeReset with action: ResetWorkProfilePasscode. A forgotten phone lock needs a factory reset.";

/// What the matrix or the action asked for refuses, as a verdict.
pub(in crate::lifecycle) fn not_offered_here(refusal: &str) -> String {
    joined(&[&super::ended(refusal), SoFar::Nothing.ended()])
}

/// Until when an object could be sent, and whether its author wrote that.
#[derive(Clone, Copy)]
pub(in crate::lifecycle) struct Expiry {
    requested: Time,
    at: Time,
    written: bool,
}

impl Expiry {
    pub(in crate::lifecycle) const fn new(spec: &PasscodeResetSpec, at: Time) -> Self {
        Self { requested: spec.request_time, at, written: spec.expiration_time.is_some() }
    }

    /// That it is over. Who wrote no expirationTime is told of what was written.
    fn is_over(self, whose: &str) -> String {
        let at = second(self.at);
        if self.written {
            return format!("The expirationTime, {at}, has passed.");
        }
        let window = self.at.0.duration_since(self.requested.0);
        let window = Duration::from(std::time::Duration::try_from(window).unwrap_or_default());
        format!("requestTime {} is too old: it could be sent for {window}{whose}, until {at}.", second(self.requested))
    }
}

const NOW: &str = "Locked out now? Create a new PasscodeReset with requestTime now";

pub(in crate::lifecycle) fn expired(expiry: Expiry, so_far: SoFar, waited_for: Option<&str>) -> String {
    let last = waited_for.map_or_else(String::new, |reason| format!("It last waited for: {reason}."));
    let over = expiry.is_over(" (the tenant's issueWindow)");
    joined(&[&over, so_far.ended(), &last, NOW]) + "."
}

pub(in crate::lifecycle) fn expired_without_tenant(name: &str, expiry: Expiry) -> String {
    format!(
        "There is no IntuneTenant \"{name}\". Nothing was sent. {} {NOW} and the tenantRef of an IntuneTenant that exists (ask the platform team).",
        expiry.is_over("")
    )
}

pub(in crate::lifecycle) fn too_far(latest: Time) -> String {
    format!(
        "requestTime is more than 30 days after this object's creation. Nothing was sent. Is the year or the month wrong? Create a new PasscodeReset \
         with a requestTime not after {}.",
        second(latest)
    )
}

/// Names of fields are what somebody typed, and may be anything.
pub(in crate::lifecycle) fn dropped(fields: &[String], so_far: SoFar) -> String {
    let plain = |field: &String| -> String {
        let letters = field.chars().map(|c| if c.is_ascii_alphanumeric() || "._-[]".contains(c) { c } else { '?' });
        letters.take(60).collect()
    };
    let named: Vec<String> = fields.iter().take(5).map(plain).collect();
    format!(
        "The manifest has {}, which a PasscodeReset does not have; the API server dropped it, and what was left may mean something else. \
         {} See kubectl explain pcr.spec for the names (dryRun, expirationTime, …), and create a new PasscodeReset.",
        named.join(" and "),
        so_far.ended()
    )
}

pub(in crate::lifecycle) fn recently_reset(start: Time, again: Time) -> String {
    format!(
        "The device already had a passcode reset at {}, shortly before requestTime: most likely a second ticket for the same \
         lock-out. Nothing was sent. If it is locked out again, create a new PasscodeReset with requestTime {} or later.",
        second(start),
        up_to_the_minute(again)
    )
}

/// `since`: certainly after requestTime; else only Intune's clock may have put it before.
pub(in crate::lifecycle) fn enrolled_after(enrolled: Time, since: bool, so_far: SoFar) -> String {
    let when = if since { "after requestTime" } else { "at about requestTime" };
    let what = format!("The device was enrolled at {}, {when}, so its passcode is new.", second(enrolled));
    joined(&[&what, so_far.ended(), "If it is locked out again, create a new PasscodeReset with requestTime now."])
}

pub(in crate::lifecycle) fn unsupported(guidance: &str) -> String {
    if guidance.is_empty() {
        return "Intune cannot reset the passcode of this device. Look at the device in the Intune admin center."
            .to_owned();
    }
    guidance.to_owned()
}

pub(in crate::lifecycle) fn not_offered(requested: RequestedAction, offered: MatrixAction) -> String {
    format!(
        "This device does not offer {}; it offers {}. Create a new PasscodeReset with that action{}.",
        requested.as_str(),
        offered.as_str(),
        if offered == MatrixAction::ResetWorkProfilePasscode { "" } else { ", or without one" }
    )
}

/// `to_wait_for`: what policies ask for before it is sent.
pub(in crate::lifecycle) fn dry_run(
    support: Option<&SupportStatus>,
    scheduled: bool,
    to_wait_for: Option<&str>,
) -> String {
    let action = support.and_then(|support| support.action.as_deref()).unwrap_or("the action");
    let when = if scheduled { "at its requestTime" } else { "now" };
    let would = match to_wait_for {
        Some(wait) => format!("Without dryRun, {action} would not be sent {when}: it would wait. {wait}"),
        None => format!("Without dryRun, {action} would be sent {when}."),
    };
    joined(&["Dry run: nothing was sent.", &would, "To have it sent, create a new PasscodeReset without dryRun."])
}
